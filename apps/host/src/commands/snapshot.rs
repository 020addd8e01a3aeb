//! `keel snapshot`: saving, showing and comparing games.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use keel::ecs::WorldSnapshot;
use keel::state::{Snapshot, read_file};
use keel_registry::describe_pools;

use crate::cli::{RunArgs, SnapshotCommand};
use crate::supervisor;

pub(crate) fn run(command: SnapshotCommand) -> anyhow::Result<ExitCode> {
    match command {
        SnapshotCommand::Save { file, frames, seed } => supervisor::run(RunArgs {
            headless: true,
            frames: Some(frames),
            fps: 0,
            seed,
            no_watch: true,
            save_to: Some(file),
            ..RunArgs::default()
        }),
        SnapshotCommand::Show { file } => show(&file),
        SnapshotCommand::Diff { before, after } => diff(&before, &after),
    }
}

fn show(file: &Path) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (what, value) in values(file)? {
        writeln!(out, "{what} {value}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(before: &Path, after: &Path) -> anyhow::Result<ExitCode> {
    let (before, after) = (values(before)?, values(after)?);
    let mut out = std::io::stdout().lock();
    let mut differ = false;
    for what in before.keys().chain(after.keys().filter(|what| !before.contains_key(*what))) {
        let (old, new) = (before.get(what), after.get(what));
        if old == new {
            continue;
        }
        differ = true;
        for (sign, value) in [('-', old), ('+', new)] {
            if let Some(value) = value {
                writeln!(out, "{sign} {what} {value}")?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(differ)))
}

/// Everything in a snapshot as text, by what it belongs to.
fn values(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let bytes = read_file(file)?;
    values_in(&bytes).with_context(|| format!("{} can't be shown", file.display()))
}

fn values_in(bytes: &[u8]) -> anyhow::Result<BTreeMap<String, String>> {
    let snapshot = Snapshot::parse(bytes)?;
    let mut values = WorldSnapshot::read(&snapshot)?.describe()?;
    for section in snapshot.sections().iter().filter(|section| section.kind() == "module") {
        let state: keel::state::SavedValue = keel::state::decode_all(section.bytes())?;
        values.insert(format!("module {}", section.name()), state.display()?);
    }
    values.extend(describe_pools(&snapshot)?);
    Ok(values)
}
