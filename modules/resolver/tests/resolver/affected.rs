//! What a change of files means.

use std::path::Path;

use keel_core_types::ModuleId;
use keel_resolver::{Affected, RestartReason, WatchDepth};

use crate::fixture::{files, game};

#[track_caller]
fn affected(names: &[&str]) -> Affected {
    game().workspace().unwrap().affected(&files(names))
}

/// Checks which modules a change of `file` swaps, and nothing else.
#[track_caller]
fn check(file: &str, expected: &[&str]) {
    let found = affected(&[file]);
    let modules: Vec<_> = expected.iter().map(|name| ModuleId::of(name)).collect();
    assert_eq!(found, Affected { modules, ..Affected::default() }, "{file}");
}

#[test]
fn a_source_file_swaps_its_module() {
    check("systems/swim/src/lib.rs", &["swim"]);
    check("/game/systems/swim/src/deep/er.rs", &["swim"]);
    check("systems/shoal-model/module/src/lib.rs", &["shoal"]);
}

#[test]
fn a_types_crate_swaps_all_modules_that_link_it() {
    check("systems/shoal-model/src/lib.rs", &["shoal", "swim"]);
    check("systems/math/src/lib.rs", &["shoal", "swim"]);
}

#[test]
fn what_nothing_is_compiled_from_is_ignored() {
    for file in [
        "systems/swim/tests/all.rs",
        "systems/swim/README.md",
        "systems/swim/src/.lib.rs.swp",
        "systems/swim/src/lib.rs~",
        "apps/bench/src/lib.rs",
        "target/debug/deps/libswim.so",
        "target/Cargo.toml",
        "/elsewhere/src/lib.rs",
    ] {
        let found = affected(&[file]);
        let ignored = files(&[file]).into_iter().map(|it| std::path::Path::new("/game").join(it)).collect();
        assert_eq!(found, Affected { ignored, ..Affected::default() }, "{file}");
    }
}

#[test]
fn what_the_host_links_takes_a_restart() {
    for (file, package) in [
        ("src/lib.rs", "keel-host"),
        ("modules/registry/src/lib.rs", "registry"),
        ("modules/keel/src/lib.rs", "keel"),
        ("core/ecs/src/world.rs", "ecs-area"),
    ] {
        let found = affected(&["systems/swim/src/lib.rs", file]);
        let expected = std::path::Path::new("/game").join(file);
        let expected = RestartReason::Package { name: package.to_owned(), file: expected };
        assert_eq!(found.restart, Some(expected));
        assert_eq!(found.modules, [ModuleId::of("swim")]);
    }
}

#[test]
fn build_settings_take_a_restart() {
    for file in ["Cargo.toml", ".cargo/config.toml", "rust-toolchain.toml"] {
        let found = affected(&[file]);
        assert!(matches!(found.restart, Some(RestartReason::BuildSettings { .. })), "{file}");
        assert_eq!(found.manifest_changed, file == "Cargo.toml");
    }
}

#[test]
fn a_manifest_is_read_again_and_its_module_built() {
    let found = affected(&["systems/swim/Cargo.toml"]);
    assert_eq!((found.manifest_changed, found.modules), (true, vec![ModuleId::of("swim")]));
    let new = affected(&["systems/new/Cargo.toml"]);
    assert_eq!(new, Affected { manifest_changed: true, ..Affected::default() });
}

#[test]
fn a_folder_beside_members_may_become_one() {
    for folder in ["systems/new", "systems/swim/module"] {
        assert_eq!(affected(&[folder]).new_folders, files(&[&format!("/game/{folder}")]));
    }
    for other in ["docs", "systems/swim/tests", "systems/swim", "systems/notes.txt"] {
        assert!(affected(&[other]).new_folders.is_empty(), "{other}");
    }
}

#[test]
fn files_that_a_build_names_count_for_each_module_that_reads_them() {
    let mut workspace = game().workspace().unwrap();
    let [swim, wind] = ["swim", "wind"].map(|it| Path::new("/game/systems").join(it).join("Cargo.toml"));
    assert!(workspace.add_inputs_of(&swim, files(&["assets/fish.txt"])));
    assert!(!workspace.add_inputs_of(&swim, files(&["assets/fish.txt", "systems/swim/src/lib.rs"])));
    workspace.add_inputs_of(&wind, files(&["assets/fish.txt"]));
    let found = workspace.affected(&files(&["assets/fish.txt", "assets/other.txt"]));
    assert_eq!(found.modules, [ModuleId::of("swim"), ModuleId::of("wind")]);
    assert_eq!(found.ignored, files(&["/game/assets/other.txt"]));
    assert!(workspace.watched_inputs().iter().any(|input| input.path.ends_with("assets")));
}

