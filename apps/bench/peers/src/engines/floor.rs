//! Plain arrays: what the machine can do, when a program knows all of it beforehand.

use std::hint::black_box;
use std::mem::swap;
use std::thread::available_parallelism;

use crate::data::{
    Global, Hit, Local, Position, Rotation, Thing, Transform, Velocity, go_as_numbers, inserted, moving,
    thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{
    ACCESSED, ARCHETYPES, CALLS, CHANGED, CHANGED_ONE_IN, EMPTY_SYSTEMS, EVENTS, FRAGMENTS, GROWTH, HEAVY,
    LARGE, NODES, PER_FRAGMENT, PER_WORLD, SAVED, SCATTERED, SCHEDULED, SIMPLE, WATCHED, WORLDS, damage,
    invert_again_and_again, parent_of, shuffled, speed, start,
};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("floor", Storage::Arrays);
    simple(&mut cases);
    fragments(&mut cases);
    schedule(&mut cases);
    heavy(&mut cases);
    changes(&mut cases);
    watched(&mut cases);
    many(&mut cases);
    access(&mut cases);
    names(&mut cases);
    hierarchy(&mut cases);
    events(&mut cases);
    saving(&mut cases);
    cases
}

/// Large entities, one array for each component.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Things {
    transforms: Vec<Transform>,
    positions: Vec<Position>,
    rotations: Vec<Rotation>,
    velocities: Vec<Velocity>,
}

impl Things {
    fn of(things: impl ExactSizeIterator<Item = Thing>) -> Self {
        let count = things.len();
        let mut all = Self {
            transforms: Vec::with_capacity(count),
            positions: Vec::with_capacity(count),
            rotations: Vec::with_capacity(count),
            velocities: Vec::with_capacity(count),
        };
        for (transform, position, rotation, velocity) in things {
            all.transforms.push(transform);
            all.positions.push(position);
            all.rotations.push(rotation);
            all.velocities.push(velocity);
        }
        all
    }
}

fn simple(cases: &mut Cases) {
    cases.case("simple_insert", "a Vec of each component, with_capacity").runs(
        || 0,
        |count| {
            let things = black_box(Things::of((0..SIMPLE).map(|_| inserted())));
            *count += things.positions.len();
        },
        |count| *count as f64,
    );
    cases.case("simple_iter", "two slices of numbers, zip").runs(
        || Things::of((0..SIMPLE).map(thing)),
        |things| go_as_numbers(&mut things.positions, &things.velocities),
        |things| sum(&things.positions),
    );
    cases.case("simple_iter", "two slices of vectors, zip").variant("vectors").runs(
        || Things::of((0..SIMPLE).map(thing)),
        |things| go(&mut things.positions, &things.velocities),
        |things| sum(&things.positions),
    );
}

fn fragments(cases: &mut Cases) {
    cases.case("fragmented_iter", "one slice").runs(
        || vec![1.0_f32; FRAGMENTS * PER_FRAGMENT],
        |data| black_box(data).iter_mut().for_each(|data| *data *= 2.0),
        |data| data.iter().map(|data| f64::from(*data)).sum(),
    );
}

/// The columns of one archetype of `schedule`.
#[derive(Default)]
struct Columns {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    d: Vec<f32>,
    e: Vec<f32>,
}

impl Columns {
    fn new(with_c: bool, with_d: bool, with_e: bool) -> Self {
        let column = |is_there: bool, value| if is_there { vec![value; SCHEDULED] } else { Vec::new() };
        Self {
            a: (0..SCHEDULED).map(|index| (index % 16) as f32).collect(),
            b: vec![1.0; SCHEDULED],
            c: column(with_c, 2.0),
            d: column(with_d, 3.0),
            e: column(with_e, 4.0),
        }
    }

