//! What happens to the game: one thing after the other.

use std::time::Instant;

use serde_json::Value;

use super::books::steps_of;
use super::code::{Code, DATA, MODULE, Shape, Wrong};
use super::{FRAMES_LOST_MAX, STABLE_AFTER, Soak, arguments, gone_on_from, kill_all};
use crate::gallery::{Ends, FAULTS, Fault, Place};
use crate::game::{Game, message, poll, signal};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Code that works.
    Edit,
    /// Code that adds or removes systems, or a field of the module's own.
    Rebuild,
    /// The data changes its shape.
    Reshape,
    /// Code that does not compile.
    Broken,
    /// Code that goes wrong before it is in the game.
    Caught,
    /// Code that goes wrong in the game.
    Passed,
    KillEngine,
    KillAll,
}

/// A fault in a call.
pub(super) type Way = (&'static Fault, Place);

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Rebuild => "edit of systems and fields",
            Self::Reshape => "edit of a component's shape",
            Self::Broken => "edit that does not compile",
            Self::Caught => "fault for a trial",
            Self::Passed => "fault in the game",
            Self::KillEngine => "kill of the engine",
            Self::KillAll => "kill of all",
        }
    }

    fn ends_the_engine(self) -> bool {
        matches!(self, Self::Passed | Self::KillEngine | Self::KillAll)
    }
}

impl Soak {
    /// The next things that are done.
    pub(super) fn deal(&mut self) -> Vec<Step> {
        let shares = [
            (Step::Edit, 3),
            (Step::Rebuild, 2),
            (Step::Reshape, 2),
            (Step::Broken, 1),
            (Step::Caught, 5),
            (Step::Passed, 3),
            (Step::KillEngine, 1),
            // So that one supervisor lives for a while, and shows what it keeps.
            (Step::KillAll, usize::from(self.figures.kills() == 0 || self.dice.is_one_in(6))),
        ];
        let some = shares.into_iter().flat_map(|(step, share)| [step].repeat(share)).collect();
        self.dice.shuffled(some)
    }

    /// Does it. `Some` frames are lost if the game went back.
    pub(super) fn take(&mut self, step: Step) -> Option<u64> {
        if step.ends_the_engine() {
            self.wait_stable();
        }
        match step {
            Step::Edit => self.swap(|_, _| {}),
            Step::Rebuild => self.swap(|code, dice| {
                code.systems = dice.below(3);
                code.has_more = dice.is_one_in(2);
            }),
            Step::Reshape => self.reshape(),
            Step::Broken => self.write_broken(),
            Step::Caught if self.has_trials => self.write_caught(),
            Step::Caught => return self.write_uncaught(),
            Step::Passed => return Some(self.write_passed()),
            Step::KillEngine => return Some(self.kill_engine()),
            Step::KillAll => return Some(self.kill_everything()),
        }
        None
    }

    /// Edits until the engine has run for so long that its end is taken for a new one.
    fn wait_stable(&mut self) {
        while self.running_since.elapsed() < STABLE_AFTER {
            self.swap(|_, _| {});
            self.check(None);
            self.figures.count(Step::Edit.name());
        }
    }

    fn next_code(&mut self, wrong: Option<Wrong>) -> Code {
        self.written += 1;
        Code { version: self.written, wrong, ..self.live.clone() }
    }

    fn write(&mut self, code: &Code) {
        self.books.note(code);
        self.is_written_live = false;
        let source = code.source();
        self.game().workspace.write(MODULE, &source);
    }

    /// Waits for the code that was written to be live.
    fn wait_swap(&mut self, module: &str, code: Code) {
        let swap = self.game().wait_swap(module);
        let generation = swap.line["generation"].as_u64().unwrap();
        self.generations.insert(generation, code.version);
        self.live = code;
        self.figures.swaps += 1;
    }

    fn swap(&mut self, change: impl Fn(&mut Code, &mut super::Dice)) {
        let mut code = self.next_code(None);
        change(&mut code, &mut self.dice);
        self.write(&code);
        self.wait_swap("soak", code);
        self.is_written_live = true;
        self.expect_told(&[]);
    }

    fn reshape(&mut self) {
        // All that is written must go together.
        if !self.is_written_live {
            self.swap(|_, _| {});
        }
        let shape = loop {
            let shape = Shape { has_extra: self.dice.is_one_in(2), has_note: self.dice.is_one_in(2) };
            if shape != self.live.shape {
                break shape;
            }
        };
        self.game().workspace.write(DATA, &shape.source());
        let code = Code { shape, ..self.live.clone() };
        self.books.note(&code);
        self.wait_swap("soak-data-module", code);
        self.expect_told(&[]);
    }

    fn write_broken(&mut self) {
        let code = self.next_code(None);
        self.is_written_live = false;
        let source = code.source().replace("Ok(())", "Ok(()");
        self.game().workspace.write(MODULE, &source);
        let rejected = self.game().wait_rejected("soak");
        if rejected["code"] != "compile-error" {
            self.fail(&format!("a compile-error was to come: {rejected}"));
        }
        self.expect_told(&["rejected"]);
    }

