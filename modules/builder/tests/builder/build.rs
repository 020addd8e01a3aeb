//! What a build gives: libraries, errors as the compiler shows them, and clear words for the rest.

use keel_builder::{BuildEvent, BuildFailure, BuildRequest, Builder, BuilderConfig, CancelToken, Level};

use crate::fixture::{Game, fresh_folder, holds, requests, source_of};

#[test]
fn each_module_asked_for_has_its_library() {
    let game = Game::new();
    game.set_answer("tide", 42);
    let report = game.build(&["tide", "swim"]).unwrap();
    let names: Vec<_> = report.artifacts.iter().map(|it| (it.package.as_str(), it.is_fresh)).collect();
    assert_eq!(names, [("tide", false), ("swim", false)]);
    assert!(holds(&report.artifacts[0].path, 42));
    assert!(holds(&report.artifacts[1].path, 1));
    assert_eq!(report.artifacts[0].inputs, [game.root.join(source_of("tide"))]);
    assert!(report.other_libraries.iter().any(|library| library.target == "keel"));
    assert!(report.rebuilt.contains(&"keel".to_owned()));
}

#[test]
fn only_what_changed_is_rebuilt() {
    let game = Game::new();
    game.build(&["swim", "tide"]).unwrap();
    game.set_answer("swim", 2);
    let report = game.build(&["swim", "tide"]).unwrap();
    assert_eq!(report.rebuilt, ["swim"]);
    assert_eq!(report.artifacts.iter().map(|it| it.is_fresh).collect::<Vec<_>>(), [false, true]);
    assert!(holds(&report.artifacts[0].path, 2));
}

#[test]
fn what_include_str_reads_is_an_input() {
    let game = Game::new();
    game.write("assets/waves of sea.txt", "high");
    game.write(
        &source_of("swim"),
        "pub static WAVES: &str = include_str!(\"../../../assets/waves of sea.txt\");",
    );
    let report = game.build(&["swim"]).unwrap();
    let mut workspace = game.workspace();
    for inputs in report.inputs {
        workspace.add_inputs_of(&inputs.manifest, inputs.files);
    }
    let affected = workspace.affected(&[game.root.join("assets/waves of sea.txt")]);
    assert_eq!(affected.modules.len(), 1);
}

#[test]
fn what_a_build_script_or_a_types_crate_reads_is_an_input_of_each_module_that_is_built_with_it() {
    let game = Game::new();
    game.write("assets/waves.txt", "high");
    game.write("assets/shapes/one.txt", "1");
    game.write(
        "core/sea/Cargo.toml",
        "[package]\nname = \"sea\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [package.metadata.keel]\nkind = \"types\"\n",
    );
    game.write(
        "core/sea/src/lib.rs",
        "pub static WAVES: &str = include_str!(\"../../../assets/waves.txt\");",
    );
    game.write(
        "core/sea/build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=../../assets/shapes\"); }",
    );
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    game.write("systems/swim/Cargo.toml", &format!("{manifest}sea = {{ path = \"../../core/sea\" }}\n"));
    let report = game.build(&["swim", "tide"]).unwrap();
    let mut workspace = game.workspace();
    let mut added = false;
    for inputs in report.inputs {
        added |= workspace.add_inputs_of(&inputs.manifest, inputs.files);
    }
    assert!(added);
    for file in ["assets/waves.txt", "assets/shapes/one.txt"] {
        let affected = workspace.affected(&[game.root.join(file)]);
        let names: Vec<_> = affected.modules.iter().filter_map(|id| workspace.module(*id)).collect();
        assert_eq!(names.iter().map(|module| module.name.as_str()).collect::<Vec<_>>(), ["swim"], "{file}");
        assert_eq!(affected.restart, None);
    }
    let watched = workspace.watched_inputs();
    assert!(watched.iter().any(|input| input.path == game.root.join("assets/shapes")));
}

