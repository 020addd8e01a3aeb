//! The rows above and below everything.

use keel::console::{Build, Dashboard};
use ratatui_core::text::Line;

use super::{bold, colored};
use crate::canvas::Canvas;
use crate::palette::{ACCENT, BAD, DIM, FAINT, GOOD, GROUND, PANEL, TEXT, WARN};
use crate::state::{Focus, State};
use crate::text::fitted;
use crate::world::Scene;

/// What the keys do that the host and the dashboard take, most important first.
const KEYS: [(&str, &str); 10] = [
    ("q", "quit"),
    ("r", "reload"),
    ("R", "reset"),
    ("p", "pause"),
    ("c", "accept losses"),
    ("tab", "focus"),
    ("m", "reload the marked"),
    ("b", "take the marked back"),
    ("<", "back 5 s"),
    (">", "last 5 s again"),
];

pub(super) fn header(mut canvas: Canvas<'_>, dashboard: &Dashboard, scene: &Scene, state: &State) {
    canvas.fill(PANEL);
    let mut status = vec![colored(format!("{:.0} fps  ", dashboard.frames.per_second()), DIM)];
    if dashboard.is_paused {
        status.extend([bold("paused", WARN), colored("  ", DIM)]);
    }
    status.extend(build(dashboard, state).spans);
    status.push(colored(" ", DIM));
    let status = Line::from(status);
    let room = usize::from(canvas.width()).saturating_sub(status.width() + 9);
    canvas.left(0, Line::from(vec![bold(" keel", ACCENT), colored(" │ ", FAINT)]));
    if let Scene::Drawn { title, .. } = scene {
        canvas.at(8, 0, colored(fitted(title, room), TEXT));
    }
    canvas.right(0, status);
}

fn build(dashboard: &Dashboard, state: &State) -> Line<'static> {
    const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];
    match &dashboard.build {
        Build::Idle if dashboard.is_watching => {
            Line::from(vec![colored("● ", GOOD), colored("watching", DIM)])
        }
        Build::Idle => Line::from(vec![colored("○ ", DIM), colored("not watching: r reloads", DIM)]),
        Build::Building { modules, since } => {
            let elapsed = dashboard.now.saturating_sub(*since);
            let turn = SPINNER[elapsed.as_millis() as usize / 100 % SPINNER.len()];
            Line::from(vec![
                colored(format!("{turn} building "), WARN),
                colored(named(modules), TEXT),
                colored(format!("  {:.1} s", elapsed.as_secs_f32()), DIM),
            ])
        }
        Build::Failed { modules, .. } => {
            let mut spans = vec![bold("✗ ", BAD), colored(format!("{} was not built", named(modules)), BAD)];
            if state.open_failure(dashboard).is_none() {
                spans.push(colored("  enter shows why", DIM));
            }
            Line::from(spans)
        }
    }
}

/// One module by its name, more by their number.
fn named(modules: &[String]) -> String {
    match modules {
        [] => "the workspace".to_owned(),
        [module] => fitted(module, 20),
        modules => format!("{} modules", modules.len()),
    }
}

pub(super) fn notice(mut canvas: Canvas<'_>, notice: &str) {
    canvas.fill(WARN);
    let room = usize::from(canvas.width().saturating_sub(2));
    let first = notice.lines().next().unwrap_or_default();
    canvas.at(1, 0, bold(fitted(first, room), GROUND));
}

pub(super) fn help(mut canvas: Canvas<'_>, state: &State) {
    canvas.fill(PANEL);
    let mut column = 1;
    // A module is marked only while the list has the arrow keys; elsewhere the letter is the game's.
    let is_taken = |key: &str| !matches!(key, "m" | "b") || state.focus == Focus::Modules;
    for (key, does) in KEYS.into_iter().filter(|(key, _)| is_taken(key)) {
        let width = (key.len() + 1 + does.len()) as u16;
        if column + width >= canvas.width() {
            break;
        }
        canvas.at(column, 0, Line::from(vec![bold(key, ACCENT), colored(format!(" {does}"), DIM)]));
        column += width + 2;
    }
}
