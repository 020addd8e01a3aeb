//! legion: archetypes, with a parallel schedule.

mod saving;

use std::hint::black_box;
use std::mem::swap;

use legion::query::Query;
use legion::storage::IntoSoa;
use legion::systems::SystemBuilder;
use legion::{Entity, IntoQuery, Read, Resources, Schedule, TryRead, World, Write};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use crate::data::{
    A, B, C, D, Data, E, F, G, Global, H, I, J, K, L, Local, M, N, O, P, Position, Q, R, S, T, Transform, U,
    V, Velocity, W, X, Y, Z, children_of_nodes, inserted, moving, thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{
    ACCESSED, CHANGED, EMPTY_SYSTEMS, GROWTH, HEAVY, LARGE, NODES, PER_FRAGMENT, PER_WORLD, SCHEDULED,
    SIMPLE, WORLDS, invert_again_and_again, shuffled, speed,
};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("legion", Storage::Archetypes);
    suite(&mut cases);
    large(&mut cases);
    saving::declare(&mut cases);
    cases.lacks(&["changed_iter"], "its filter maybe_changed tells archetypes, and not entities");
    cases.lacks(&["path_read", "path_write", "call_by_name"], "it has no reflection, and knows no functions");
    cases.lacks(&["events"], "it has events of its world alone, and none of one's own");
    cases
}

const FOR_EACH: &str = "Query::for_each_mut";

type Moving = (World, Query<(Write<Position>, Read<Velocity>)>);

fn things(count: usize) -> World {
    let mut world = World::default();
    world.extend((0..count).map(thing));
    world
}

fn many(count: usize) -> Moving {
    let mut world = World::default();
    world.extend((0..count).map(moving));
    (world, <(Write<Position>, Read<Velocity>)>::query())
}

fn simple() -> Moving {
    (things(SIMPLE), <(Write<Position>, Read<Velocity>)>::query())
}

fn go((world, query): &mut Moving) {
    query.for_each_mut(world, |(position, velocity)| position.go(velocity));
}

fn sum((world, _): &mut Moving) -> f64 {
    sum_of_places(world)
}

fn sum_of_places(world: &mut World) -> f64 {
    <Read<Position>>::query().iter(world).map(|position| f64::from(position.x)).sum()
}

fn invert((transform, position): (&mut Transform, &mut Position)) {
    let mut place = (*position).into();
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}

fn suite(cases: &mut Cases) {
    cases.case("simple_insert", "World::extend").runs(
        || 0,
        |count| {
            let mut world = World::default();
            *count += black_box(&mut world).extend((0..SIMPLE).map(|_| inserted())).len();
        },
        |count| *count as f64,
    );
    cases.case("simple_insert", "World::extend, a Vec of each component").variant("columns").runs(
        || 0,
        |count| {
            let mut world = World::default();
            let (transform, position, rotation, velocity) = inserted();
            let columns = (
                vec![transform; SIMPLE],
                vec![position; SIMPLE],
                vec![rotation; SIMPLE],
                vec![velocity; SIMPLE],
            );
            *count += black_box(&mut world).extend(columns.into_soa()).len();
        },
        |count| *count as f64,
    );
    cases.case("simple_iter", FOR_EACH).runs(simple, go, sum);
    cases.case("simple_iter", "Query::iter_chunks_mut, whole columns").variant("columns").runs(
        simple,
        |(world, query)| {
            for chunk in query.iter_chunks_mut(world) {
                let (positions, velocities) = chunk.into_components();
                positions.iter_mut().zip(velocities).for_each(|(position, velocity)| position.go(velocity));
            }
        },
        sum,
    );
    cases.case("fragmented_iter", FOR_EACH).runs(
        fragmented,
        |(world, query)| query.for_each_mut(world, |data| data.0 *= 2.0),
        |(world, _)| <Read<Data>>::query().iter(world).map(|data| f64::from(data.0)).sum(),
    );
    cases.case("schedule", "Schedule::execute").runs(
        scheduled,
        |(world, resources, schedule)| schedule.execute(world, resources),
        |(world, ..)| sum_of_letters(world),
    );
    let heavy = || (things(HEAVY), <(Write<Transform>, Write<Position>)>::query());
    cases.case("heavy_compute", "Query::for_each_mut, one thread").runs(
        heavy,
        |(world, query)| query.for_each_mut(world, invert),
        |(world, _)| sum_of_places(world),
    );
    cases.case("heavy_compute", "Query::par_for_each_mut").variant("threads").runs(
        heavy,
        |(world, query)| query.par_for_each_mut(world, invert),
        |(world, _)| sum_of_places(world),
    );
    cases.case("add_remove", "Entry::add_component for each, then remove_component for each").runs(
        || {
            let mut world = World::default();
            let entities = world.extend((0..CHANGED).map(|index| (A((index % 16) as f32),))).to_vec();
            (world, entities)
        },
        |(world, entities): &mut (World, Vec<Entity>)| {
            for entity in &*entities {
                world.entry(*entity).expect("it lives").add_component(B(1.0));
            }
            for entity in &*entities {
                world.entry(*entity).expect("it lives").remove_component::<B>();
            }
        },
        |(world, _)| {
            let sum: f64 = <Read<A>>::query().iter(world).map(|a| f64::from(a.0)).sum();
            sum + <Read<B>>::query().iter(world).count() as f64
        },
    );
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> (World, Query<Write<Data>>) {
            let mut world = World::default();
            $(world.extend((0..PER_FRAGMENT).map(|_| ($letter(0.0), Data(1.0))));)+
            (world, <Write<Data>>::query())
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn scheduled() -> (World, Resources, Schedule) {
    let mut world = World::default();
    let a = |index: usize| A((index % 16) as f32);
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), D(3.0))));
    world.extend((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), E(4.0))));
    let ab = SystemBuilder::new("ab")
        .with_query(<(Write<A>, Write<B>)>::query())
        .build(|_, world, (), query| query.for_each_mut(world, |(a, b)| swap(&mut a.0, &mut b.0)));
    let cd = SystemBuilder::new("cd")
        .with_query(<(Write<C>, Write<D>)>::query())
        .build(|_, world, (), query| query.for_each_mut(world, |(c, d)| swap(&mut c.0, &mut d.0)));
    let ce = SystemBuilder::new("ce")
        .with_query(<(Write<C>, Write<E>)>::query())
        .build(|_, world, (), query| query.for_each_mut(world, |(c, e)| swap(&mut c.0, &mut e.0)));
    let schedule = Schedule::builder().add_system(ab).add_system(cd).add_system(ce).build();
    (world, Resources::default(), schedule)
}

