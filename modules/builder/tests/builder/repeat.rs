//! A module of which only its own files have changed is compiled without cargo, and never anything else.

use std::fs::File;
use std::path::PathBuf;

use keel_builder::{BuildEvent, BuildFailure, BuildReport, Builder, BuiltBy, CancelToken, Diagnostic};

use crate::fixture::{DEADLINE, Game, fresh_folder, holds, requests, source_of};

fn build(builder: &Builder, modules: &[&str]) -> BuildReport {
    builder.build(&requests(modules), &CancelToken::new()).unwrap()
}

fn change(game: &Game, builder: &Builder, module: &str, files: &[&str]) -> Result<BuildReport, BuildFailure> {
    let files: Vec<PathBuf> = files.iter().map(|file| game.root.join(file)).collect();
    builder.build_changed(&requests(&[module]), &files, &CancelToken::new())
}

/// Gives the module another answer and builds that.
fn set_answer(game: &Game, builder: &Builder, module: &str, answer: u32) -> BuiltBy {
    game.set_answer(module, answer);
    let report = change(game, builder, module, &[&source_of(module)]).unwrap();
    assert!(holds(&report.artifacts[0].path, answer), "{answer} by {:?}", report.built_by);
    report.built_by
}

#[test]
fn a_module_whose_source_alone_has_changed_is_compiled_without_cargo() {
    let game = Game::new();
    let builder = game.builder();
    let by_cargo = build(&builder, &["swim", "tide"]);
    game.set_answer("swim", 2);
    let report = change(&game, &builder, "swim", &[&source_of("swim")]).unwrap();
    assert_eq!(report.built_by, BuiltBy::Compiler);
    assert_eq!(report.artifacts[0].path, by_cargo.artifacts[0].path);
    assert_eq!(report.artifacts[0].inputs, by_cargo.artifacts[0].inputs);
    assert_eq!(report.rebuilt, ["swim"]);
    assert_eq!(report.inputs.len(), 1);
    assert!(by_cargo.inputs.contains(&report.inputs[0]));
    assert!(holds(&report.artifacts[0].path, 2));
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Compiler);
    assert_eq!(set_answer(&game, &builder, "tide", 3), BuiltBy::Compiler);
}

#[test]
fn cargo_compiles_anew_what_was_compiled_without_it() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim", "tide"]);
    set_answer(&game, &builder, "swim", 2);
    game.set_answer("tide", 3);
    let report = build(&builder, &["swim", "tide"]);
    assert_eq!(report.built_by, BuiltBy::Cargo);
    assert!(holds(&report.artifacts[0].path, 2) && holds(&report.artifacts[1].path, 3));
    assert_eq!(set_answer(&game, &builder, "swim", 4), BuiltBy::Compiler);
}

#[test]
fn what_cargo_says_to_the_crate_is_said_to_it_again() {
    let game = Game::new();
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    let described = "version = \"0.1.0\"\ndescription = \"\"\"it's `two\nlines` \\\\ of \\\"words\\\" \"\"\"";
    game.write("systems/swim/Cargo.toml", &manifest.replace("version = \"0.1.0\"", described));
    let source = |answer: u32| {
        format!(
            "pub static SAID: &str = concat!(env!(\"CARGO_PKG_DESCRIPTION\"), env!(\"CARGO_CRATE_NAME\"), \
             \"answer={answer:05}\");\n"
        )
    };
    let said = |report: &BuildReport, answer: u32| {
        let wanted = format!("it's `two\nlines` \\ of \"words\" swimanswer={answer:05}");
        let bytes = std::fs::read(&report.artifacts[0].path).unwrap();
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    };
    game.write(&source_of("swim"), &source(1));
    let builder = game.builder();
    assert!(said(&build(&builder, &["swim"]), 1));
    game.write(&source_of("swim"), &source(2));
    let report = change(&game, &builder, "swim", &[&source_of("swim")]).unwrap();
    assert_eq!(report.built_by, BuiltBy::Compiler);
    assert!(said(&report, 2));
}

