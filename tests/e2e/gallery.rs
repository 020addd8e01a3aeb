//! The rogue gallery: a module for each fault, which goes wrong in each of its calls. Its trial refuses it, and the game
//! never notices; past a trial the game goes on with the code before. What is told of each, and that the world is the
//! one it would have been.
//!
//! The modules are crates of `tests/rogues`: one of its faults, and what they share.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::game::{Game, message};
use crate::workspace::Workspace;

/// What becomes of the process that runs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ends {
    /// It goes on: the fault is contained.
    Call,
    /// It ends.
    Process,
    /// It hangs.
    Never,
    /// It ends once all memory that it may have is taken.
    Memory,
}

/// A way to go wrong.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// What has the function `go_wrong`.
    pub(crate) source: &'static str,
    pub(crate) ends: Ends,
    /// What `crash` and a trial's refusal call it.
    pub(crate) kind: &'static str,
    signal: Option<i64>,
    /// How the message of both begins.
    says: &'static str,
    /// How the process ended.
    how: &'static str,
}

macro_rules! fault {
    ($name:literal: $ends:ident $kind:literal, $signal:expr, $says:literal, $how:literal) => {
        Fault {
            name: $name,
            source: include_str!(concat!("../rogues/faults/", $name, ".rs")),
            ends: Ends::$ends,
            kind: $kind,
            signal: $signal,
            says: $says,
            how: $how,
        }
    };
}

pub(crate) const FAULTS: [Fault; 11] = [
    fault!("segfault": Process "segmentation-fault", Some(11), "segmentation fault at address 0x40", "signal 11 (segmentation fault)"),
    fault!("abort": Process "abort", Some(6), "abort", "signal 6 (abort)"),
    fault!("stack_overflow": Process "stack-overflow", Some(11), "stack overflow at address 0x", "signal 11 (segmentation fault)"),
    fault!("arithmetic": Process "arithmetic-error", Some(8), "arithmetic error at address 0x", "signal 8 (arithmetic error)"),
    fault!("illegal_instruction": Process "illegal-instruction", Some(4), "illegal instruction at address 0x", "signal 4 (illegal instruction)"),
    fault!("exit": Process "exit", None, "the process was ended by its own code, exit status: 3", "exit status: 3"),
    fault!("panic_in_panic": Process "abort", Some(6), "abort: panicked at systems/rogue/src/lib.rs:", "signal 6 (abort)"),
    fault!("endless_loop": Never "hang", None, "had not returned after", "it was ended, as rogue/"),
    fault!("deadlock": Never "hang", None, "had not returned after", "it was ended, as rogue/"),
    fault!("hoard": Memory "memory", Some(6), "memory allocation of 67108864 bytes failed: ", "signal 6 (abort)"),
    fault!("panic": Call "panic", None, "panicked at systems/rogue/src/lib.rs:", ""),
];

/// A call of a module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Load,
    Update,
    SaveState,
    RestoreState,
    Drop,
}

impl Place {
    pub(crate) const ALL: [Self; 5] =
        [Self::Load, Self::Update, Self::SaveState, Self::RestoreState, Self::Drop];

    /// Its name in a module's source.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Update => "update",
            Self::SaveState => "save_state",
            Self::RestoreState => "restore_state",
            Self::Drop => "drop",
        }
    }

    /// Whether it is called before the code is live.
    fn is_before(self) -> bool {
        matches!(self, Self::Load | Self::RestoreState)
    }
}

pub(crate) const SOURCE: &str = "systems/rogue/src/lib.rs";
const MODULE: &str = include_str!("../rogues/module.rs");

/// The fault of that name.
pub(crate) fn fault(name: &str) -> &'static Fault {
    FAULTS.iter().find(|fault| fault.name == name).unwrap_or_else(|| panic!("there is no fault {name}"))
}

/// The module, and the line that goes wrong.
pub(crate) fn rogue(fault: &Fault, place: Place) -> (String, usize) {
    rogue_with(fault.source, place)
}

