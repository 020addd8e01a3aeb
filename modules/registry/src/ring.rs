//! The generations that were replaced, kept for a while, and their retirement.

use std::collections::{BTreeMap, VecDeque};

use keel_binding::Released;
use keel_engine::{ModuleCode, ModuleTag, contain};

use crate::RetireReport;
use crate::registry::Generation;

/// A generation that runs no more.
pub(crate) struct Replaced {
    pub(crate) tag: ModuleTag,
    /// Its systems and handlers.
    pub(crate) code: ModuleCode,
    /// How many worlds had been rebuilt when it ran last.
    pub(crate) epoch: u64,
    // Dropped last: it holds the library.
    pub(crate) generation: Generation,
}

/// The last generations of each module, oldest first.
pub(crate) struct Ring {
    size: usize,
    /// Counts how often the world was built anew; a generation that was replaced before the last time has left no
    /// pointer in it.
    epoch: u64,
    replaced: VecDeque<Replaced>,
    /// Views that were exchanged together; a reader may still hold one for the rest of its frame.
    released: Vec<Released>,
}

impl Ring {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, epoch: 0, replaced: VecDeque::new(), released: Vec::new() }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn push(&mut self, replaced: Replaced) {
        self.replaced.push_back(replaced);
    }

    pub(crate) fn release(&mut self, released: Released) {
        self.released.push(released);
    }

    pub(crate) fn world_was_rebuilt(&mut self) {
        self.epoch += 1;
    }

    /// Whether a generation has left the ring and only the world may still lead into it.
    pub(crate) fn wants_rebuilt_world(&self) -> bool {
        let may_go = |replaced: &Replaced| !replaced.generation.module.file().has_thread_locals();
        let surplus = self.surplus().into_iter().zip(&self.replaced).filter(|(leaves, _)| *leaves);
        surplus.filter(|(_, replaced)| may_go(replaced)).any(|(_, replaced)| replaced.epoch == self.epoch)
    }

    /// Lets those that have left the ring go.
    pub(crate) fn retire(&mut self) -> RetireReport {
        self.release_unused();
        let mut report = RetireReport::default();
        let surplus = self.surplus();
        let (leaving, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.replaced).into_iter().zip(surplus).partition(|(_, leaves)| *leaves);
        self.replaced = staying.into_iter().map(|(replaced, _)| replaced).collect();
        for (Replaced { tag, code, generation, .. }, _) in leaving {
            let number = generation.number;
            let module = generation.module.clone();
            let_go(tag.name(), code);
            let_go(tag.name(), generation);
            match module.retire() {
                Ok(()) => report.unmapped += 1,
                Err(kept) => report.kept.push(format!("{} generation {number}: {kept}", tag.name())),
            }
        }
        report
    }

    /// Lets all of them go.
    pub(crate) fn retire_all(&mut self) -> RetireReport {
        self.size = 0;
        self.retire()
    }

    fn release_unused(&mut self) {
        let (unused, used) =
            std::mem::take(&mut self.released).into_iter().partition::<Vec<_>, _>(Released::is_unused);
        self.released = used;
        unused.into_iter().for_each(|released| let_go("keel", released));
    }

    /// For each one, whether it is beyond the ring's size. Numbers don't tell them apart: a module that was removed
    /// and came back began at 0 again.
    fn surplus(&self) -> Vec<bool> {
        let mut newer = BTreeMap::<_, usize>::new();
        let mut surplus: Vec<_> = self
            .replaced
            .iter()
            .rev()
            .map(|replaced| {
                let newer = newer.entry(replaced.tag.id()).or_default();
                *newer += 1;
                *newer > self.size
            })
            .collect();
        surplus.reverse();
        surplus
    }
}

/// Drops what has code of a module, whose panic then ends nothing.
fn let_go<T>(module: &str, value: T) {
    if let Err(message) = contain(|| drop(value)) {
        log::warn!("an old generation of `{module}` was let go, though its `drop` {message}");
    }
}