#[test]
fn errors_and_warnings_are_those_that_cargo_would_tell() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim"]);
    let told = |diagnostics: &[Diagnostic]| -> Vec<_> {
        let it = diagnostics.iter();
        it.map(|it| (it.target.clone(), it.code.clone(), it.place.clone(), it.plain.clone())).collect()
    };
    let broken = "pub fn swim() -> u32 { let unused = 1; \"seven\" }\n";
    game.write(&source_of("swim"), broken);
    let failure = change(&game, &builder, "swim", &[&source_of("swim")]).unwrap_err();
    assert!(matches!(failure, BuildFailure::Compile { .. }), "{failure}");
    game.write(&source_of("swim"), "pub fn swim() -> u32 { let unused = 1; 7 }\n");
    let report = change(&game, &builder, "swim", &[&source_of("swim")]).unwrap();
    assert_eq!(
        report.built_by,
        BuiltBy::Compiler,
        "a broken line and its correction are both the module's own"
    );
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(told(&report.warnings), told(&game.build(&["swim"]).unwrap().warnings));
    game.write(&source_of("swim"), broken);
    assert_eq!(told(failure.diagnostics()), told(game.build(&["swim"]).unwrap_err().diagnostics()));
}

#[test]
fn what_the_module_reads_beside_its_source_is_its_own() {
    let game = Game::new();
    game.write("assets/waves.txt", "answer=00001");
    game.write(
        &source_of("swim"),
        "pub static WAVES: &[u8; 12] = include_bytes!(\"../../../assets/waves.txt\");\n",
    );
    let builder = game.builder();
    build(&builder, &["swim"]);
    game.write("assets/waves.txt", "answer=00002");
    let report = change(&game, &builder, "swim", &["assets/waves.txt"]).unwrap();
    assert_eq!(report.built_by, BuiltBy::Compiler);
    assert!(holds(&report.artifacts[0].path, 2));
}

#[test]
fn cargo_is_asked_when_another_file_has_changed_or_none_is_named() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim", "tide"]);
    let by = |files: &[&str]| change(&game, &builder, "swim", files).unwrap().built_by;
    let swim = source_of("swim");
    assert_eq!(by(&[]), BuiltBy::Cargo);
    assert_eq!(by(&["systems/swim/Cargo.toml"]), BuiltBy::Cargo);
    assert_eq!(by(&[&swim, "systems/swim/src/new.rs"]), BuiltBy::Cargo);
    assert_eq!(by(&[&swim, "core/keel/src/lib.rs"]), BuiltBy::Cargo);
    assert_eq!(by(&[&swim]), BuiltBy::Compiler);
    let files = [game.root.join(&swim)];
    let both = builder.build_changed(&requests(&["swim", "tide"]), &files, &CancelToken::new()).unwrap();
    assert_eq!(both.built_by, BuiltBy::Cargo);
}

#[test]
fn cargo_is_asked_for_a_file_that_another_crate_reads_too() {
    let game = Game::new();
    game.write("core/sea/Cargo.toml", "[package]\nname = \"sea\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    game.write(
        "core/sea/src/lib.rs",
        "pub static SEA: [u8; 12] = *include_bytes!(\"../../../waves.txt\");\n",
    );
    game.write("waves.txt", "answer=00001");
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    game.write("systems/swim/Cargo.toml", &format!("{manifest}sea = {{ path = \"../../core/sea\" }}\n"));
    game.write(
        &source_of("swim"),
        "pub const OWN: &str = include_str!(\"../../../waves.txt\");\npub static BOTH: [u8; 12] = sea::SEA;\n\
         pub fn own() -> usize { OWN.len() }\n",
    );
    let builder = game.builder();
    build(&builder, &["swim"]);
    game.write("waves.txt", "answer=00002");
    let report = change(&game, &builder, "swim", &["waves.txt"]).unwrap();
    assert_eq!(report.built_by, BuiltBy::Cargo);
    assert!(holds(&report.artifacts[0].path, 2));
}

#[test]
fn cargo_is_asked_for_a_module_with_a_build_script() {
    let game = Game::new();
    game.write("systems/swim/build.rs", "fn main() {}\n");
    let builder = game.builder();
    build(&builder, &["swim"]);
    assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Cargo);
}

/// Makes `core/sea`, a crate that swim links, with this build script, and returns a builder that has built swim.
fn with_sea(game: &Game, folder: &str, build_script: &str) -> std::sync::Arc<Builder> {
    let package = "[package]\nname = \"sea\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let package =
        if folder.starts_with("core") { package.replace("[workspace]\n", "") } else { package.to_owned() };
    game.write(&format!("{folder}/Cargo.toml"), &package);
    game.write(&format!("{folder}/build.rs"), build_script);
    game.write(&format!("{folder}/src/lib.rs"), "pub static DEPTH: &str = env!(\"DEPTH\");\n");
    game.write(&format!("{folder}/depth.txt"), "answer=00001");
    let manifest = std::fs::read_to_string(game.root.join("systems/swim/Cargo.toml")).unwrap();
    let path = game.root.join(folder);
    game.write("systems/swim/Cargo.toml", &format!("{manifest}sea = {{ path = {path:?} }}\n"));
    game.write(&source_of("swim"), "pub fn depth() -> &'static str { sea::DEPTH }\n");
    let builder = game.builder();
    build(&builder, &["swim"]);
    builder
}

