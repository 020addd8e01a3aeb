//! Where the code of a generation comes from, and how it has stood the test.

use keel_core_types::ModuleId;
use keel_engine::ModuleTag;
use serde::{Deserialize, Serialize};

use crate::registry::Generation;
use crate::{Code, Registry, Rejection};

/// Where the code of a generation comes from. It stays with the library when that is put back as a newer generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lineage {
    /// The generation in which the library went live first: its name among those of the module.
    pub(crate) origin: u64,
    /// The origin of the generation that it took the place of.
    pub(crate) before: Option<u64>,
    /// The swap that brought it. What one swap has brought together goes back together.
    pub(crate) swap: u64,
    pub(crate) standing: Standing,
}

/// How a library has stood the test of running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// It has not run for as long as its probation is.
    #[default]
    Unproven,
    /// It has.
    Proven,
    /// A fault has stopped it: nobody is put back to it without asking for it.
    Faulted,
}

/// A module, and the origin of the library that is to be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) tag: ModuleTag,
    pub(crate) origin: u64,
}

impl Lineage {
    /// That of a library that goes live for the first time, in the place of `live`.
    pub(crate) fn new(number: u64, live: Option<&Generation>, swap: u64) -> Self {
        let before = live.map(|live| live.lineage.origin);
        Self { origin: number, before, swap, standing: Standing::Unproven }
    }
}

impl Registry {
    /// What is to be put back so that `module` runs what it ran before, or the generation `to`: that, and what the undone
    /// swaps have brought with it.
    ///
    /// # Errors
    /// [`Code::NoSuchModule`] when there is no such module or nothing to go back to.
    pub(crate) fn targets_of(&self, module: &str, to: Option<u64>) -> Result<Vec<Target>, Rejection> {
        let slot = self.slots.get(&ModuleId::of(module));
        let Some((slot, live)) = slot.and_then(|slot| Some((slot, slot.live.as_ref()?))) else {
            return Err(self.no_such_module(module));
        };
        let wanted = match to {
            None => live.lineage.before,
            Some(number) if number == live.number || number == live.lineage.origin => {
                return Err(runs_already(module, number));
            }
            Some(number) => self.ring.origin_of(slot.tag.id(), number),
        };
        let origin = wanted.filter(|origin| self.ring.find(slot.tag.id(), *origin).is_some());
        let origin = origin.ok_or_else(|| self.nothing_to_go_back_to(live, module, to))?;
        let undone = self.undone_by(slot.tag.id(), origin);
        let mut targets = vec![Target { tag: slot.tag.clone(), origin }];
        for (tag, live) in self.live().filter(|(tag, _)| **tag != slot.tag) {
            let origin = self.before_swaps(tag.id(), live.lineage, &undone);
            if origin != live.lineage.origin {
                targets.push(Target { tag: tag.clone(), origin });
            }
        }
        Ok(targets)
    }

    /// The newest generation before the one that runs to which no fault has come, by its origin.
    pub(crate) fn last_good(&self, module: ModuleId) -> Option<u64> {
        let mut at = self.slots.get(&module)?.live.as_ref()?.lineage;
        loop {
            at = self.ring.find(module, at.before?)?;
            if at.standing != Standing::Faulted {
                return Some(at.origin);
            }
        }
    }

    /// The swaps that lie between what runs and `origin`; none if it never led to what runs.
    pub(crate) fn undone_by(&self, module: ModuleId, origin: u64) -> Vec<u64> {
        let mut undone = Vec::new();
        let mut at = self.slots.get(&module).and_then(|slot| slot.live.as_ref()).map(|live| live.lineage);
        while let Some(lineage) = at {
            if lineage.origin == origin {
                return undone;
            }
            undone.push(lineage.swap);
            at = lineage.before.and_then(|before| self.ring.find(module, before));
        }
        Vec::new()
    }

    /// What a module ran before the `undone` swaps. It stays as it is where that is not there any more: whether the rest
    /// fits it is then for the swap to say.
    fn before_swaps(&self, module: ModuleId, from: Lineage, undone: &[u64]) -> u64 {
        let mut at = from;
        while undone.contains(&at.swap) {
            let Some(before) = at.before.and_then(|before| self.ring.find(module, before)) else { break };
            at = before;
        }
        at.origin
    }

    /// Notes how the generation of a module that runs has stood the test.
    pub(crate) fn judge(&mut self, module: ModuleId, standing: Standing) {
        if let Some(live) = self.slots.get_mut(&module).and_then(|slot| slot.live.as_mut()) {
            live.lineage.standing = standing;
        }
    }

    /// Why a target can't be gone back to whose library can't be opened any more.
    pub(crate) fn without_library(&self, target: &Target, rejection: &Rejection) -> Rejection {
        let (module, origin) = (target.tag.name(), target.origin);
        let others = self.ring.origins_of(target.tag.id()).into_iter().filter(|other| *other != origin);
        let others: Vec<_> = others.collect();
        let step = match others.as_slice() {
            [] => "save the source as it was then".to_owned(),
            others => format!("kept are {}; name one by `--to N`", join(others)),
        };
        let message =
            format!("generation {origin} of module `{module}` can't be gone back to: {rejection}; {step}");
        Rejection::new(module, rejection.code, message)
    }

    fn nothing_to_go_back_to(&self, live: &Generation, module: &str, to: Option<u64>) -> Rejection {
        let known = self.ring.origins_of(ModuleId::of(module));
        let known = match known.as_slice() {
            [] => "no earlier generation of it is kept".to_owned(),
            known => format!("kept are {}; name one by `--to N`", join(known)),
        };
        let message = match to {
            Some(number) => format!("module `{module}` has no generation {number} to go back to: {known}"),
            None => format!(
                "module `{module}` runs generation {} and has nothing before it to go back to: {known}",
                live.number
            ),
        };
        Rejection::new(module, Code::NoSuchModule, message)
    }
}

fn runs_already(module: &str, number: u64) -> Rejection {
    let message = format!("module `{module}` runs generation {number} already; name another by `--to N`");
    Rejection::new(module, Code::NoSuchModule, message)
}

fn join(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