    fn sum(&self) -> f64 {
        let columns = [(&self.a, 1.0), (&self.b, 2.0), (&self.c, 3.0), (&self.d, 5.0), (&self.e, 7.0)];
        let sums =
            columns.map(|(column, factor)| factor * column.iter().copied().map(f64::from).sum::<f64>());
        sums.iter().sum()
    }
}

fn swap_all(one: &mut [f32], other: &mut [f32]) {
    one.iter_mut().zip(other).for_each(|(one, other)| swap(one, other));
}

fn schedule(cases: &mut Cases) {
    cases.case("schedule", "slices swapped value by value, one thread").runs(
        || {
            let kinds =
                [(false, false, false), (true, false, false), (true, true, false), (true, false, true)];
            kinds.map(|(c, d, e)| Columns::new(c, d, e))
        },
        |archetypes| {
            archetypes.iter_mut().for_each(|it| swap_all(&mut it.a, &mut it.b));
            archetypes.iter_mut().for_each(|it| swap_all(&mut it.c, &mut it.d));
            archetypes.iter_mut().for_each(|it| swap_all(&mut it.c, &mut it.e));
        },
        |archetypes| archetypes.iter().map(Columns::sum).sum(),
    );
    for systems in EMPTY_SYSTEMS {
        let case = cases.case(&format!("schedule_overhead/{systems}"), "boxed closures, one after the other");
        let system = || -> Box<dyn FnMut()> { Box::new(|| {}) };
        case.runs(
            move || ((0..systems).map(|_| system()).collect::<Vec<_>>(), 0_u64),
            |(systems, steps)| {
                black_box(&mut *systems).iter_mut().for_each(|system| system());
                *steps += 1;
            },
            |(_, steps)| *steps as f64,
        );
    }
}

fn invert(transforms: &mut [Transform], positions: &mut [Position]) {
    for (transform, position) in transforms.iter_mut().zip(positions) {
        let mut place = (*position).into();
        invert_again_and_again(&mut transform.columns, &mut place);
        *position = place.into();
    }
}

fn heavy(cases: &mut Cases) {
    let things = || Things::of((0..HEAVY).map(thing));
    cases.case("heavy_compute", "slices in equal parts, scoped threads").variant("threads").runs(
        things,
        |things| {
            let part = HEAVY.div_ceil(available_parallelism().map_or(1, usize::from));
            let parts = things.transforms.chunks_mut(part).zip(things.positions.chunks_mut(part));
            std::thread::scope(|scope| {
                parts.for_each(|(transforms, positions)| drop(scope.spawn(|| invert(transforms, positions))));
            });
        },
        |things| sum(&things.positions),
    );
    cases.case("heavy_compute", "two slices, zip, one thread").runs(
        things,
        |things| invert(&mut things.transforms, &mut things.positions),
        |things| sum(&things.positions),
    );
}

fn changes(cases: &mut Cases) {
    cases.case("add_remove", "a Vec of the component with its owners, filled and cleared").runs(
        || {
            let a: Vec<f32> = (0..CHANGED).map(|index| (index % 16) as f32).collect();
            (a, Vec::<(u32, f32)>::new())
        },
        |(a, b)| {
            (0..a.len() as u32).for_each(|owner| b.push((owner, 1.0)));
            black_box(&mut *b);
            while let Some(removed) = b.pop() {
                black_box(removed);
            }
        },
        |(a, b)| a.iter().copied().map(f64::from).sum::<f64>() + b.len() as f64,
    );
}

/// A number for each, and when it was changed last.
fn watched(cases: &mut Cases) {
    cases.case("changed_iter", "two slices, of values and of ticks that are compared").runs(
        || (vec![0.0_f32; WATCHED], vec![0_u32; WATCHED], 0_u32, 0.0),
        |(values, ticks, now, sum)| {
            *now += 1;
            for index in (0..WATCHED).step_by(CHANGED_ONE_IN) {
                values[index] += 1.0;
                ticks[index] = *now;
            }
            for (value, tick) in values.iter().zip(black_box(&*ticks)) {
                if tick == now {
                    *sum += f64::from(*value);
                }
            }
        },
        |(.., sum)| *sum,
    );
}

