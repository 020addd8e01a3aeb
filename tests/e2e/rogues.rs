//! Modules whose code no process can contain: what ends the engine, and what does not return. What is told of each, and
//! what becomes of the game.

use serde_json::Value;

use crate::faults::{MODULE, SOURCE, start_with};
use crate::game::{Game, message};

/// A way to go wrong: what `rogue` does, in the line that ends with `// here`.
pub(crate) struct Rogue {
    pub(crate) code: &'static str,
    pub(crate) kind: &'static str,
    signal: Option<i32>,
    message: &'static str,
    /// How the process ended.
    how: &'static str,
}

pub(crate) const ROGUES: [Rogue; 7] = [
    Rogue {
        // The page at 0, but not 0 itself: std aborts at that, instead of trying it.
        code: "unsafe { std::ptr::without_provenance_mut::<u64>(std::hint::black_box(64)).write_volatile(steps) }; // here",
        kind: "segmentation-fault",
        signal: Some(11),
        message: "segmentation fault at address 0x40",
        how: "signal 11 (segmentation fault)",
    },
    Rogue {
        code: "if steps < u64::MAX { std::process::abort(); } // here",
        kind: "abort",
        signal: Some(6),
        message: "abort",
        how: "signal 6 (abort)",
    },
    Rogue {
        code: "let ground = std::hint::black_box([steps; 1024]);\n    \
               if std::hint::black_box(steps) < u64::MAX { rogue(steps + 1); } // here\n    \
               std::hint::black_box(ground);",
        kind: "stack-overflow",
        signal: Some(11),
        message: "stack overflow at address 0x",
        how: "signal 11 (segmentation fault)",
    },
    Rogue {
        code: "unsafe { std::arch::asm!(\"xor edx, edx\", \"xor ecx, ecx\", \"div ecx\", out(\"eax\") _, out(\"ecx\") _, \
               out(\"edx\") _) }; // here\n    std::hint::black_box(steps);",
        kind: "arithmetic-error",
        signal: Some(8),
        message: "arithmetic error at address 0x",
        how: "signal 8 (arithmetic error)",
    },
    Rogue {
        code: "unsafe { std::arch::asm!(\"ud2\") }; // here\n    std::hint::black_box(steps);",
        kind: "illegal-instruction",
        signal: Some(4),
        message: "illegal instruction at address 0x",
        how: "signal 4 (illegal instruction)",
    },
    Rogue {
        code: "if steps < u64::MAX { std::process::exit(3); } // here",
        kind: "exit",
        signal: None,
        message: "the process was ended by its own code, exit status: 3",
        how: "exit status: 3",
    },
    Rogue {
        code: "let _deep = Deep(steps); // here\n    if steps < u64::MAX { panic!(\"first\"); }",
        kind: "abort",
        signal: Some(6),
        message: "abort: panicked at systems/unlucky/src/lib.rs:",
        how: "signal 6 (abort)",
    },
];

/// Its drop panics, also while another panic is under way.
const DEEP: &str = "struct Deep(u64);\nimpl Drop for Deep {\n    fn drop(&mut self) {\n        \
                    if self.0 < u64::MAX { panic!(\"second\"); }\n    }\n}\n";

/// The module, calling `rogue` in `update`, and the line of its source that goes wrong.
pub(crate) fn source(code: &str) -> (String, usize) {
    let call = MODULE.replace("/*update*/", "rogue(std::hint::black_box(self.steps));");
    let source = format!(
        "{call}\n{DEEP}\n#[inline(never)]\n#[allow(unsafe_code, unconditional_recursion, \
         clippy::undocumented_unsafe_blocks, reason = \"it is to go wrong\")]\nfn rogue(steps: u64) {{\n    {code}\n}}\n"
    );
    let line = source.lines().position(|line| line.ends_with("// here")).unwrap() + 1;
    (source, line)
}

/// A game in which new code runs at once, and which ends with its engine.
fn start() -> Game {
    start_with(&["--trial", "off", "--snapshots", "off"])
}

fn event(game: &Game, name: &str) -> Option<Value> {
    let mut events = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.rfind(|event| event["event"] == name)
}

/// Checks that a backtrace names the function `rogue` with a line of the module's source, and nothing of the engine.
#[track_caller]
fn check_backtrace(event: &Value, line: usize) {
    let backtrace = event["backtrace"].as_str().unwrap_or_else(|| panic!("there is none: {event}"));
    let call = format!("rogue at {SOURCE}:{line}");
    assert!(backtrace.contains(&call), "{call} is not in\n{backtrace}");
    assert!(["core/", "modules/", "/rustc/"].iter().all(|it| !backtrace.contains(it)), "{backtrace}");
}