#[test]
fn a_crate_beside_the_workspace_is_an_input_with_what_it_is_made_of() {
    let game = Game::new();
    let outside = fresh_folder("beside-the-workspace");
    let write = |file: &str, text: &str| {
        let file = outside.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let package = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n")
    };
    write("ext/Cargo.toml", &format!("{}deep = {{ path = \"../deep\" }}\n", package("ext")));
    write("ext/src/lib.rs", "pub static WAVES: &str = include_str!(\"../waves.txt\");");
    write("ext/waves.txt", "high");
    write("ext/build.rs", "fn main() {}");
    write("deep/Cargo.toml", &package("deep"));
    write("deep/src/lib.rs", "");
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    let dependency = format!("ext = {{ path = \"{}\" }}\n", outside.join("ext").display());
    game.write("systems/swim/Cargo.toml", &(manifest + &dependency));
    let report = game.build(&["swim", "tide"]).unwrap();
    let mut workspace = game.workspace();
    for inputs in report.inputs {
        workspace.add_inputs_of(&inputs.manifest, inputs.files);
    }
    let swim = workspace.modules().iter().find(|module| module.name == "swim").unwrap().id;
    for file in ["ext/Cargo.toml", "ext/src/lib.rs", "ext/waves.txt", "ext/build.rs", "deep/src/lib.rs"] {
        let affected = workspace.affected(&[outside.join(file)]);
        assert_eq!((affected.modules, affected.restart), (vec![swim], None), "{file}");
    }
    let _ = std::fs::remove_dir_all(outside);
}

#[test]
fn a_compile_error_is_shown_as_the_compiler_shows_it() {
    let game = Game::new();
    game.write(&source_of("swim"), "pub fn swim() -> u32 {\n    let depth: u32 = \"deep\";\n    depth\n}\n");
    let failure = game.build(&["swim"]).unwrap_err();
    let [error] = failure.diagnostics() else { panic!("{failure}") };
    assert_eq!(
        (error.level, error.code.as_deref(), error.target.as_str()),
        (Level::Error, Some("E0308"), "swim")
    );
    assert_eq!(error.place, Some((source_of("swim"), 2, 22)));
    assert!(error.plain.contains("let depth: u32 = \"deep\";"), "{}", error.plain);
    assert!(!error.plain.contains('\u{1b}'));
    assert!(error.colored.contains("\u{1b}["), "{:?}", error.colored);
    assert!(failure.to_string().starts_with("1 compile error\n"), "{failure}");
    game.set_answer("swim", 3);
    assert!(holds(&game.build(&["swim"]).unwrap().artifacts[0].path, 3));
}

#[test]
fn warnings_come_with_the_libraries() {
    let game = Game::new();
    game.write(&source_of("swim"), "fn nobody_calls_this() {}\n");
    let report = game.build(&["swim"]).unwrap();
    let codes: Vec<_> = report.warnings.iter().map(|it| (it.level, it.code.as_deref())).collect();
    assert_eq!(codes, [(Level::Warning, Some("dead_code"))]);
}

#[test]
fn a_module_whose_folder_is_gone_is_named() {
    let game = Game::new();
    std::fs::remove_dir_all(game.root.join("systems/swim")).unwrap();
    let failure = game.build(&["swim"]).unwrap_err();
    assert!(matches!(failure, BuildFailure::Cargo { .. }), "{failure}");
    assert!(failure.to_string().contains("`swim`"), "{failure}");
    assert!(game.build(&["tide"]).is_ok());
}

#[test]
fn a_manifest_that_is_gone_is_named() {
    let game = Game::new();
    std::fs::remove_file(game.root.join("systems/swim/Cargo.toml")).unwrap();
    let failure = game.build(&["tide"]).unwrap_err();
    assert!(failure.to_string().contains("systems/swim/Cargo.toml"), "{failure}");
}

#[test]
fn a_workspace_that_is_gone_is_named() {
    let game = Game::new();
    let builder = game.builder();
    std::fs::remove_dir_all(&game.root).unwrap();
    let failure = builder.build(&requests(&["swim"]), &CancelToken::new()).unwrap_err();
    assert!(matches!(failure, BuildFailure::NoWorkspace { .. }), "{failure}");
}

#[test]
fn a_cargo_that_is_missing_is_named() {
    let game = Game::new();
    let cargo = game.root.join("no-cargo");
    let config = BuilderConfig { cargo: cargo.clone(), ..BuilderConfig::new(&game.root) };
    let failure = Builder::new(config).build(&requests(&["swim"]), &CancelToken::new()).unwrap_err();
    assert!(failure.to_string().contains(&cargo.display().to_string()), "{failure}");
}

