//! The module that the benchmarks swap and call. It is no part of any game: its manifest does not say that it is a
//! module, so only the benchmarks find it.

use keel::prelude::*;
use keel_bench_shapes::{Course, Data, Diary, Label, Place, ProbeView, Route, Strength, mark};

/// The module's state.
#[data]
#[derive(Default)]
pub struct Probe {}

struct Filler;

#[view_model]
impl ViewModel for Probe {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.provide::<dyn ProbeView>(Box::new(Filler));
        Ok(())
    }
}

impl ProbeView for Filler {
    fn next(&self, value: u64) -> u64 {
        value + 1
    }

    fn fill(&self, world: &mut World, entities: usize, archetypes: usize, data: Data) {
        for number in 0..entities {
            let at = number as f32;
            let entity = match data {
                Data::Plain => world.spawn((
                    Place { x: at, y: at + 0.5, z: -at },
                    Course::new(1.0, at, -1.0),
                    Strength { value: at },
                )),
                Data::Heap => world.spawn((
                    Label { text: format!("number {number} of them all") },
                    Route::new(vec![at, at + 1.0, at + 2.0, at + 3.0]),
                    Diary { days: vec![number as u32, 7, 9] },
                )),
            };
            mark(world, entity, number % archetypes);
        }
    }
}

keel::export_module! {
    view_model: Probe,
    models: [keel_bench_shapes],
    provides: [dyn ProbeView],
}
