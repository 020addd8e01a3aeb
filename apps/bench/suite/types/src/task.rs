//! The sizes and the numbers of the suite, for all engines: a case that computes something else is another case.
//!
//! The program with the other engines is compiled from this file, too.

/// The names of all cases; where several differ in a number after a slash, what comes before it. Each engine does each of
/// them, or says why it can't.
pub const CASES: [&str; 22] = [
    "simple_insert",
    "simple_iter",
    "fragmented_iter",
    "schedule",
    "heavy_compute",
    "add_remove",
    "changed_iter",
    "serialize",
    "simple_iter_1m",
    "growth",
    "random_access",
    "path_read",
    "path_write",
    "call_by_name",
    "hierarchy",
    "events",
    "worlds",
    "schedule_overhead",
    "snapshot_1m",
    "restore_1m",
    "snapshot_archetypes",
    "restore_archetypes",
];

/// The matrix of each entity, column by column.
pub type Matrix = [f32; 16];

/// Entities of `simple_insert` and `simple_iter`.
pub const SIMPLE: usize = 10_000;
/// Archetypes of `fragmented_iter`, one for each letter.
pub const FRAGMENTS: usize = 26;
/// Entities in each of them.
pub const PER_FRAGMENT: usize = 20;
/// Entities of each of the four kinds of `schedule`.
pub const SCHEDULED: usize = 10_000;
/// Entities of `heavy_compute`.
pub const HEAVY: usize = 1_000;
/// How often `heavy_compute` inverts the matrix of each.
pub const INVERSIONS: usize = 100;
/// Entities of `add_remove`.
pub const CHANGED: usize = 10_000;
/// Entities of `changed_iter`.
pub const WATCHED: usize = 10_000;
/// One in so many of them is changed each time.
pub const CHANGED_ONE_IN: usize = 100;
/// Entities of `serialize`.
pub const SAVED: usize = 1_000;
/// Entities of the cases of a large world.
pub const LARGE: usize = 1_000_000;
/// How large the world of `growth` becomes.
pub const GROWTH: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
/// Entities of `random_access`, each of which is read once.
pub const ACCESSED: usize = 100_000;
/// Calls of `call_by_name`.
pub const CALLS: usize = 100_000;
/// Nodes of `hierarchy`.
pub const NODES: usize = 100_000;
/// Children of each node, but for the last.
pub const BRANCHES: usize = 8;
/// Events of a frame.
pub const EVENTS: usize = 1_000_000;
/// Worlds of `worlds`.
pub const WORLDS: usize = 10_000;
/// Entities in each of them.
pub const PER_WORLD: usize = 100;
/// Entities of `snapshot_archetypes` and `restore_archetypes`.
pub const SCATTERED: usize = 20_000;
/// In how many archetypes they lie, one entity after the other in the next: a power of two, at most 2 to the [`KINDS`].
pub const ARCHETYPES: [usize; 3] = [1, 16, 256];
/// Pairs of components without a value that make the archetypes: entity `index` has of each pair the one that the bit of
/// `index % archetypes` says. So all have the same number of values, however many archetypes there are.
pub const KINDS: usize = 8;
/// Systems of `schedule_overhead`, none of which does anything.
pub const EMPTY_SYSTEMS: [usize; 3] = [3, 100, 1_000];

/// Where entity `index` is at first. Sums of these are exact, in whatever order they are made.
pub fn start(index: usize) -> [f32; 3] {
    let at = (index % 64) as f32;
    [at, at + 0.5, -at]
}

/// How fast entity `index` is.
pub fn speed(index: usize) -> [f32; 3] {
    [1.0, (index % 4) as f32 * 0.25, -0.5]
}

/// The matrix that all begin with: a turn by 1.2 about the first axis.
pub fn turn() -> Matrix {
    let (sin, cos) = (0.932_039_1, 0.362_357_75);
    [1.0, 0.0, 0.0, 0.0, 0.0, cos, sin, 0.0, 0.0, -sin, cos, 0.0, 0.0, 0.0, 0.0, 1.0]
}

/// Node `index` is below this one; `None` for the first.
pub fn parent_of(index: usize) -> Option<usize> {
    index.checked_sub(1).map(|before| before / BRANCHES)
}

/// The numbers below `count`, shuffled, each once: the order in which `random_access` reads.
pub fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..count).rev() {
        // Knuth's linear congruential generator, MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % (last + 1));
    }
    order
}

/// The function of `call_by_name`.
pub fn damage(target: u32, strength: f32) -> f64 {
    f64::from(strength) + f64::from(target & 1)
}

