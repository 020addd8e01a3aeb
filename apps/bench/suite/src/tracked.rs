//! Going through what has changed.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::TrackedA;
use keel_bench_suite_types::task::{CHANGED_ONE_IN, WATCHED};

use crate::worlds::world_of;

struct Watched {
    world: World,
    /// Those that are changed.
    chosen: Vec<Entity>,
    sum: f64,
}

type Changing = PreparedQuery<&'static mut TrackedA>;
type New = PreparedQuery<&'static TrackedA, Changed<TrackedA>>;

pub(crate) fn declare(setup: &mut Setup) {
    let case = || BenchCase::new("changed_iter");
    let form = "a tracked component; Query::get_mut for each that is changed; Changed, for_each";
    setup.bench(case().form(form), || {
        let (mut changing, mut new) = (Changing::new(), New::new());
        let run = move |watched: &mut Watched| {
            change(watched, &mut changing);
            let Watched { world, sum, .. } = watched;
            new.query(world).for_each(|a| *sum += f64::from(a.0));
        };
        CheckedRoutine::new(watched(), run, |watched| watched.sum)
    });
    let form = "a tracked component; Query::get_mut for each that is changed; Changed, a plain for loop";
    setup.bench(case().variant("for").form(form), || {
        let (mut changing, mut new) = (Changing::new(), New::new());
        let run = move |watched: &mut Watched| {
            change(watched, &mut changing);
            for a in &new.query(&mut watched.world) {
                watched.sum += f64::from(a.0);
            }
        };
        CheckedRoutine::new(watched(), run, |watched| watched.sum)
    });
}

fn watched() -> Watched {
    let mut world = world_of([ModelTypeInfo::component::<TrackedA>()]);
    let entities = world.spawn_batch((0..WATCHED).map(|_| (TrackedA(0.0),)));
    let chosen = entities.into_iter().step_by(CHANGED_ONE_IN).collect();
    Watched { world, chosen, sum: 0.0 }
}

/// Changes one in so many, after all that was changed before has been seen.
fn change(Watched { world, chosen, .. }: &mut Watched, query: &mut Changing) {
    world.clear_changes();
    let mut query = query.query(world);
    for entity in chosen {
        query.get_mut(*entity).expect("it lives").0 += 1.0;
    }
}
