//! The modules of one engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use keel_binding::{AnyPool, Binding};
use keel_core_types::{ModuleId, ViewId};
use keel_ecs::{ModelTypeInfo, ReplacedWorld};
use keel_engine::{Engine, EngineSnapshot, Fault, ModuleTag};
use keel_loader::{Census, LoadedViewModel, Loader, Module};
use keel_module_types::{ModuleKind, PooledTypeInfo};
use parking_lot::Mutex;

use crate::drops::FailedDrops;
use crate::good::GoodGames;
use crate::lifecycle::{Event, Lifecycle, Running, State};
use crate::lineage::{Lineage, Standing};
use crate::pools::Pools;
use crate::ring::{Ring, let_go};
use crate::{Checker, Code, Consent, Rejection, RetireReport, SwapReport};

/// How a registry works.
#[derive(Clone)]
pub struct RegistryConfig {
    /// How long `load`, `start` and `stop` may take.
    pub call_deadline: Duration,
    /// How long a module's tasks may take to end before it is removed or started afresh; then they are cancelled. At its
    /// swap, those that still run are cancelled at once: they had the time of its build.
    pub drain_deadline: Duration,
    /// How many generations of each module stay mapped after they were replaced; so many can be gone back to.
    pub ring: usize,
    /// For how much simulated time after its swap a module's panic puts the generation before back, with the last good
    /// game; zero for never. A driver that wants it calls [`Registry::after_frame`] after each frame.
    pub probation: Duration,
    /// Types that belong to no module, because the facade has them.
    pub own_types: Vec<Arc<ModelTypeInfo>>,
    /// Pools that belong to no module, because the facade has their types: the terminals, say. They describe what is
    /// outside of the game, and are neither saved nor reset.
    pub own_pools: Vec<Arc<dyn AnyPool>>,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_secs(2),
            drain_deadline: Duration::from_millis(20),
            ring: 4,
            probation: Duration::ZERO,
            own_types: Engine::own_types(),
            own_pools: Vec::new(),
        }
    }
}

/// What a registry tells those who listen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RegistryEvent {
    /// A module, or its next generation, has come to another state.
    StateChanged {
        /// Its name.
        module: String,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// These modules are about to be exchanged.
    BeforeSwap {
        /// Their names.
        modules: Vec<String>,
    },
    /// They were exchanged.
    AfterSwap(SwapReport),
}

/// What is known of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleStatus {
    /// Its name.
    pub name: String,
    /// What it exports.
    pub kind: ModuleKind,
    /// The version of its package.
    pub version: String,
    /// How often it was swapped.
    pub generation: u64,
    /// The generation in which its code went live first; another one after a rollback.
    pub same_as: u64,
    /// The file that this generation was opened from; empty for a module that is linked in.
    pub library: PathBuf,
    /// Where it, or its next generation, stands.
    pub state: State,
    /// The views that it provides, by name.
    pub views: Vec<String>,
    /// Its own writable statics, which start afresh in each generation.
    pub statics: Vec<String>,
    /// Whether it has thread-local storage, and so can't be unmapped.
    pub thread_locals: bool,
    /// Whether it can start threads of its own, and so can't be unmapped.
    pub threads: bool,
    /// Its own thread-locals, as far as they have names; they too start afresh in each generation.
    pub thread_local_names: Vec<String>,
}

/// One live generation of a module.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) lineage: Lineage,
    pub(crate) types: Vec<Arc<ModelTypeInfo>>,
    /// The types of models that it states.
    pub(crate) pools: Vec<Arc<PooledTypeInfo>>,
    /// Those of them whose pools it brings.
    pub(crate) brings: Vec<Arc<PooledTypeInfo>>,
    pub(crate) view_model: Option<Arc<Mutex<LoadedViewModel>>>,
    // Dropped last: all of the above is code of the library.
    pub(crate) module: Module,
}

/// A module and its live generation, if it has one.
pub(crate) struct Slot {
    pub(crate) tag: ModuleTag,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) live: Option<Generation>,
    /// How many modules had gone live before it: they are started in this order.
    pub(crate) turn: u64,
    /// How much simulated time is left in which a fault puts the generation before back; `None` for no such time.
    pub(crate) probation: Option<Duration>,
}

/// How many entities a world may have to be dropped between two frames: that takes less than a millisecond.
const DROPPED_AT_ONCE: usize = 10_000;

type Listener = Box<dyn FnMut(&RegistryEvent) + Send>;

