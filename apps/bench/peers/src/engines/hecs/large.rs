//! Larger worlds, many worlds, and what else a game does.

use hecs::{Entity, World};
use rayon::iter::{IntoParallelRefMutIterator, ParallelBridge, ParallelIterator};

use super::{FOR_EACH, go, sum};
use crate::data::{Global, Local, Position, Velocity, children_of_nodes, moving};
use crate::routine::Cases;
use crate::task::{ACCESSED, GROWTH, LARGE, NODES, PER_WORLD, WORLDS, shuffled, speed};

pub(super) fn declare(cases: &mut Cases) {
    cases.case("simple_iter_1m", FOR_EACH).runs(|| many(LARGE), go, sum);
    let form = "iter_batched(8192), rayon's par_bridge";
    cases.case("simple_iter_1m", form).variant("threads").runs(|| many(LARGE), go_in_threads, sum);
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), FOR_EACH).entities(entities);
        case.runs(move || many(entities), go, sum);
    }
    cases.case("random_access", "World::view, View::get").operations(ACCESSED).runs(
        || {
            let mut world = World::new();
            let entities: Vec<Entity> = world.spawn_batch((0..ACCESSED).map(moving)).collect();
            let order: Vec<Entity> = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
            (world, order, 0.0)
        },
        |(world, order, sum)| {
            let view = world.view_mut::<&Position>();
            for entity in &*order {
                *sum += f64::from(view.get(*entity).expect("all of them live").x);
            }
        },
        |(.., sum)| *sum,
    );
    let form = "components of one's own for the children; down from the root, World::view_mut";
    cases.case("hierarchy", form).runs(tree, propagate, |(world, ..)| {
        let globals = world.query_mut::<&Global>().into_iter();
        globals.map(|global| f64::from(global.x) + f64::from(global.y)).sum()
    });
    let worlds = cases.case("worlds", "World::query_mut, one world after the other").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
    let form = "World::query_mut; worlds side by side by rayon's par_iter_mut";
    let worlds = cases.case("worlds", form).variant("threads").operations(WORLDS);
    worlds.entities(WORLDS * PER_WORLD).runs(
        || (0..WORLDS).map(|_| many(PER_WORLD)).collect::<Vec<_>>(),
        |worlds| worlds.par_iter_mut().for_each(go),
        |worlds| worlds.iter_mut().map(sum).sum(),
    );
}

fn go_in_threads(world: &mut World) {
    let mut query = world.query::<(&mut Position, &Velocity)>();
    let batches = query.iter_batched(8192).par_bridge();
    batches.for_each(|batch| batch.for_each(|(position, velocity)| position.go(velocity)));
}

fn many(count: usize) -> World {
    let mut world = World::new();
    world.spawn_batch((0..count).map(moving));
    world
}

/// hecs knows no hierarchy: its authors write one.
struct Children(Vec<Entity>);

type Tree = (World, Entity, Vec<(Entity, Global)>);

fn tree() -> Tree {
    let mut world = World::new();
    let zero = Global::from([0.0; 3]);
    let node = |index| (Local::from(speed(index)), zero);
    let nodes: Vec<Entity> = world.spawn_batch((0..NODES).map(node)).collect();
    for (node, children) in nodes.iter().zip(children_of_nodes()).filter(|(_, children)| !children.is_empty())
    {
        let children = children.into_iter().map(|child| nodes[child]).collect();
        world.insert_one(*node, Children(children)).expect("it lives");
    }
    (world, nodes[0], Vec::new())
}

fn propagate((world, root, open): &mut Tree) {
    let mut view = world.view_mut::<(&Local, &mut Global, Option<&Children>)>();
    open.push((*root, Global::from([0.0; 3])));
    while let Some((node, above)) = open.pop() {
        let (local, global, children) = view.get_mut(node).expect("all of them live");
        *global = above.below(local);
        if let Some(Children(children)) = children {
            open.extend(children.iter().map(|child| (*child, *global)));
        }
    }
}
