//! A game and all that steps it: engine, modules, terminal. No process around it, no connection and no clock, so that a
//! running game, a trial and a replay are stepped by the same code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel::binding::{AnyPool, Binding};
use keel::engine::{Engine, EngineConfig, Fault, TracedCall};
use keel_registry::{
    BoundViews, Candidate, Consent, Registry, RegistryConfig, Rejection, RollbackReport, SwapReport,
    TakenBack, terminals,
};

use super::dashboard::{DashboardLink, Drawn};
use super::input::FrameInput;

/// A game, from the outside: what is done between two frames, and frames.
pub(crate) struct Driver {
    // Dropped before the registry, which holds the libraries of its code.
    pub(crate) engine: Engine,
    pub(crate) registry: Registry,
    pub(crate) dashboard: DashboardLink,
}

/// What came of a frame.
pub(crate) struct Framed {
    /// How long it took.
    pub(crate) work: Duration,
    /// Whether a step was due in it.
    pub(crate) has_stepped: bool,
    /// What came out of the terminal.
    pub(crate) drawn: Drawn,
    /// What failed in it.
    pub(crate) faults: Vec<Fault>,
    /// What was put back for that.
    pub(crate) taken_back: Vec<TakenBack>,
}

impl Driver {
    /// A game without modules, whose terminal has so many columns and rows, if it is a screen. `probation` is how long a
    /// panic after a swap puts back what ran before; `ring` is how many generations are kept for that and for whoever goes
    /// back by hand; `is_watching` says whether saved sources are swapped by themselves.
    pub(crate) fn new(
        config: EngineConfig,
        probation: Option<Duration>,
        ring: u8,
        terminal: Option<(u16, u16)>,
        is_watching: bool,
    ) -> Self {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(config, Box::new(BoundViews::new(&binding)));
        let mut own_types = Engine::own_types();
        own_types.extend(keel::console::own_types().map(Arc::new));
        let terminals = terminals();
        let own_pools: Vec<Arc<dyn AnyPool>> = vec![terminals.clone()];
        let (probation, ring) = (probation.unwrap_or_default(), ring.into());
        let registry = RegistryConfig { own_types, own_pools, probation, ring, ..RegistryConfig::default() };
        let registry = Registry::new(registry, binding);
        let mut driver =
            Self { engine, registry, dashboard: DashboardLink::new(terminal, is_watching, terminals) };
        DashboardLink::install(driver.engine.world_mut());
        driver
    }

    /// Begins the game with these modules, or goes on with the one in the bytes of a file.
    ///
    /// # Errors
    /// [`Rejection`]; no module is live then.
    pub(crate) fn begin(
        &mut self,
        candidates: Vec<Candidate>,
        game: Option<&[u8]>,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        self.keeping_outside(|registry, engine| match game {
            None => registry.swap(engine, candidates, Consent::Lossless),
            Some(bytes) => registry.resume_game(engine, candidates, bytes, consent),
        })
    }

    /// Swaps these modules in, together.
    ///
    /// # Errors
    /// [`Rejection`]; nothing has changed then.
    pub(crate) fn swap(
        &mut self,
        candidates: Vec<Candidate>,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        self.keeping_outside(|registry, engine| registry.swap(engine, candidates, consent))
    }

    /// Takes these modules out, together.
    ///
    /// # Errors
    /// [`Rejection`] when one is not live, or another requires a view of it; nothing has changed then.
    pub(crate) fn remove(&mut self, modules: &[&str]) -> Result<(), Rejection> {
        self.registry.remove_together(&mut self.engine, modules)
    }

    /// Starts the game's state afresh; which modules could not start.
    ///
    /// # Errors
    /// [`Rejection`]; nothing has changed then.
    pub(crate) fn reset(&mut self) -> Result<Vec<Rejection>, Rejection> {
        self.keeping_outside(Registry::reset)
    }

    /// Goes on with the game in the bytes of a file instead, with the code that is live.
    ///
    /// # Errors
    /// [`Rejection`] when they are damaged or don't fit the code; nothing has changed then.
    pub(crate) fn rewind(&mut self, game: &[u8], consent: Consent) -> Result<SwapReport, Rejection> {
        self.keeping_outside(|registry, engine| registry.rewind(engine, game, consent))
    }

    /// Changes the game between two frames. What describes the outside stays what it was, though it lies in the world.
    fn keeping_outside<T>(&mut self, change: impl FnOnce(&mut Registry, &mut Engine) -> T) -> T {
        let outside = DashboardLink::take_outside(self.engine.world_mut());
        let changed = change(&mut self.registry, &mut self.engine);
        self.dashboard.put_back(self.engine.world_mut(), outside);
        changed
    }

    /// Takes in what has failed in a frame: where it is on probation, it is put back, and the game with it.
    fn after_frame(&mut self, faults: &[Fault]) -> Vec<TakenBack> {
        if faults.iter().any(|fault| fault.suspended) {
            // The game may become another one.
            return self.keeping_outside(|registry, engine| registry.after_frame(engine, faults));
        }
        self.registry.after_frame(&mut self.engine, faults)
    }

    /// Puts back what a module ran before, or its generation `to`.
    ///
    /// # Errors
    /// [`Rejection`]; nothing has changed then.
    pub(crate) fn roll_back(
        &mut self,
        module: &str,
        to: Option<u64>,
        consent: Consent,
    ) -> Result<RollbackReport, Rejection> {
        self.keeping_outside(|registry, engine| registry.rollback(engine, module, to, consent))
    }

    /// The game as it is between two frames, as the bytes of a file. `buffer` is reused.
    ///
    /// # Errors
    /// [`Rejection`] when a type's or a module's state can't be saved.
    pub(crate) fn save(&mut self, buffer: Vec<u8>) -> Result<Vec<u8>, Rejection> {
        self.registry.save_game(&self.engine, buffer)
    }

    /// [`Driver::frame`], looked at call by call. What came of it otherwise is passed over.
    pub(crate) fn traced_frame(&mut self, input: &FrameInput) -> Vec<TracedCall> {
        self.dashboard.before_frame(self.engine.world(), input);
        let calls = self.engine.update_traced(input.dt);
        self.registry.note_faults(&self.engine.take_faults());
        self.dashboard.after_frame(Duration::ZERO);
        calls
    }

    /// Runs a frame. What is left of `time` is for idle systems.
    pub(crate) fn frame(&mut self, input: &FrameInput, time: Duration) -> Framed {
        self.dashboard.before_frame(self.engine.world(), input);
        let (begin, step) = (Instant::now(), self.engine.time().step);
        self.engine.update_with(input.dt, time);
        let work = begin.elapsed();
        let mut faults = self.engine.take_faults();
        let has_stepped = self.engine.time().step > step;
        let drawn = self.dashboard.after_frame(work);
        let taken_back = self.after_frame(&faults);
        faults.extend(self.registry.failed_drops().take(self.engine.time().frame));
        Framed { work, has_stepped, drawn, faults, taken_back }
    }
}