/// The modules of one engine, by id.
pub struct Registry {
    pub(crate) config: RegistryConfig,
    pub(crate) binding: Arc<Binding>,
    pub(crate) slots: BTreeMap<ModuleId, Slot>,
    /// How many modules have gone live so far.
    pub(crate) turns: u64,
    pub(crate) ring: Ring,
    /// Views whose provider may be missing; see [`Registry::plan_views`].
    pub(crate) planned_views: BTreeSet<ViewId>,
    /// What a `start` in progress goes back to, and what a game is saved from. Its buffers are reused.
    pub(crate) point: EngineSnapshot,
    /// Worlds that were replaced, to be dropped when there is time.
    pub(crate) replaced_worlds: Vec<ReplacedWorld>,
    /// Large ones of them, on their way out.
    pub(crate) leaving: Vec<JoinHandle<()>>,
    pub(crate) pools: Pools,
    /// How many swaps there were.
    pub(crate) swaps: u64,
    pub(crate) good: GoodGames,
    /// The simulated time up to which probations were counted.
    pub(crate) watched: Duration,
    loader: Loader,
    failed_drops: FailedDrops,
    listeners: Vec<Listener>,
}

impl Registry {
    /// A registry without modules.
    pub fn new(config: RegistryConfig, binding: Arc<Binding>) -> Self {
        let pools = Pools::new(config.own_types.clone());
        if let Err(error) = binding.bind(pools.offer(&config.own_pools)) {
            log::error!("there will be no pool of worlds: {error}");
        }
        Self {
            ring: Ring::new(config.ring),
            config,
            binding,
            slots: BTreeMap::new(),
            turns: 0,
            planned_views: BTreeSet::new(),
            point: EngineSnapshot::new(),
            replaced_worlds: Vec::new(),
            leaving: Vec::new(),
            pools,
            swaps: 0,
            good: GoodGames::default(),
            watched: Duration::ZERO,
            loader: Loader::new(),
            failed_drops: FailedDrops::default(),
            listeners: Vec::new(),
        }
    }

    /// What checks libraries, on any thread.
    pub fn checker(&self) -> Checker {
        Checker::new(self.loader.clone(), self.config.call_deadline, self.failed_drops.clone())
    }

