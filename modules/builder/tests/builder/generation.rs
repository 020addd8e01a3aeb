//! A path of its own for each generation, in a folder of its own for each run.

use std::fs;
use std::process::{Command, Stdio};

use keel_builder::{Generations, RunDirectory};

use crate::fixture::fresh_folder;

#[test]
fn each_generation_has_a_path_of_its_own() {
    let base = fresh_folder("runs");
    let run = RunDirectory::create(&base).unwrap();
    let mut generations = Generations::new(&run);
    let library = base.join("built.so");
    let mut paths = Vec::new();
    for generation in 0..3 {
        fs::write(&library, format!("code {generation}")).unwrap();
        paths.push(generations.add("swim", generation, &library).unwrap());
    }
    paths.push(generations.add("tide", 0, &library).unwrap());
    let unique: std::collections::BTreeSet<_> = paths.iter().collect();
    assert_eq!(unique.len(), 4);
    assert_eq!(fs::read_to_string(&paths[0]).unwrap(), "code 0");
    assert!(paths.iter().all(|path| path.starts_with(run.path())));
    assert!(generations.add("swim", 1, &library).is_err(), "a path is never used twice");
    assert!(generations.remove("swim", 0).unwrap());
    assert!(!generations.remove("swim", 0).unwrap());
    assert!(!paths[0].exists());
    assert_eq!(generations.of("swim").collect::<Vec<_>>(), [1, 2]);
    assert_eq!(generations.path("tide", 0), Some(paths[3].as_path()));
}

#[test]
fn a_copy_is_complete_or_not_there() {
    let run = RunDirectory::create(&fresh_folder("runs")).unwrap();
    let mut generations = Generations::new(&run);
    let error = generations.add("swim", 1, &run.path().join("never-built.so")).unwrap_err();
    assert!(error.to_string().contains("never-built.so"), "{error}");
    assert_eq!(generations.path("swim", 1), None);
    let names = fs::read_dir(run.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["run.lock"]);
}

#[test]
fn a_name_can_not_leave_the_folder() {
    let base = fresh_folder("runs");
    let run = RunDirectory::create(&base).unwrap();
    fs::write(base.join("built.so"), "code").unwrap();
    for name in ["../swim", "", ".", "a/b", "a\\b"] {
        assert!(Generations::new(&run).add(name, 1, &base.join("built.so")).is_err(), "{name:?}");
    }
}

#[test]
fn the_host_lives_in_its_run_directory() {
    let base = fresh_folder("runs");
    let run = RunDirectory::create(&base).unwrap();
    let built = base.join("libkeel.so");
    fs::write(&built, "facade").unwrap();
    let adopted = run.adopt(&built).unwrap();
    fs::write(&built, "newer facade").unwrap();
    assert_eq!(fs::read_to_string(adopted).unwrap(), "facade");
}

#[test]
fn a_run_removes_its_folder_and_those_of_the_dead_only() {
    let base = fresh_folder("runs");
    fs::write(base.join("notes.txt"), "not ours").unwrap();
    fs::create_dir(base.join("run-1-without-lock")).unwrap();
    let dead = base.join("run-999999-0");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("run.lock"), "").unwrap();
    let first = RunDirectory::create(&base).unwrap();
    assert!(!dead.exists());
    assert!(base.join("notes.txt").exists() && base.join("run-1-without-lock").exists());
    let second = RunDirectory::create(&base).unwrap();
    assert_ne!(first.path(), second.path());
    assert!(first.path().exists(), "a run that lives keeps its folder");
    let path = second.path().to_owned();
    drop(second);
    assert!(!path.exists() && first.path().exists());
}

/// Run by the test below in a process of its own, which is killed while it holds a run.
#[test]
fn child_that_holds_a_run() {
    let Some(base) = std::env::var_os("KEEL_TEST_RUNS") else { return };
    let run = RunDirectory::create(base.as_ref()).unwrap();
    println!("run={}", run.path().display());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn what_a_killed_process_left_is_removed() {
    use std::io::{BufRead, BufReader};
    let base = fresh_folder("runs");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "generation::child_that_holds_a_run", "--nocapture"]);
    command.env("KEEL_TEST_RUNS", &base).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut paths = lines.filter_map(|line| Some(line.split_once("run=")?.1.to_owned()));
    let left = std::path::PathBuf::from(paths.next().unwrap());
    let run = RunDirectory::create(&base).unwrap();
    assert!(left.exists(), "it lives");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(run);
    let _run = RunDirectory::create(&base).unwrap();
    assert!(!left.exists());
}
