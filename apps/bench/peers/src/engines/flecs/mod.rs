//! flecs_ecs: the bindings of Flecs, tables, with queries that are cached.

mod names;

use std::cell::Cell;
use std::hint::black_box;
use std::mem::swap;
use std::rc::Rc;

use flecs_ecs::prelude::*;

use crate::data::{
    A, B, C, D, Data, E, F, G, Global, H, Hit, I, J, K, L, Local, M, N, O, P, Position, Q, R, Rotation, S, T,
    Transform, U, V, Velocity, W, X, Y, Z, inserted, moving, thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{
    ACCESSED, CHANGED, CHANGED_ONE_IN, EMPTY_SYSTEMS, EVENTS, GROWTH, HEAVY, LARGE, NODES, PER_FRAGMENT,
    SCHEDULED, SIMPLE, WATCHED, invert_again_and_again, parent_of, shuffled, speed,
};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("flecs_ecs", Storage::Archetypes);
    suite(&mut cases);
    large(&mut cases);
    observed(&mut cases);
    names::declare(&mut cases);
    let why = "as JSON alone, for which its bindings describe no arrays, as a matrix is one";
    cases
        .lacks(&["serialize", "snapshot_1m", "restore_1m", "snapshot_archetypes", "restore_archetypes"], why);
    cases
}

const EACH: &str = "a cached query, each";
const BULK: &str = "World::entity_bulk, a slice of each component";

/// A query is let go before its world.
struct Moving {
    query: Query<(&'static mut Position, &'static Velocity)>,
    world: World,
}

fn things(count: usize) -> World {
    let world = World::new();
    insert(&world, (0..count).map(thing));
    world
}

fn insert(world: &World, things: impl ExactSizeIterator<Item = crate::data::Thing>) -> usize {
    let count = things.len();
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (transform, position, rotation, velocity) in things {
        columns.0.push(transform);
        columns.1.push(position);
        columns.2.push(rotation);
        columns.3.push(velocity);
    }
    let (transforms, positions, rotations, velocities): (
        Vec<Transform>,
        Vec<Position>,
        Vec<Rotation>,
        Vec<Velocity>,
    ) = columns;
    let mut entities = world.entity_bulk(count as u32);
    entities.set(&transforms).set(&positions).set(&rotations).set(&velocities).build().len()
}

fn many(count: usize) -> Moving {
    let world = World::new();
    let (positions, velocities): (Vec<Position>, Vec<Velocity>) = (0..count).map(moving).unzip();
    world.entity_bulk(count as u32).set(&positions).set(&velocities).build();
    Moving { query: world.new_query(), world }
}

fn go(Moving { query, .. }: &mut Moving) {
    query.each(|(position, velocity)| position.go(velocity));
}

fn sum(moving: &mut Moving) -> f64 {
    sum_of_places(&moving.world)
}

fn sum_of_places(world: &World) -> f64 {
    let mut sum = 0.0;
    world.new_query::<&Position>().each(|position| sum += f64::from(position.x));
    sum
}

fn simple() -> Moving {
    let world = things(SIMPLE);
    Moving { query: world.new_query(), world }
}

