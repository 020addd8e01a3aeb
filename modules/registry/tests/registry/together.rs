//! Modules that work together: one calls another's view, each starts on what those before it did, and what one has
//! logged is there when it is gone.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use keel::log;
use keel::types::ModuleId;
use keel_fixture::Fixture;
use keel_registry::{Consent, RegistryConfig};

use crate::rig::Rig;
use crate::sources::{Swim, types, user};

fn pond() -> PathBuf {
    types(
        "use keel::prelude::*;
         #[component] #[derive(Default)] pub struct Fish { pub age: u32 }
         #[view] pub trait TideView: View { fn level(&self, at: u32) -> u32; }
         keel::model! { components: [Fish], resources: [], events: [] }",
    )
}

/// Provides the view; each label is a source of its own.
fn tide(types: &Path, level: &str) -> PathBuf {
    let source = format!(
        "use keel::prelude::*;
         use game_types::*;
         #[data] #[derive(Default)] pub struct Tide {{}}
         struct Water;
         impl TideView for Water {{ fn level(&self, at: u32) -> u32 {{ {level} }} }}
         #[view_model] impl ViewModel for Tide {{
             fn register(&mut self, setup: &mut Setup) -> ModuleResult {{
                 setup.provide::<dyn TideView>(Box::new(Water));
                 Ok(())
             }}
         }}
         keel::export_module! {{ view_model: Tide, models: [game_types], provides: [dyn TideView] }}"
    );
    Fixture::module("tide").source(source).with("game_types", types).build()
}

#[test]
fn a_call_of_another_modules_view_reaches_its_new_code_in_the_next_step() {
    let types = pond();
    // One line of the caller's, with what it was told.
    let update = "let told = frame.views.get::<dyn TideView>()?.level(self.steps as u32);
                  frame.world.spawn((Name::new(format!(\"{} told {told}\", self.steps)),));";
    let caller = user("swim", &types, update);
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load_together(&[tide(&types, "at + 10"), caller], Consent::Lossless).unwrap();
    rig.steps(2);
    assert!(rig.has("1 told 11") && rig.has("2 told 12"));

    rig.load(&tide(&types, "at * 100")).unwrap();
    assert_eq!(rig.generations(), [("swim".to_owned(), 0), ("tide".to_owned(), 1)], "the caller stays");
    rig.steps(1);
    assert!(rig.has("3 told 300"));
    // The caller holds nothing of the old code.
    assert_eq!(rig.registry.tidy().unmapped, 1);
    rig.steps(1);
    assert!(rig.has("4 told 400"));
    assert!(rig.engine.take_faults().is_empty());
}

#[test]
fn a_reset_starts_modules_in_the_order_in_which_they_went_live() {
    // So that the order of ids is the other one.
    let (mut first, mut second) = ("harbour", "lagoon");
    if ModuleId::of(first) < ModuleId::of(second) {
        std::mem::swap(&mut first, &mut second);
    }
    let start = "let there = frame.world.len(); frame.world.spawn((Name::new(format!(\"{} after {there}\", module_path!())),));";
    let module = |name: &str| {
        let plain = Swim::new(name).replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
        let plain = plain.replace(", provides: [dyn PictureView] }", " }").at("START", start);
        plain.build_as(name)
    };
    let mut rig = Rig::new();
    rig.load_together(&[module(first), module(second)], Consent::Lossless).unwrap();
    let fresh = rig.engine.world().hash().unwrap();
    let marks = [format!("{first} after 1"), format!("{second} after 3")];
    assert!(marks.iter().all(|mark| rig.has(mark)), "each start sees what the one before made");

    rig.steps(3);
    // A swap changes nothing about the order.
    rig.load(&module(first)).unwrap();
    assert_eq!(rig.registry.reset(&mut rig.engine).unwrap(), []);
    assert!(marks.iter().all(|mark| rig.has(mark)), "started in the order of ids");
    assert_eq!(rig.engine.world().hash().unwrap(), fresh);
    // One that goes and comes back has become the last.
    rig.registry.remove(&mut rig.engine, first).unwrap();
    rig.load(&module(first)).unwrap();
    rig.registry.reset(&mut rig.engine).unwrap();
    assert!(rig.has(&format!("{second} after 1")) && rig.has(&format!("{first} after 3")));
}

/// What the modules of this test have logged: each record's address of the target, and a copy of what it says.
static LOGGED: Mutex<Vec<(usize, String)>> = Mutex::new(Vec::new());

struct Keeper;

impl log::Log for Keeper {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "the-tide" {
            let line = format!("{}: {}", record.target(), record.args());
            LOGGED.lock().unwrap().push((record.target().as_ptr() as usize, line));
        }
    }

    fn flush(&self) {}
}

/// Target and text of a record lie in the module that logs.
#[test]
fn what_a_module_has_logged_can_be_read_when_it_is_unmapped() {
    log::set_boxed_logger(Box::new(Keeper)).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let logging = "keel::log::info!(target: \"the-tide\", \"the water rises\");";
    rig.load(&Swim::new("v1").at("UPDATE", logging).build()).unwrap();
    rig.steps(1);
    let folder = rig.scratch.path().display().to_string();
    let is_mapped = |address: usize| {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(&folder)).any(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let number = |text: &str| usize::from_str_radix(text, 16).unwrap();
            (number(start)..number(end)).contains(&address)
        })
    };
    let target = LOGGED.lock().unwrap()[0].0;
    assert!(is_mapped(target), "the target is a literal of the module");
    rig.load(&Swim::new("v2").build()).unwrap();
    assert_eq!(rig.registry.tidy().unmapped, 1);
    // The logger and its records have outlived the module; nothing that `log` keeps leads there.
    log::info!(target: "the-tide", "the water falls");
    let lines: Vec<_> = LOGGED.lock().unwrap().iter().map(|(_, line)| line.clone()).collect();
    assert_eq!(lines, ["the-tide: the water rises", "the-tide: the water falls"]);
    rig.check_runs("v2");
}