    /// The next fault and call, of those in which each comes as often as the others.
    fn next_way(&mut self, fits: impl Fn(&Way) -> bool) -> Way {
        loop {
            if let Some(at) = self.ways.iter().position(&fits) {
                return self.ways.remove(at);
            }
            let all: Vec<Way> =
                FAULTS.iter().flat_map(|fault| Place::ALL.map(|place| (fault, place))).collect();
            let more = self.dice.shuffled(all);
            self.ways.extend(more);
        }
    }

    fn write_wrong(&mut self, (fault, place): Way, after: u64) -> Code {
        println!("    {} in {}, after {after} steps", fault.name, place.name());
        let code = self.next_code(Some(Wrong { fault, place, after }));
        self.write(&code);
        code
    }

    /// Its trial catches it.
    fn write_caught(&mut self) {
        let way = self.next_way(|_| true);
        let (fault, place) = way;
        self.write_wrong(way, 0);
        let rejected = self.game().wait_rejected("soak");
        let is_told = match fault.ends {
            Ends::Call => message(&rejected).contains("no luck"),
            _ => rejected["failure"]["kind"] == fault.kind,
        };
        if !is_told {
            self.fail(&format!("this does not tell of {} in {}: {rejected}", fault.name, place.name()));
        }
        self.expect_told(&["rejected"]);
        *self.figures.caught.entry(named(way)).or_default() += 1;
    }

    /// Code that goes wrong before it is live, without a trial. How many frames that has cost, if any.
    fn write_uncaught(&mut self) -> Option<u64> {
        let way = self.next_way(|(_, place)| matches!(place, Place::Load | Place::RestoreState));
        if way.0.ends != Ends::Call {
            return Some(self.let_pass(way, 0));
        }
        self.write_wrong(way, 0);
        let rejected = self.game().wait_rejected("soak");
        if !message(&rejected).contains("no luck") {
            self.fail(&format!("this does not tell of the panic: {rejected}"));
        }
        self.expect_told(&["rejected"]);
        *self.figures.passed.entry(named(way)).or_default() += 1;
        None
    }

    /// No trial catches it. How many frames that has cost.
    fn write_passed(&mut self) -> u64 {
        // A panic goes back to what ran before, which must be there.
        self.swap(|_, _| {});
        let has_trials = self.has_trials;
        let way = self.next_way(|(fault, place)| match place {
            Place::Update => true,
            _ if has_trials => false,
            // It would be given up, as `--accept-loss` says.
            Place::SaveState => fault.ends != Ends::Call,
            Place::Drop => true,
            Place::Load | Place::RestoreState => false,
        });
        let after = if has_trials { 10 + self.dice.below(60) } else { 2 + self.dice.below(60) };
        self.let_pass(way, after)
    }

    /// Waits for what it does to the game. How many frames that has cost.
    fn let_pass(&mut self, way: Way, after: u64) -> u64 {
        let (fault, place) = way;
        let code = self.write_wrong(way, after);
        *self.figures.passed.entry(named(way)).or_default() += 1;
        if !matches!(place, Place::Load | Place::RestoreState) {
            self.wait_swap("soak", code);
        }
        if place == Place::Drop {
            self.swap_until_it_goes();
        }
        match fault.ends {
            Ends::Call if place == Place::Drop => self.wait_failed_drop(),
            Ends::Call => self.wait_rolled_back(),
            Ends::Never => self.end_hang(place),
            Ends::Process | Ends::Memory => {
                let lost = self.wait_resumed("going on after a crash", &["crash", "resumed"]);
                self.check_crash(fault);
                lost
            }
        }
    }

    /// Waits for a hang and ends it; one of two has its fix saved meanwhile, which runs then. How many frames that has cost.
    fn end_hang(&mut self, place: Place) -> u64 {
        let hang = self.game().wait("a hang", |event| event["event"] == "hang");
        if hang["module"] != "soak" {
            self.fail(&format!("not the soak's: {hang}"));
        }
        // What hangs as it is loaded hangs beside the game, which its fix does not wait for.
        let fix = (place != Place::Load && self.dice.is_one_in(2)).then(|| self.save_fix());
        self.game().command("restart");
        let lost = self.wait_resumed("going on after a hang", &["hang", "resumed"]);
        if let Some(fix) = fix {
            self.wait_swap("soak", fix);
            self.is_written_live = true;
            self.expect_told(&[]);
            self.figures.count("fix saved during a hang");
        }
        lost
    }

    /// The module was as good as gone: it is told, and costs nothing.
    fn wait_failed_drop(&mut self) -> u64 {
        let fault = self.game().wait_fault("soak");
        if fault["system"] != "drop" {
            self.fail(&format!("this does not tell of a drop: {fault}"));
        }
        self.expect_told(&["fault"]);
        0
    }

