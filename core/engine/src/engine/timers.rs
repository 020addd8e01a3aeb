//! The timers of one step.

use std::collections::BTreeMap;
use std::time::Duration;

use keel_core_types::{ModuleId, ViewSource};

use super::Engine;
use crate::call::Call;
use crate::fault::Panic;
use crate::frame::Due;
use crate::schedule::Outcome;

/// So many timers that a module has started while timers ran may be due in the same step. One that starts itself again
/// without a delay would never let the step end.
const CHAINED_MAX: u32 = 65_536;

/// The timers that were started while those of a step ran, and are due in it.
struct Chained {
    /// The last one that was started before.
    last: u64,
    by_module: BTreeMap<ModuleId, u32>,
}

impl Chained {
    /// Counts a timer that is due; whether it is the first of its module that is too many.
    fn is_too_much(&mut self, due: &Due) -> bool {
        if due.timer <= self.last {
            return false;
        }
        let count = self.by_module.entry(due.call.module).or_default();
        *count += 1;
        *count == CHAINED_MAX + 1
    }
}

impl Engine {
    /// Calls what is due at `end` or before, each at its own time.
    pub(super) fn run_timers(&mut self, end: Duration, views: &dyn ViewSource) {
        let mut chained = Chained { last: self.runtime.timers.started(), by_module: BTreeMap::new() };
        while let Some(due) = self.runtime.timers.next_due(end) {
            self.runtime.time.now = due.at;
            if chained.is_too_much(&due) {
                self.end_chain(&due.call);
            } else {
                self.run_call(&due.call, views);
            }
        }
        self.runtime.time.now = end;
    }

    /// Suspends the module of a call, as after a panic: what else of its timers is due then calls nothing.
    fn end_chain(&mut self, call: &Call) {
        let Some((module, _)) = self.handlers.find_mut(call) else { return };
        let message = format!(
            "its timers have started each other {CHAINED_MAX} times within one step, the last one this handler's; start \
             it with a delay, or once by `Timers::every`"
        );
        let outcome = Outcome::Panicked(Panic { message, backtrace: None });
        self.runtime.note(module, &call.local_name(), outcome);
    }
}
