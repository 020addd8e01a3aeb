//! `keel new`: a crate that builds, loads and is tested at once.

mod linked;
mod name;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};

use crate::cli::NewCommand;
use crate::workspace;

const MANIFEST: &str = include_str!("../../templates/system/Cargo.toml.template");
const SOURCE: &str = include_str!("../../templates/system/lib.rs.template");
const TEST: &str = include_str!("../../templates/system/system.rs.template");

pub(crate) fn run(command: &NewCommand) -> anyhow::Result<ExitCode> {
    let NewCommand::System { name } = command;
    let (_, workspace) = workspace::read()?;
    name::check(name, &name::packages(workspace.root())?)?;
    let taken = workspace.modules().iter().any(|module| module.name == *name);
    let folder = workspace.root().join("systems").join(name);
    ensure!(!taken && !folder.exists(), "there is a module `{name}` already; choose another name");
    // Read before anything is written: what can be refused is refused now.
    let linked = linked::manifest_with(workspace.root(), name)?;
    make(workspace.root(), &folder, name)?;
    println!("made systems/{name}: a view-model module with one system and its test");
    if let Some(manifest) = linked {
        // Not before the crate is there: a manifest that names what is not makes cargo fail.
        linked::write(workspace.root(), &manifest).inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        println!("added `{name}` to apps/static/Cargo.toml, which lists what `cargo keel-static` links in");
    }
    println!("  keel run               loads it; a game that runs already has just done so");
    println!("  cargo test -p {name}   runs its test");
    Ok(ExitCode::SUCCESS)
}

/// Writes the crate beside where it belongs and renames it in: a folder without its manifest, however briefly, makes
/// every cargo command in the workspace fail.
fn make(root: &Path, folder: &Path, name: &str) -> anyhow::Result<()> {
    let draft = root.join("target").join(format!("new-{name}-{}", std::process::id()));
    let fill = |template: &str| {
        let named = template.replace("{{name}}", name).replace("{{crate}}", &name.replace('-', "_"));
        named.replace("{{type}}", &type_name(name))
    };
    let files = [("Cargo.toml", MANIFEST), ("src/lib.rs", SOURCE), ("tests/system.rs", TEST)];
    for (path, template) in files {
        let path = draft.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&draft)).context("the new crate can't be written")?;
        fs::write(&path, fill(template)).with_context(|| format!("{} can't be written", path.display()))?;
    }
    fs::rename(&draft, folder).with_context(|| format!("{} can't be made", folder.display()))
}

/// `night-watch` as `NightWatch`.
fn type_name(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capitalised).collect()
}
