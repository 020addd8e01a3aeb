//! Few entities in many archetypes.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::PER_FRAGMENT;
use keel_bench_suite_types::{
    A, B, C, D, Data, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z,
};

use crate::worlds::world_of;

pub(crate) fn declare(setup: &mut Setup) {
    let case = BenchCase::new("fragmented_iter").form("World::query, for_each");
    setup.bench(case, || CheckedRoutine::new(fragmented(), double_each, |world| sum(world)));
    let case = BenchCase::new("fragmented_iter").variant("prepared").form("PreparedQuery::query, for_each");
    setup.bench(case, || {
        let mut query = PreparedQuery::<&mut Data>::new();
        let double = move |world: &mut World| query.query(world).for_each(|data| data.0 *= 2.0);
        CheckedRoutine::new(fragmented(), double, |world| sum(world))
    });
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> World {
            let mut world = world_of([
                ModelTypeInfo::component::<Data>(), $(ModelTypeInfo::component::<$letter>()),+
            ]);
            $(world.spawn_batch((0..PER_FRAGMENT).map(|_| ($letter(0.0), Data(1.0))));)+
            world
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn double_each(world: &mut World) {
    world.query::<&mut Data>().for_each(|data| data.0 *= 2.0);
}

fn sum(world: &World) -> f64 {
    let mut sum = 0.0;
    world.query::<&Data>().for_each(|data| sum += f64::from(data.0));
    sum
}