    /// Writes code that works, and waits until it is built.
    fn save_fix(&mut self) -> Code {
        let fix = self.next_code(None);
        let built = self.game().copies_of("soak");
        self.write(&fix);
        let game = self.game();
        poll("the fix to be built", || (game.copies_of("soak") > built).then_some(()));
        fix
    }

    fn check_crash(&mut self, fault: &Fault) {
        let history = self.game.as_ref().unwrap().history().iter().rev();
        let mut events = history.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let crash = events.find(|event| event["event"] == "crash").unwrap_or_default();
        if crash["kind"] != fault.kind || crash["module"] != "soak" {
            self.fail(&format!("this does not tell of {}: {crash}", fault.name));
        }
    }

    /// A generation goes when four more have come after it.
    fn swap_until_it_goes(&mut self) {
        for _ in 0..5 {
            let code = self.next_code(None);
            self.write(&code);
            let told = self.game().wait("a swap, or the end", |event| {
                event["event"] == "crash" || (event["event"] == "swap" && event["module"] == "soak")
            });
            if told["event"] == "crash" {
                return;
            }
            self.generations.insert(told["generation"].as_u64().unwrap(), code.version);
            self.live = code;
            self.figures.swaps += 1;
        }
    }

    fn kill_engine(&mut self) -> u64 {
        signal(self.game().engine_pid(), "KILL");
        let lost = self.wait_resumed("going on after the engine was killed", &["resumed"]);
        let mut newest = self.game.as_ref().unwrap().history().iter().rev();
        let resumed = newest.find(|line| line.contains("\"event\":\"resumed\"")).unwrap();
        if !resumed.contains("\"put_back\":[]") {
            self.fail(&format!("nobody is to blame for a kill: {resumed}"));
        }
        lost
    }

    /// Waits for the game to be gone on with in another engine.
    fn wait_resumed(&mut self, how: &'static str, expected: &[&str]) -> u64 {
        let resumed = self.game().wait_resumed();
        self.running_since = Instant::now();
        for put_back in resumed["put_back"].as_array().unwrap() {
            self.put_back(&put_back["module"], &put_back["to"]);
        }
        self.figures.resume_ms.push(resumed["resume_ms"].as_f64().unwrap());
        self.expect_told(expected);
        self.lost(how, &resumed)
    }

    fn wait_rolled_back(&mut self) -> u64 {
        let told = self.game().wait("a rollback", |event| event["event"] == "rolled_back");
        for module in told["modules"].as_array().unwrap() {
            self.put_back(&module["name"], &module["to"]);
            if module["name"] == "soak" {
                self.generations.insert(module["generation"].as_u64().unwrap(), self.live.version);
            }
        }
        self.expect_told(&["fault", "rolled_back"]);
        let steps = steps_of(&self.save());
        self.wait_step(steps);
        self.lost("going back after a panic", &told)
    }

    fn put_back(&mut self, module: &Value, to: &Value) {
        if module == "soak" {
            let to = to.as_u64().unwrap_or_else(|| self.fail("the soak's module was left out"));
            let version = *self.generations.get(&to).unwrap_or_else(|| self.fail("no such generation"));
            let shape = self.live.shape;
            self.live = Code { shape, ..self.books.code(version).clone() };
        } else {
            self.fail(&format!("{module} was put back to {to}"));
        }
        self.is_written_live = false;
    }

    fn lost(&mut self, how: &'static str, event: &Value) -> u64 {
        let lost = event["frames_lost"].as_u64().unwrap();
        if lost > FRAMES_LOST_MAX {
            self.fail(&format!("more is lost than snapshots allow: {event}"));
        }
        self.figures.lose(how, lost);
        lost
    }

    /// Waits for a step after these. Before it, what went back is what was saved, by the code that ran then.
    fn wait_step(&mut self, steps: u64) {
        while steps_of(&self.save()) <= steps {}
    }

    /// Supervisor and engine, and goes on from the disk, with trials or without.
    fn kill_everything(&mut self) -> u64 {
        // What is on disk is what will run.
        self.swap(|_, _| {});
        self.check(None);
        let before = self.steps;
        let workspace = kill_all(self.game.take().unwrap());
        self.has_trials = !self.dice.is_one_in(3);
        self.game = Some(Game::start_with(workspace, &arguments(self.has_trials, true)));
        self.running_since = Instant::now();
        self.heard = 0;
        self.generations = [(0, self.live.version)].into();
        let from = gone_on_from(self.game.as_ref().unwrap());
        let from = from.unwrap_or_else(|| self.fail("it is not told where it goes on"));
        self.wait_step(from);
        self.expect_told(&[]);
        let lost = before.saturating_sub(from);
        if lost > FRAMES_LOST_MAX {
            self.fail(&format!("from step {before} back to {from}: more is lost than snapshots allow"));
        }
        self.figures.lose("going on after all was killed", lost);
        lost
    }
}

fn named((fault, place): Way) -> String {
    format!("{} in {}", fault.name, place.name())
}
