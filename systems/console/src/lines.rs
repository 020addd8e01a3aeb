//! For a pipe or a file: plain lines, without escape codes.
//!
//! A host that prints by itself what it does says so, and gets what modules have written; any other gets all.

use std::fmt::Write as _;

use keel::console::{Build, Dashboard, Grouped, LogLevel};
use keel::prelude::*;

use crate::ansi;
use crate::presenter::terminal;
use crate::state::State;
use crate::text::{bytes, milliseconds};

/// Writes what is new: the lines of the log, the compiler's message, and one line of figures for every second of
/// simulation time.
pub(crate) fn write(frame: &Frame<'_>, state: &mut State) -> ModuleResult {
    let mut dashboard = frame.world.resource_mut::<Dashboard>()?;
    let mut out = String::new();
    if dashboard.is_told_elsewhere {
        written(&mut out, &mut dashboard);
        terminal(frame)?.write(out.as_bytes());
        return Ok(());
    }
    log(&mut out, &mut dashboard);
    failure(&mut out, &dashboard, state);
    let second = frame.time.now.as_secs();
    if second != state.second_written {
        state.second_written = second;
        figures(&mut out, &dashboard, frame);
    }
    terminal(frame)?.write(out.as_bytes());
    Ok(())
}

fn log(out: &mut String, dashboard: &mut Dashboard) {
    for line in dashboard.log.unwritten() {
        let word = match line.level {
            LogLevel::Warning => "warning: ",
            LogLevel::Error => "error: ",
            _ => "",
        };
        let text = ansi::plain(&line.text);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(out, "[{:>8.1} s] {word}{text}", line.at.as_secs_f64());
    }
    dashboard.log.mark_written();
}

/// What modules have written, as it is.
fn written(out: &mut String, dashboard: &mut Dashboard) {
    for line in dashboard.log.unwritten().filter(|line| line.level == LogLevel::Output) {
        let _ = writeln!(out, "{}", ansi::plain(&line.text).trim_end());
    }
    dashboard.log.mark_written();
}

fn failure(out: &mut String, dashboard: &Dashboard, state: &mut State) {
    let Build::Failed { modules, message, at } = &dashboard.build else { return };
    if state.failure_written != Some(*at) {
        state.failure_written = Some(*at);
        let names = modules.join(", ");
        let _ = writeln!(out, "[{:>8.1} s] error: {names} was not built", at.as_secs_f64());
        let _ = writeln!(out, "{}", ansi::plain(message).trim_end());
    }
}

fn figures(out: &mut String, dashboard: &Dashboard, frame: &Frame<'_>) {
    let _ = writeln!(
        out,
        "[{:>8.1} s] simulated {} s: {} steps, {} entities, {:.0} fps, {} a frame, {}",
        dashboard.now.as_secs_f64(),
        frame.time.now.as_secs(),
        Grouped(frame.time.step),
        Grouped(frame.world.len() as u64),
        dashboard.frames.per_second(),
        milliseconds(dashboard.frames.mean_ms()),
        bytes(dashboard.memory_bytes),
    );
}