fn sum_of_letters(world: &mut World) -> f64 {
    let a: f64 = <Read<A>>::query().iter(world).map(|it| f64::from(it.0)).sum();
    let b: f64 = <Read<B>>::query().iter(world).map(|it| f64::from(it.0)).sum();
    let c: f64 = <Read<C>>::query().iter(world).map(|it| f64::from(it.0)).sum();
    let d: f64 = <Read<D>>::query().iter(world).map(|it| f64::from(it.0)).sum();
    let e: f64 = <Read<E>>::query().iter(world).map(|it| f64::from(it.0)).sum();
    a + 2.0 * b + 3.0 * c + 5.0 * d + 7.0 * e
}

fn large(cases: &mut Cases) {
    cases.case("simple_iter_1m", FOR_EACH).runs(|| many(LARGE), go, sum);
    cases.case("simple_iter_1m", "Query::par_for_each_mut").variant("threads").runs(
        || many(LARGE),
        |(world, query)| query.par_for_each_mut(world, |(position, velocity)| position.go(velocity)),
        sum,
    );
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), FOR_EACH).entities(entities);
        case.runs(move || many(entities), go, sum);
    }
    let worlds = cases.case("worlds", "Query::for_each_mut, one world after the other").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "Query::for_each_mut; worlds side by side by rayon's par_iter_mut";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.par_iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "components of one's own for the children; down from the root, Query::get_mut";
    cases.case("hierarchy", form).runs(tree, propagate, |tree| {
        <Read<Global>>::query()
            .iter(&tree.world)
            .map(|global| f64::from(global.x) + f64::from(global.y))
            .sum()
    });
    cases.case("random_access", "Query::get").operations(ACCESSED).runs(
        || {
            let mut world = World::default();
            let entities = world.extend((0..ACCESSED).map(moving)).to_vec();
            let order: Vec<Entity> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            (world, <Read<Position>>::query(), order, 0.0)
        },
        |(world, query, order, sum)| {
            for entity in &*order {
                *sum += f64::from(query.get(world, *entity).expect("all of them live").x);
            }
        },
        |(.., sum)| *sum,
    );
    for systems in EMPTY_SYSTEMS {
        let case = cases.case(&format!("schedule_overhead/{systems}"), "Schedule::execute");
        case.runs(
            move || {
                let mut schedule = Schedule::builder();
                for number in 0..systems {
                    let system = SystemBuilder::new(format!("system {number}"));
                    schedule.add_system(system.build(|_, _, (), ()| {}));
                }
                (World::default(), Resources::default(), schedule.build(), 0_u64)
            },
            |(world, resources, schedule, steps)| {
                schedule.execute(world, resources);
                *steps += 1;
            },
            |(.., steps)| *steps as f64,
        );
    }
}

/// legion knows no hierarchy: its authors write one.
struct Children(Vec<Entity>);

struct Tree {
    world: World,
    root: Entity,
    nodes: Query<(Read<Local>, Write<Global>, TryRead<Children>)>,
    open: Vec<(Entity, Global)>,
}

fn tree() -> Tree {
    let mut world = World::default();
    let zero = Global::from([0.0; 3]);
    let nodes = world.extend((0..NODES).map(|index| (Local::from(speed(index)), zero))).to_vec();
    for (node, children) in nodes.iter().zip(children_of_nodes()).filter(|(_, children)| !children.is_empty())
    {
        let children = Children(children.into_iter().map(|child| nodes[child]).collect());
        world.entry(*node).expect("it lives").add_component(children);
    }
    Tree {
        world,
        root: nodes[0],
        nodes: <(Read<Local>, Write<Global>, TryRead<Children>)>::query(),
        open: Vec::new(),
    }
}

fn propagate(Tree { world, root, nodes, open }: &mut Tree) {
    open.push((*root, Global::from([0.0; 3])));
    while let Some((node, above)) = open.pop() {
        let (local, global, children) = nodes.get_mut(world, node).expect("all of them live");
        *global = above.below(local);
        if let Some(Children(children)) = children {
            open.extend(children.iter().map(|child| (*child, *global)));
        }
    }
}
