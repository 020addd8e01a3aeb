//! `keel snapshot`: saving, showing and comparing games.

mod save;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use keel::ecs::WorldSnapshot;
use keel::state::Snapshot;
use keel_registry::{Code, describe_locals, describe_pools};
use serde::{Deserialize, Serialize};

use crate::cli::{EXIT_DIFFER, EXIT_FAILURE, EXIT_TROUBLE, SnapshotCommand};
use crate::event::code_name;
use crate::plain::plain;
use crate::refusal::{in_brackets, unread_game};

/// What `show --json` prints.
#[derive(Serialize)]
struct Shown<'f> {
    file: &'f Path,
    /// The stable name of the reason why it can't be shown.
    code: Option<String>,
    /// Why it can't be shown.
    message: Option<String>,
    /// Each value as text, by what it belongs to.
    values: BTreeMap<String, String>,
}

/// What `diff --json` prints.
#[derive(Serialize)]
struct Compared<'f> {
    before: &'f Path,
    after: &'f Path,
    /// Absent an answer, null.
    differ: Option<bool>,
    /// The stable name of the reason why they can't be compared.
    code: Option<String>,
    /// Why they can't be compared.
    message: Option<String>,
    differences: Vec<Difference>,
}

/// One value that is another in each of two snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// What it belongs to.
    pub(crate) what: String,
    /// Null where the snapshot has no such value.
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

pub(crate) fn run(command: SnapshotCommand) -> anyhow::Result<ExitCode> {
    match command {
        SnapshotCommand::Save(args) => save::run(args),
        SnapshotCommand::Show { file, json } => show(&file, json),
        SnapshotCommand::Diff { before, after, json } => diff(&before, &after, json),
    }
}

fn show(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let (values, refused) = match values(file) {
        Ok(values) => (values, None),
        Err(refused) => (BTreeMap::new(), Some(refused)),
    };
    if json {
        let (code, message) = refused.clone().unzip();
        print(&Shown { file, code, message, values })?;
    } else {
        let mut out = std::io::stdout().lock();
        for (what, value) in values {
            writeln!(out, "{what} {value}")?;
        }
    }
    Ok(refused.map_or(ExitCode::SUCCESS, |(code, message)| refuse(Some(&code), &message, EXIT_FAILURE)))
}

fn diff(before: &Path, after: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let compared = values(before).and_then(|old| Ok(differences(&old, &values(after)?)));
    let (differences, refused) = match compared {
        Ok(differences) => (differences, None),
        Err(refused) => (Vec::new(), Some(refused)),
    };
    let differ = !differences.is_empty();
    if json {
        let (code, message) = refused.clone().unzip();
        let differ = refused.is_none().then_some(differ);
        print(&Compared { before, after, differ, code, message, differences })?;
    } else {
        differences.iter().try_for_each(tell)?;
    }
    Ok(match refused {
        Some((code, message)) => refuse(Some(&code), &message, EXIT_TROUBLE),
        None if differ => ExitCode::from(EXIT_DIFFER),
        None => ExitCode::SUCCESS,
    })
}

/// Sorted by what they belong to.
pub(crate) fn differences(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = all.into_iter().filter(|what| before.get(*what) != after.get(*what));
    let difference = |what: &String| Difference {
        what: what.clone(),
        before: before.get(what).cloned(),
        after: after.get(what).cloned(),
    };
    changed.map(difference).collect()
}

fn tell(Difference { what, before, after }: &Difference) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (sign, value) in [('-', before), ('+', after)] {
        if let Some(value) = value {
            writeln!(out, "{sign} {what} {value}")?;
        }
    }
    Ok(())
}

pub(super) fn print(answer: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, answer)?;
    writeln!(out)?;
    Ok(())
}

/// Says why, and gives the exit code.
pub(super) fn refuse(code: Option<&String>, message: &str, exit: u8) -> ExitCode {
    eprintln!("error{}: {}", in_brackets(code), plain(message));
    ExitCode::from(exit)
}

/// Everything in a snapshot as text, by what it belongs to.
///
/// # Errors
/// The stable name of the reason, and the words.
fn values(file: &Path) -> Result<BTreeMap<String, String>, (String, String)> {
    let refused = |code, message| (code_name(code), message);
    let bytes = fs::read(file).map_err(|error| refused(Code::NoSnapshot, unread_game(file, &error)))?;
    values_in(&bytes).map_err(|error| {
        refused(Code::RestoreFailed, format!("{} can't be shown: {error:#}", file.display()))
    })
}

/// Everything in the bytes of a snapshot as text, by what it belongs to.
pub(crate) fn values_in(bytes: &[u8]) -> anyhow::Result<BTreeMap<String, String>> {
    let snapshot = Snapshot::parse(bytes)?;
    let mut values = WorldSnapshot::read(&snapshot)?.describe()?;
    for section in snapshot.sections().iter().filter(|section| section.kind() == "module") {
        let state: keel::state::SavedValue = keel::state::decode_all(section.bytes())?;
        values.insert(format!("module {}", section.name()), state.display()?);
    }
    values.extend(describe_locals(&snapshot)?);
    values.extend(describe_pools(&snapshot)?);
    Ok(values)
}
