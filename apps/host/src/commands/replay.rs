//! `keel replay`: a recording run again, and whether the same came of it.

use std::process::ExitCode;

use crossbeam_channel::unbounded;
use serde::Serialize;

use super::snapshot::{print, refuse};
use crate::cli::{EXIT_DIFFER, EXIT_FAILURE, EXIT_REFUSED, EXIT_TROUBLE, ReplayArgs, RunArgs};
use crate::event::{Event, ReplayedLine, code_name};
use crate::recording::Recording;
use crate::refusal::unread_game;
use crate::supervisor;
use keel_registry::Code;

/// What `--json` prints.
#[derive(Default, Serialize)]
struct Answer {
    /// Whether the same came of it; null where it could not be replayed.
    equal: Option<bool>,
    /// The stable name of the reason why it could not be.
    code: Option<String>,
    /// Why it could not be.
    message: Option<String>,
    /// What was refused: objects as `keel run --json` prints them.
    rejected: Vec<Event>,
    replayed: Option<Box<ReplayedLine>>,
}

pub(crate) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    // Before anything is built for it.
    let refused = match std::fs::read(&args.file) {
        Err(error) => Some((Code::NoSnapshot, unread_game(&args.file, &error))),
        Ok(bytes) => Recording::parse(&bytes).err().map(|error| {
            (Code::RestoreFailed, format!("{} can't be replayed: {error}", args.file.display()))
        }),
    };
    if let Some((code, message)) = refused {
        let code = code_name(code);
        let exit = refuse(Some(&code), &message, EXIT_TROUBLE);
        if args.json {
            print(&Answer { code: Some(code), message: Some(message), ..Answer::default() })?;
        }
        return Ok(exit);
    }
    let (sender, events) = unbounded();
    let run = RunArgs {
        headless: true,
        no_watch: true,
        frames: Some(0),
        replay: Some(args.clone()),
        told: args.json.then_some(sender),
        ..RunArgs::default()
    };
    if !args.json {
        return supervisor::run(run);
    }
    let ended = supervisor::run(run);
    let answer = Answer::of(events.try_iter());
    print(&answer)?;
    Ok(ended.unwrap_or_else(|error| refuse(None, &format!("{error:#}"), EXIT_FAILURE)))
}

impl Answer {
    fn of(events: impl Iterator<Item = Event>) -> Self {
        let mut answer = Self::default();
        for event in events {
            match event {
                Event::Replayed(line) => {
                    answer.equal = Some(line.divergence.is_none());
                    answer.replayed = Some(line);
                }
                Event::Rejected { ref code, .. } => {
                    (answer.code, answer.message) = (Some(code.clone()), Some(event.text()));
                    answer.rejected.push(event);
                }
                _ => {}
            }
        }
        if answer.replayed.is_some() {
            (answer.code, answer.message) = (None, None);
        }
        answer
    }
}

/// The exit code of a replay.
pub(crate) fn exit_code(line: Option<&ReplayedLine>) -> ExitCode {
    match line {
        None => ExitCode::from(EXIT_REFUSED),
        Some(line) if line.divergence.is_some() => ExitCode::from(EXIT_DIFFER),
        Some(_) => ExitCode::SUCCESS,
    }
}