type Moving = (Vec<Position>, Vec<Velocity>);

fn many(cases: &mut Cases) {
    let form = "two slices, zip";
    cases.case("simple_iter_1m", form).runs(|| movers(LARGE), go_all, |(positions, _)| sum(positions));
    cases.case("simple_iter_1m", "slices in equal parts, scoped threads").variant("threads").runs(
        || movers(LARGE),
        |(positions, velocities)| {
            let part = LARGE.div_ceil(available_parallelism().map_or(1, usize::from));
            let parts = positions.chunks_mut(part).zip(velocities.chunks(part));
            std::thread::scope(|scope| {
                parts.for_each(|(positions, velocities)| drop(scope.spawn(|| go(positions, velocities))));
            });
        },
        |(positions, _)| sum(positions),
    );
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), form).entities(entities);
        case.runs(move || movers(entities), go_all, |(positions, _)| sum(positions));
    }
    let worlds = cases.case("worlds", "two slices for each world").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| movers(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go_all),
        |worlds| worlds.iter().map(|(positions, _)| sum(positions)).sum(),
    );
    let form = "two slices for each world; worlds in equal parts, scoped threads";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| movers(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| {
            let part = WORLDS.div_ceil(available_parallelism().map_or(1, usize::from));
            std::thread::scope(|scope| {
                worlds.chunks_mut(part).for_each(|worlds| {
                    scope.spawn(|| worlds.iter_mut().for_each(go_all));
                });
            });
        },
        |worlds| worlds.iter().map(|(positions, _)| sum(positions)).sum(),
    );
}

fn movers(count: usize) -> Moving {
    let (mut positions, mut velocities) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (position, velocity) in (0..count).map(moving) {
        positions.push(position);
        velocities.push(velocity);
    }
    (positions, velocities)
}

fn go_all((positions, velocities): &mut Moving) {
    go(positions, velocities);
}

fn go(positions: &mut [Position], velocities: &[Velocity]) {
    for (position, velocity) in positions.iter_mut().zip(velocities) {
        position.go(velocity);
    }
}

fn sum(positions: &[Position]) -> f64 {
    positions.iter().map(|position| f64::from(position.x)).sum()
}

fn access(cases: &mut Cases) {
    cases.case("random_access", "a slice by index").operations(ACCESSED).runs(
        || {
            let positions: Vec<Position> = (0..ACCESSED).map(|index| start(index).into()).collect();
            (positions, shuffled(ACCESSED), 0.0)
        },
        |(positions, order, sum)| {
            order.iter().for_each(|index| *sum += f64::from(positions[*index].x));
        },
        |(.., sum)| *sum,
    );
}

/// Numbers of which it is known at run time where they lie in each vector, and a function of which it is known then
/// where it is.
fn names(cases: &mut Cases) {
    let numbers = || (0..ACCESSED).flat_map(start).collect::<Vec<f32>>();
    let form = "a slice of numbers, at an offset that is known at run time";
    cases.case("path_read", form).operations(ACCESSED).runs(
        move || (numbers(), 0.0),
        |(numbers, sum)| {
            let offset = black_box(0);
            numbers.chunks_exact(3).for_each(|vector| *sum += f64::from(vector[offset]));
        },
        |(_, sum)| *sum,
    );
    cases.case("path_write", form).operations(ACCESSED).runs(
        move || (numbers(), 0.0_f32),
        |(numbers, value)| {
            let offset = black_box(0);
            *value += 1.0;
            numbers.chunks_exact_mut(3).for_each(|vector| vector[offset] = *value);
        },
        |(numbers, _)| numbers.chunks_exact(3).map(|vector| f64::from(vector[0])).sum(),
    );
    cases.case("call_by_name", "a boxed closure").operations(CALLS).runs(
        || -> (Box<dyn Fn(u32, f32) -> f64>, f64) { (Box::new(damage), 0.0) },
        |(damage, sum)| *sum += (0..CALLS as u32).map(|target| black_box(&*damage)(target, 0.5)).sum::<f64>(),
        |(_, sum)| *sum,
    );
}

