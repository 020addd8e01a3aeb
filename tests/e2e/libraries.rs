//! Files that are no library of this game are refused before any code of them runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::game::{Game, message};
use crate::workspace::text;

#[test]
fn what_is_no_fitting_library_is_refused_by_what_is_wrong_with_it() {
    let mut game = Game::start();
    let good = fs::read(built(&game, "live/live", "shoal_swim")).unwrap();

    let file = game.workspace.scratch("truncated.so");
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    check(&mut game, &file, "not-a-library", &["is not a whole library"]);
    fs::write(&file, []).unwrap();
    check(&mut game, &file, "not-a-library", &[]);
    fs::write(&file, "no library, but a song\n".repeat(1000)).unwrap();
    check(&mut game, &file, "not-a-library", &[]);

    // ELF: the machine stands at offset 18; 183 is AArch64, 62 is x86-64.
    if cfg!(target_os = "linux") {
        let mut foreign = good.clone();
        foreign[18] = if good[18] == 183 { 62 } else { 183 };
        fs::write(&file, foreign).unwrap();
        check(&mut game, &file, "not-a-library", &["was built for", "this host runs on"]);
    }
    // The facade is a library, and no module.
    let facade = built(&game, "live/live", "keel");
    check(&mut game, &facade, "not-a-module", &["is no Keel module"]);

    game.workspace.seed("debug", "dev/debug");
    let mut cargo = game.workspace.command("cargo");
    cargo.args(["build", "--offline", "--target-dir", "target/dev", "-p", "shoal-swim"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let other = built(&game, "dev/debug", "shoal_swim");
    check(&mut game, &other, "built-differently", &["`shoal-swim` was built with", "this host with"]);

    // The same file under another path fits.
    fs::write(&file, good).unwrap();
    game.command(&format!("load shoal-swim {}", file.display()));
    assert_eq!(game.wait_swap("shoal-swim").line["generation"], 1);
    game.command("load shoal-swim /nowhere/at-all.so");
    game.wait_log("/nowhere/at-all.so");
    game.assert_goes_on();
    game.quit();
}

#[track_caller]
fn check(game: &mut Game, file: &Path, code: &str, parts: &[&str]) {
    game.command(&format!("load shoal-swim {}", file.display()));
    let rejected = game.wait_rejected("shoal-swim");
    assert_eq!((&rejected["stage"], &rejected["code"]), (&"check".into(), &code.into()), "{rejected}");
    for part in parts {
        assert!(message(&rejected).contains(part), "{part:?} is not in {rejected}");
    }
    game.assert_goes_on();
}

fn built(game: &Game, folder: &str, name: &str) -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    game.workspace.path(&format!("target/{folder}/{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}
