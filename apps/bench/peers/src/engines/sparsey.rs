//! sparsey: a sparse set for each component, and groups that keep some of them side by side.

use std::hint::black_box;
use std::mem::swap;

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use sparsey::{Entity, World};

use crate::data::{
    A, B, C, D, Data, E, F, G, Global, H, I, J, K, L, Local, M, N, O, P, Position, Q, R, Rotation, S, T,
    Transform, U, V, Velocity, W, X, Y, Z, children_of_nodes, inserted, moving, thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{
    ACCESSED, CHANGED, GROWTH, HEAVY, LARGE, NODES, PER_FRAGMENT, PER_WORLD, SCHEDULED, SIMPLE, WORLDS,
    invert_again_and_again, shuffled, speed,
};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("sparsey", Storage::SparseSets);
    suite(&mut cases);
    large(&mut cases);
    cases.lacks(&["changed_iter"], "it detects no changes");
    cases.lacks(&["serialize", "snapshot_1m", "restore_1m"], "it saves no worlds");
    cases.lacks(&["snapshot_archetypes", "restore_archetypes"], "it saves no worlds, and has no archetypes");
    cases.lacks(&["path_read", "path_write", "call_by_name"], "it has no reflection, and knows no functions");
    cases.lacks(&["events"], "it has no events");
    cases.lacks(&["schedule_overhead"], "it has no schedule");
    cases
}

const SLICES: &str = "a group, QueryAll::slice";

fn empty_for_things() -> World {
    World::builder().add_group::<(Transform, Position, Rotation, Velocity)>().build()
}

fn things(count: usize) -> World {
    let mut world = empty_for_things();
    world.extend((0..count).map(thing));
    world
}

fn many(count: usize) -> World {
    let mut world = World::builder().add_group::<(Position, Velocity)>().build();
    world.extend((0..count).map(moving));
    world
}

/// A group of more components is a group of those, too.
fn go(world: &mut World) {
    world.for_each::<(&mut Position, &Velocity)>(|(position, velocity)| position.go(velocity));
}

fn go_in_slices(world: &mut World) {
    let mut query = world.query_all::<(&mut Position, &Velocity)>();
    let (positions, velocities) = query.slice().expect("they are a group");
    positions.iter_mut().zip(velocities).for_each(|(position, velocity)| position.go(velocity));
}

fn sum(world: &mut World) -> f64 {
    let mut sum = 0.0;
    world.for_each::<&Position>(|position| sum += f64::from(position.x));
    sum
}

fn suite(cases: &mut Cases) {
    cases.case("simple_insert", "World::extend into a group").runs(
        || 0,
        |count| {
            let mut world = empty_for_things();
            *count += black_box(&mut world).extend((0..SIMPLE).map(|_| inserted())).len();
        },
        |count| *count as f64,
    );
    cases.case("simple_insert", "World::extend, no group").variant("no group").runs(
        || 0,
        |count| {
            let mut world = World::builder()
                .register::<Transform>()
                .register::<Position>()
                .register::<Rotation>()
                .register::<Velocity>()
                .build();
            *count += black_box(&mut world).extend((0..SIMPLE).map(|_| inserted())).len();
        },
        |count| *count as f64,
    );
    let pairs = || {
        let mut world = World::builder()
            .register::<Transform>()
            .register::<Rotation>()
            .add_group::<(Position, Velocity)>()
            .build();
        world.extend((0..SIMPLE).map(thing));
        world
    };
    cases.case("simple_iter", "a group, World::for_each").runs(pairs, go, sum);
    cases.case("simple_iter", SLICES).variant("slices").runs(pairs, go_in_slices, sum);
    cases.case("fragmented_iter", "World::for_each").runs(
        fragmented,
        |world| world.for_each::<&mut Data>(|data| data.0 *= 2.0),
        |world| {
            let mut sum = 0.0;
            world.for_each::<&Data>(|data| sum += f64::from(data.0));
            sum
        },
    );
    cases.case("schedule", "a group of A and B; World::for_each, three in sequence").runs(
        scheduled,
        |world| {
            world.for_each::<(&mut A, &mut B)>(|(a, b)| swap(&mut a.0, &mut b.0));
            world.for_each::<(&mut C, &mut D)>(|(c, d)| swap(&mut c.0, &mut d.0));
            world.for_each::<(&mut C, &mut E)>(|(c, e)| swap(&mut c.0, &mut e.0));
        },
        sum_of_letters,
    );
    cases.case("heavy_compute", "World::for_each, one thread").runs(
        || things(HEAVY),
        |world| world.for_each::<(&mut Transform, &mut Position)>(invert),
        sum,
    );
    cases.case("heavy_compute", "World::par_for_each").variant("threads").runs(
        || things(HEAVY),
        |world| world.par_for_each::<(&mut Transform, &mut Position)>(invert),
        sum,
    );
    cases.case("add_remove", "World::insert for each, then World::delete for each").runs(
        || {
            let mut world = World::builder().register::<A>().register::<B>().build();
            let entities = world.extend((0..CHANGED).map(|index| (A((index % 16) as f32),))).to_vec();
            (world, entities)
        },
        |(world, entities): &mut (World, Vec<Entity>)| {
            for entity in &*entities {
                world.insert(*entity, (B(1.0),));
            }
            for entity in &*entities {
                world.delete::<(B,)>(*entity);
            }
        },
        |(world, _)| {
            let mut sum = 0.0;
            world.for_each::<&A>(|a| sum += f64::from(a.0));
            world.for_each::<&B>(|_| sum += 1.0);
            sum
        },
    );
}

