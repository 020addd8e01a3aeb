//! Each reader is given what was found once, and what nobody has looked at yet, in a process of its own: what is wrong
//! may be anything that ends one.

#![allow(clippy::print_stdout, reason = "how far it came, for whoever asks with --nocapture")]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::UNIX_EPOCH;

use keel_fuzz::Target;

/// So many inputs are the same in every run.
const EXECUTIONS: u64 = 300;

/// For so many seconds there are others in each; `KEEL_FUZZ_SECONDS` says another number.
const SECONDS: u64 = 2;

#[track_caller]
fn check(name: &str) {
    let target = Target::named(name).expect("it is one");
    let whole = (target.whole)();
    assert!(whole.iter().all(|input| (target.read)(input)), "a whole input of `{name}` is refused");
    let seconds = std::env::var("KEEL_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let seconds = seconds.unwrap_or(SECONDS);
    check_run(name, &["--seed", "1", "--executions", &EXECUTIONS.to_string()]);
    let now = UNIX_EPOCH.elapsed().expect("it is after 1970").as_nanos() as u64;
    check_run(name, &["--seed", &now.to_string(), "--seconds", &seconds.to_string()]);
}

/// Runs the target; what it ended at is kept beside what was built.
#[track_caller]
fn check_run(name: &str, options: &[&str]) {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_keel-fuzz"));
    let output =
        command.arg(name).args(options).arg("--keep").arg(&kept).output().expect("the binary is there");
    let Output { status, stdout, stderr } = output;
    assert!(
        status.success(),
        "`{name}` {options:?} ended by {status} at {}\ncopy it into tests/fuzz/corpus/{name}, and mend what it shows\n{}",
        kept.display(),
        String::from_utf8_lossy(&stderr),
    );
    println!("{}", String::from_utf8_lossy(&stdout).trim_end());
    std::fs::remove_file(&kept).expect("the run has kept its last input");
}

#[test]
fn no_game_breaks_the_reader() {
    check("game");
}

#[test]
fn no_library_breaks_the_reader() {
    check("library");
}

#[test]
fn no_lockfile_breaks_the_reader() {
    check("lockfile");
}

#[test]
fn no_recording_breaks_the_reader() {
    check("recording");
}

#[test]
fn no_workspace_breaks_the_reader() {
    check("workspace");
}

#[test]
fn no_world_breaks_the_reader() {
    check("world");
}

#[test]
fn each_target_has_its_test_here() {
    let text = include_str!("fuzz.rs");
    let missing =
        Target::ALL.iter().filter(|target| !text.contains(&format!("    check(\"{}\");", target.name)));
    assert_eq!(missing.map(|target| target.name).collect::<Vec<_>>(), Vec::<&str>::new());
}
