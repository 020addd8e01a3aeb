//! The module that is swapped and called, built by cargo in two shapes, and a game that it runs in.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig};
use keel_bench_shapes::ProbeView;
use keel_builder::{BuildRequest, Builder, BuilderConfig, CancelToken, Generations, RunDirectory};
use keel_registry::{BoundViews, Candidate, Consent, Registry, RegistryConfig};

const PACKAGE: &str = "keel-bench-probe";
const LIBRARY: &str = "keel_bench_probe";

/// Which of the two shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Changed,
}

/// The probe's libraries.
pub(crate) struct Probe {
    plain: PathBuf,
    changed: PathBuf,
    count: Cell<u64>,
    // Dropped last: it removes the folder.
    directory: RunDirectory,
}

impl Probe {
    /// Builds both shapes with what the host was built with.
    pub(crate) fn build(root: &Path) -> anyhow::Result<Self> {
        let config = BuilderConfig::new(root);
        let directory = RunDirectory::create(&config.target_dir.join("run"))?;
        let mut generations = Generations::new(&directory);
        let mut build = |name: &str, arguments: &[&str]| {
            let mut config = config.clone();
            config.extra_arguments = arguments.iter().map(Into::into).collect();
            let request = BuildRequest::library(PACKAGE, LIBRARY);
            let report = Builder::new(config).build(&[request], &CancelToken::new())?;
            let artifact = report.artifacts.first().context("cargo built no probe")?;
            anyhow::Ok(generations.add(name, 0, &artifact.path)?)
        };
        let plain = build("plain", &[])?;
        let changed = build("changed", &["--config", "env.KEEL_BENCH_SHAPE = \"changed\""])?;
        Ok(Self { plain, changed, count: Cell::new(0), directory })
    }

    /// A copy of one shape under a path that was never opened.
    pub(crate) fn copy(&self, shape: Shape) -> anyhow::Result<PathBuf> {
        self.count.set(self.count.get() + 1);
        let from = if shape == Shape::Plain { &self.plain } else { &self.changed };
        let to = self.directory.path().join(format!("probe-{}", self.count.get()));
        std::fs::copy(from, &to).with_context(|| format!("{} can't be copied", from.display()))?;
        Ok(to)
    }
}

/// A game of one module, the probe.
pub(crate) struct Game {
    pub(crate) engine: Engine,
    pub(crate) registry: Registry,
    pub(crate) binding: Arc<Binding>,
}

impl Game {
    /// With the probe in its plain shape.
    pub(crate) fn begin(probe: &Probe) -> anyhow::Result<Self> {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        let registry = Registry::new(RegistryConfig::default(), Arc::clone(&binding));
        let mut game = Self { engine, registry, binding };
        let candidate = game.check(probe, Shape::Plain)?;
        let report = game.registry.swap(&mut game.engine, vec![candidate], Consent::Lossless)?;
        anyhow::ensure!(
            report.failed_starts.is_empty(),
            "the probe did not start: {:?}",
            report.failed_starts
        );
        Ok(game)
    }

    /// The next generation of the probe, in this shape, ready to be swapped in.
    pub(crate) fn check(&self, probe: &Probe, shape: Shape) -> anyhow::Result<Candidate> {
        let generation = self.registry.next_generation(PACKAGE);
        Ok(self.registry.checker().check(&probe.copy(shape)?, generation)?)
    }

    /// Calls `call` with the probe's view.
    pub(crate) fn with_view<T>(
        &mut self,
        call: impl FnOnce(&dyn ProbeView, &mut Engine) -> T,
    ) -> anyhow::Result<T> {
        let views = self.binding.pin();
        let view = views.get::<dyn ProbeView>()?;
        Ok(call(view, &mut self.engine))
    }
}