fn suite(cases: &mut Cases) {
    cases.case("simple_insert", BULK).runs(
        || 0,
        |count| {
            let world = World::new();
            *count += insert(black_box(&world), (0..SIMPLE).map(|_| inserted()));
        },
        |count| *count as f64,
    );
    cases.case("simple_iter", EACH).runs(simple, go, sum);
    cases.case("simple_iter", "a cached query, run, a field at a time").variant("fields").runs(
        simple,
        |Moving { query, .. }| {
            query.run(|mut it| {
                while it.next() {
                    let mut positions = it.field_mut::<Position>(0);
                    let velocities = it.field::<Velocity>(1);
                    for index in it.iter() {
                        positions[index].go(&velocities[index]);
                    }
                }
            });
        },
        sum,
    );
    cases.case("fragmented_iter", EACH).runs(
        fragmented,
        |(query, _)| query.each(|data| data.0 *= 2.0),
        |(query, _)| {
            let mut sum = 0.0;
            query.each(|data| sum += f64::from(data.0));
            sum
        },
    );
    cases.case("schedule", "three systems, World::progress").runs(
        scheduled,
        |world| {
            world.progress();
        },
        sum_of_letters,
    );
    cases.case("schedule", "three cached queries in sequence, each").variant("queries").runs(
        queries,
        |(ab, cd, ce, _)| {
            ab.each(|(a, b)| swap(&mut a.0, &mut b.0));
            cd.each(|(c, d)| swap(&mut c.0, &mut d.0));
            ce.each(|(c, e)| swap(&mut c.0, &mut e.0));
        },
        |(.., world)| sum_of_letters(world),
    );
    cases.case("heavy_compute", "a cached query, each, one thread").runs(
        || {
            let world = things(HEAVY);
            (world.new_query::<(&mut Transform, &mut Position)>(), world)
        },
        |(query, _)| {
            query.each(|(transform, position)| {
                let mut place = (*position).into();
                invert_again_and_again(&mut transform.columns, &mut place);
                *position = place.into();
            });
        },
        |(_, world)| sum_of_places(world),
    );
    cases.case("add_remove", "EntityView::set for each, then remove for each").runs(
        changing,
        |(world, entities)| {
            for entity in &*entities {
                world.entity_from_id(*entity).set(B(1.0));
            }
            for entity in &*entities {
                world.entity_from_id(*entity).remove(B::id());
            }
        },
        |(world, _)| {
            let mut sum = f64::from(world.count(B::id()));
            world.new_query::<&A>().each(|a| sum += f64::from(a.0));
            sum
        },
    );
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> (Query<&'static mut Data>, World) {
            let world = World::new();
            $(for _ in 0..PER_FRAGMENT {
                world.entity().set($letter(0.0)).set(Data(1.0));
            })+
            (world.new_query(), world)
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn letters() -> World {
    let world = World::new();
    let a: Vec<A> = (0..SCHEDULED).map(|index| A((index % 16) as f32)).collect();
    let (b, c) = (vec![B(1.0); SCHEDULED], vec![C(2.0); SCHEDULED]);
    let count = SCHEDULED as u32;
    world.entity_bulk(count).set(&a).set(&b).build();
    world.entity_bulk(count).set(&a).set(&b).set(&c).build();
    world.entity_bulk(count).set(&a).set(&b).set(&c).set(&vec![D(3.0); SCHEDULED]).build();
    world.entity_bulk(count).set(&a).set(&b).set(&c).set(&vec![E(4.0); SCHEDULED]).build();
    world
}

fn scheduled() -> World {
    let world = letters();
    world.system::<(&mut A, &mut B)>().each(|(a, b)| swap(&mut a.0, &mut b.0));
    world.system::<(&mut C, &mut D)>().each(|(c, d)| swap(&mut c.0, &mut d.0));
    world.system::<(&mut C, &mut E)>().each(|(c, e)| swap(&mut c.0, &mut e.0));
    world
}

type Queries = (
    Query<(&'static mut A, &'static mut B)>,
    Query<(&'static mut C, &'static mut D)>,
    Query<(&'static mut C, &'static mut E)>,
    World,
);

fn queries() -> Queries {
    let world = letters();
    (world.new_query(), world.new_query(), world.new_query(), world)
}

fn sum_of_letters(world: &mut World) -> f64 {
    let mut sum = 0.0;
    world.new_query::<&A>().each(|it| sum += f64::from(it.0));
    world.new_query::<&B>().each(|it| sum += 2.0 * f64::from(it.0));
    world.new_query::<&C>().each(|it| sum += 3.0 * f64::from(it.0));
    world.new_query::<&D>().each(|it| sum += 5.0 * f64::from(it.0));
    world.new_query::<&E>().each(|it| sum += 7.0 * f64::from(it.0));
    sum
}

fn changing() -> (World, Vec<Entity>) {
    let world = World::new();
    let a: Vec<A> = (0..CHANGED).map(|index| A((index % 16) as f32)).collect();
    let entities = world.entity_bulk(CHANGED as u32).set(&a).build();
    (world, entities)
}

fn large(cases: &mut Cases) {
    cases.case("simple_iter_1m", EACH).runs(|| many(LARGE), go, sum);
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), EACH).entities(entities);
        case.runs(move || many(entities), go, sum);
    }
    cases.case("random_access", "EntityView::get").operations(ACCESSED).runs(
        || {
            let world = World::new();
            let (positions, velocities): (Vec<Position>, Vec<Velocity>) = (0..ACCESSED).map(moving).unzip();
            let entities = world.entity_bulk(ACCESSED as u32).set(&positions).set(&velocities).build();
            let order: Vec<Entity> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            (world, order, 0.0)
        },
        |(world, order, sum)| {
            for entity in &*order {
                world.entity_from_id(*entity).get::<&Position>(|position| *sum += f64::from(position.x));
            }
        },
        |(.., sum)| *sum,
    );
    let form = "ChildOf, a cached query that cascades, each";
    cases.case("hierarchy", form).runs(
        tree,
        |(query, _)| {
            query.each(|(local, above, global)| {
                *global = above.map_or(Global::from([0.0; 3]), |above| *above).below(local);
            });
        },
        |(_, world)| {
            let mut sum = 0.0;
            let globals = world.new_query::<&Global>();
            globals.each(|global| sum += f64::from(global.x) + f64::from(global.y));
            sum
        },
    );
    cases.lacks(&["worlds"], "a world takes it 1.8 MB: 10,000 of them would be 18 GB");
    for systems in EMPTY_SYSTEMS {
        let case = cases.case(&format!("schedule_overhead/{systems}"), "World::progress");
        case.runs(
            move || {
                let world = World::new();
                for _ in 0..systems {
                    world.system::<()>().run(|_| {});
                }
                (world, 0_u64)
            },
            |(world, steps)| {
                world.progress();
                *steps += 1;
            },
            |(_, steps)| *steps as f64,
        );
    }
}

