//! The frame: steps, timers, calls, tasks, faults and exchanges, through the public interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod atomic;
mod calls;
mod changes;
mod exchange;
mod faults;
mod functions;
mod limits;
mod locals;
mod marks;
mod observers;
mod parallel;
mod params;
mod relations;
mod sequential;
mod stages;
mod steps;
mod tasks;
mod timers;
mod trace;
mod worlds;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keel_engine::{Engine, EngineConfig, Frame, ModuleTag, SystemDescriptor};

/// 10 ms, so that times are round.
const STEP: Duration = Duration::from_millis(10);

fn engine() -> Engine {
    Engine::new(EngineConfig { step: STEP, steps_per_frame_max: 8, ..EngineConfig::default() })
}

/// What a panic is thrown with that panics once more when it is dropped.
struct Thrown;

impl Drop for Thrown {
    fn drop(&mut self) {
        panic!("the drop of what was thrown");
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A system that notes its name.
fn noting(diary: &Diary, name: &str) -> impl FnMut(&mut Frame<'_>) + Send + 'static {
    let (diary, name) = (diary.clone(), name.to_owned());
    move |_: &mut Frame<'_>| diary.note(name.clone())
}

fn add(engine: &mut Engine, diary: &Diary, module: &str, descriptor: SystemDescriptor) {
    let name = format!("{module}/{}", descriptor.name());
    engine.add_system(&ModuleTag::new(module), descriptor, noting(diary, &name)).unwrap();
}
