//! What moves with what it belongs to.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{NODES, parent_of, speed};
use keel_bench_suite_types::{Global, Local};

use crate::worlds::world_of;

struct Tree {
    world: World,
    query: PreparedQuery<(&'static Local, &'static mut Global, Option<&'static Children>)>,
    /// Nodes whose children are still to be visited, and where they are.
    open: Vec<(Entity, Global)>,
}

pub(crate) fn declare(setup: &mut Setup) {
    let case =
        BenchCase::new("hierarchy").form("down from the root by Children, Query::get_mut for each node");
    setup.bench(case, || CheckedRoutine::new(tree(), propagate, |tree| sum(tree)));
}

fn tree() -> Tree {
    let mut world = world_of([ModelTypeInfo::component::<Local>(), ModelTypeInfo::component::<Global>()]);
    let zero = Global::from([0.0; 3]);
    let nodes = world.spawn_batch((0..NODES).map(|index| (Local::from(speed(index)), zero)));
    for (index, node) in nodes.iter().enumerate() {
        let parent = parent_of(index).map(|parent| nodes[parent]);
        world.set_parent(*node, parent).expect("a parent comes before its children");
    }
    Tree { world, query: PreparedQuery::new(), open: Vec::new() }
}

fn propagate(Tree { world, query, open }: &mut Tree) {
    let zero = Global::from([0.0; 3]);
    open.extend(world.roots().into_iter().map(|root| (root, zero)));
    let mut query = query.query(world);
    while let Some((node, above)) = open.pop() {
        let (local, global, children) = query.get_mut(node).expect("the hierarchy holds no stale ids");
        *global = Global { x: above.x + local.x, y: above.y + local.y, z: above.z + local.z };
        if let Some(children) = children {
            open.extend(children.entities().iter().map(|child| (*child, *global)));
        }
    }
}

fn sum(Tree { world, .. }: &Tree) -> f64 {
    let mut sum = 0.0;
    world.query::<&Global>().for_each(|global| sum += f64::from(global.x) + f64::from(global.y));
    sum
}
