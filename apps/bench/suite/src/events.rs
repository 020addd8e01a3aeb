//! Events by the million.

use std::sync::Arc;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::engine::{Engine, EngineConfig, ModuleTag};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::Hit;
use keel_bench_suite_types::task::EVENTS;

use crate::schedule::step;

/// An engine, and what its reader has come to.
type Frames = (Engine, Arc<Atomic<f64>>);

pub(crate) fn declare(setup: &mut Setup) {
    let form = "a system that calls World::send, a system with an EventCursor";
    setup.bench(BenchCase::new("events").form(form), || {
        CheckedRoutine::new(frames(), |(engine, _)| engine.update(step()), |(_, sum)| sum.get())
    });
}

fn frames() -> Frames {
    let mut engine = Engine::new(EngineConfig::default());
    engine.world_mut().register(ModelTypeInfo::event::<Hit>()).expect("no other type has this name");
    let sum = Arc::new(Atomic::new(0.0));
    let (module, told) = (ModuleTag::new("suite"), Arc::clone(&sum));
    let mut cursor = EventCursor::<Hit>::default();
    let send = |frame: &mut Frame<'_>| {
        for target in 0..EVENTS as u32 {
            frame.world.send(Hit { target, strength: 0.5 });
        }
    };
    let read = move |frame: &mut Frame<'_>| {
        let events = frame.world.events::<Hit>();
        let strength: f64 =
            cursor.read(&events).map(|hit| f64::from(hit.strength) + f64::from(hit.target & 1)).sum();
        told.set(told.get() + strength);
    };
    let added = engine.add_system(&module, SystemDescriptor::new("send"), send);
    added.expect("it is the first");
    let added = engine.add_system(&module, SystemDescriptor::new("read").after("send"), read);
    added.expect("its name is its own");
    (engine, sum)
}
