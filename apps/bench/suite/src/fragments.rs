//! Few entities in many archetypes.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::PER_FRAGMENT;
use keel_bench_suite_types::{
    A, B, C, D, Data, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, SparseData, T, U, V, W, X, Y, Z,
};

use crate::worlds::world_of;

pub(crate) fn declare(setup: &mut Setup) {
    let case = || BenchCase::new("fragmented_iter");
    setup.bench(case().form("PreparedQuery::query, for_each; columns"), || {
        let mut query = PreparedQuery::<&mut Data>::new();
        let double = move |world: &mut World| query.query(world).for_each(|data| data.0 *= 2.0);
        CheckedRoutine::new(fragmented(Data(1.0)), double, |world| sum(world))
    });
    let form = "PreparedQuery::query, for_each; Data is a sparse component";
    setup.bench(case().variant("sparse").form(form), || {
        let mut query = PreparedQuery::<&mut SparseData>::new();
        let double = move |world: &mut World| query.query(world).for_each(|data| data.0 *= 2.0);
        CheckedRoutine::new(fragmented(SparseData(1.0)), double, |world| sum_of_sparse(world))
    });
    let form = "PreparedQuery::query, a plain for loop; columns";
    setup.bench(case().variant("for").form(form), || {
        let mut query = PreparedQuery::<&mut Data>::new();
        let double = move |world: &mut World| {
            for data in &mut query.query(world) {
                data.0 *= 2.0;
            }
        };
        CheckedRoutine::new(fragmented(Data(1.0)), double, |world| sum(world))
    });
    setup.bench(case().variant("borrowed").form("World::query, for_each; columns"), || {
        CheckedRoutine::new(fragmented(Data(1.0)), double_each, |world| sum(world))
    });
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        /// A few entities with each of the letters, and with `data`.
        fn fragmented<Held: Component + Copy>(data: Held) -> World {
            let mut world = world_of([
                ModelTypeInfo::component::<Held>(), $(ModelTypeInfo::component::<$letter>()),+
            ]);
            $(world.spawn_batch((0..PER_FRAGMENT).map(|_| ($letter(0.0), data)));)+
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

fn sum_of_sparse(world: &World) -> f64 {
    let mut sum = 0.0;
    world.query::<&SparseData>().for_each(|data| sum += f64::from(data.0));
    sum
}
