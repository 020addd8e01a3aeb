//! The panel beside the world: modules, frame times, figures, the last swap.

use keel::console::{Dashboard, FrameTimes, Grouped, Milliseconds, ModuleLine, ModuleState, SwapReport};
use ratatui_core::style::Color;
use ratatui_core::text::Line;

use super::{bold, colored, heading};
use crate::canvas::Canvas;
use crate::palette::{ACCENT, BAD, BLUE, DIM, GOOD, PANEL, QUIET, TEXT, VIOLET, WARN};
use crate::state::{Focus, State};
use crate::text::{bytes, fitted, milliseconds};

/// Rows that frame times and figures take, with the empty ones between them.
const FIGURES_ROWS: u16 = 8;
/// Rows that the last swap takes, with the empty one above.
const SWAP_ROWS: u16 = 4;

/// Draws the panel, and says how many modules it shows at once.
pub(super) fn draw(mut canvas: Canvas<'_>, dashboard: &Dashboard, entities: usize, state: &mut State) -> u64 {
    canvas.fill(PANEL);
    let (width, height) = (canvas.width().saturating_sub(2), canvas.height());
    let room = height.saturating_sub(FIGURES_ROWS + 1);
    let count = dashboard.modules.len() as u16;
    let swap = dashboard.last_swap.as_ref().filter(|_| room >= count + SWAP_ROWS);
    let room = if swap.is_some() { room - SWAP_ROWS } else { room };
    let with_views = count > 0 && views_fit(dashboard, room);
    let (shown, marked) = modules(&mut canvas.part(1, 0, width, room + 1), dashboard, state, with_views);
    if let Some(row) = marked.filter(|_| state.focus == Focus::Modules) {
        canvas.at(0, row, bold("▸", ACCENT));
    }
    let mut below = canvas.part(1, shown + 1, width, height);
    frames(&mut below.part(0, 1, width, 3), &dashboard.frames);
    figures(&mut below.part(0, 5, width, 3), dashboard, entities);
    if let Some(report) = swap {
        last_swap(&mut below.part(0, FIGURES_ROWS + 1, width, SWAP_ROWS - 1), report);
    }
    u64::from(room.max(1))
}

fn views_fit(dashboard: &Dashboard, room: u16) -> bool {
    let with_views = dashboard.modules.iter().filter(|module| !module.views.is_empty()).count();
    dashboard.modules.len() + with_views <= usize::from(room)
}

/// Draws the heading and as many modules as fit; how many rows they take, and the row of the marked one.
fn modules(
    canvas: &mut Canvas<'_>,
    dashboard: &Dashboard,
    state: &mut State,
    with_views: bool,
) -> (u16, Option<u16>) {
    let modules = &dashboard.modules;
    let room = usize::from(canvas.height().saturating_sub(1));
    let last_first = modules.len().saturating_sub(room) as u64;
    // The list moves no farther than the mark makes it.
    state.marked = state.marked.min((modules.len() as u64).saturating_sub(1));
    let first_min = (state.marked + 1).saturating_sub(room as u64);
    state.modules_scroll = state.modules_scroll.max(first_min).min(state.marked).min(last_first);
    let first = state.modules_scroll as usize;
    let shown = modules.len().min(room);
    canvas.left(0, heading("MODULES", state.focus == Focus::Modules));
    let count = match shown < modules.len() {
        true => format!("{}–{} of {}", first + 1, first + shown, modules.len()),
        false => modules.len().to_string(),
    };
    canvas.right(0, colored(count, DIM));
    let (mut row, mut marked) = (1, None);
    for (place, module) in (first as u64..).zip(modules.iter().skip(first).take(shown)) {
        if place == state.marked {
            marked = Some(row);
        }
        canvas.left(row, module_line(module, canvas.width()));
        row += 1;
        if with_views && !module.views.is_empty() {
            let views = fitted(&module.views.join(", "), usize::from(canvas.width()).saturating_sub(2));
            canvas.at(2, row, colored(views, QUIET));
            row += 1;
        }
    }
    (row - 1, marked)
}

fn module_line(module: &ModuleLine, width: u16) -> Line<'static> {
    let state = module.state.to_string();
    // A narrow panel has room for the kind's initials, and the narrowest for no version.
    let (kind, kind_width) = match width {
        0..50 => (initials(&module.kind), 2),
        _ => (module.kind.clone(), 10),
    };
    let version_width = if width < 40 { 0 } else { 8 };
    let name_width = usize::from(width).saturating_sub(kind_width + version_width + 5 + 10 + 2);
    let ground = if module.state == ModuleState::Live { TEXT } else { state_color(module.state) };
    Line::from(vec![
        colored(format!("{:<name_width$} ", fitted(&module.name, name_width)), ground),
        colored(format!("{:<kind_width$}", fitted(&kind, kind_width)), DIM),
        colored(format!("{:>version_width$}", fitted(&module.version, version_width.saturating_sub(1))), DIM),
        colored(format!("{:>5} ", fitted(&format!("v{}", module.generation), 5)), TEXT),
        colored(format!(" {state:<9}"), state_color(module.state)),
    ])
}

