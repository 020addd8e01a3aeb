//! The newest save wins.

use std::time::SystemTime;

use keel_builder::{BuildEvent, BuildQueue, Builder};
#[cfg(target_os = "linux")]
use keel_builder::{BuildFailure, CancelToken};

use crate::fixture::{DEADLINE, Game, holds, requests, source, source_of};

/// A build script that says through a file that it runs, and then runs until it is ended.
const ENDLESS: &str = "fn main() { std::fs::write(std::env::var(\"CARGO_MANIFEST_DIR\").unwrap() + \"/pid\", \
                       std::process::id().to_string()).unwrap(); loop { std::thread::park(); } }";

/// Waits until cargo compiles `module`; that is told by cargo itself.
fn wait_for_compiling(builder: &Builder, module: &str) {
    loop {
        match builder.events().recv_timeout(DEADLINE).unwrap() {
            BuildEvent::Compiling { package } if package.starts_with(module) => return,
            _ => {}
        }
    }
}

#[test]
fn a_newer_save_ends_the_build_under_way_and_takes_its_modules_along() {
    let game = Game::new();
    let builder = game.builder();
    let queue = BuildQueue::start(builder.clone()).unwrap();
    game.write("systems/swim/build.rs", ENDLESS);
    queue.submit(requests(&["swim"]), [], SystemTime::now());
    wait_for_compiling(&builder, "swim");
    std::fs::remove_file(game.root.join("systems/swim/build.rs")).unwrap();
    game.write(&source_of("swim"), &source(2));
    game.write(&source_of("tide"), &source(3));
    let saved_at = SystemTime::now();
    queue.submit(requests(&["tide"]), [], saved_at);
    let outcome = queue.outcomes().recv_timeout(DEADLINE).unwrap();
    assert_eq!((outcome.requests, outcome.saved_at), (requests(&["swim", "tide"]), saved_at));
    assert_eq!(outcome.superseded, 1);
    let report = outcome.result.unwrap();
    assert!(holds(&report.artifacts[0].path, 2));
    assert!(holds(&report.artifacts[1].path, 3));
    assert!(queue.outcomes().is_empty(), "the build that was given up has no outcome");
}

#[test]
#[cfg(target_os = "linux")]
fn cancelling_ends_what_cargo_has_started() {
    let game = Game::new();
    let builder = game.builder();
    game.write("systems/swim/build.rs", ENDLESS);
    let cancel = CancelToken::new();
    let result = std::thread::scope(|scope| {
        let build = scope.spawn(|| builder.build(&requests(&["swim"]), &cancel));
        let pid = wait_for_file(&game.root.join("systems/swim/pid"));
        cancel.cancel();
        (build.join().unwrap(), pid)
    });
    assert!(matches!(result.0, Err(BuildFailure::Cancelled)), "{:?}", result.0);
    let process = std::path::Path::new("/proc").join(result.1);
    let deadline = std::time::Instant::now() + DEADLINE;
    while is_running(&process) {
        assert!(std::time::Instant::now() < deadline, "the build script still runs");
        std::thread::yield_now();
    }
}

#[test]
fn dropping_the_queue_ends_its_build() {
    let game = Game::new();
    let builder = game.builder();
    game.write("systems/swim/build.rs", ENDLESS);
    let queue = BuildQueue::start(builder.clone()).unwrap();
    queue.submit(requests(&["swim"]), [], SystemTime::now());
    wait_for_compiling(&builder, "swim");
    let outcomes = queue.outcomes().clone();
    drop(queue);
    assert!(outcomes.recv().is_err(), "the queue has ended without an outcome");
}

#[cfg(target_os = "linux")]
fn wait_for_file(path: &std::path::Path) -> String {
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ => assert!(std::time::Instant::now() < deadline, "{} never came", path.display()),
        }
        std::thread::yield_now();
    }
}

/// One that was ended and not waited for by its new parent is a zombie: it runs no more.
#[cfg(target_os = "linux")]
fn is_running(process: &std::path::Path) -> bool {
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim_start().is_empty() && !rest.trim_start().starts_with('Z'))
}
