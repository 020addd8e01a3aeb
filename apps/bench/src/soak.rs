//! Swaps without end: whether memory, libraries and the game stay what they are over ten thousand of them.
//!
//! Eight generations of a game take turns in one engine. They differ in their code, and their Model modules in the
//! schema of one component, so that every second swap rebuilds a world of a few thousand entities.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig};
use keel_fixture::{Fixture, Scratch};
use keel_registry::{BoundViews, Candidate, Consent, Registry, RegistryConfig, Rejection};
use serde::Serialize;

/// How long, and how hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SoakOptions {
    /// How many swaps.
    pub swaps: u64,
    /// How many entities live in the world, with one component each that changes its schema.
    pub entities: u32,
    /// A row of the report after so many swaps.
    pub report_every: u64,
    /// Whether one generation in eight has thread-local storage, and so can't be unmapped.
    pub thread_locals: bool,
}

impl Default for SoakOptions {
    fn default() -> Self {
        Self { swaps: 10_000, entities: 4_000, report_every: 500, thread_locals: false }
    }
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct SoakReport {
    /// As it was asked for.
    pub options: SoakOptions,
    /// The first row is that after 100 swaps, when all buffers have their size.
    pub rows: Vec<SoakRow>,
    /// Swaps that built the world anew.
    pub rebuilt: u64,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

/// The process after some swaps.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SoakRow {
    /// Swaps so far.
    pub swaps: u64,
    /// Resident memory in KiB.
    pub rss_kib: u64,
    /// Module libraries that are mapped.
    pub mapped: u64,
    /// Those of them that were retired and may not be unmapped.
    pub kept: u64,
    /// The file sizes of those, in KiB.
    pub kept_kib: u64,
}

impl SoakReport {
    /// By how many KiB resident memory grew after the first 100 swaps, beyond the libraries that had to be kept.
    pub fn growth_kib(&self) -> i64 {
        match (self.rows.first(), self.rows.last()) {
            (Some(first), Some(last)) => {
                let kept = last.kept_kib as i64 - first.kept_kib as i64;
                last.rss_kib as i64 - first.rss_kib as i64 - kept
            }
            _ => 0,
        }
    }
}

impl fmt::Display for SoakReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:>8} {:>10} {:>8} {:>8} {:>10}", "swaps", "rss KiB", "mapped", "kept", "kept KiB")?;
        for row in &self.rows {
            let SoakRow { swaps, rss_kib, mapped, kept, kept_kib } = row;
            writeln!(out, "{swaps:>8} {rss_kib:>10} {mapped:>8} {kept:>8} {kept_kib:>10}")?;
        }
        let SoakOptions { swaps, entities, .. } = self.options;
        write!(
            out,
            "{swaps} swaps of a world of {entities} entities in {:.1} s, {} of them with a new world; {} KiB more \
             after the first 100",
            self.seconds,
            self.rebuilt,
            self.growth_kib()
        )
    }
}

/// Builds the libraries and swaps them, one generation after the other.
///
/// # Errors
/// The first swap that is refused, or fault that a module has: none should be.
pub fn run(options: SoakOptions) -> Result<SoakReport, Rejection> {
    let generations = build(options);
    let begin = Instant::now();
    let mut game = Game::begin(&generations[0])?;
    let mut report = SoakReport { options, rows: Vec::new(), rebuilt: 0, seconds: 0.0 };
    for swap in 1..=options.swaps {
        let before = &generations[(swap as usize - 1) % generations.len()];
        let next = &generations[swap as usize % generations.len()];
        report.rebuilt += u64::from(game.swap(before, next)?);
        if swap == 100 || swap % options.report_every.max(1) == 0 {
            report.rows.push(game.row(swap));
        }
    }
    report.seconds = begin.elapsed().as_secs_f64();
    Ok(report)
}

/// A model and a view model, compiled with the same types.
struct Generation {
    model: PathBuf,
    view_model: PathBuf,
}

/// The component's fields, in four shapes.
const SHAPES: [&str; 4] = [
    "pub age: u32,",
    "pub age: u32, #[keel(default = 1.5)] pub weight: f32,",
    "pub age: u64,",
    "pub age: u32, #[keel(default = \"cod\".to_owned())] pub kind: String,",
];

const TYPES: &str = "use keel::prelude::*;
#[component] #[derive(Default)] pub struct Fish { //SHAPE
}
#[component] #[derive(Default)] pub struct Place { pub x: f32, pub y: f32 }
#[resource] #[derive(Default)] pub struct Tally { pub steps: u64, pub last: String }
#[event] pub struct Splash { pub who: String }
keel::model! { components: [Fish, Place], resources: [Tally], events: [Splash] }";

