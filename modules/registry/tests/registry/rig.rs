//! An engine and a registry, and what the tests ask them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keel::binding::Binding;
use keel::console::PictureView;
use keel::engine::{Engine, EngineConfig};
use keel_fixture::Scratch;
use keel_registry::{BoundViews, Code, Consent, Registry, RegistryConfig, Rejection, State, SwapReport};

/// One engine with its modules.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) registry: Registry,
    pub(crate) binding: Arc<Binding>,
    pub(crate) scratch: Scratch,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(RegistryConfig::default())
    }

    pub(crate) fn with(config: RegistryConfig) -> Self {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        let registry = Registry::new(config, Arc::clone(&binding));
        Self { engine, registry, binding, scratch: Scratch::new() }
    }

    /// Checks and swaps one library in, from a copy of its own.
    pub(crate) fn load(&mut self, library: &Path) -> Result<SwapReport, Rejection> {
        self.load_with(library, Consent::Lossless)
    }

    pub(crate) fn load_with(&mut self, library: &Path, consent: Consent) -> Result<SwapReport, Rejection> {
        let copy = self.scratch.copy(library);
        self.registry.load(&mut self.engine, &copy, consent)
    }

    /// Checks several libraries and swaps them in together.
    pub(crate) fn load_together(
        &mut self,
        libraries: &[PathBuf],
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let checker = self.registry.checker();
        let mut candidates = Vec::new();
        for library in libraries {
            let path = self.scratch.copy(library);
            let file = keel_loader::LibraryFile::read(&path).unwrap();
            let generation = self.registry.next_generation(file.descriptor().name());
            candidates.push(checker.check(&path, generation)?);
        }
        self.registry.swap(&mut self.engine, candidates, consent)
    }

    /// Runs `count` steps.
    pub(crate) fn steps(&mut self, count: u32) {
        for _ in 0..count {
            self.engine.update(EngineConfig::default().step);
        }
    }

    /// Whether an entity of this name is in the world: modules leave their marks so.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.engine.world().find(name).is_some()
    }

    /// The title that the bound picture tells, if one is bound.
    pub(crate) fn title(&self) -> Option<String> {
        self.binding.pin().get::<dyn PictureView>().ok().map(|view| view.title())
    }

    pub(crate) fn state(&self, module: &str) -> Option<State> {
        self.registry.modules().into_iter().find(|status| status.name == module).map(|status| status.state)
    }

    /// The live modules, each with its generation.
    pub(crate) fn generations(&self) -> Vec<(String, u64)> {
        self.registry.modules().into_iter().map(|status| (status.name, status.generation)).collect()
    }

    /// How many libraries below this rig's folder are mapped into this process as code. (A backtrace maps files too,
    /// to read their symbols, and std keeps those.)
    pub(crate) fn mapped(&self) -> usize {
        let folder = self.scratch.path().display().to_string();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let code =
            maps.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|it| it.contains('x')));
        let paths = code.filter_map(|line| line.split_whitespace().nth(5));
        paths.filter(|path| path.starts_with(&folder)).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Checks that `label` is the generation that runs, and the only one: its systems, its view, its state.
    #[track_caller]
    pub(crate) fn check_runs(&mut self, label: &str) {
        let systems = self.engine.systems();
        assert_eq!(systems, ["swim/update".to_owned(), format!("swim/{label}")], "the schedule");
        assert_eq!(self.title().as_deref(), Some(label), "the binding");
        let before = self.mark(label);
        self.steps(1);
        assert!(self.mark(label) > before, "the running code");
    }

    /// Checks that nothing of any module is left in the schedule and the binding.
    #[track_caller]
    pub(crate) fn check_runs_nothing(&self) {
        assert_eq!(self.engine.systems(), Vec::<String>::new(), "the schedule");
        assert_eq!(self.title(), None, "the binding");
        assert_eq!(self.generations(), [], "the modules");
    }

    /// The highest number among the marks `label at NUMBER`.
    pub(crate) fn mark(&self, label: &str) -> u64 {
        let mut highest = 0;
        self.engine.world().query::<&keel::ecs::Name>().for_each(|name| {
            let number = name.as_str().strip_prefix(label).and_then(|rest| rest.strip_prefix(" at "));
            highest = highest.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
        });
        highest
    }
}

/// A deadline that a test can wait for.
pub(crate) fn short_deadlines() -> RegistryConfig {
    RegistryConfig { call_deadline: Duration::from_millis(50), ..RegistryConfig::default() }
}

/// Checks the code and a part of the message.
#[track_caller]
pub(crate) fn check_refused<T>(outcome: Result<T, Rejection>, code: Code, part: &str) {
    let Err(rejection) = outcome else { panic!("it was accepted; expected {code:?}: {part}") };
    assert_eq!(rejection.code, code, "{rejection}");
    assert!(rejection.message.contains(part), "`{part}` is not in: {rejection}");
}