#[test]
fn what_comes_from_outside_is_an_input_of_all_that_depend_on_a_path_there() {
    let kind = |kind: &str| serde_json::json!({ "kind": kind });
    let game = game()
        .package("x", "systems/x", kind("view-model"), &["modules/keel", "/elsewhere/ext"])
        .package("t", "systems/t", kind("types"), &["modules/keel", "/elsewhere/other"])
        .package("y", "systems/y", kind("view-model"), &["systems/t"])
        .package("z", "systems/z", kind("view-model"), &["modules/keel", "dev:/elsewhere/ext"]);
    let mut workspace = game.workspace().unwrap();
    let inputs = files(&["/elsewhere/ext/Cargo.toml", "/elsewhere/ext/src/lib.rs", "target/live/out.rs"]);
    assert!(workspace.add_inputs_of(&inputs[0], inputs.clone()));
    assert!(!workspace.add_inputs_of(&inputs[0], inputs.clone()));
    for file in &inputs[..2] {
        let found = workspace.affected(std::slice::from_ref(file));
        assert_eq!(found.modules, [ModuleId::of("x"), ModuleId::of("y")], "{}", file.display());
        assert_eq!((found.restart, found.manifest_changed), (None, false));
    }
    assert!(workspace.affected(&inputs[2..]).modules.is_empty(), "cargo's own work");
    assert!(workspace.watched_inputs().iter().any(|it| it.path == Path::new("/elsewhere/ext/src")));
}

#[test]
fn what_the_hosts_build_scripts_look_at_restarts_nothing() {
    let mut workspace = game().workspace().unwrap();
    let seen =
        files(&["Cargo.lock", "systems/swim/Cargo.toml", "systems/swim/src/lib.rs", "assets/logo.txt"]);
    workspace.add_inputs_of(Path::new("/game/modules/keel/Cargo.toml"), seen.clone());
    assert_eq!(workspace.affected(&seen[..3]).restart, None);
    assert!(workspace.affected(&seen[..1]).lockfile_changed);
    assert!(workspace.affected(&seen[1..2]).manifest_changed);
    assert!(workspace.affected(&seen[3..]).restart.is_some(), "what the host includes is part of it");
}

#[test]
fn the_lockfile_restarts_only_for_what_the_host_is_built_from() {
    assert_eq!(affected(&["Cargo.lock"]), Affected { lockfile_changed: true, ..Affected::default() });
    let workspace = game().workspace().unwrap();
    let package = |name: &str, version: &str, needs: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [\n{needs}]\n\n")
    };
    let lock = |hecs: &str, extra: &str| {
        let keel = package("keel", "0.1.0", &format!(" \"hecs {hecs}\",\n"));
        ["version = 4\n\n", &keel, &package("hecs", hecs, ""), &package("hecs", "0.9.0", ""), extra].concat()
    };
    let new_module = lock("0.11.2", &package("new", "0.1.0", " \"keel\",\n \"hecs 0.9.0\",\n"));
    assert_eq!(workspace.lockfile_restart(&lock("0.11.2", ""), &new_module), None);
    let restart = workspace.lockfile_restart(&lock("0.11.2", ""), &lock("0.12.0", ""));
    assert_eq!(restart, Some(RestartReason::Lockfile { packages: vec!["hecs".to_owned()] }));
}

#[test]
fn sources_are_watched_as_trees_and_the_target_directory_never() {
    let inputs = game().workspace().unwrap().watched_inputs();
    let depth = |folder: &str| {
        let path = std::path::Path::new("/game").join(folder);
        inputs.iter().find(|input| input.path == path).map(|input| input.depth)
    };
    for folder in ["src", "systems/swim/src", "core/ecs/src"] {
        assert_eq!(depth(folder), Some(WatchDepth::Tree), "{folder}");
    }
    for folder in ["", ".cargo", "systems", "systems/swim", "systems/shoal-model", "core"] {
        assert_eq!(depth(folder), Some(WatchDepth::Folder), "{folder}");
    }
    assert!(!inputs.iter().any(|input| input.path.ends_with("target") || input.path.ends_with("tests")));
    assert_eq!(keel_resolver::watched_inputs(&game().metadata()), inputs);
}
