//! Two real modules in random interleavings of all that can happen to them: each has one generation bound, the one that
//! it should be, and never none.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use keel::engine::EngineConfig;
use keel::types::ModuleId;
use keel_registry::{Consent, Event, RegistryConfig, RollbackReport, State};

use crate::rig::Rig;
use crate::sources::Swim;

const MODULES: [&str; 2] = ["swim", "other"];

const PROBATION: Duration = Duration::from_millis(200);

/// What a generation does wrong: nothing, or one of these.
const FAULTS: [(&str, &str, &str); 7] = [
    ("good", "UPDATE", ""),
    ("better", "UPDATE", ""),
    ("unloaded", "LOAD", "panic!(\"boom {}\", 1);"),
    ("unrestored", "RESTORE_STATE", "panic!(\"boom {}\", 1);"),
    ("instant", "UPDATE", "panic!(\"boom {}\", 1);"),
    ("later", "UPDATE", "if self.steps % 7 == 6 { panic!(\"boom {}\", 1) }"),
    ("unsaved", "SAVE_STATE", "panic!(\"boom {}\", 1);"),
];

/// Numbers that are the same in each run: SplitMix64 (Steele, Lea and Flood, 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// What is expected of one module.
#[derive(Clone, Debug, Default)]
struct Expected {
    /// What each of its generations is called.
    labels: BTreeMap<u64, String>,
    live: Option<String>,
    suspended: bool,
}

struct Game {
    rig: Rig,
    libraries: Vec<Vec<PathBuf>>,
    expected: [Expected; 2],
    numbers: Numbers,
    done: Vec<String>,
    /// Candidates that were let go before their swap, which leaves them mapped.
    strays: usize,
}

fn label(module: usize, fault: usize) -> String {
    format!("{}{}", FAULTS[fault].0, MODULES[module])
}

/// The libraries of both modules, one for each fault. Only the first module has a view.
fn libraries() -> Vec<Vec<PathBuf>> {
    let build = |module: usize, fault: usize| {
        let (_, place, code) = FAULTS[fault];
        let swim = Swim::new(&label(module, fault)).at(place, code);
        let swim = if module == 0 {
            swim
        } else {
            let free = swim.replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
            free.replace(", provides: [dyn PictureView] }", " }")
        };
        swim.build_as(MODULES[module])
    };
    (0..MODULES.len()).map(|module| (0..FAULTS.len()).map(|fault| build(module, fault)).collect()).collect()
}

impl Game {
    fn new(libraries: &[Vec<PathBuf>], seed: u64) -> Self {
        let rig = Rig::with(RegistryConfig { probation: PROBATION, ..RegistryConfig::default() });
        let (expected, numbers) = (Default::default(), Numbers(seed));
        Self { rig, libraries: libraries.to_vec(), expected, numbers, done: Vec::new(), strays: 0 }
    }

    fn step(&mut self) {
        let module = self.numbers.below(MODULES.len());
        match self.numbers.below(12) {
            0..4 => self.load(&[module]),
            4 => self.load(&[0, 1]),
            5..9 => self.frames(),
            9 => self.roll_back(module),
            10 => self.note(module),
            _ => match self.numbers.below(6) {
                0 => self.remove(module),
                1 => self.reset(),
                2 | 3 => self.go_on(),
                _ => self.frames(),
            },
        }
    }

    fn load(&mut self, modules: &[usize]) {
        let chosen: Vec<_> =
            modules.iter().map(|module| (*module, self.numbers.below(FAULTS.len()))).collect();
        let paths: Vec<_> =
            chosen.iter().map(|(module, fault)| self.libraries[*module][*fault].clone()).collect();
        let consent = self.consent();
        let loaded = self.rig.load_together(&paths, consent);
        self.done.push(format!("load {chosen:?}: {:?}", loaded.as_ref().map(|_| ()).map_err(|it| it.code)));
        let Ok(report) = loaded else {
            self.strays += modules.len() - 1;
            return;
        };
        assert!(report.failed_starts.is_empty(), "none fails to start");
        for ((module, fault), swapped) in chosen.into_iter().zip(report.modules) {
            let expected = &mut self.expected[module];
            expected.labels.insert(swapped.generation, label(module, fault));
            (expected.live, expected.suspended) = (Some(label(module, fault)), false);
        }
    }

    fn consent(&mut self) -> Consent {
        if self.numbers.below(2) == 0 { Consent::Lossless } else { Consent::AcceptLoss }
    }

    fn frames(&mut self) {
        let count = self.numbers.below(20);
        self.done.push(format!("{count} frames"));
        for _ in 0..count {
            self.rig.engine.update(EngineConfig::default().step);
            let faults = self.rig.engine.take_faults();
            let taken_back = self.rig.registry.after_frame(&mut self.rig.engine, &faults);
            let has_gone_back = taken_back.iter().any(|it| it.outcome.is_ok());
            for fault in faults.iter().filter(|_| !has_gone_back) {
                self.expected[usize::from(fault.module == "other")].suspended = true;
            }
            for taken_back in taken_back {
                self.done.push(format!("taken back: {:?}", taken_back.outcome));
                if let Ok(report) = taken_back.outcome {
                    self.note_put_back(&report);
                }
            }
            self.rig.registry.tidy();
            self.check();
        }
    }

