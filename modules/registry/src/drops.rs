//! A module's object is dropped by the module's own code: who it is stands in a crash report, and a panic ends there and
//! is kept to be told.

use std::sync::Arc;

use keel_crash::{Mark, Thread};
use keel_engine::{Fault, Panic, catch};
use keel_loader::LoadedViewModel;
use parking_lot::Mutex;

/// The call, as it is told.
const DROP: &str = "drop";

/// The panics of modules' own `drop` that nobody has taken yet. Clones share them; they outlive the registry.
#[derive(Clone, Default)]
pub struct FailedDrops(Arc<Mutex<Vec<Fault>>>);

impl FailedDrops {
    /// So many are kept: they are taken after each frame.
    const MAX: usize = 64;

    /// Takes them out, as faults of this frame.
    pub fn take(&self, frame: u64) -> Vec<Fault> {
        let taken = std::mem::take(&mut *self.0.lock());
        taken.into_iter().map(|fault| Fault { frame, ..fault }).collect()
    }

    /// Has the object's `drop` called as one of `module`'s calls.
    pub(crate) fn watch(&self, module: &str, view_model: &mut LoadedViewModel) {
        let (drops, module) = (self.clone(), module.to_owned());
        view_model.dropped_by(move |drop_object| {
            let _running = Thread::current().enter(Mark::of(&module, DROP));
            if let Err(panic) = catch(drop_object) {
                drops.note(module, panic);
            }
        });
    }

    fn note(&self, module: String, panic: Panic) {
        let mut noted = self.0.lock();
        if noted.len() < Self::MAX {
            let (system, Panic { message, backtrace }) = (DROP.to_owned(), panic);
            noted.push(Fault { module, system, message, backtrace, frame: 0, suspended: false });
        }
    }
}
