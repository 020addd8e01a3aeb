//! The ticks of tracked resources.

use std::sync::atomic::{AtomicU32, Ordering};

use super::table::NONE;
use super::{TickWindow, ValueTicks};

/// The ticks of one resource; [`NONE`] where there is none.
#[derive(Default)]
pub(super) struct ResourceTicks {
    pub(super) added: AtomicU32,
    pub(super) changed: AtomicU32,
}

impl ResourceTicks {
    /// Notes that there is a value now, or another one.
    pub(super) fn insert(&mut self, now: u32) {
        if *self.added.get_mut() == NONE {
            *self.added.get_mut() = now;
        }
        *self.changed.get_mut() = now;
    }

    pub(super) fn remove(&mut self) {
        *self = Self::default();
    }

    pub(super) fn shift(&mut self, by: u32) {
        super::table::shift_all(std::slice::from_mut(&mut self.added), by);
        super::table::shift_all(std::slice::from_mut(&mut self.changed), by);
    }

    #[inline]
    pub(super) fn value(&self, window: TickWindow) -> ValueTicks<'_> {
        ValueTicks { added: &self.added, changed: &self.changed, window }
    }
}

impl Clone for ResourceTicks {
    fn clone(&self) -> Self {
        let copy = |tick: &AtomicU32| AtomicU32::new(tick.load(Ordering::Relaxed));
        Self { added: copy(&self.added), changed: copy(&self.changed) }
    }
}