fn hierarchy(cases: &mut Cases) {
    cases.case("hierarchy", "arrays in which parents come before their children").runs(
        || {
            let locals: Vec<Local> = (0..NODES).map(|index| speed(index).into()).collect();
            let parents: Vec<Option<usize>> = (0..NODES).map(parent_of).collect();
            (locals, parents, vec![Global::from([0.0; 3]); NODES])
        },
        |(locals, parents, globals)| {
            for (index, (local, parent)) in locals.iter().zip(&*parents).enumerate() {
                let above = parent.map_or(Global::from([0.0; 3]), |parent| globals[parent]);
                globals[index] = above.below(local);
            }
        },
        |(.., globals)| globals.iter().map(|it| f64::from(it.x) + f64::from(it.y)).sum(),
    );
}

fn events(cases: &mut Cases) {
    cases.case("events", "a Vec, filled, read and cleared").runs(
        || (Vec::<Hit>::new(), 0.0),
        |(events, sum)| {
            (0..EVENTS as u32).for_each(|target| events.push(Hit { target, strength: 0.5 }));
            *sum += black_box(&*events).iter().map(Hit::weight).sum::<f64>();
            events.clear();
        },
        |(_, sum)| *sum,
    );
}

/// Positions, rotations and velocities, and as many bytes.
struct Copied {
    columns: [Vec<[f32; 3]>; 3],
    copies: [Vec<[f32; 3]>; 3],
    saved: usize,
}

impl Copied {
    fn new(entities: usize) -> Self {
        let column = |of: fn(usize) -> [f32; 3]| (0..entities).map(of).collect::<Vec<_>>();
        let columns = [column(start), column(start), column(speed)];
        Self { copies: columns.clone(), columns, saved: 0 }
    }

    fn save(&mut self) {
        for (column, copy) in self.columns.iter().zip(&mut self.copies) {
            copy.copy_from_slice(black_box(column));
        }
        self.saved = black_box(&self.copies)[0].len();
    }

    fn restore(&mut self) {
        for (column, copy) in self.columns.iter_mut().zip(&self.copies) {
            column.copy_from_slice(black_box(copy));
        }
        black_box(&self.columns);
    }
}

fn saving(cases: &mut Cases) {
    cases.case("serialize", "bincode of each array, into a reused buffer and back").runs(
        || (Things::of((0..SAVED).map(thing)), Vec::<u8>::new()),
        |(things, bytes)| {
            let config = bincode::config::standard().with_fixed_int_encoding();
            bytes.clear();
            bincode::serde::encode_into_std_write(&*things, bytes, config).expect("memory does not fail");
            (*things, _) = bincode::serde::decode_from_slice(bytes, config).expect("it was just encoded");
        },
        |(things, _)| sum(&things.positions),
    );
    let form = "a copy of the same bytes between two buffers that stay";
    let saved = |copied: &mut Copied| copied.saved as f64;
    let sum = |copied: &mut Copied| copied.columns[0].iter().map(|[x, ..]| f64::from(*x)).sum();
    cases.case("snapshot_1m", form).runs(|| Copied::new(LARGE), Copied::save, saved);
    cases.case("restore_1m", form).runs(|| Copied::new(LARGE), Copied::restore, sum);
    for archetypes in ARCHETYPES {
        let case = cases.case(&format!("snapshot_archetypes/{archetypes}"), form);
        case.runs(|| Copied::new(SCATTERED), Copied::save, saved);
        let case = cases.case(&format!("restore_archetypes/{archetypes}"), form);
        case.runs(|| Copied::new(SCATTERED), Copied::restore, sum);
    }
}