    /// Never drops what was replaced so far: for a process that is to say what the newest code does, and then ends.
    pub fn forget_replaced(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.ring, Ring::new(self.config.ring)));
    }

    /// The panics of modules' own `drop`, each of which ended there.
    pub fn failed_drops(&self) -> FailedDrops {
        self.failed_drops.clone()
    }

    /// Calls `listener` at each event, on the thread that drives the registry.
    pub fn listen(&mut self, listener: impl FnMut(&RegistryEvent) + Send + 'static) {
        self.listeners.push(Box::new(listener));
    }

    /// All modules, by name.
    pub fn modules(&self) -> Vec<ModuleStatus> {
        let mut modules: Vec<_> = self.slots.values().filter_map(Slot::status).collect();
        modules.sort_by(|a, b| a.name.cmp(&b.name));
        modules
    }

    /// The generation that the next swap of `module` makes.
    pub fn next_generation(&self, module: &str) -> u64 {
        let id = ModuleId::of(module);
        let live = self.slots.get(&id).and_then(|slot| slot.live.as_ref());
        // One that an engine before this one has run may have a higher number than what was put back for it.
        live.map_or(0, |live| live.number.max(self.ring.highest_of(id).unwrap_or_default()) + 1)
    }

    /// Which libraries are mapped.
    pub fn census(&self) -> Census {
        self.loader.census()
    }

    /// Checks the library at `path` and swaps it in, at once. The caller is between two frames.
    ///
    /// # Errors
    /// [`Rejection`]; nothing has changed then.
    pub fn load(
        &mut self,
        engine: &mut Engine,
        path: &Path,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let file = keel_loader::LibraryFile::read(path);
        let name = file.as_ref().map(|file| file.descriptor().name().to_owned()).unwrap_or_default();
        let candidate = self.checker().check(path, self.next_generation(&name))?;
        self.swap(engine, vec![candidate], consent)
    }

    /// Writes `bytes`, a whole library, into `folder` under a name of its own, and loads it from there: libraries are
    /// mapped from files. The caller removes the folder in the end, as it does with the run's.
    ///
    /// # Errors
    /// [`Rejection`]; nothing has changed then, and the file is gone again.
    pub fn load_bytes(
        &mut self,
        engine: &mut Engine,
        bytes: &[u8],
        folder: &Path,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let failed = |path: &Path, error: std::io::Error| {
            let message = format!("{} can't be written: {error}; check its folder", path.display());
            Rejection::new("", Code::NotOpened, message)
        };
        let (path, mut file) = new_file(folder).map_err(|error| failed(folder, error))?;
        let written = file.write_all(bytes).map_err(|error| failed(&path, error));
        drop(file);
        written.and_then(|()| self.load(engine, &path, consent)).inspect_err(|_| {
            // On Windows a library that is still mapped can't be removed; the folder goes in the end.
            let _ = std::fs::remove_file(&path);
        })
    }

    /// Moves a module on for something that happens outside: a save, a build.
    pub fn note(&mut self, module: &str, event: Event) {
        let slot =
            self.slots.entry(ModuleId::of(module)).or_insert_with(|| Slot::new(ModuleTag::new(module)));
        let from = slot.lifecycle.state();
        match slot.lifecycle.apply(event) {
            Ok(to) if to != from => {
                self.emit(&RegistryEvent::StateChanged { module: module.to_owned(), from, to })
            }
            Ok(_) => {}
            Err(error) => log::error!("module `{module}`: {error}"),
        }
    }

    /// Marks the modules that the engine has suspended.
    pub fn note_faults(&mut self, faults: &[Fault]) {
        for fault in faults.iter().filter(|fault| fault.suspended) {
            let slot = self.slots.get(&ModuleId::of(&fault.module));
            let runs = slot
                .is_some_and(|slot| matches!(slot.lifecycle.running(), Running::Live | Running::Probation));
            if runs {
                self.judge(ModuleId::of(&fault.module), Standing::Faulted);
                self.end_probation(ModuleId::of(&fault.module));
                self.note(&fault.module, Event::Faulted);
            }
            // Its views are not called any more either: who asks for one is told that nobody provides it. What is in
            // its pools is data, and stays.
            if let Ok(released) = self.binding.withdraw_views(ModuleId::of(&fault.module)) {
                self.ring.release(released);
            }
        }
    }

    /// Does what can wait until there is time: drops worlds that were replaced, and lets the oldest generations go.
    pub fn tidy(&mut self) -> RetireReport {
        self.leaving.retain(|world| !world.is_finished());
        for world in std::mem::take(&mut self.replaced_worlds) {
            if world.entities() <= DROPPED_AT_ONCE {
                let_go("the world before", world);
            } else if let Ok(thread) = leave(world) {
                self.leaving.push(thread);
            }
        }
        self.ring.retire()
    }

    pub(crate) fn emit(&mut self, event: &RegistryEvent) {
        self.listeners.iter_mut().for_each(|listener| listener(event));
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = (&ModuleTag, &Generation)> {
        self.slots.values().filter_map(|slot| Some((&slot.tag, slot.live.as_ref()?)))
    }

    pub(crate) fn no_such_module(&self, module: &str) -> Rejection {
        let known: Vec<_> = self.modules().into_iter().map(|status| status.name).collect();
        let message = format!("there is no module `{module}`; there are: {}", known.join(", "));
        Rejection::new(module, Code::NoSuchModule, message)
    }
}

/// Drops a large world beside the game. It holds the libraries that it needs for that.
fn leave(world: ReplacedWorld) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("keel-drop".to_owned()).spawn(|| let_go("the world before", world))
}

/// A file that was not there, for a library from memory.
fn new_file(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    let mut number = 0_u64;
    loop {
        let path = folder.join(format!("memory-{number}{}", std::env::consts::DLL_SUFFIX));
        match File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            created => return Ok((path, created?)),
        }
    }
}

impl Slot {
    pub(crate) fn new(tag: ModuleTag) -> Self {
        Self { tag, lifecycle: Lifecycle::default(), live: None, turn: 0, probation: None }
    }

    fn status(&self) -> Option<ModuleStatus> {
        let live = self.live.as_ref()?;
        let descriptor = live.module.descriptor();
        Some(ModuleStatus {
            name: self.tag.name().to_owned(),
            kind: descriptor.kind(),
            version: descriptor.version().to_owned(),
            generation: live.number,
            same_as: live.lineage.origin,
            library: live.module.file().path().to_owned(),
            state: self.lifecycle.state(),
            views: descriptor.provides().iter().map(|view| view.name().to_owned()).collect(),
            statics: live.module.file().statics().to_vec(),
            thread_locals: live.module.file().has_thread_locals(),
            threads: live.module.file().starts_threads(),
            thread_local_names: live.module.file().thread_locals().to_vec(),
        })
    }
}
