//! Components that come and go.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::CHANGED;
use keel_bench_suite_types::{A, B, SparseB};

use crate::worlds::world_of;

struct Changing {
    world: World,
    entities: Vec<Entity>,
}

pub(crate) fn declare(setup: &mut Setup) {
    let case = || BenchCase::new("add_remove");
    let form = "World::insert for each, then World::remove for each; columns";
    setup.bench(case().form(form), || {
        CheckedRoutine::new(changing::<B>(), |it| add_and_remove(it, B(1.0)), |it| sum::<B>(it))
    });
    let form = "World::insert for each, then World::remove for each; B is a sparse component";
    setup.bench(case().variant("sparse").form(form), || {
        let both = |changing: &mut Changing| add_and_remove(changing, SparseB(1.0));
        CheckedRoutine::new(changing::<SparseB>(), both, |it| sum::<SparseB>(it))
    });
}

fn changing<T: Component>() -> Changing {
    let mut world = world_of([ModelTypeInfo::component::<A>(), ModelTypeInfo::component::<T>()]);
    let entities = world.spawn_batch((0..CHANGED).map(|index| (A((index % 16) as f32),)));
    Changing { world, entities }
}

fn add_and_remove<T: Component + Copy>(Changing { world, entities }: &mut Changing, value: T) {
    for entity in &*entities {
        world.insert(*entity, (value,)).expect("it lives");
    }
    for entity in &*entities {
        world.remove::<(T,)>(*entity).expect("it was just given one");
    }
}

/// What they have kept; nobody has a `T` any more.
fn sum<T: Component>(Changing { world, .. }: &Changing) -> f64 {
    let mut sum = 0.0;
    world.query::<&A>().for_each(|a| sum += f64::from(a.0));
    sum + world.query::<&T>().count() as f64
}