/// Saves swim's source again after the crate that it links has changed, and says who has built it.
fn sea_has_changed(game: &Game, builder: &Builder, file: &str, text: &str) -> BuiltBy {
    let saved = |line: &str| {
        game.write(&source_of("swim"), &format!("pub fn depth() -> &'static str {{ sea::DEPTH }}\n{line}\n"))
    };
    saved("// once");
    let report = change(game, builder, "swim", &[&source_of("swim")]).unwrap();
    let before = report.built_by;
    game.write(file, text);
    saved("// twice");
    let report = change(game, builder, "swim", &[&source_of("swim")]).unwrap();
    assert!(holds(&report.artifacts[0].path, 2), "what it links is as it was; before, {before:?} has built");
    assert_eq!(report.built_by, BuiltBy::Cargo);
    before
}

const READS_DEPTH: &str =
    "println!(\"cargo:rustc-env=DEPTH={}\", std::fs::read_to_string(\"depth.txt\").unwrap());";

#[test]
fn cargo_is_asked_when_what_a_linked_crate_is_built_from_has_changed_and_nobody_has_said_so() {
    let game = Game::new();
    let script = format!("fn main() {{ println!(\"cargo:rerun-if-changed=depth.txt\"); {READS_DEPTH} }}\n");
    let builder = with_sea(&game, "core/sea", &script);
    let before = sea_has_changed(&game, &builder, "core/sea/depth.txt", "answer=00002");
    assert_eq!(before, BuiltBy::Compiler);
}

#[test]
fn cargo_is_asked_when_a_linked_crate_from_outside_has_changed() {
    let game = Game::new();
    let script = format!("fn main() {{ println!(\"cargo:rerun-if-changed=depth.txt\"); {READS_DEPTH} }}\n");
    let outside = fresh_folder("outside");
    let builder = with_sea(&game, outside.to_str().unwrap(), &script);
    let text = "pub static DEPTH: &str = \"answer=00002\";\n";
    let before = sea_has_changed(&game, &builder, outside.join("src/lib.rs").to_str().unwrap(), text);
    std::fs::remove_dir_all(outside).unwrap();
    assert_eq!(before, BuiltBy::Compiler);
}

#[test]
fn cargo_is_asked_for_all_that_links_a_crate_whose_build_script_does_not_say_what_it_reads() {
    let game = Game::new();
    let builder = with_sea(&game, "core/sea", &format!("fn main() {{ {READS_DEPTH} }}\n"));
    let before = sea_has_changed(&game, &builder, "core/sea/depth.txt", "answer=00002");
    assert_eq!(before, BuiltBy::Cargo);
}

#[test]
fn cargo_is_asked_when_a_setting_has_changed() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim"]);
    assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Compiler);
    let config = std::fs::read_to_string(game.root.join(".cargo/config.toml")).unwrap();
    game.write(".cargo/config.toml", &format!("{config}# said\n"));
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Cargo);
    assert_eq!(set_answer(&game, &builder, "swim", 4), BuiltBy::Compiler);
}

#[test]
fn an_error_of_a_library_that_is_gone_is_not_the_authors() {
    let game = Game::new();
    game.write("core/sea/Cargo.toml", "[package]\nname = \"sea\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    game.write("core/sea/src/lib.rs", "pub fn salt() -> u32 { 7 }\n");
    let manifest = std::fs::read_to_string(game.root.join("core/keel/Cargo.toml")).unwrap();
    game.write("core/keel/Cargo.toml", &format!("{manifest}sea = {{ path = \"../sea\" }}\n"));
    game.write("core/keel/src/lib.rs", "pub use sea::salt;\npub fn speed() -> u32 { salt() }\n");
    let builder = game.builder();
    build(&builder, &["swim"]);
    let deps = std::fs::read_dir(game.root.join("target/live/live/deps")).unwrap();
    let is_sea = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("libsea-");
    let of_sea: Vec<PathBuf> = deps.map(|entry| entry.unwrap().path()).filter(is_sea).collect();
    assert!(!of_sea.is_empty());
    of_sea.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Cargo);
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Compiler);
}