/// The module with the function `go_wrong` in this source, and the line that goes wrong.
pub(crate) fn rogue_with(source: &str, place: Place) -> (String, usize) {
    let module = MODULE.replace("PLACE: &str = \"none\"", &format!("PLACE: &str = \"{}\"", place.name()));
    assert_ne!(module, MODULE);
    let source = format!("{module}\nmod fault {{\n{source}}}\n");
    let line = source.lines().position(|line| line.ends_with("// here")).unwrap() + 1;
    (source, line)
}

/// The module, going wrong nowhere, different from all that were built before it.
pub(crate) fn sound(version: u64) -> String {
    let nothing = "mod fault {\n    pub fn go_wrong(_: u64) {}\n}";
    format!("{MODULE}\n{nothing}\n\n/// The version.\npub const VERSION: u64 = {version};\n")
}

/// A game with a sound rogue in it.
pub(crate) fn start(arguments: &[&str]) -> Game {
    start_with(&sound(0), arguments)
}

/// A game with a rogue of this source in it.
pub(crate) fn start_with(source: &str, arguments: &[&str]) -> Game {
    let mut workspace = Workspace::take();
    workspace.new_system("rogue");
    std::fs::remove_dir_all(workspace.path("systems/rogue/tests")).unwrap();
    workspace.write(SOURCE, source);
    Game::start_with(workspace, arguments)
}

/// Checks that a backtrace names the function with the line of the module's source, and nothing of the engine; of the
/// system, what the module has called.
#[track_caller]
pub(crate) fn check_backtrace(backtrace: &Value, line: usize) {
    let backtrace = backtrace.as_str().unwrap_or_else(|| panic!("there is none"));
    let call = format!("go_wrong at {SOURCE}:{line}");
    assert!(backtrace.contains(&call), "{call} is not in\n{backtrace}");
    assert!(["core/", "modules/"].iter().all(|it| !backtrace.contains(it)), "{backtrace}");
}

/// The world is what it would be without any module that ever went wrong (a rogue has no entities), and the rogue has
/// seen each step of it.
fn check_world(game: &mut Game) {
    game.pause();
    let still = game.still();
    let seen = still.values.get("module rogue");
    assert!(seen.contains(&format!("steps: {} ", still.step)), "{seen} after {} steps", still.step);
    assert_eq!(still.hash, crate::rollback::hash_of_the_plain_game(game, still.step));
    game.pause();
}

fn told(game: &Game, name: &str) -> impl Iterator<Item = Value> {
    let events = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(move |event| event["event"] == name)
}

/// The swaps of the rogue that were told.
pub(crate) fn swaps_told(game: &Game) -> impl Iterator<Item = Value> {
    told(game, "swap").filter(|event| event["module"] == "rogue")
}

/// Waits until so many swaps of the rogue were told, in any order with all else. The last one.
#[track_caller]
pub(crate) fn wait_swaps(game: &mut Game, count: usize) -> Value {
    for _ in 0..60 {
        if let Some(swap) = swaps_told(game).nth(count - 1) {
            return swap;
        }
        game.stats();
    }
    panic!("there were no {count} swaps:\n{}", game.history().join("\n"));
}

/// Each fault in each call.
fn each() -> impl Iterator<Item = (&'static Fault, Place)> {
    FAULTS.iter().flat_map(|fault| Place::ALL.map(|place| (fault, place)))
}

#[test]
fn a_trial_refuses_each_fault_in_each_call_and_the_game_never_notices() {
    let mut game = start(&[]);
    game.assert_goes_on();
    let engine = game.engine_pid();
    for (fault, place) in each() {
        let (source, line) = rogue(fault, place);
        game.workspace.write(SOURCE, &source);
        let rejected = game.wait_rejected("rogue");
        check_refused(&rejected, fault, place, line);
    }
    assert_eq!(game.engine_pid(), engine, "the game's own process goes on");
    for name in ["fault", "crash", "hang", "resumed", "rolled_back"] {
        assert_eq!(told(&game, name).count(), 0, "{name}: nothing happened to the game");
    }
    crate::keys::check_events(&game, &["rejected"]);
    check_world(&mut game);
    game.workspace.write(SOURCE, &sound(1));
    let swap = game.wait_swap("rogue");
    assert_eq!(swap.line["generation"], 1, "none of the others was ever live");
    assert!(swap.line["stages_ms"]["trial"].as_f64().unwrap() > 0.0, "{}", swap.line);
    game.quit();
}

