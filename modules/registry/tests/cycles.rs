//! Cycles of create, run, swap and destroy, of two engines in one process: nothing is left behind.
//!
//! No harness: the threads and the memory of the process are what is tested. Where valgrind is installed, the program
//! runs itself once more under it, with fewer cycles: a block that nobody points to any more is an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![allow(clippy::print_stdout, reason = "it tells what a harness would tell")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig};
use keel_fixture::{Fixture, Scratch, has_program};
use keel_registry::{BoundViews, Consent, Registry, RegistryConfig};

/// How many cycles; its presence says that this is the run under valgrind.
const CYCLES: &str = "KEEL_CYCLES";

fn main() {
    let modules = Modules::build();
    match std::env::var(CYCLES) {
        Ok(count) => {
            run(&modules, count.parse().unwrap());
        }
        Err(_) => {
            let grown = run(&modules, 100);
            assert!(grown < 1024, "{grown} KiB were left behind");
            run_under_valgrind();
        }
    }
    println!("test cycles ... ok");
}

/// Returns by how many KiB the process has grown.
fn run(modules: &Modules, cycles: u32) -> u64 {
    // The first ones start what stays: the timer's thread, std's and the system's tables.
    (0..3).for_each(|_| modules.cycle());
    let before = Process::now();
    (0..cycles).for_each(|_| modules.cycle());
    let after = Process::now();
    println!("{cycles} cycles: {} KiB before, {} KiB after", before.resident_kib, after.resident_kib);
    assert_eq!(after.threads, before.threads, "a thread was left behind");
    assert_eq!(after.libraries, before.libraries, "a library was left behind");
    after.resident_kib.saturating_sub(before.resident_kib)
}

fn run_under_valgrind() {
    if !has_program("valgrind") {
        return;
    }
    let valgrind = Command::new("valgrind")
        .args(["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"])
        .args(["--num-callers=30", "--error-exitcode=9"])
        .env("RUST_BACKTRACE", "0")
        .arg(std::env::current_exe().unwrap())
        .env(CYCLES, "10")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&valgrind.stderr);
    assert!(valgrind.status.success(), "valgrind: {}\n{report}", valgrind.status);
    report.lines().filter(|line| line.contains("lost:")).for_each(|line| println!("{line}"));
}

/// What must come back to where it was.
#[derive(Debug)]
struct Process {
    threads: usize,
    resident_kib: u64,
    /// The files of which code is mapped.
    libraries: Vec<String>,
}

impl Process {
    fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let code = maps.lines().filter(|line| line.contains(" r-xp "));
        let mut libraries: Vec<_> =
            code.filter_map(|line| line.split_whitespace().nth(5)).map(str::to_owned).collect();
        libraries.sort();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            threads: std::fs::read_dir("/proc/self/task").unwrap().count(),
            resident_kib: resident.split_whitespace().next().unwrap().parse().unwrap(),
            libraries,
        }
    }
}

/// Two generations of a game: its model, and a module that spawns, sends, starts timers and tasks.
struct Modules {
    generations: [[PathBuf; 2]; 2],
}

const TYPES: &str = "use keel::prelude::*;
    #[component] #[derive(Default)] pub struct Fish { pub name: String, //FIELDS
    }
    #[resource] #[derive(Default)] pub struct Shoal { pub names: Vec<String> }
    #[event] pub struct Splash { pub who: String }
    keel::model! { components: [Fish], resources: [Shoal], events: [Splash] }";

const SWIM: &str = r#"
use keel::prelude::*;
use swim_types::*;

#[data]
#[derive(Default)]
pub struct Swim {
    pub steps: u64,
    pub log: Vec<String>,
    seen: EventCursor<Splash>,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let greeting = String::from("hello from LABEL");
        setup.system("greet", move |frame: &mut Frame<'_>| {
            frame.commands.spawn((Fish { name: greeting.clone(), ..Default::default() },));
        });
        setup.handler("ring", |frame: &mut Frame<'_>, who: String| frame.world.send(Splash { who }));
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Shoal::default())?;
        frame.timers.every(std::time::Duration::from_millis(40), "ring", &String::from("bell"))?;
        sleep(std::time::Duration::from_millis(1)).await;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        for splash in self.seen.read(&frame.world.events::<Splash>()) {
            self.log.push(splash.who.clone());
        }
        let calls = frame.calls.clone();
        frame.tasks.spawn("call", async move {
            sleep(std::time::Duration::from_micros(50)).await;
            let _ = calls.call("ring", &String::from("task"));
        });
        frame.world.resource_mut::<Shoal>()?.names.push(format!("LABEL {}", self.steps));
        Ok(())
    }
}

keel::export_module! { view_model: Swim, models: [swim_types] }
"#;

impl Modules {
    fn build() -> Self {
        let generation = |label: &str, fields: &str| {
            let types = Fixture::types("swim-types").source(TYPES.replace("//FIELDS", fields)).build();
            let model = Fixture::module("swim-model").source("keel::export_module! { model: swim_types }");
            let swim = Fixture::module("swim").source(SWIM.replace("LABEL", label));
            [model.with("swim_types", &types).build(), swim.with("swim_types", &types).build()]
        };
        Self { generations: [generation("v1", ""), generation("v2", "pub age: u64,")] }
    }

    /// Two engines live side by side, are swapped at different times, and go.
    fn cycle(&self) {
        let scratch = Scratch::new();
        let (mut one, mut two) = (Game::new(), Game::new());
        one.load(&self.generations[0], &scratch);
        two.load(&self.generations[1], &scratch);
        one.steps(5);
        two.steps(3);
        one.load(&self.generations[1], &scratch);
        one.steps(2);
        two.load(&self.generations[1], &scratch);
        two.steps(5);
        assert_eq!((one.engine.world().len(), two.engine.world().len()), (7, 8));
        one.close();
        two.steps(1);
        two.close();
    }
}

struct Game {
    engine: Engine,
    registry: Registry,
}

impl Game {
    fn new() -> Self {
        let binding = Arc::new(Binding::new());
        let engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
        Self { engine, registry: Registry::new(RegistryConfig::default(), binding) }
    }

    fn load(&mut self, libraries: &[PathBuf], scratch: &Scratch) {
        let checker = self.registry.checker();
        let check = |library: &PathBuf| checker.check(&scratch.copy(library), 0).unwrap();
        let candidates = libraries.iter().map(check).collect();
        self.registry.swap(&mut self.engine, candidates, Consent::Lossless).unwrap();
    }

    fn steps(&mut self, count: u32) {
        (0..count).for_each(|_| self.engine.update(EngineConfig::default().step));
        assert_eq!(self.engine.take_faults(), []);
    }

    fn close(self) {
        let report = self.registry.close(self.engine);
        assert_eq!(report.kept, Vec::<String>::new());
    }
}
