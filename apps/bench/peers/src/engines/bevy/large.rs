//! Larger worlds, many worlds, and what else a game does.

use bevy_ecs::message::MessageRegistry;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{ScheduleConfigs, SingleThreadedExecutor};
use bevy_ecs::system::ScheduleSystem;
use bevy_tasks::{ComputeTaskPool, ParallelSliceMut, TaskPool};

use super::{FOR_EACH, Moving, go, moving_of, sum};
use crate::data::{Global, Hit, Local, Position, moving};
use crate::routine::Cases;
use crate::task::{ACCESSED, EVENTS, GROWTH, LARGE, NODES, PER_WORLD, WORLDS, parent_of, shuffled, speed};

pub(super) fn declare(cases: &mut Cases) {
    cases.case("simple_iter_1m", FOR_EACH).runs(|| many(LARGE), go, sum);
    cases.case("simple_iter_1m", "QueryState::par_iter_mut").variant("threads").runs(
        || {
            ComputeTaskPool::get_or_init(TaskPool::default);
            many(LARGE)
        },
        |(world, query)| query.par_iter_mut(world).for_each(|(mut position, velocity)| position.go(velocity)),
        sum,
    );
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), FOR_EACH).entities(entities);
        case.runs(move || many(entities), go, sum);
    }
    cases.case("random_access", "QueryState::query, Query::get").operations(ACCESSED).runs(
        || {
            let mut world = World::new();
            let entities: Vec<Entity> = world.spawn_batch((0..ACCESSED).map(moving)).collect();
            let order: Vec<Entity> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            let query = world.query::<&Position>();
            (world, query, order, 0.0)
        },
        |(world, query, order, sum)| {
            let query = query.query(world);
            for entity in &*order {
                *sum += f64::from(query.get(*entity).expect("all of them live").x);
            }
        },
        |(.., sum)| *sum,
    );
    let form = "ChildOf and Children; down from the roots, Query::get_mut";
    cases.case("hierarchy", form).runs(tree, propagate, |tree| {
        let globals = tree.nodes.iter(&tree.world);
        globals.map(|(_, global, _)| f64::from(global.x) + f64::from(global.y)).sum()
    });
    let form = "MessageWriter and MessageReader in two systems, SingleThreadedExecutor";
    cases.case("events", form).runs(
        || frames(send.into_configs()),
        |(world, schedule)| schedule.run(world),
        |(world, _)| world.resource::<Sum>().0,
    );
    let form = "MessageWriter::write_batch and MessageReader in two systems, SingleThreadedExecutor";
    cases.case("events", form).variant("batch").runs(
        || frames(send_batch.into_configs()),
        |(world, schedule)| schedule.run(world),
        |(world, _)| world.resource::<Sum>().0,
    );
    let worlds = cases.case("worlds", "QueryState::iter_mut, one world after the other").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "QueryState::iter_mut; worlds side by side by par_splat_map_mut on the ComputeTaskPool";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || {
            ComputeTaskPool::get_or_init(TaskPool::default);
            (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>()
        },
        |worlds| {
            let step = |_, worlds: &mut [Moving]| worlds.iter_mut().for_each(go);
            worlds.par_splat_map_mut(ComputeTaskPool::get(), None, step);
        },
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
}

fn many(count: usize) -> Moving {
    moving_of(|world| drop(world.spawn_batch((0..count).map(moving))))
}

struct Tree {
    world: World,
    roots: QueryState<Entity, (With<Children>, Without<ChildOf>)>,
    nodes: QueryState<(&'static Local, &'static mut Global, Option<&'static Children>)>,
    open: Vec<(Entity, Global)>,
}

fn tree() -> Tree {
    let mut world = World::new();
    let zero = Global::from([0.0; 3]);
    let nodes = world.spawn_batch((0..NODES).map(move |index| (Local::from(speed(index)), zero)));
    let nodes: Vec<Entity> = nodes.collect();
    for (index, node) in nodes.iter().enumerate() {
        if let Some(parent) = parent_of(index) {
            world.entity_mut(*node).insert(ChildOf(nodes[parent]));
        }
    }
    let (roots, nodes) = (world.query_filtered(), world.query());
    Tree { world, roots, nodes, open: Vec::new() }
}

fn propagate(Tree { world, roots, nodes, open }: &mut Tree) {
    open.extend(roots.iter(world).map(|root| (root, Global::from([0.0; 3]))));
    let mut nodes = nodes.query_mut(world);
    while let Some((node, above)) = open.pop() {
        let (local, mut global, children) = nodes.get_mut(node).expect("all of them live");
        *global = above.below(local);
        if let Some(children) = children {
            open.extend(children.iter().map(|child| (child, *global)));
        }
    }
}

/// What the reader has come to.
#[derive(Resource)]
struct Sum(f64);

fn frames(send: ScheduleConfigs<ScheduleSystem>) -> (World, Schedule) {
    let mut world = World::new();
    MessageRegistry::register_message::<Hit>(&mut world);
    world.insert_resource(Sum(0.0));
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.add_systems((bevy_ecs::message::message_update_system, send, read).chain());
    (world, schedule)
}

fn send(mut writer: MessageWriter<Hit>) {
    for target in 0..EVENTS as u32 {
        writer.write(Hit { target, strength: 0.5 });
    }
}

fn send_batch(mut writer: MessageWriter<Hit>) {
    writer.write_batch((0..EVENTS as u32).map(|target| Hit { target, strength: 0.5 }));
}

fn read(mut reader: MessageReader<Hit>, mut sum: ResMut<Sum>) {
    sum.0 += reader.read().map(Hit::weight).sum::<f64>();
}
