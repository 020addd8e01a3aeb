//! The generations that can be gone back to, kept for a while, and their retirement.

use std::collections::{BTreeMap, VecDeque};

use keel_binding::Released;
use keel_core_types::ModuleId;
use keel_engine::{ModuleCode, ModuleTag, contain};
use keel_loader::Module;

use crate::lineage::Lineage;
use crate::past::PastLibrary;
use crate::registry::Generation;
use crate::{Rejection, RetireReport};

/// A generation that runs no more.
pub(crate) struct Replaced {
    pub(crate) tag: ModuleTag,
    pub(crate) number: u64,
    pub(crate) lineage: Lineage,
    /// Whether its module was taken out since.
    parted: bool,
    kept: Kept,
}

/// What there is of a generation.
enum Kept {
    /// It has run here: its systems and handlers, and what holds its library, which is dropped last.
    Mapped(Box<(ModuleCode, Generation)>),
    /// It has run in an engine before this one. Its library is open here if it was to be gone back to, and that was
    /// refused.
    Past { file: PastLibrary, library: Option<Module> },
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

    /// Takes in a generation that was taken back: it is the first to leave, so that those before it stay in reach.
    pub(crate) fn push_taken_back(&mut self, replaced: Replaced) {
        self.replaced.push_front(replaced);
    }

    /// Takes out what is put back.
    pub(crate) fn take(&mut self, module: ModuleId, origin: u64) -> Option<Replaced> {
        let index = self.replaced.iter().position(|replaced| replaced.is(module, origin))?;
        self.replaced.remove(index)
    }

    /// The lineage of a generation that can be gone back to.
    pub(crate) fn find(&self, module: ModuleId, origin: u64) -> Option<Lineage> {
        self.replaced.iter().find(|replaced| replaced.is(module, origin)).map(|replaced| replaced.lineage)
    }

    /// The library of a generation that can be gone back to. One that only lies on disk is opened by `open`, once.
    ///
    /// # Errors
    /// That of `open`.
    pub(crate) fn library_of(
        &mut self,
        module: ModuleId,
        origin: u64,
        open: impl FnOnce(&PastLibrary) -> Result<Module, Rejection>,
    ) -> Option<Result<Module, Rejection>> {
        let replaced = self.replaced.iter_mut().find(|replaced| replaced.is(module, origin))?;
        Some(match &mut replaced.kept {
            Kept::Mapped(mapped) => Ok(mapped.1.module.clone()),
            Kept::Past { library: Some(library), .. } => Ok(library.clone()),
            Kept::Past { file, library } => open(file).inspect(|opened| *library = Some(opened.clone())),
        })
    }

    /// The origin of what ran as generation `number`.
    pub(crate) fn origin_of(&self, module: ModuleId, number: u64) -> Option<u64> {
        let found = self.of(module).find(|it| it.lineage.origin == number);
        found.or_else(|| self.of(module).find(|it| it.number == number)).map(|it| it.lineage.origin)
    }

    /// All that can be gone back to, the newest first.
    pub(crate) fn origins_of(&self, module: ModuleId) -> Vec<u64> {
        let mut origins: Vec<_> = self.of(module).map(|replaced| replaced.lineage.origin).collect();
        origins.sort_unstable_by(|a, b| b.cmp(a));
        origins
    }

    /// The highest number that any of them has had.
    pub(crate) fn highest_of(&self, module: ModuleId) -> Option<u64> {
        self.of(module).map(|replaced| replaced.number.max(replaced.lineage.origin)).max()
    }

    /// All of the modules that are still there, those first that leave first.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Replaced> {
        self.replaced.iter().filter(|replaced| !replaced.parted)
    }

    /// A module that has gone begins at 0 when it comes back; what ran before is not gone back to.
    pub(crate) fn part_with(&mut self, module: ModuleId) {
        for replaced in self.replaced.iter_mut().filter(|replaced| replaced.tag.id() == module) {
            replaced.parted = true;
        }
    }

    fn of(&self, module: ModuleId) -> impl Iterator<Item = &Replaced> {
        self.kept().filter(move |replaced| replaced.tag.id() == module)
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
        for (replaced, _) in leaving {
            let (name, generation) = (replaced.tag.name().to_owned(), replaced.number);
            let library = replaced.let_go();
            self.held.extend(library.map(|library| Held { name, generation, library }));
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
    /// and came back began at 0 again. Those from before that leave before all that can be gone back to.
    fn surplus(&self) -> Vec<bool> {
        let mut newer = BTreeMap::<_, usize>::new();
        let mut surplus = vec![false; self.replaced.len()];
        let (parted, reachable): (Vec<_>, Vec<_>) =
            (0..self.replaced.len()).rev().partition(|index| self.replaced[*index].parted);
        for index in reachable.into_iter().chain(parted) {
            let newer = newer.entry(self.replaced[index].tag.id()).or_default();
            *newer += 1;
            surplus[index] = *newer > self.size;
        }
        surplus
    }
}

impl Replaced {
    pub(crate) fn new(tag: ModuleTag, code: ModuleCode, generation: Generation) -> Self {
        let (number, lineage) = (generation.number, generation.lineage);
        Self { tag, number, lineage, parted: false, kept: Kept::Mapped(Box::new((code, generation))) }
    }

    /// One that has run in an engine before this one.
    pub(crate) fn of_past(tag: ModuleTag, number: u64, lineage: Lineage, file: PastLibrary) -> Self {
        Self { tag, number, lineage, parted: false, kept: Kept::Past { file, library: None } }
    }

    /// Its file; `None` for a module that is linked in.
    pub(crate) fn library(&self) -> Option<PastLibrary> {
        match &self.kept {
            Kept::Mapped(mapped) => PastLibrary::of(&mapped.1.module),
            Kept::Past { file, .. } => Some(file.clone()),
        }
    }

    fn is(&self, module: ModuleId, origin: u64) -> bool {
        self.tag.id() == module && !self.parted && self.lineage.origin == origin
    }

    /// Lets it go, but for its library, if that was ever opened.
    pub(crate) fn let_go(self) -> Option<Module> {
        let what = format!("an old generation of `{}`", self.tag.name());
        match self.kept {
            Kept::Mapped(mapped) => {
                let (code, generation) = *mapped;
                let library = generation.module.clone();
                let_go(&what, code);
                let_go(&what, generation);
                Some(library)
            }
            Kept::Past { library, .. } => library,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u64) -> Replaced {
        let lineage = Lineage { origin: number, ..Lineage::default() };
        let file = PastLibrary { path: format!("swim-{number}.so").into(), checksum: number };
        Replaced::of_past(ModuleTag::new("swim"), number, lineage, file)
    }

    #[test]
    fn what_was_taken_back_stays_longer_than_what_ran_before_the_module_was_removed() {
        let mut ring = Ring::new(2);
        ring.push(generation(7));
        ring.push(generation(8));
        ring.part_with(ModuleId::of("swim"));
        ring.push(generation(0));
        ring.push_taken_back(generation(1));
        ring.retire();
        assert_eq!(ring.origins_of(ModuleId::of("swim")), [1, 0]);
        ring.push(generation(2));
        ring.retire();
        assert_eq!(
            ring.origins_of(ModuleId::of("swim")),
            [2, 0],
            "it is the first to leave of those in reach"
        );
    }
}