type Tree = (Query<(&'static Local, Option<&'static Global>, &'static mut Global)>, World);

fn tree() -> Tree {
    let world = World::new();
    let mut nodes: Vec<Entity> = Vec::with_capacity(NODES);
    for index in 0..NODES {
        let node = world.entity().set(Local::from(speed(index))).set(Global::from([0.0; 3]));
        if let Some(parent) = parent_of(index) {
            node.child_of(nodes[parent]);
        }
        nodes.push(node.id());
    }
    let mut query = world.query::<(&Local, Option<&Global>, &mut Global)>();
    query.term_at(1).parent().cascade();
    (query.build(), world)
}

/// What an observer has come to.
type Sum = Rc<Cell<f64>>;

fn observed(cases: &mut Cases) {
    let form = "EntityView::set for each that is changed; an observer of OnSet";
    cases.case("changed_iter", form).runs(watched, change, |(_, _, _, sum)| sum.get());
    let form = "World::event, emit for each; an observer of the event";
    cases.case("events", form).runs(emitter, emit, |(.., sum)| sum.get());
}

fn watched() -> (World, Vec<Entity>, f32, Sum) {
    let (world, sum) = (World::new(), Sum::default());
    let entities = world.entity_bulk(WATCHED as u32).set(&vec![A(0.0); WATCHED]).build();
    let told = Rc::clone(&sum);
    world.observer::<flecs::OnSet, &A>().each(move |a| told.set(told.get() + f64::from(a.0)));
    (world, entities.into_iter().step_by(CHANGED_ONE_IN).collect(), 0.0, sum)
}

fn change((world, chosen, value, _): &mut (World, Vec<Entity>, f32, Sum)) {
    *value += 1.0;
    for entity in &*chosen {
        world.entity_from_id(*entity).set(A(*value));
    }
}

fn emitter() -> (World, Entity, Sum) {
    let (world, sum) = (World::new(), Sum::default());
    let told = Rc::clone(&sum);
    world.observer::<Hit, &A>().each_iter(move |it, _, _| told.set(told.get() + it.param().weight()));
    let target = world.entity().set(A(0.0)).id();
    (world, target, sum)
}

fn emit((world, entity, _): &mut (World, Entity, Sum)) {
    for target in 0..EVENTS as u32 {
        world.event().add(A::id()).entity(*entity).emit(&Hit { target, strength: 0.5 });
    }
}