fn initials(kind: &str) -> String {
    kind.split('-').filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

fn state_color(state: ModuleState) -> Color {
    match state {
        ModuleState::Live => GOOD,
        ModuleState::Building | ModuleState::Checking | ModuleState::Trial | ModuleState::Probation => WARN,
        ModuleState::Rejected | ModuleState::Suspended => BAD,
    }
}

fn frames(canvas: &mut Canvas<'_>, frames: &FrameTimes) {
    canvas.left(0, heading("FRAME", false));
    canvas.right(
        0,
        Line::from(vec![
            colored(milliseconds(frames.mean_ms()), TEXT),
            colored(format!("  longest {}", milliseconds(frames.worst_ms())), DIM),
        ]),
    );
    sparkline(&mut canvas.part(0, 1, canvas.width(), 2), frames);
}

/// The frames that are kept, each column the longest of as many as share it. The top is the longest of all, but at
/// least twice the average: an even pace looks even.
fn sparkline(canvas: &mut Canvas<'_>, frames: &FrameTimes) {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (width, height) = (canvas.width(), canvas.height());
    if width == 0 || frames.work_ms().len() == 0 {
        return;
    }
    let columns = columns(frames, usize::from(width));
    let top = frames.worst_ms().max(frames.mean_ms() * 2.0).max(0.001);
    let first = width - columns.len() as u16;
    for (column, ms) in (first..).zip(columns) {
        let eighths = (ms / top * f32::from(height) * 8.0).round().max(1.0) as u16;
        for row in 0..height {
            let below = (height - 1 - row) * 8;
            let level = LEVELS[usize::from(eighths.saturating_sub(below).min(8))];
            canvas.at(column, row, colored(level.to_string(), if ms > top * 0.75 { ACCENT } else { BLUE }));
        }
    }
}

fn columns(frames: &FrameTimes, width: usize) -> Vec<f32> {
    let share = FrameTimes::FRAMES_MAX.div_ceil(width) as u64;
    let oldest = frames.recorded() - frames.work_ms().len() as u64;
    let mut columns: Vec<f32> = Vec::new();
    let mut last = None;
    // Counted from the first frame ever, so that a frame stays with its neighbours as the line moves on.
    for (number, ms) in (oldest..).zip(frames.work_ms()) {
        match columns.last_mut() {
            Some(longest) if last == Some(number / share) => *longest = longest.max(ms),
            _ => columns.push(ms),
        }
        last = Some(number / share);
    }
    // The oldest column may have lost some of its frames; it would come and go.
    columns.split_off(columns.len().saturating_sub(width.min(FrameTimes::FRAMES_MAX / share as usize)))
}

fn figures(canvas: &mut Canvas<'_>, dashboard: &Dashboard, entities: usize) {
    let figures = [
        ("entities", Grouped(entities as u64).to_string()),
        ("memory", bytes(dashboard.memory_bytes)),
        libraries(dashboard),
    ];
    for (row, (name, figure)) in (0..).zip(figures) {
        canvas.left(row, colored(name, DIM));
        canvas.right(row, colored(figure, TEXT));
    }
}

/// How many are mapped, and how many of these stay so for good, if any, with their size. The narrowest panel has no room
/// for all of the name then.
fn libraries(dashboard: &Dashboard) -> (&'static str, String) {
    let mapped = Grouped(dashboard.libraries);
    match dashboard.libraries_kept {
        0 => ("libraries mapped", mapped.to_string()),
        kept => {
            let size = bytes(dashboard.libraries_kept_bytes);
            ("libraries", format!("{mapped}, {} kept ({size})", Grouped(kept)))
        }
    }
}

/// A bar with one part for each stage, and what the parts are.
fn last_swap(canvas: &mut Canvas<'_>, report: &SwapReport) {
    const COLORS: [Color; 5] = [DIM, BLUE, VIOLET, WARN, GOOD];
    let total = report.total().as_secs_f32();
    canvas.left(0, heading("LAST SWAP", false));
    canvas.right(
        0,
        Line::from(vec![
            colored(fitted(&format!("{} v{}", report.module, report.generation), 18), TEXT),
            colored(format!("  {} ms", Milliseconds(report.total())), DIM),
        ]),
    );
    let width = canvas.width();
    let (mut spans, mut names, mut end) = (Vec::new(), Vec::new(), 0.0);
    let mut filled = 0;
    for (stage, color) in report.stages.iter().zip(COLORS.into_iter().cycle()) {
        end += stage.time.as_secs_f32();
        let until = (end / total.max(f32::MIN_POSITIVE) * f32::from(width)).round() as u16;
        let part = until.max(filled + 1).min(width).saturating_sub(filled);
        filled += part;
        spans.push(colored("▬".repeat(usize::from(part)), color));
        names.push((stage.stage.as_str(), Milliseconds(stage.time).to_string(), color));
    }
    canvas.left(1, Line::from(spans));
    canvas.left(2, legend(&names, width));
}

/// The stages with their times, or their names alone where there is no room for both.
fn legend(stages: &[(&str, String, Color)], width: u16) -> Line<'static> {
    let with_times = stages.iter().map(|(name, ms, color)| colored(format!("{name} {ms}  "), *color));
    let line = Line::from(with_times.collect::<Vec<_>>());
    if line.width() <= usize::from(width) + 2 {
        return line;
    }
    let names = stages.iter().map(|(name, _, color)| colored(format!("{name} "), *color));
    Line::from(names.collect::<Vec<_>>())
}
