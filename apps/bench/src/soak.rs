//! Swaps without end: whether memory, libraries and the game stay what they are over ten thousand of them.
//!
//! Eight generations of a game take turns in one engine. They differ in their code, and their Model modules in the
//! schema of one component, so that every second swap rebuilds a world of a few thousand entities.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig};
use keel_builder::{BuildRequest, Builder, BuilderConfig, CancelToken, Generations, RunDirectory};
use keel_registry::{BoundViews, Candidate, Consent, Registry, RegistryConfig};
use serde::{Deserialize, Serialize};

const MODEL: BenchModule = ("keel-bench-soak-model", "keel_bench_soak_model");
const SWIM: BenchModule = ("keel-bench-soak-swim", "keel_bench_soak_swim");

/// A package and its library.
type BenchModule = (&'static str, &'static str);

/// How many libraries of [`SWIM`] take turns; those of [`MODEL`] are half as many.
const GENERATIONS: u64 = 8;

/// By then all buffers have their size and the ring of old generations is full: growth counts from here.
const WARM_SWAPS: u64 = 100;

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoakOptions {
    /// How many swaps.
    pub swaps: u64,
    /// A row of the report after so many swaps.
    pub report_every: u64,
}

impl SoakOptions {
    /// As `keel bench swap` asks for it.
    pub fn new(quick: bool) -> Self {
        let (swaps, report_every) = if quick { (500, 100) } else { (10_000, 500) };
        Self { swaps, report_every }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoakReport {
    /// The first row is that after 100 swaps, when all buffers have their size.
    pub rows: Vec<SoakRow>,
    /// Swaps that built the world anew.
    pub rebuilt: u64,
    /// How long all of it took, in seconds; building the libraries is not counted.
    pub seconds: f64,
}

/// A point in the life of a process that swaps and swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoakRow {
    /// After so many swaps.
    pub swaps: u64,
    /// Resident memory in KiB; Linux only, 0 elsewhere.
    pub rss_kib: u64,
    /// Libraries of modules that are mapped.
    pub libraries: u64,
}

impl fmt::Display for SoakReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rows(out, &self.rows)?;
        let swaps = self.rows.last().map_or(0, |row| row.swaps);
        writeln!(out, "{swaps} swaps in {:.1} s, {} of them with a new world", self.seconds, self.rebuilt)
    }
}

/// The table, and by how much memory has grown.
pub(crate) fn write_rows(out: &mut fmt::Formatter<'_>, rows: &[SoakRow]) -> fmt::Result {
    writeln!(out, "{:>9} {:>12} {:>9}", "swaps", "resident KiB", "libraries")?;
    for SoakRow { swaps, rss_kib, libraries } in rows {
        writeln!(out, "{swaps:>9} {rss_kib:>12} {libraries:>9}")?;
    }
    let Some((first, last)) = rows.first().zip(rows.last()) else { return Ok(()) };
    let growth_kib = last.rss_kib as i64 - first.rss_kib as i64;
    writeln!(out, "{growth_kib:+} KiB between the first row and the last")
}

/// Builds the libraries in the workspace at `root`, as its host is built, and swaps them, one generation after the
/// other. `told` is called with what is going on.
///
/// # Errors
/// The first build that fails, swap that is refused, or fault that a module has: none should be.
pub fn run(root: &Path, options: SoakOptions, mut told: impl FnMut(&str)) -> anyhow::Result<SoakReport> {
    told("building the soak's libraries");
    let libraries = Libraries::build(root)?;
    told(&format!("{} swaps in one process", options.swaps));
    let begin = Instant::now();
    let mut game = Game::begin(&libraries)?;
    let mut report = SoakReport { rows: Vec::new(), rebuilt: 0, seconds: 0.0 };
    for swap in 1..=options.swaps {
        report.rebuilt += u64::from(game.swap(swap).with_context(|| format!("swap {swap}"))?);
        if swap == WARM_SWAPS || swap.is_multiple_of(options.report_every) {
            report.rows.push(game.row(swap));
        }
    }
    report.seconds = begin.elapsed().as_secs_f64();
    Ok(report)
}

/// All generations.
struct Libraries {
    swims: Vec<PathBuf>,
    /// Each for two of the others, which are compiled with the same types.
    models: Vec<PathBuf>,
    // Dropped last: it removes the folder.
    directory: RunDirectory,
}

impl Libraries {
    fn build(root: &Path) -> anyhow::Result<Self> {
        let config = BuilderConfig::new(root);
        let directory = RunDirectory::create(&config.target_dir.join("run"))?;
        let mut copies = Generations::new(&directory);
        let (mut swims, mut models) = (Vec::new(), Vec::new());
        for generation in 0..GENERATIONS {
            let mut config = config.clone();
            let variable = format!("env.KEEL_BENCH_SOAK = \"{generation}\"");
            config.extra_arguments = vec!["--config".into(), variable.into()];
            let requests = [SWIM, MODEL].map(|(package, library)| BuildRequest::library(package, library));
            let report = Builder::new(config).build(&requests, &CancelToken::new())?;
            let [swim, model] = &report.artifacts[..] else { bail!("cargo built no soak") };
            swims.push(copies.add("swim", generation, &swim.path)?);
            if generation.is_multiple_of(2) {
                models.push(copies.add("model", generation, &model.path)?);
            }
        }
        Ok(Self { swims, models, directory })
    }
}

/// One engine, through which all generations go.
struct Game<'l> {
    engine: Engine,
    registry: Registry,
    libraries: &'l Libraries,
}

impl<'l> Game<'l> {
    /// With the first generation.
    fn begin(libraries: &'l Libraries) -> anyhow::Result<Self> {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        let registry = Registry::new(RegistryConfig::default(), binding);
        let mut game = Self { engine, registry, libraries };
        game.swap(0)?;
        Ok(game)
    }

    /// Puts the next generation in place and runs two frames of it. Whether the world was built anew.
    fn swap(&mut self, swap: u64) -> anyhow::Result<bool> {
        let generation = (swap % GENERATIONS) as usize;
        let mut candidates = Vec::new();
        if generation.is_multiple_of(2) {
            candidates.push(self.check(swap, &self.libraries.models[generation / 2])?);
        }
        candidates.push(self.check(swap, &self.libraries.swims[generation])?);
        let report = self.registry.swap(&mut self.engine, candidates, Consent::AcceptLoss)?;
        ensure!(report.failed_starts.is_empty(), "the game did not start: {:?}", report.failed_starts);
        (0..2).for_each(|_| self.engine.update(EngineConfig::default().step));
        self.registry.tidy();
        match self.engine.take_faults().pop() {
            Some(fault) => bail!("a fault of {}: {}", fault.module, fault.message),
            None => Ok(report.rebuilt),
        }
    }

    /// Opens a copy under a path that was never opened; its file is not needed once it is mapped.
    fn check(&self, swap: u64, library: &Path) -> anyhow::Result<Candidate> {
        let name = library.file_name().unwrap_or_default().display();
        let copy = self.libraries.directory.path().join(format!("{swap}-{name}"));
        std::fs::copy(library, &copy).with_context(|| format!("{} can't be copied", library.display()))?;
        let checked = self.registry.checker().check(&copy, swap);
        // One that can't be removed now goes with the folder.
        let _ = std::fs::remove_file(copy);
        Ok(checked?)
    }

    fn row(&self, swaps: u64) -> SoakRow {
        SoakRow { swaps, rss_kib: resident_kib(), libraries: self.registry.census().mapped() }
    }
}

/// proc(5), `VmRSS`.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
