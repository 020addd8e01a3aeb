//! What the modules of an engine have run, told to the engine that goes on with its game.
//!
//! The libraries lie where they were opened from. Whoever starts the next engine keeps this and hands it over; what can
//! be gone back to is decided here, by the registry that has run it and by the one that takes it up.

use std::path::{Path, PathBuf};

use keel_core_types::ModuleId;
use keel_engine::ModuleTag;
use keel_loader::Module;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::lineage::Lineage;
use crate::registry::Generation;
use crate::ring::Replaced;

/// What runs of each module and what it can go back to, by the files of their libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Past {
    /// What leaves the ring first comes first; what is live comes last.
    generations: Vec<PastGeneration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PastGeneration {
    module: String,
    number: u64,
    lineage: Lineage,
    library: PastLibrary,
}

/// The file of a library, as it was when it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PastLibrary {
    pub(crate) path: PathBuf,
    pub(crate) checksum: u64,
}

impl PastLibrary {
    /// That of an open module; `None` for one that is linked in.
    pub(crate) fn of(module: &Module) -> Option<Self> {
        let (path, checksum) = (module.file().path().to_owned(), module.file().checksum());
        (!path.as_os_str().is_empty()).then_some(Self { path, checksum })
    }
}

impl Past {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    /// The files of all of them.
    pub fn libraries(&self) -> impl Iterator<Item = &Path> {
        self.generations.iter().map(|it| it.library.path.as_path())
    }

    /// Forgets a library of a module: nobody goes back to it any more. What came after it comes after what was before it.
    pub fn forget(&mut self, module: &str, library: &Path) {
        // A process may know it by another path, where a folder on the way is a link.
        let is_file = |path: &Path| path.file_name() == library.file_name();
        let is_it = |it: &PastGeneration| it.module == module && is_file(&it.library.path);
        let Some(index) = self.generations.iter().position(is_it) else { return };
        let gone = self.generations.remove(index).lineage;
        for later in self.generations.iter_mut().filter(|it| it.module == module) {
            if later.lineage.before == Some(gone.origin) {
                later.lineage.before = gone.before;
            }
        }
    }

    /// What is known of the code that is live as `live`.
    fn of_live(&self, module: &str, live: &Generation) -> Option<&PastGeneration> {
        let path = live.module.file().path();
        self.generations.iter().find(|it| it.module == module && it.library.path == path)
    }
}

impl Registry {
    /// What the modules run and can go back to, for an engine that goes on with this one's game.
    pub fn past(&self) -> Past {
        let ring = self.ring.kept().map(|it| (&it.tag, it.number, it.lineage, it.library()));
        let live =
            self.live().map(|(tag, live)| (tag, live.number, live.lineage, PastLibrary::of(&live.module)));
        let generations = ring.chain(live).filter_map(|(tag, number, lineage, library)| {
            Some(PastGeneration { module: tag.name().to_owned(), number, lineage, library: library? })
        });
        Past { generations: generations.collect() }
    }

    /// Takes up what the modules have run in the engine before this one: they can go back to it as they could there. No
    /// library is opened before it is gone back to. The modules that are to be live are; one that runs what its past does
    /// not know has none.
    pub fn take_up(&mut self, past: Past) {
        let Some(newest) = past.generations.iter().map(|it| it.lineage.swap).max() else { return };
        // What this engine has loaded was one swap, newer than all of them.
        let loaded = newest + 1;
        self.swaps = self.swaps.max(loaded + 1);
        let mut known = Vec::new();
        for slot in self.slots.values_mut() {
            let Some(live) = &mut slot.live else { continue };
            match past.of_live(slot.tag.name(), live) {
                Some(PastGeneration { lineage, .. }) => {
                    // It has been gone on with, and stands as such.
                    live.lineage = Lineage { standing: live.lineage.standing, ..*lineage };
                    known.push((slot.tag.id(), lineage.origin));
                }
                None => live.lineage.swap = loaded,
            }
        }
        for PastGeneration { module, number, lineage, library } in past.generations {
            let id = ModuleId::of(&module);
            if known.iter().any(|(known, live)| *known == id && *live != lineage.origin) {
                self.ring.push(Replaced::of_past(ModuleTag::new(&module), number, lineage, library));
            }
        }
    }
}
