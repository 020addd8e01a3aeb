//! `keel snapshot save`: a run of some frames without a terminal, saved at its end.

use std::path::PathBuf;
use std::process::ExitCode;

use crossbeam_channel::unbounded;
use serde::Serialize;

use super::{print, refuse};
use crate::cli::{EXIT_FAILURE, RunArgs, SaveArgs, Span};
use crate::event::Event;
use crate::supervisor;

/// What `--json` prints.
#[derive(Default, Serialize)]
struct Saved {
    file: PathBuf,
    saved: bool,
    /// Why it was not saved.
    message: Option<String>,
    /// The modules that were live at the start, by name.
    modules: Vec<String>,
    /// What was refused: objects as `keel run --json` prints them.
    rejected: Vec<Event>,
    frame: Option<u64>,
    step: Option<u64>,
    entities: Option<usize>,
    world_hash: Option<String>,
}

pub(super) fn run(args: SaveArgs) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let run = RunArgs {
        headless: true,
        frames: Some(args.frames),
        fps: 0,
        seed: args.seed,
        no_watch: true,
        // Somebody waits for this run, and begins it again.
        snapshots: Span(None),
        save_to: Some(args.file.clone()),
        history: 0,
        ..RunArgs::default()
    };
    if !json {
        return supervisor::run(run);
    }
    let (sender, events) = unbounded();
    // With the hash that a run tells machines.
    let ended = supervisor::run(RunArgs { json, told: Some(sender), ..run });
    let mut answer = Saved::of(args.file, events.try_iter());
    let code = ended.unwrap_or_else(|error| {
        let message = format!("{error:#}");
        answer.message.get_or_insert_with(|| message.clone());
        refuse(None, &message, EXIT_FAILURE)
    });
    print(&answer)?;
    Ok(code)
}

impl Saved {
    fn of(file: PathBuf, events: impl Iterator<Item = Event>) -> Self {
        // The engine has it as a whole path.
        let path = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        let path = path.display();
        let (done, failed) = (format!("saved {path}"), format!("{path} was not saved"));
        let mut answer = Self::default();
        for event in events {
            match event {
                Event::Ready { modules, .. } => {
                    answer.modules = modules.into_iter().map(|module| module.name).collect();
                }
                Event::Stats { frame, step, entities, world_hash, .. } => {
                    (answer.frame, answer.step, answer.entities) = (Some(frame), Some(step), Some(entities));
                    answer.world_hash = world_hash;
                }
                event @ Event::Rejected { .. } => {
                    answer.message = Some(event.text());
                    answer.rejected.push(event);
                }
                Event::Log { message, .. } if message == done => answer.saved = true,
                Event::Log { message, .. } if message.starts_with(&failed) => answer.message = Some(message),
                _ => {}
            }
        }
        if answer.saved {
            answer.message = None;
        }
        Self { file, ..answer }
    }
}