/// What `heavy_compute` does with one entity.
#[inline]
pub fn invert_again_and_again(matrix: &mut Matrix, position: &mut [f32; 3]) {
    for _ in 0..INVERSIONS {
        *matrix = inverse(matrix);
    }
    *position = turned(matrix, *position);
}

/// The direction `vector`, turned by `matrix`.
#[inline]
pub fn turned(matrix: &Matrix, [x, y, z]: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|row| matrix[row] * x + matrix[row + 4] * y + matrix[row + 8] * z)
}

/// The inverse by cofactors, from the determinants of the 2 x 2 blocks (Laplace's expansion along pairs of rows). All
/// zero or not a number where there is none.
#[inline]
pub fn inverse(matrix: &Matrix) -> Matrix {
    let at = |column: usize, row: usize| matrix[column * 4 + row];
    let pair = |columns: [usize; 2], rows: [usize; 2]| {
        at(columns[0], rows[0]) * at(columns[1], rows[1]) - at(columns[1], rows[0]) * at(columns[0], rows[1])
    };
    let upper = |first, second| pair([first, second], [0, 1]);
    let lower = |first, second| pair([first, second], [2, 3]);
    let (s0, s1, s2) = (upper(0, 1), upper(0, 2), upper(0, 3));
    let (s3, s4, s5) = (upper(1, 2), upper(1, 3), upper(2, 3));
    let (c0, c1, c2) = (lower(0, 1), lower(0, 2), lower(0, 3));
    let (c3, c4, c5) = (lower(1, 2), lower(1, 3), lower(2, 3));
    let scale = 1.0 / (s0 * c5 - s1 * c4 + s2 * c3 + s3 * c2 - s4 * c1 + s5 * c0);
    let three = |[a, b, c]: [f32; 3], [x, y, z]: [f32; 3]| (a * x - b * y + c * z) * scale;
    let column = |of: usize| [at(of, 0), at(of, 1), at(of, 2), at(of, 3)];
    let [m0, m1, m2, m3] = [column(0), column(1), column(2), column(3)];
    let row = |row: usize, [a, b, c, d, e, f]: [f32; 6]| {
        let three = |of: [f32; 3], by: [f32; 3]| three(of, by);
        [
            three([m1[row], m2[row], m3[row]], [f, e, d]),
            -three([m0[row], m2[row], m3[row]], [f, c, b]),
            three([m0[row], m1[row], m3[row]], [e, c, a]),
            -three([m0[row], m1[row], m2[row]], [d, b, a]),
        ]
    };
    let (upper, lower) = ([s0, s1, s2, s3, s4, s5], [c0, c1, c2, c3, c4, c5]);
    let rows = [row(1, lower), row(0, lower), row(3, upper), row(2, upper)];
    let mut inverse = [0.0; 16];
    for (of, cofactors) in rows.iter().enumerate() {
        // The adjugate's columns come from rows, with alternating signs.
        let sign = if of % 2 == 0 { 1.0 } else { -1.0 };
        for (index, cofactor) in cofactors.iter().enumerate() {
            inverse[of * 4 + index] = sign * cofactor;
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &Matrix, b: &Matrix) -> Matrix {
        std::array::from_fn(|index| {
            let (column, row) = (index / 4, index % 4);
            (0..4).map(|k| a[k * 4 + row] * b[column * 4 + k]).sum()
        })
    }

    fn check_inverse(matrix: &Matrix) {
        let product = product(matrix, &inverse(matrix));
        for (index, value) in product.iter().enumerate() {
            let expected = if index % 5 == 0 { 1.0 } else { 0.0 };
            assert!((value - expected).abs() < 1e-4, "{index}: {product:?}");
        }
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        check_inverse(&turn());
        check_inverse(&[2.0, 0.5, 1.0, 0.0, -1.0, 3.0, 0.25, 1.0, 0.0, 4.0, 1.5, -2.0, 1.0, 1.0, -1.0, 5.0]);
    }

    #[test]
    fn a_turn_keeps_the_first_axis_and_lengths() {
        assert_eq!(turned(&turn(), [3.0, 0.0, 0.0]), [3.0, 0.0, 0.0]);
        let [_, y, z] = turned(&turn(), [0.0, 2.0, 0.0]);
        assert!((y.hypot(z) - 2.0).abs() < 1e-6 && z > 0.0, "{y} {z}");
    }

    #[test]
    fn each_number_is_once_in_the_shuffled_order() {
        let order = shuffled(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn the_nodes_are_one_tree() {
        assert_eq!(parent_of(0), None);
        assert_eq!([1, 8, 9, 16, 17].map(parent_of), [Some(0), Some(0), Some(1), Some(1), Some(2)]);
    }
}