fn invert((transform, position): (&mut Transform, &mut Position)) {
    let mut place = (*position).into();
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> World {
            let mut world = World::builder().register::<Data>()$(.register::<$letter>())+.build();
            $(world.extend((0..PER_FRAGMENT).map(|_| ($letter(0.0), Data(1.0))));)+
            world
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn scheduled() -> World {
    let mut world =
        World::builder().register::<C>().register::<D>().register::<E>().add_group::<(A, B)>().build();
    let a = |index: usize| A((index % 16) as f32);
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), D(3.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), E(4.0))));
    world
}

fn sum_of_letters(world: &mut World) -> f64 {
    let mut sum = 0.0;
    world.for_each::<&A>(|it| sum += f64::from(it.0));
    world.for_each::<&B>(|it| sum += 2.0 * f64::from(it.0));
    world.for_each::<&C>(|it| sum += 3.0 * f64::from(it.0));
    world.for_each::<&D>(|it| sum += 5.0 * f64::from(it.0));
    world.for_each::<&E>(|it| sum += 7.0 * f64::from(it.0));
    sum
}

fn large(cases: &mut Cases) {
    cases.case("simple_iter_1m", SLICES).runs(|| many(LARGE), go_in_slices, sum);
    cases.case("simple_iter_1m", "a group, World::par_for_each").variant("threads").runs(
        || many(LARGE),
        |world| {
            world.par_for_each::<(&mut Position, &Velocity)>(|(position, velocity)| position.go(velocity))
        },
        sum,
    );
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), SLICES).entities(entities);
        case.runs(move || many(entities), go_in_slices, sum);
    }
    let worlds =
        cases.case("worlds", "a group, QueryAll::slice, one world after the other").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go_in_slices),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "a group, QueryAll::slice; worlds side by side by rayon's par_iter_mut";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.par_iter_mut().for_each(go_in_slices),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "components of one's own for the children; down from the root, QueryOne::get";
    cases.case("hierarchy", form).runs(tree, propagate, |(world, ..)| {
        let mut sum = 0.0;
        world.for_each::<&Global>(|global| sum += f64::from(global.x) + f64::from(global.y));
        sum
    });
    cases.case("random_access", "World::query_one, QueryOne::get").operations(ACCESSED).runs(
        || {
            let mut world = World::builder().add_group::<(Position, Velocity)>().build();
            let entities = world.extend((0..ACCESSED).map(moving)).to_vec();
            let order: Vec<Entity> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            (world, order, 0.0)
        },
        |(world, order, sum)| {
            let mut query = world.query_one::<&Position>();
            for entity in &*order {
                *sum += f64::from(query.get(*entity).expect("all of them live").x);
            }
        },
        |(.., sum)| *sum,
    );
}

/// sparsey knows no hierarchy: its authors write one.
struct Children(Vec<Entity>);

type Tree = (World, Entity, Vec<(Entity, Global)>);

fn tree() -> Tree {
    let mut world = World::builder().add_group::<(Local, Global)>().register::<Children>().build();
    let zero = Global::from([0.0; 3]);
    let nodes = world.extend((0..NODES).map(|index| (Local::from(speed(index)), zero))).to_vec();
    for (node, children) in nodes.iter().zip(children_of_nodes()).filter(|(_, children)| !children.is_empty())
    {
        let children = Children(children.into_iter().map(|child| nodes[child]).collect());
        world.insert(*node, (children,));
    }
    (world, nodes[0], Vec::new())
}

fn propagate((world, root, open): &mut Tree) {
    let mut nodes = world.query_one::<(&Local, &mut Global, Option<&Children>)>();
    open.push((*root, Global::from([0.0; 3])));
    while let Some((node, above)) = open.pop() {
        let (local, global, children) = nodes.get(node).expect("all of them live");
        *global = above.below(local);
        if let Some(Children(children)) = children {
            open.extend(children.iter().map(|child| (*child, *global)));
        }
    }
}