#[track_caller]
fn check_refused(rejected: &Value, fault: &Fault, place: Place, line: usize) {
    let text = message(rejected);
    assert!(text.contains(fault.says), "{rejected}");
    let (stage, code) = match (fault.ends, place) {
        (Ends::Never, _) => ("trial", "trial-hang"),
        (Ends::Process | Ends::Memory, _) => ("trial", "trial-crash"),
        (Ends::Call, Place::Update | Place::Drop) => ("trial", "trial-panic"),
        // What the swap itself would find out is told as that.
        (Ends::Call, Place::Load) => ("check", "load-failed"),
        (Ends::Call, Place::SaveState) => ("trial", "save-failed"),
        (Ends::Call, Place::RestoreState) => ("swap", "restore-failed"),
    };
    assert_eq!((&rejected["stage"], &rejected["code"]), (&stage.into(), &code.into()), "{rejected}");
    let failure = &rejected["failure"];
    assert_eq!(
        (&failure["kind"], failure["signal"].as_i64()),
        (&fault.kind.into(), fault.signal),
        "{rejected}"
    );
    assert_eq!(failure["system"], place.name(), "{rejected}");
    assert!(failure["frame"].as_u64().unwrap() > 0, "{rejected}");
    check_backtrace(&failure["backtrace"], line);
    if code.starts_with("trial-") {
        assert!(text.ends_with("the game runs on with the code before. Correct it, and save"), "{rejected}");
    } else {
        assert!(text.contains(&format!("module `rogue` failed in `{}`: ", place.name())), "{rejected}");
    }
}

/// An engine that has run for so long has nothing to do with how it began; sooner, it may end three times in a row.
const STABLE_AFTER: Duration = Duration::from_millis(5_500);

/// A game without trials, and what was done to it.
struct Past {
    game: Game,
    /// The last sound version.
    written: u64,
    /// The generation that is live.
    live: Value,
    /// How many swaps will have been told when what is replaced has gone.
    swaps: usize,
    /// How often the engine has ended in a row, soon after it had begun.
    ends: u32,
    running_since: Instant,
}

/// Of [`each`], those that leave a state which can be saved: without a trial, that is given up only with consent.
fn each_past() -> impl Iterator<Item = (&'static Fault, Place)> {
    each().filter(|(fault, place)| !matches!((fault.ends, place), (Ends::Call, Place::SaveState)))
}

#[test]
fn past_a_trial_each_fault_is_told_and_the_game_goes_on_with_the_code_before() {
    // What takes all memory has little to take.
    let game = start(&["--trial", "off", "--memory", "1G"]);
    let mut past =
        Past { game, written: 0, live: 0.into(), swaps: 0, ends: 0, running_since: Instant::now() };
    past.game.assert_goes_on();
    for (fault, place) in each_past() {
        match fault.ends {
            Ends::Call => past.panic(fault, place),
            _ => past.end_engine(fault, place),
        }
    }
    past.swap_sound();
    past.game.assert_goes_on();
    check_world(&mut past.game);
    crate::keys::check_events(&past.game, &["crash", "fault", "resumed"]);
    past.game.quit();
}

impl Past {
    fn write_sound(&mut self) {
        self.written += 1;
        self.game.workspace.write(SOURCE, &sound(self.written));
    }

    fn swap_sound(&mut self) {
        self.write_sound();
        self.wait_swap();
    }

    fn wait_swap(&mut self) {
        self.live = self.game.wait_swap("rogue").line["generation"].clone();
    }

    /// A panic is contained.
    fn panic(&mut self, fault: &Fault, place: Place) {
        self.swap_sound();
        let (source, line) = rogue(fault, place);
        self.game.workspace.write(SOURCE, &source);
        if place.is_before() {
            let rejected = self.game.wait_rejected("rogue");
            assert!(message(&rejected).contains(fault.says), "{rejected}");
            return check_backtrace(&rejected["failure"]["backtrace"], line);
        }
        if place == Place::Drop {
            self.wait_swap();
            self.replace_until_it_goes();
        }
        let told = self.game.wait_fault("rogue");
        assert_eq!((&told["system"], &told["suspended"]), (&place.name().into(), &false.into()), "{told}");
        assert!(message(&told).contains(fault.says), "{told}");
        check_backtrace(&told["backtrace"], line);
        if place == Place::Update {
            let back = self.game.wait("a rollback", |event| event["event"] == "rolled_back");
            assert_eq!(back["modules"][0]["to"], self.live, "{back}");
            self.live = back["modules"][0]["generation"].clone();
        }
    }