/// A compiler that is killed, or finds an error of its own, has said nothing about the source.
#[test]
#[cfg(unix)]
fn cargo_is_asked_when_the_compiler_ends_as_it_should_not() {
    let ice = r#"echo '{"$message_type":"diagnostic","message":"ice","code":null,"level":"error: internal compiler error","spans":[],"children":[],"rendered":"ice"}' >&2; exit 101"#;
    for end in ["kill -SEGV $$", ice, "exit 1"] {
        let game = Game::new();
        build(&game.builder(), &["swim"]);
        let calls = game.root.join("target/live/live/.keel-calls.json");
        let known = std::fs::read_to_string(&calls).unwrap();
        let fake = game.root.join("rustc");
        game.write("rustc", &format!("#!/bin/sh\necho called >> {}/called\n{end}\n", game.root.display()));
        std::process::Command::new("chmod").arg("+x").arg(&fake).status().unwrap();
        let program = "\"program\":\"";
        let begin = known.find(program).unwrap() + program.len();
        let end_of_it = begin + known[begin..].find('"').unwrap();
        std::fs::write(&calls, format!("{}{}{}", &known[..begin], fake.display(), &known[end_of_it..]))
            .unwrap();
        let builder = game.builder();
        build(&builder, &["swim"]);
        assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Cargo, "{end}");
        assert!(game.root.join("called").is_file(), "the compiler was called first: {end}");
    }
}

#[test]
fn cargo_is_asked_when_somebody_else_has_built() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim", "tide"]);
    game.write("core/keel/src/lib.rs", "pub fn speed() -> u32 { 77 }\n");
    game.build(&["tide"]).unwrap();
    assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Cargo, "the facade is another");
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Compiler);
    game.set_answer("swim", 4);
    game.build(&["swim"]).unwrap();
    assert_eq!(set_answer(&game, &builder, "swim", 5), BuiltBy::Cargo, "the module itself is another");
}

#[test]
fn cargo_is_asked_until_it_has_succeeded_again() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim", "tide"]);
    game.write("core/keel/src/lib.rs", "broken\n");
    builder.build(&requests(&["tide"]), &CancelToken::new()).unwrap_err();
    game.set_answer("swim", 2);
    let failure = change(&game, &builder, "swim", &[&source_of("swim")]).unwrap_err();
    assert_eq!(failure.diagnostics()[0].target, "keel", "what swim is built from is broken");
    game.write("core/keel/src/lib.rs", "pub fn speed() -> u32 { 8 }\n");
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Cargo);
    assert_eq!(set_answer(&game, &builder, "swim", 4), BuiltBy::Compiler);
}

#[test]
fn cargo_is_asked_while_another_build_has_the_lock() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim"]);
    let lock = File::options().write(true).open(game.root.join("target/live/live/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    game.set_answer("swim", 2);
    // The first build may have waited too: for the packages, which all builds of the machine share.
    builder.events().try_iter().for_each(drop);
    let report = std::thread::scope(|scope| {
        let build = scope.spawn(|| change(&game, &builder, "swim", &[&source_of("swim")]).unwrap());
        while !matches!(builder.events().recv_timeout(DEADLINE).unwrap(), BuildEvent::Waiting { .. }) {}
        drop(lock);
        build.join().unwrap()
    });
    assert_eq!(report.built_by, BuiltBy::Cargo);
    assert!(holds(&report.artifacts[0].path, 2));
}

#[test]
fn the_calls_of_an_earlier_run_are_known_once_cargo_has_found_their_libraries_fresh() {
    let game = Game::new();
    build(&game.builder(), &["swim", "tide"]);
    let builder = game.builder();
    assert_eq!(set_answer(&game, &builder, "swim", 2), BuiltBy::Cargo, "nobody has looked yet");
    let builder = game.builder();
    build(&builder, &["swim", "tide"]);
    assert_eq!(set_answer(&game, &builder, "tide", 2), BuiltBy::Compiler);
    std::fs::write(game.root.join("target/live/live/.keel-calls.json"), "{\"swim\": 1").unwrap();
    let builder = game.builder();
    build(&builder, &["swim"]);
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Cargo, "what was kept can't be read");
}

#[test]
fn a_repeated_call_is_cancelled_and_repeated_again() {
    let game = Game::new();
    let builder = game.builder();
    build(&builder, &["swim"]);
    game.set_answer("swim", 2);
    let cancel = CancelToken::new();
    cancel.cancel();
    let files = [game.root.join(source_of("swim"))];
    let failure = builder.build_changed(&requests(&["swim"]), &files, &cancel).unwrap_err();
    assert!(matches!(failure, BuildFailure::Cancelled), "{failure}");
    assert_eq!(set_answer(&game, &builder, "swim", 3), BuiltBy::Compiler);
}
