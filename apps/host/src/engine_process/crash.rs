//! What is told of this process when it can't tell it itself: reports of faults, and who does not return.

use std::fs::File;
use std::time::Duration;

use anyhow::Context;
use keel::crash::{Hang, News, Watchdog, install, maps};
use keel_loader::{Calls, calls_at};

use super::link::Link;
use crate::cli::EngineArgs;
use crate::event::{Event, HangLine};
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

/// Tells of code that does not return within `limit`, beside the frames: those do not go on meanwhile.
pub(super) fn watch(limit: Duration, link: &Link) -> anyhow::Result<Watchdog> {
    let link = link.clone();
    let watchdog = Watchdog::start(limit, move |news| {
        let event = match news {
            News::Hangs(hang) => Event::Hang(line(hang)),
            News::GoesOn(hang) => Event::HangEnded(line(hang)),
        };
        link.send(&FromEngine::Event(event));
    });
    watchdog.context("no thread for the watchdog could be started")
}

fn line(hang: Hang) -> HangLine {
    let Hang { module, system, frame, lasted, calls } = hang;
    let Calls { library, backtrace, .. } =
        if calls.is_empty() { Calls::default() } else { calls_at(&calls, &maps()) };
    HangLine { module, system, frame, lasted_ms: lasted.as_secs_f64() * 1e3, library, backtrace }
}