#[test]
fn a_library_that_is_no_dylib_is_refused() {
    let game = Game::new();
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    game.write("systems/swim/Cargo.toml", &manifest.replace("\"dylib\", ", ""));
    let failure = game.build(&["swim"]).unwrap_err();
    assert!(matches!(failure, BuildFailure::NoArtifact { .. }), "{failure}");
}

#[test]
fn a_cancelled_build_does_not_start() {
    let game = Game::new();
    let cancel = CancelToken::new();
    cancel.cancel();
    let result = game.builder().build(&requests(&["swim"]), &cancel);
    assert!(matches!(result, Err(BuildFailure::Cancelled)), "{result:?}");
}

#[test]
fn waiting_for_another_cargo_is_told() {
    let game = Game::new();
    let builder = game.builder();
    builder.build(&requests(&["swim"]), &CancelToken::new()).unwrap();
    let lock = std::fs::File::open(game.root.join("target/live/live/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let events = builder.events().clone();
    std::thread::scope(|scope| {
        let build = scope.spawn(|| builder.build(&requests(&["swim"]), &CancelToken::new()));
        let waiting = std::iter::from_fn(|| events.recv_timeout(crate::fixture::DEADLINE).ok());
        let mut waiting = waiting.filter(|event| matches!(event, BuildEvent::Waiting { .. }));
        assert!(waiting.next().is_some(), "no word of the lock");
        drop(lock);
        assert!(build.join().unwrap().is_ok());
    });
}

#[test]
fn a_host_binary_is_built_with_its_modules() {
    let game = Game::new();
    game.write("systems/tide/src/main.rs", "fn main() { print!(\"{}\", tide::swim()); }\n");
    let requests = [BuildRequest::binary("tide", "tide"), BuildRequest::library("swim", "swim")];
    let report = game.builder().build(&requests, &CancelToken::new()).unwrap();
    // Cargo lets its tests find their own libraries first, and there may be another libkeel among them.
    let mut host = std::process::Command::new(&report.artifacts[0].path);
    let output =
        host.env_remove("LD_LIBRARY_PATH").env_remove("DYLD_FALLBACK_LIBRARY_PATH").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7", "{output:?}");
}

#[test]
fn the_call_of_rustc_can_be_repeated_and_cargo_rebuilds_after_it() {
    let game = Game::new();
    let builder = game.builder();
    let request = BuildRequest::library("swim", "swim");
    let command = builder.rustc_command(&request).unwrap();
    assert!(builder.rustc_command(&request).unwrap_err().to_string().contains("`swim`"));
    game.set_answer("swim", 2);
    assert!(!command.time().unwrap().is_zero());
    let report = builder.build(&[request], &CancelToken::new()).unwrap();
    assert!(!report.artifacts[0].is_fresh, "cargo knows nothing of the repeated call");
    assert!(holds(&report.artifacts[0].path, 2));
}

#[test]
fn a_build_script_that_fails_is_told_with_its_own_words_and_no_calls() {
    let game = Game::new();
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    let described = "version = \"0.1.0\"\ndescription = \"two\\nlines\"";
    game.write("systems/swim/Cargo.toml", &manifest.replace("version = \"0.1.0\"", described));
    game.write("systems/tide/build.rs", "fn main() { println!(\"tide says\"); }\n");
    game.write(
        "systems/swim/build.rs",
        "fn main() { println!(\"cargo:rerun-if-changed=x\"); println!(\"no water\"); panic!(\"dry\"); }\n",
    );
    let failure = game.build(&["swim", "tide"]).unwrap_err();
    let BuildFailure::Cargo { message, .. } = &failure else { panic!("{failure}") };
    assert!(message.contains("no water") && message.contains("dry"), "{message}");
    assert!(message.contains("failed to run custom build command for `swim v0.1.0"), "{message}");
    for other in ["Running `", "lines' ", "tide says", "CARGO_PKG", "Dirty "] {
        assert!(!message.contains(other), "`{other}` in {message}");
    }
}
