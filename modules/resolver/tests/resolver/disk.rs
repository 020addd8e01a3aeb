//! Real workspaces, read by the real cargo.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keel_core_types::ModuleId;
use keel_resolver::{ReadError, Workspace, WorkspaceCache};

/// A mini workspace in a folder of its own, removed when dropped.
struct Game {
    root: PathBuf,
}

impl Game {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("resolver-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&root).unwrap();
        // Cargo answers with the path it was asked from; links are resolved so that paths compare equal.
        let game = Self { root: root.canonicalize().unwrap() };
        game.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"core/*\", \"systems/*\"]\n");
        game.package("core/ecs", "keel-ecs", "kind = \"area\"\nrequires = [\"keel.EcsView\"]", "");
        game.package("core/keel", "keel", "kind = \"area\"", "keel-ecs = { path = \"../ecs\" }");
        game.module("ecs", "provides = [\"keel.EcsView\"]");
        game.module(
            "swim",
            "provides = [\"game.Swim\"]\nrequires = [{ view = \"keel.EcsView\", version = \"0.1\" }]",
        );
        game
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn package(&self, folder: &str, name: &str, section: &str, rest: &str) {
        self.write(&format!("{folder}/src/lib.rs"), "//! Nothing.\n");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [package.metadata.keel]\n{section}\n\n[dependencies]\n{rest}\n"
        );
        self.write(&format!("{folder}/Cargo.toml"), &manifest);
    }

    fn module(&self, name: &str, section: &str) {
        let dependencies =
            "keel = { path = \"../../core/keel\" }\n\n[lib]\ncrate-type = [\"dylib\", \"rlib\"]";
        self.package(
            &format!("systems/{name}"),
            name,
            &format!("kind = \"view-model\"\n{section}"),
            dependencies,
        );
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_workspace_on_disk_is_found_and_ordered() {
    let game = Game::new();
    let workspace = Workspace::from_metadata(&Workspace::read(&game.root).unwrap()).unwrap();
    assert_eq!(workspace.load_order(), [[ModuleId::of("ecs")], [ModuleId::of("swim")]]);
    let found = workspace.affected(&[game.root.join("systems/swim/src/lib.rs")]);
    assert_eq!(found.modules, [ModuleId::of("swim")]);
    assert!(workspace.affected(&["core/ecs/src/lib.rs".into()]).restart.is_some());
}

#[test]
fn a_removed_provider_and_a_new_cycle_are_reported_at_once() {
    let game = Game::new();
    std::fs::remove_dir_all(game.root.join("systems/ecs")).unwrap();
    game.module("swim", "provides = [\"game.Swim\"]\nrequires = [\"game.Hunt\"]");
    game.module("hunt", "provides = [\"game.Hunt\"]\nrequires = [\"game.Swim\"]");
    let report = Workspace::from_metadata(&Workspace::read(&game.root).unwrap()).unwrap_err().to_string();
    assert!(
        report.contains("`keel-ecs` requires the view `keel.EcsView`, which no module provides"),
        "{report}"
    );
    assert!(report.contains("cycle: hunt -> swim -> hunt"), "{report}");
    assert_eq!(report.lines().count(), 3, "{report}");
}

#[test]
fn the_cache_asks_cargo_again_only_when_a_manifest_changed() {
    let game = Game::new();
    let mut cache = WorkspaceCache::new(&game.root);
    let first = cache.metadata().unwrap();
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    game.write("systems/swim/Cargo.toml", &manifest);
    game.write("systems/swim/src/lib.rs", "//! Other code.\n");
    assert!(Arc::ptr_eq(&first, &cache.metadata().unwrap()), "saved unchanged");

    game.write("systems/swim/Cargo.toml", &format!("{manifest}\n# changed"));
    let second = cache.metadata().unwrap();
    assert!(!Arc::ptr_eq(&first, &second), "changed");

    let before = cache.workspace().unwrap();
    game.module("hunt", "");
    let after = cache.workspace().unwrap();
    assert_eq!(before.diff(&after).added, [ModuleId::of("hunt")]);
    std::fs::remove_dir_all(game.root.join("systems/hunt")).unwrap();
    assert_eq!(after.diff(&cache.workspace().unwrap()).removed, [ModuleId::of("hunt")]);
}

#[test]
fn a_folder_without_a_manifest_is_an_error_of_cargo_and_a_candidate() {
    let game = Game::new();
    let mut cache = WorkspaceCache::new(&game.root);
    let workspace = cache.workspace().unwrap();
    assert!(workspace.candidate_folders().is_empty());
    let folder = game.root.join("systems/new");
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(workspace.candidate_folders(), *std::slice::from_ref(&folder));
    assert_eq!(workspace.affected(std::slice::from_ref(&folder)).new_folders, *std::slice::from_ref(&folder));
    assert!(matches!(Workspace::read(&game.root), Err(ReadError::Cargo { .. })));
    let gone = Workspace::read(&game.root.join("nowhere"));
    assert!(matches!(gone, Err(ReadError::NoCargo { .. })), "no process starts in it: {gone:?}");
    game.module("new", "");
    assert!(cache.workspace().unwrap().module(ModuleId::of("new")).is_some());
}

#[test]
fn a_folder_in_no_workspace_is_told_as_such() {
    // The folder of the other tests lies in this workspace.
    let folder = std::env::temp_dir();
    let error = Workspace::read(&folder).unwrap_err();
    assert!(matches!(error, ReadError::NoWorkspace { .. }), "{error}");
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
    assert!(error.to_string().ends_with("; run it in a clone of Keel"), "{error}");
}

#[test]
fn a_workspace_without_a_host_is_told_as_such() {
    let workspace = Workspace::from_metadata(&Workspace::read(&Game::new().root).unwrap()).unwrap();
    assert!(workspace.check_host("keel").is_ok());
    let error = workspace.check_host("keel-host").unwrap_err().to_string();
    let root = workspace.root().display();
    let expected =
        format!("{root} is a cargo workspace, but no Keel workspace: it has no `keel-host`; run it in");
    assert!(error.starts_with(&expected), "{error}");
}
