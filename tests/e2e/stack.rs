//! How far the stack of the engine's main thread grows where the system would let it grow without an end.

use crate::gallery::{Place, SOURCE, check_backtrace, fault, rogue, sound};
use crate::game::Game;
use crate::workspace::Workspace;

/// A game with a sound rogue in it, started where `ulimit -s` is unlimited.
fn start(arguments: &[&str]) -> Game {
    let mut workspace = Workspace::take();
    workspace.new_system("rogue");
    std::fs::remove_dir_all(workspace.path("systems/rogue/tests")).unwrap();
    workspace.write(SOURCE, &sound(0));
    let mut command = workspace.command("sh");
    command.args(["-c", "ulimit -s unlimited && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keel")]);
    command.args(["run", "--headless", "--json"]).args(arguments);
    let mut game = Game::spawn(workspace, command);
    game.wait_ready();
    // First of all: without a limit, calls without an end would take the memory of this machine.
    assert_eq!(limit(game.pid()), "unlimited");
    assert_eq!(limit(game.engine_pid()), (8_u64 << 20).to_string());
    game.assert_goes_on();
    game
}

/// How far the stack of the process's main thread may grow, in bytes.
fn limit(pid: u32) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max stack size")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn calls_without_an_end_end_at_the_stacks_limit_where_the_system_has_none() {
    let (source, line) = rogue(fault("stack_overflow"), Place::Update);
    let mut game = start(&[]);
    let engine = game.engine_pid();
    game.workspace.write(SOURCE, &source);
    let rejected = game.wait_rejected("rogue");
    assert_eq!(
        (&rejected["code"], &rejected["failure"]["kind"]),
        (&"trial-crash".into(), &"stack-overflow".into())
    );
    check_backtrace(&rejected["failure"]["backtrace"], line);
    assert_eq!(game.engine_pid(), engine, "the game's own process goes on");
    game.quit();

    let mut game = start(&["--trial", "off"]);
    game.workspace.write(SOURCE, &source);
    let crash = game.wait("crash", |event| event["event"] == "crash");
    // The main thread, which has the program's name.
    assert_eq!((&crash["kind"], &crash["thread"]), (&"stack-overflow".into(), &"keel".into()), "{crash}");
    check_backtrace(&crash["backtrace"], line);
    game.wait_resumed();
    game.assert_goes_on();
    game.quit();
}
