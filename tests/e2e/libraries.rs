//! Files that are no library of this game are refused before any code of them runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::game::{Game, message};
use crate::workspace::text;

const SWIM: &str = "systems/shoal-swim/src/lib.rs";

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

    let other = with_another_profile(&game);
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

/// Built by cargo from a source that exports nothing.
#[test]
fn a_module_that_exports_nothing_is_refused_with_what_to_write() {
    let mut game = Game::start();
    let source = game.workspace.read(SWIM);
    let export = &source[source.find("keel::export_module! {").unwrap()..];
    let export = &export[..=export.find('}').unwrap()];
    game.edit(SWIM, export, "");
    check_refused(&mut game, "not-a-module", &["has no Keel descriptor", "`keel::export_module!`"]);
    game.workspace.put_back(SWIM);
    game.wait_swap("shoal-swim");
    game.quit();
}

/// The linker leaves it to the system's loader, which looks for all symbols before anything runs.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_calls_what_nothing_defines_is_refused_with_the_symbol() {
    let mut game = Game::start();
    let items = "\n#[allow(unsafe_code, reason = \"a test calls what is nowhere\")]\nmod nowhere {\n    \
                 unsafe extern \"C\" {\n        fn keel_test_nowhere();\n    }\n\n    /// Calls it.\n    \
                 #[unsafe(no_mangle)]\n    pub fn keel_test_calls_nowhere() {\n        \
                 unsafe { keel_test_nowhere() }\n    }\n}\n";
    let source = game.workspace.read(SWIM);
    game.workspace.write(SWIM, &format!("{source}{items}"));
    check_refused(
        &mut game,
        "not-opened",
        &["undefined symbol: keel_test_nowhere", "link what defines the symbol"],
    );
    game.workspace.put_back(SWIM);
    game.wait_swap("shoal-swim");
    game.quit();
}

/// `export_module!` makes the symbols together, so one that is missing was taken away afterwards, as `strip` can do.
#[cfg(target_os = "linux")]
#[test]
fn a_library_that_lost_a_symbol_is_refused_by_its_name() {
    let mut game = Game::start();
    let good = fs::read(built(&game, "live/live", "shoal_swim")).unwrap();
    for (lost, code, part) in [
        ("keel_root_shoal_swim", "not-a-module", "lacks the symbol `keel_root_shoal_swim`"),
        ("keel_layout_shoal_swim", "not-a-module", "lacks the symbol `keel_layout_shoal_swim`"),
        ("keel_descriptor_shoal_swim", "not-a-module", "has no Keel descriptor"),
    ] {
        let file = game.workspace.scratch("lost.so");
        fs::write(&file, renamed(&good, lost)).unwrap();
        check(&mut game, &file, code, &[part, "write `keel::export_module!"]);
    }
    let file = game.workspace.scratch("found.so");
    fs::write(&file, good).unwrap();
    game.command(&format!("load shoal-swim {}", file.display()));
    game.wait_swap("shoal-swim");
    game.quit();
}

/// The library with another name for one symbol, of the same length.
#[cfg(target_os = "linux")]
fn renamed(library: &[u8], symbol: &str) -> Vec<u8> {
    let name = format!("\0{symbol}\0").into_bytes();
    let other = format!("\0{}\0", symbol.replace("keel", "kiel")).into_bytes();
    let mut bytes = library.to_vec();
    let places: Vec<_> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(&name)).collect();
    assert!(!places.is_empty(), "{symbol} is in no table of strings");
    places.iter().for_each(|at| bytes[*at..*at + name.len()].copy_from_slice(&other));
    bytes
}

/// The module as the tests of the whole workspace have built it, with the profile `dev`; it is built if they have not.
fn with_another_profile(game: &Game) -> PathBuf {
    let name = format!("{}shoal_swim{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let tested = Path::new(env!("CARGO_BIN_EXE_keel")).with_file_name(&name);
    if tested.is_file() {
        return tested;
    }
    let mut cargo = game.workspace.command("cargo");
    cargo.args(["build", "--offline", "--target-dir", "target/dev", "-p", "shoal-swim"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    built(game, "dev/debug", "shoal_swim")
}

#[track_caller]
fn check(game: &mut Game, file: &Path, code: &str, parts: &[&str]) {
    game.command(&format!("load shoal-swim {}", file.display()));
    check_refused(game, code, parts);
}

#[track_caller]
fn check_refused(game: &mut Game, code: &str, parts: &[&str]) {
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
