//! The generations that were replaced, kept for a while, and their retirement.

use std::collections::{BTreeMap, VecDeque};

use keel_binding::Released;
use keel_engine::{ModuleCode, ModuleTag, contain};
use keel_loader::Module;

use crate::RetireReport;
use crate::registry::Generation;

/// A generation that runs no more.
pub(crate) struct Replaced {
    pub(crate) tag: ModuleTag,
    /// Its systems and handlers.
    pub(crate) code: ModuleCode,
    // Dropped last: it holds the library.
    pub(crate) generation: Generation,
}

/// The last generations of each module, oldest first.
pub(crate) struct Ring {
    size: usize,
    replaced: VecDeque<Replaced>,
    /// Libraries that have left the ring, and that somebody still holds: a world whose values their code made, a reader
    /// of their views. They go when they are let go.
    held: Vec<Held>,
    /// Views that were exchanged together; a reader may still hold one for the rest of its frame.
    released: Vec<Released>,
}

/// What is left of a generation but for its library.
struct Held {
    name: String,
    generation: u64,
    library: Module,
}

impl Ring {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, replaced: VecDeque::new(), held: Vec::new(), released: Vec::new() }
    }

    pub(crate) fn push(&mut self, replaced: Replaced) {
        self.replaced.push_back(replaced);
    }

    pub(crate) fn release(&mut self, released: Released) {
        self.released.push(released);
    }

    /// Lets those that have left the ring go.
    pub(crate) fn retire(&mut self) -> RetireReport {
        self.release_unused();
        let mut report = RetireReport::default();
        let surplus = self.surplus();
        let (leaving, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.replaced).into_iter().zip(surplus).partition(|(_, leaves)| *leaves);
        self.replaced = staying.into_iter().map(|(replaced, _)| replaced).collect();
        for (Replaced { tag, code, generation }, _) in leaving {
            let (number, library) = (generation.number, generation.module.clone());
            let what = format!("an old generation of `{}`", tag.name());
            let_go(&what, code);
            let_go(&what, generation);
            self.held.push(Held { name: tag.name().to_owned(), generation: number, library });
        }
        let (held, free): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.library.holders() > 0);
        self.held = held;
        report.held = self.held.len();
        free.into_iter().for_each(|held| held.retire(&mut report));
        report
    }

    /// Lets all of them go, for good: what is held now stays mapped.
    pub(crate) fn retire_all(&mut self) -> RetireReport {
        self.size = 0;
        let mut report = self.retire();
        report.held = 0;
        self.held.drain(..).for_each(|held| held.retire(&mut report));
        report
    }

    fn release_unused(&mut self) {
        let (unused, used) =
            std::mem::take(&mut self.released).into_iter().partition::<Vec<_>, _>(Released::is_unused);
        self.released = used;
        unused.into_iter().for_each(|released| let_go("an old view", released));
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

impl Held {
    fn retire(self, report: &mut RetireReport) {
        match self.library.retire() {
            Ok(()) => report.unmapped += 1,
            Err(kept) => report.kept.push(format!("{} generation {}: {kept}", self.name, self.generation)),
        }
    }
}

/// Drops what has code of a module, whose panic then ends nothing.
pub(crate) fn let_go<T>(what: &str, value: T) {
    if let Err(message) = contain(|| drop(value)) {
        log::warn!("{what} was let go, though its `drop` {message}");
    }
}