    /// The engine ends, and the game goes on in another one with what ran before.
    fn end_engine(&mut self, fault: &Fault, place: Place) {
        if matches!(place, Place::Update | Place::SaveState) {
            self.count_end();
        }
        let before = self.live.clone();
        let (source, line) = rogue(fault, place);
        self.game.workspace.write(SOURCE, &source);
        match place {
            // What ends in its first step is not told to be live.
            Place::Load | Place::RestoreState | Place::Update => {}
            Place::SaveState => self.wait_swap(),
            Place::Drop => {
                self.wait_swap();
                self.replace_until_it_goes();
            }
        }
        self.check_told(fault, place, line);
        let resumed = self.game.wait_resumed();
        self.running_since = Instant::now();
        assert!(resumed["why"].as_str().unwrap().contains(fault.how), "{resumed}");
        let put_back = resumed["put_back"].as_array().unwrap();
        let rogue = put_back.iter().find(|it| it["module"] == "rogue");
        if place == Place::Drop {
            return self.check_went_on(&resumed, rogue);
        }
        let rogue = rogue.unwrap_or_else(|| panic!("{resumed}"));
        assert_eq!(rogue["from"].is_null(), place.is_before(), "{resumed}");
        // An engine that ends again and again goes further back.
        if place.is_before() || self.ends == 1 {
            assert_eq!(rogue["to"], before, "{resumed}");
        }
        self.live = rogue["to"].clone();
        assert!(self.live.is_u64(), "{resumed}");
    }

    /// What went wrong was let go of: the code that had come after it is not to blame, and goes on, and so does the swap
    /// at which it was let go of.
    fn check_went_on(&mut self, resumed: &Value, rogue: Option<&Value>) {
        let why = resumed["why"].as_str().unwrap();
        assert!(why.ends_with(", by code of `rogue` that had been replaced"), "{resumed}");
        assert_eq!(rogue, None, "{resumed}");
        self.live = wait_swaps(&mut self.game, self.swaps)["generation"].clone();
    }

    /// Waits for what is told of a fault that nothing in its process can contain.
    fn check_told(&mut self, fault: &Fault, place: Place, line: usize) {
        let name = if fault.ends == Ends::Never { "hang" } else { "crash" };
        let told = self.game.wait(name, |event| event["event"] == name);
        assert_eq!((&told["module"], &told["system"]), (&"rogue".into(), &place.name().into()), "{told}");
        check_backtrace(&told["backtrace"], line);
        if fault.ends == Ends::Never {
            return self.game.command("restart");
        }
        assert_eq!((&told["kind"], told["signal"].as_i64()), (&fault.kind.into(), fault.signal), "{told}");
        assert!(message(&told).starts_with(fault.says), "{told}");
        if fault.ends == Ends::Memory {
            let next = "the engine process may have 1.0 GiB; mend what grows without an end, or start with a higher limit";
            assert!(message(&told).contains(next), "{told}");
        }
        let is_double = fault.name == "panic_in_panic";
        assert_eq!(message(&told).contains(": second; then it "), is_double, "{told}");
        assert!(told["frame"].as_u64().unwrap() > 0, "{told}");
    }

    /// The engine is about to end once more by code that was live.
    fn count_end(&mut self) {
        while self.ends == 3 && self.running_since.elapsed() < STABLE_AFTER {
            self.game.stats();
        }
        self.ends = if self.running_since.elapsed() < STABLE_AFTER { self.ends + 1 } else { 1 };
    }

    /// A generation goes when four more have come after it, and one that is not waited for.
    fn replace_until_it_goes(&mut self) {
        self.swaps = swaps_told(&self.game).count() + 5;
        (0..4).for_each(|_| self.swap_sound());
        self.write_sound();
    }
}
