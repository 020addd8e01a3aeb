//! What is told of this process when it can't tell it itself: reports of faults, and who does not return.

use std::fs::File;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Context;
use keel::crash::{Hang, Mark, News, Running, Thread, Watchdog, install, maps};
use keel_loader::{Calls, calls_at};

use super::link::Link;
use crate::cli::EngineArgs;
use crate::event::{ENGINE, Event, HangLine};
use crate::protocol::FromEngine;

/// Has faults of this process leave a report where the supervisor looks for it. The game goes on without.
pub(super) fn leave_reports(args: &EngineArgs) {
    let path = &args.crash_report;
    let report = match File::create(path) {
        Ok(report) => report,
        Err(error) => {
            return keel::log::warn!(
                "what a fault leaves of the engine will not be told, {} could not be made: {error}; make room or make the \
                 folder writable",
                path.display()
            );
        }
    };
    if let Err(error) = install(report) {
        keel::log::info!("what a fault leaves of the engine will not be told: {error}");
    }
}

/// Tells of code that does not return within `limit`, beside the frames: those mostly do not go on meanwhile.
pub(super) fn watch(limit: Duration, link: &Link) -> anyhow::Result<Watchdog> {
    let link = link.clone();
    let mut told = Vec::new();
    let watchdog = Watchdog::start(limit, move |news| link.send(&FromEngine::Event(event(news, &mut told))));
    watchdog.context("no thread for the watchdog could be started")
}

/// What is told of it. `told` has what hangs.
fn event(news: News, told: &mut Vec<(Hang, HangLine)>) -> Event {
    match news {
        News::Hangs(hang) => {
            let line = line(&hang);
            // A task is told once more when the game has come to wait for it.
            told.retain(|it| !is_same(&it.0, &hang));
            told.push((hang, line.clone()));
            Event::Hang(line)
        }
        News::GoesOn(hang) => {
            let at = told.iter().position(|it| is_same(&it.0, &hang));
            let module = at.map_or_else(|| hang.module.clone(), |at| told.swap_remove(at).1.module);
            Event::HangEnded(HangLine { module, ..line(&hang) })
        }
    }
}

fn is_same(one: &Hang, other: &Hang) -> bool {
    (&one.module, &one.system) == (&other.module, &other.system)
}

fn line(hang: &Hang) -> HangLine {
    let Calls { module, library, backtrace, .. } =
        if hang.calls.is_empty() { Calls::default() } else { calls_at(&hang.calls, &maps()) };
    // Whose code the engine runs is known from the calls alone.
    let module =
        if hang.module.is_empty() { module.unwrap_or(ENGINE.to_owned()) } else { hang.module.clone() };
    let (system, lasted_ms) = (hang.system.clone(), hang.lasted.as_secs_f64() * 1e3);
    HangLine { module, system, beside: !hang.is_awaited, frame: hang.frame, lasted_ms, library, backtrace }
}

/// What the engine does by itself, and the game waits for. Code of modules that has no mark of its own runs in it: how a
/// component is saved, converted, dropped.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Frame,
    Order,
    Save,
    Snapshot,
    Swap,
    Tidy,
    Trial,
}

/// By [`Work`]. Asking for a mark takes memory, which a frame does not.
static MARKS: LazyLock<[Mark; 7]> =
    LazyLock::new(|| ["frame", "order", "save", "snapshot", "swap", "tidy", "trial"].map(Mark::engine));

/// It is done until the answer is dropped.
pub(super) fn work(what: Work) -> Running {
    Thread::current().enter(MARKS[what as usize])
}
