//! Takes all the memory there is. It never looks at it, so that only its addresses are taken.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) {
    let mut hoard = Vec::new();
    while std::hint::black_box(steps) < u64::MAX {
        hoard.push(std::hint::black_box(vec![0_u8; 1 << 26])); // here
    }
}
