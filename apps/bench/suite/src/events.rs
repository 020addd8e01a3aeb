//! Events by the million.

use std::sync::Arc;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::engine::{Engine, EngineConfig, ModuleTag};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::Hit;
use keel_bench_suite_types::task::EVENTS;

use crate::schedule::update;

/// An engine, and what its reader has come to.
type Frames = (Engine, Arc<Atomic<f64>>);

pub(crate) fn declare(setup: &mut Setup) {
    let form = "a system with an EventWriter, send_all; a system with an EventReader";
    setup.bench(BenchCase::new("events").form(form), || {
        CheckedRoutine::new(typed(), |(engine, _)| update(engine), |(_, sum)| sum.get())
    });
    let form = "a system that calls World::send_batch, a system with an EventCursor";
    setup.bench(BenchCase::new("events").variant("frame").form(form), || {
        CheckedRoutine::new(with_frames(), |(engine, _)| update(engine), |(_, sum)| sum.get())
    });
}

fn hits() -> impl Iterator<Item = Hit> {
    (0..EVENTS as u32).map(|target| Hit { target, strength: 0.5 })
}

#[inline]
fn weight(hit: &Hit) -> f64 {
    f64::from(hit.strength) + f64::from(hit.target & 1)
}

fn engine() -> (Engine, ModuleTag) {
    let mut engine = Engine::new(EngineConfig::default());
    engine.world_mut().register(ModelTypeInfo::event::<Hit>()).expect("no other type has this name");
    (engine, ModuleTag::new("suite"))
}

fn typed() -> Frames {
    let ((mut engine, module), sum) = (engine(), Arc::new(Atomic::new(0.0)));
    let told = Arc::clone(&sum);
    let send = |mut writer: EventWriter<Hit>| writer.send_all(hits());
    let read = move |mut reader: EventReader<Hit>| {
        told.set(told.get() + reader.read().map(weight).sum::<f64>());
    };
    let added = engine.add_system(&module, SystemDescriptor::new("send"), send);
    added.expect("it is the first");
    let added = engine.add_system(&module, SystemDescriptor::new("read").after("send"), read);
    added.expect("its name is its own");
    (engine, sum)
}

fn with_frames() -> Frames {
    let ((mut engine, module), sum) = (engine(), Arc::new(Atomic::new(0.0)));
    let told = Arc::clone(&sum);
    let mut cursor = EventCursor::<Hit>::default();
    let send = |frame: &mut Frame<'_>| frame.world.send_batch(hits());
    let read = move |frame: &mut Frame<'_>| {
        let events = frame.world.events::<Hit>();
        told.set(told.get() + cursor.read(&events).map(weight).sum::<f64>());
    };
    let added = engine.add_system(&module, SystemDescriptor::new("send"), send);
    added.expect("it is the first");
    let added = engine.add_system(&module, SystemDescriptor::new("read").after("send"), read);
    added.expect("its name is its own");
    (engine, sum)
}
