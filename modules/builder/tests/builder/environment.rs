//! The user's shell does not change what is built. Each case runs in a process of its own, which has the
//! variables that it tests.

use std::process::Command;

use keel_builder::{BuildEvent, BuilderConfig, CancelToken, EnvironmentPolicy};

use crate::fixture::{Game, holds, requests, source_of};

/// Fails to compile unless the flags of `.cargo/config.toml` are used and no others.
const PICKY: &str = "#[cfg(not(from_config))] compile_error!(\"the config's flags are gone\");\n\
                     #[cfg(from_shell)] compile_error!(\"the shell's flags are used\");\n\
                     pub static KEEL_TEST_ANSWER: [u8; 12] = *b\"answer=00009\";\n";

/// Runs the test `name` of this module again with `variables`.
#[track_caller]
fn check_in_child(name: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("environment::{name}"), "--nocapture"]).env("KEEL_TEST_CHILD", "1");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn is_child() -> bool {
    std::env::var_os("KEEL_TEST_CHILD").is_some()
}

#[test]
fn flags_of_the_shell_are_left_out_and_named_once() {
    if !is_child() {
        return check_in_child(
            "flags_of_the_shell_are_left_out_and_named_once",
            &[
                ("RUSTFLAGS", "--cfg from_shell"),
                ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
                ("CARGO_PROFILE_LIVE_OPT_LEVEL", "not-a-level"),
                ("CARGO_PKG_NAME", "somebody-else"),
            ],
        );
    }
    let game = Game::new();
    game.write(&source_of("swim"), PICKY);
    let builder = game.builder();
    let report = builder.build(&requests(&["swim"]), &CancelToken::new()).unwrap();
    assert!(holds(&report.artifacts[0].path, 9));
    let again = builder.build(&requests(&["swim"]), &CancelToken::new()).unwrap();
    assert!(again.artifacts[0].is_fresh);
    let cleaned: Vec<_> = builder
        .events()
        .try_iter()
        .filter(|event| matches!(event, BuildEvent::EnvironmentCleaned { .. }))
        .collect();
    let [BuildEvent::EnvironmentCleaned { variables }] = &cleaned[..] else { panic!("{cleaned:?}") };
    for name in ["RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_PROFILE_LIVE_OPT_LEVEL"] {
        assert!(variables.iter().any(|it| it == name), "{variables:?}");
    }
    assert!(!variables.iter().any(|it| it == "CARGO_PKG_NAME"), "{variables:?}");
}

#[test]
fn without_cleaning_the_shell_would_win() {
    if !is_child() {
        return check_in_child("without_cleaning_the_shell_would_win", &[("RUSTFLAGS", "--cfg from_shell")]);
    }
    let game = Game::new();
    game.write(&source_of("swim"), PICKY);
    let config = BuilderConfig { environment: EnvironmentPolicy::Inherit, ..BuilderConfig::new(&game.root) };
    let failure =
        keel_builder::Builder::new(config).build(&requests(&["swim"]), &CancelToken::new()).unwrap_err();
    assert!(failure.to_string().starts_with("2 compile errors\n"), "{failure}");
}