    fn roll_back(&mut self, module: usize) {
        let to = (self.numbers.below(2) == 0).then(|| self.numbers.below(8) as u64);
        let consent = self.consent();
        let outcome = self.rig.registry.rollback(&mut self.rig.engine, MODULES[module], to, consent);
        self.done.push(format!("roll {module} back to {to:?}: {:?}", outcome.as_ref().map_err(|it| it.code)));
        if let Ok(report) = outcome {
            self.note_put_back(&report);
        }
    }

    fn note_put_back(&mut self, report: &RollbackReport) {
        for put_back in &report.modules {
            let expected = &mut self.expected[usize::from(put_back.name == "other")];
            expected.live = Some(expected.labels[&put_back.to].clone());
            expected.suspended = false;
        }
    }

    /// A save that is built, found unchanged, or fails to build; or is still under way.
    fn note(&mut self, module: usize) {
        let ends = [None, Some(Event::Unchanged), Some(Event::Failed), Some(Event::Built)];
        let end = ends[self.numbers.below(ends.len())];
        self.done.push(format!("save {module}: {end:?}"));
        if self.expected[module].live.is_some() {
            self.rig.registry.note(MODULES[module], Event::Saved);
            end.iter().for_each(|event| self.rig.registry.note(MODULES[module], *event));
        }
    }

    fn remove(&mut self, module: usize) {
        let removed = self.rig.registry.remove(&mut self.rig.engine, MODULES[module]);
        self.done.push(format!("remove {module}"));
        assert_eq!(removed.is_ok(), self.expected[module].live.is_some());
        self.expected[module] = Expected::default();
    }

    fn reset(&mut self) {
        let reset = self.rig.registry.reset(&mut self.rig.engine);
        self.done.push(format!("reset: {:?}", reset.as_ref().map_err(|it| it.code)));
        assert_eq!(reset, Ok(vec![]));
        self.expected.iter_mut().for_each(|expected| expected.suspended = false);
    }

    /// The engine ends, and another one goes on with its game, if that can be saved and restored.
    fn go_on(&mut self) {
        let Ok(game) = self.rig.registry.save_game(&self.rig.engine, Vec::new()) else { return };
        let mut next = Rig::with(RegistryConfig { probation: PROBATION, ..RegistryConfig::default() });
        let checker = next.registry.checker();
        let live = self.rig.registry.modules();
        let candidates = live.iter().map(|status| checker.check(&status.library, status.generation).unwrap());
        let candidates = candidates.collect();
        let resumed = next.registry.resume_game(&mut next.engine, candidates, &game, Consent::AcceptLoss);
        self.done.push(format!("go on: {:?}", resumed.as_ref().map(|_| ()).map_err(|it| it.code)));
        if resumed.is_err() {
            return;
        }
        next.registry.take_up(self.rig.registry.past());
        std::mem::swap(&mut self.rig.scratch, &mut next.scratch);
        let Rig { registry, engine, .. } = std::mem::replace(&mut self.rig, next);
        registry.close(engine);
        self.strays = self.rig.mapped() - live.len();
        self.expected.iter_mut().for_each(|expected| expected.suspended = false);
    }

    fn check(&self) {
        let systems = self.rig.engine.systems();
        for (name, expected) in MODULES.iter().zip(&self.expected) {
            let of_module = systems.iter().filter(|path| path.starts_with(&format!("{name}/")));
            let bound: Vec<_> = of_module.map(String::as_str).collect();
            let live = expected.live.iter().map(|label| format!("{name}/{label}"));
            let update = expected.live.iter().map(|_| format!("{name}/update"));
            assert_eq!(bound, update.chain(live).collect::<Vec<_>>(), "the schedule");
            let status = self.rig.registry.modules().into_iter().find(|status| status.name == *name);
            assert_eq!(status.is_some(), expected.live.is_some(), "the registry");
            let Some(status) = status else { continue };
            assert_eq!(self.rig.engine.is_suspended(ModuleId::of(name)), expected.suspended, "{name}");
            match status.state {
                State::Building | State::Checking => {}
                state => assert_eq!(state == State::Suspended, expected.suspended, "{name} is {state:?}"),
            }
        }
        let title = self.expected[0].live.clone().filter(|_| !self.expected[0].suspended);
        assert_eq!(self.rig.title(), title, "the binding");
        assert!(self.rig.mapped() <= 2 * 5 + self.strays, "the rings, and what runs");
    }
}

#[test]
fn two_modules_in_random_interleavings_each_have_the_generation_bound_that_they_should() {
    let libraries = libraries();
    let (mut went_back, mut went_on) = (0, 0);
    for seed in 0..8 {
        let mut game = Game::new(&libraries, seed);
        for _ in 0..60 {
            let stepped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                game.step();
                game.rig.registry.tidy();
                game.check();
            }));
            assert!(stepped.is_ok(), "seed {seed}, after:\n{}", game.done.join("\n"));
        }
        let count = |what: &str| game.done.iter().filter(|line| line.starts_with(what)).count();
        went_back += count("taken back: Ok");
        went_on += count("go on: Ok");
    }
    assert!(went_back > 10 && went_on > 3, "it was worth it: {went_back} {went_on}");
}
