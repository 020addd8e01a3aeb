//! What a panic in a library tells of the calls that led to it, in each generation. The panic hook is the whole
//! process's, so this is a program of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;
use std::time::Duration;

use keel::binding::Binding;
use keel::engine::{Engine, EngineConfig, Fault, install_panic_hook};
use keel::module::ModuleId;
use keel_fixture::{Fixture, Scratch};
use keel_registry::{BoundViews, Consent, Registry, RegistryConfig};

const SOURCE: &str = r#"
use keel::prelude::*;

#[data]
#[derive(Default)]
pub struct Swim {
    pub steps: u64,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        if self.steps % 2 == 1 {
            frame.tasks.spawn("drift", async { dive_LABEL(1) }); // the task
        } else {
            dive_LABEL(self.steps); // the system
        }
        Ok(())
    }
}

#[inline(never)]
fn dive_LABEL(depth: u64) {
    turn_LABEL(std::hint::black_box(depth)); // the outer function
    std::hint::black_box(());
}

#[inline(never)]
fn turn_LABEL(depth: u64) {
    let none: Option<u64> = std::hint::black_box(None);
    none.expect("no luck"); // the inner function
    std::hint::black_box(depth);
}

keel::export_module! { view_model: Swim }
"#;

#[test]
fn a_panic_names_the_calls_of_its_module_in_every_generation() {
    let binding = Arc::new(Binding::new());
    let mut engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
    let mut registry = Registry::new(RegistryConfig::default(), binding);
    let scratch = Scratch::new();
    for label in ["first", "second", "hundredth"] {
        let source = SOURCE.replace("LABEL", label);
        let fixture = Fixture::module("swim").source(&source).flag("-Cdebuginfo=line-tables-only");
        let built = fixture.build();
        if label == "hundredth" {
            for _ in 0..97 {
                registry.load(&mut engine, &scratch.copy(&built), Consent::Lossless).unwrap();
                registry.tidy();
            }
        }
        registry.load(&mut engine, &scratch.copy(&built), Consent::Lossless).unwrap();

        install_panic_hook(keel_loader::backtrace);
        engine.update(EngineConfig::default().step);
        engine.drain_tasks(ModuleId::of("swim"), Duration::from_secs(60));
        engine.update(EngineConfig::default().step);
        // What fails here is to be seen.
        drop(std::panic::take_hook());
        let mut faults = engine.take_faults();
        faults.sort_by(|one, other| one.system.cmp(&other.system));
        let systems: Vec<_> = faults.iter().map(|fault| (fault.system.as_str(), fault.suspended)).collect();
        assert_eq!(systems, [("task drift", false), ("update", true)], "{faults:?}");
        check(&faults[0], label, &source, "// the task");
        check(&faults[1], label, &source, "// the system");
    }
}

/// Checks that both functions are named, then whoever called them at the line with `caller`, and nothing of std and the
/// engine.
#[track_caller]
fn check(fault: &Fault, label: &str, source: &str, caller: &str) {
    let place = |text: &str| {
        let line = source.lines().position(|line| line.contains(text)).unwrap() + 1;
        format!("/src/lib.rs:{line}")
    };
    let message = &fault.message;
    assert!(message.contains(&format!("{}: no luck", place("// the inner"))), "{message}");
    let backtrace = fault.backtrace.as_deref().unwrap();
    let lines: Vec<_> = backtrace.lines().collect();
    let expected = [
        (format!("swim::turn_{label} at "), place("// the inner")),
        (format!("swim::dive_{label} at "), place("// the outer")),
        ("<swim::Swim as keel_module_types".to_owned(), place(caller)),
    ];
    assert!(lines.len() >= expected.len(), "{backtrace}");
    for (line, (function, place)) in lines.iter().zip(&expected) {
        assert!(line.starts_with(function) && line.ends_with(place), "{function}..{place}: {backtrace}");
    }
    assert!(lines.iter().all(|line| line.contains("swim::")), "{backtrace}");
}