const SWIM: &str = r#"
use keel::prelude::*;
use soak_types::*;

#[data]
#[derive(Default)]
pub struct Swim {
    pub steps: u64,
    heard: EventReader<Splash>,
}
//ITEMS

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let greeting = String::from("LABEL");
        setup.system("swim", |frame: &mut Frame<'_>| {
            frame.world.query::<(&mut Place, &Fish)>().for_each(|(place, fish)| place.x += fish.age as f32);
        });
        setup.system("greet", move |frame: &mut Frame<'_>| frame.world.send(Splash { who: greeting.clone() }));
        setup.handler("ring", |frame: &mut Frame<'_>, who: String| frame.world.send(Splash { who }));
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Tally::default())?;
        frame.timers.every(std::time::Duration::from_millis(50), "ring", &String::from("bell"))?;
        for age in 0..ENTITIES {
            frame.world.spawn((Fish { age, ..Default::default() }, Place::default()));
        }
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        //UPDATE
        let mut tally = frame.world.resource_mut::<Tally>()?;
        tally.steps = self.steps;
        for splash in self.heard.read(&frame.world.events::<Splash>()) {
            tally.last = splash.who.clone();
        }
        Ok(())
    }
}

keel::export_module! { view_model: Swim, models: [soak_types] }
"#;

fn build(options: SoakOptions) -> Vec<Generation> {
    let has_thread_locals = |number| options.thread_locals && number == 5;
    (0..8).map(|number| build_one(number, options.entities, has_thread_locals(number))).collect()
}

/// Two generations in a row have the same types.
fn build_one(number: usize, entities: u32, thread_local: bool) -> Generation {
    let types = Fixture::types("soak-types").source(TYPES.replace("//SHAPE", SHAPES[number / 2])).build();
    let model = Fixture::module("soak-model").source("keel::export_module! { model: soak_types }");
    let (items, update) = match thread_local {
        true => (
            "thread_local! { static SEEN: std::cell::RefCell<Vec<u64>> = std::cell::RefCell::new(Vec::new()); }",
            "SEEN.with_borrow_mut(|seen| seen.push(self.steps));",
        ),
        false => ("", ""),
    };
    let source = SWIM.replace("LABEL", &format!("v{number}")).replace("ENTITIES", &entities.to_string());
    let source = source.replace("//ITEMS", items).replace("//UPDATE", update);
    let view_model = Fixture::module("soak-swim").source(source);
    Generation {
        model: model.with("soak_types", &types).build(),
        view_model: view_model.with("soak_types", &types).build(),
    }
}

/// One engine, and its libraries' copies.
struct Game {
    engine: Engine,
    registry: Registry,
    scratch: Scratch,
}

impl Game {
    fn begin(first: &Generation) -> Result<Self, Rejection> {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        let registry = Registry::new(RegistryConfig::default(), binding);
        let mut game = Self { engine, registry, scratch: Scratch::new() };
        let candidates = vec![game.check(&first.model)?, game.check(&first.view_model)?];
        game.registry.swap(&mut game.engine, candidates, Consent::Lossless)?;
        Ok(game)
    }

    /// Opens a copy; its file is not needed once it is mapped.
    fn check(&self, library: &Path) -> Result<Candidate, Rejection> {
        let copy = self.scratch.copy(library);
        let checked = self.registry.checker().check(&copy, 0);
        // One that can't be removed now goes with the folder.
        let _ = std::fs::remove_file(copy);
        checked
    }

    /// Whether the world was built anew.
    fn swap(&mut self, before: &Generation, next: &Generation) -> Result<bool, Rejection> {
        let mut candidates = vec![self.check(&next.view_model)?];
        if before.model != next.model {
            candidates.push(self.check(&next.model)?);
        }
        let report = self.registry.swap(&mut self.engine, candidates, Consent::AcceptLoss)?;
        (0..2).for_each(|_| self.engine.update(EngineConfig::default().step));
        self.registry.tidy();
        match self.engine.take_faults().pop() {
            Some(fault) => Err(Rejection::new(&fault.module, keel_registry::Code::LoadFailed, fault.message)),
            None => Ok(report.rebuilt),
        }
    }

    fn row(&self, swaps: u64) -> SoakRow {
        let census = self.registry.census();
        let (kept, kept_kib) = (census.kept, census.kept_bytes / 1024);
        SoakRow { swaps, rss_kib: resident_kib(), mapped: census.mapped(), kept, kept_kib }
    }
}

/// Linux only; 0 elsewhere.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
