//! A lockfile before and after a change.

use std::sync::LazyLock;

use keel_resolver::Workspace;
use keel_resolver::cargo_metadata::MetadataCommand;

use crate::Target;
use crate::change::Change;
use crate::targets::workspace::game;

pub(crate) const TARGET: Target = Target { name: "lockfile", whole, change, read };

/// What may stand in a lockfile, and is likely to be misread.
const WORDS: [&str; 8] = [
    "[[package]]\n",
    "name = \"",
    "version = ",
    "dependencies = [\n",
    "\"keel 0.1.0\",\n",
    "]\n",
    "\"",
    "\n",
];

static GAME: LazyLock<Workspace> = LazyLock::new(|| {
    let metadata =
        MetadataCommand::parse(game().to_string()).expect("the game is written as cargo writes it");
    Workspace::from_metadata(&metadata).expect("its modules fit together")
});

fn whole() -> Vec<Vec<u8>> {
    vec![locked().into_bytes()]
}

fn locked() -> String {
    let package = |name: &str, dependencies: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n\n")
    };
    let packages = [
        package("keel-host", " \"registry\",\n"),
        package("registry", " \"keel 0.1.0\",\n"),
        package("keel", " \"ecs-area\",\n \"serde 1.0.1 (registry+there)\",\n"),
        package("ecs-area", ""),
        "[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+there\"\nchecksum = \"ab\"\n".into(),
    ];
    format!("version = 4\n\n{}", packages.concat())
}

fn change(text: &mut Vec<u8>, change: &mut dyn Change) {
    if change.once_in(2) {
        return change.bytes(text);
    }
    let at = change.below(text.len() + 1);
    text.splice(at..at, WORDS[change.below(WORDS.len())].bytes());
    text.truncate(crate::INPUT_BYTES_MAX);
}

fn read(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let workspace = &*GAME;
    assert_eq!(workspace.lockfile_restart(&text, &text), None, "nothing has changed");
    let there = workspace.lockfile_restart(&locked(), &text);
    let back = workspace.lockfile_restart(&text, &locked());
    assert_eq!(there, back, "what has changed has changed both ways");
    there.is_none()
}
