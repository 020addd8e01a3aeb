//! An engine and its modules.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig, Fault};
use keel::module::ModuleRoot;
use keel_registry::{BoundViews, Candidate, Consent, Registry, RegistryConfig, terminals};

/// How a game runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GameConfig {
    /// Steps a second.
    pub steps_per_second: u32,
    /// Where the game's random numbers start.
    pub seed: u64,
}

impl Default for GameConfig {
    fn default() -> Self {
        Self { steps_per_second: 60, seed: 0 }
    }
}

/// An engine, and the registry of its modules.
pub struct Game {
    // Dropped before the registry, which holds the libraries of its code.
    engine: Engine,
    registry: Registry,
    binding: Arc<Binding>,
    step: Duration,
}

impl Game {
    /// A game without modules.
    pub fn new(config: GameConfig) -> Self {
        let binding = Arc::new(Binding::new());
        let step = Duration::from_secs(1) / config.steps_per_second.max(1);
        let engine_config = EngineConfig { step, seed: config.seed, ..EngineConfig::default() };
        let engine = Engine::with_views(engine_config, Box::new(BoundViews::new(&binding)));
        let mut own_types = Engine::own_types();
        own_types.extend(keel::console::own_types().map(Arc::new));
        let config = RegistryConfig { own_types, own_pools: vec![terminals()], ..RegistryConfig::default() };
        Self { engine, registry: Registry::new(config, Arc::clone(&binding)), binding, step }
    }

    /// Loads these libraries, together. They go live in the order given.
    ///
    /// # Errors
    /// The first refusal; the game is then as it was, unless it is a module's `start` that failed.
    pub fn load<P: AsRef<Path>>(&mut self, libraries: &[P]) -> anyhow::Result<()> {
        let checker = self.registry.checker();
        let candidates: Result<_, _> = libraries.iter().map(|path| checker.check(path.as_ref(), 0)).collect();
        self.begin(candidates?)
    }

    /// Takes up these modules, which are linked into the program. They go live in the order given.
    ///
    /// # Errors
    /// As [`Game::load`].
    pub fn link(&mut self, modules: &[&'static ModuleRoot]) -> anyhow::Result<()> {
        let checker = self.registry.checker();
        let candidates: Result<_, _> = modules.iter().map(|root| checker.check_linked(root, 0)).collect();
        self.begin(candidates?)
    }

    fn begin(&mut self, candidates: Vec<Candidate>) -> anyhow::Result<()> {
        let report = self.registry.swap(&mut self.engine, candidates, Consent::Lossless)?;
        keel::console::install(self.engine.world_mut())?;
        match report.failed_starts.into_iter().next() {
            Some(failed) => bail!(failed),
            None => Ok(()),
        }
    }

    /// Runs one frame that simulates `dt`, and returns what failed in it.
    pub fn update(&mut self, dt: Duration) -> Vec<Fault> {
        self.engine.update(dt);
        let faults = self.engine.take_faults();
        self.registry.note_faults(&faults);
        faults
    }

    /// The time that one step simulates.
    pub fn step(&self) -> Duration {
        self.step
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The modules.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The views that the modules provide.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }
}