#[test]
fn whatever_ends_the_engine_is_told_with_module_system_and_calls() {
    for Rogue { code, kind, signal, message: expected, how } in ROGUES {
        let mut game = start();
        let (source, line) = source(code);
        game.workspace.write(SOURCE, &source);
        let status = game.end();
        let told = game.history().join("\n");
        assert_eq!(status.code(), Some(4), "{code}: {told}");
        assert!(told.contains(&format!("the engine process ended: {how}")), "{code}: {told}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
        let crash = event(&game, "crash").unwrap_or_else(|| panic!("{code}: no crash is told: {told}"));
        assert_eq!((&crash["module"], &crash["system"]), (&"unlucky".into(), &"update".into()), "{crash}");
        assert_eq!((crash["kind"].as_str(), crash["signal"].as_i64()), (Some(kind), signal.map(Into::into)));
        assert!(message(&crash).starts_with(expected), "{crash}");
        assert!(crash["frame"].as_u64().unwrap() > 0, "{crash}");
        // What is cleaned up in a function is in the function's own line.
        check_backtrace(&crash, if code.contains("Deep") { line - 1 } else { line });
        assert_eq!(message(&crash).contains(": second; then it "), code.contains("Deep"), "{crash}");
        if signal == Some(11) {
            crate::keys::check_events(&game, &["crash"]);
        }
    }
}

#[test]
fn a_crash_in_a_call_of_the_life_cycle_is_told_as_that() {
    for call in ["load", "register", "restore_state", "save_state"] {
        let mut game = start();
        let place = format!("/*{call}*/");
        assert!(MODULE.contains(&place));
        let source = MODULE.replace(&place, "if self.steps < u64::MAX { std::process::abort(); }");
        game.workspace.write(SOURCE, &source);
        if call == "save_state" {
            // It is called when the next generation comes.
            game.wait_swap("unlucky");
            game.workspace.write(SOURCE, MODULE);
        }
        assert_eq!(game.end().code(), Some(4), "{call}");
        let crash = event(&game, "crash").unwrap_or_else(|| panic!("{call}: {:?}", game.history()));
        assert_eq!((&crash["module"], &crash["system"]), (&"unlucky".into(), &call.into()), "{crash}");
        let line = source.lines().position(|line| line.contains("process::abort")).unwrap() + 1;
        let place = format!(" at {SOURCE}:{line}");
        assert!(crash["backtrace"].as_str().unwrap().contains(&place), "{place}: {crash}");
    }
}

/// Waits for `update` of the module to be told as hanging at `line` of its source.
#[track_caller]
fn wait_hang(game: &mut Game, line: usize) {
    let hang = game.wait("a hang", |event| event["event"] == "hang");
    assert_eq!((&hang["module"], &hang["system"]), (&"unlucky".into(), &"update".into()), "{hang}");
    assert!(hang["lasted_ms"].as_f64().unwrap() >= 1000.0, "{hang}");
    check_backtrace(&hang, line);
}

#[test]
fn a_loop_is_named_while_it_hangs_and_the_game_goes_on_when_it_ends() {
    let mut game = start();
    let go_on = game.workspace.scratch("go-on");
    let (hanging, line) = source(&format!(
        "while steps < u64::MAX && !std::path::Path::new({:?}).exists() {{}} // here",
        go_on.display().to_string()
    ));
    game.workspace.write(SOURCE, &hanging);
    wait_hang(&mut game, line);
    game.command("restart now");
    game.wait_log("`restart now` is no command");
    std::fs::write(&go_on, "").unwrap();
    let ended = game.wait("its end", |event| event["event"] == "hang_ended");
    assert_eq!((&ended["module"], &ended["system"]), (&"unlucky".into(), &"update".into()), "{ended}");
    game.assert_goes_on();
    assert_eq!(
        game.history().iter().filter(|line| line.contains("\"event\":\"hang\"")).count(),
        1,
        "told once"
    );
    crate::keys::check_events(&game, &["hang", "hang_ended"]);
    game.command("restart");
    game.wait_log("nothing hangs");

    // One that never ends must not keep the user from leaving.
    let (endless, line) = source("loop { std::hint::black_box(steps); } // here");
    game.workspace.write(SOURCE, &endless);
    wait_hang(&mut game, line);
    game.quit();
}

#[test]
fn a_deadlock_is_named_and_the_user_ends_it() {
    let mut game = start();
    let (source, line) = source(
        "let lock = std::sync::Mutex::new(steps);\n    let _first = lock.lock();\n    \
         if steps < u64::MAX { drop(lock.lock()); } // here",
    );
    game.workspace.write(SOURCE, &source);
    wait_hang(&mut game, line);
    game.command("restart");
    let status = game.end();
    let told = game.history().join("\n");
    assert_eq!(status.code(), Some(4), "{told}");
    assert!(told.contains("it was ended, as unlucky/update has not returned for"), "{told}");
    assert!(event(&game, "crash").is_none(), "nobody's fault has ended it: {told}");
}
