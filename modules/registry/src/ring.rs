//! The generations that were replaced, kept for a while, and their retirement.

use std::collections::VecDeque;

use keel_binding::Released;
use keel_engine::{ModuleCode, ModuleTag};

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
        let unmappable = |replaced: &&Replaced| !replaced.generation.module.file().has_thread_locals();
        self.surplus().filter(unmappable).any(|replaced| replaced.epoch == self.epoch)
    }

    /// Lets those that have left the ring go.
    pub(crate) fn retire(&mut self) -> RetireReport {
        self.released.retain(|released| !released.is_unused());
        let mut report = RetireReport::default();
        let leaving: Vec<_> =
            self.surplus().map(|replaced| (replaced.tag.id(), replaced.generation.number)).collect();
        let (leaving, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut self.replaced)
            .into_iter()
            .partition(|replaced| leaving.contains(&(replaced.tag.id(), replaced.generation.number)));
        self.replaced = staying.into();
        for Replaced { tag, code, generation, .. } in leaving {
            let number = generation.number;
            let module = generation.module.clone();
            drop(code);
            drop(generation);
            match module.retire() {
                Ok(()) => report.unmapped += 1,
                Err(kept) => report.kept.push(format!("{} generation {number}: {kept}", tag.name())),
            }
        }
        report
    }

    /// Those beyond the ring's size, for each module.
    fn surplus(&self) -> impl Iterator<Item = &Replaced> {
        self.replaced.iter().enumerate().filter_map(|(index, replaced)| {
            let newer =
                self.replaced.iter().skip(index + 1).filter(|newer| newer.tag == replaced.tag).count();
            (newer >= self.size).then_some(replaced)
        })
    }
}
