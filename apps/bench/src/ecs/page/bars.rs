//! One case: a bar for each way of each engine.

use std::fmt::{self, Formatter};

use super::Escaped;
use super::axis::{Axis, written};
use super::style::class_of;
use crate::ecs::report::{CaseReport, EngineFigures};
use crate::ecs::table::shown;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 170.0;
const VALUES: f64 = 70.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
const AXIS: f64 = 34.0;

/// Fastest first.
pub(super) fn write(out: &mut Formatter<'_>, case: &CaseReport) -> fmt::Result {
    let mut engines: Vec<&EngineFigures> = case.engines.iter().collect();
    engines.sort_by(|one, other| one.spread.median.total_cmp(&other.spread.median));
    // A spread that goes beyond it is cut off there: one disturbed engine must not squeeze all others.
    let axis = Axis::for_bars(engines.iter().map(|it| it.spread.median));
    let plot = |value: f64| LABELS + axis.place(value) * (WIDTH - LABELS - VALUES);
    let height = ROW * engines.len() as f64;
    let label = format!("{}, {}", case.case, case.unit);
    writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        height + AXIS,
        Escaped(&label)
    )?;
    for tick in axis.ticks() {
        let x = plot(tick);
        writeln!(out, "<line class=\"grid\" x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{height:.1}\"/>")?;
        let y = height + 14.0;
        writeln!(out, "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", written(tick))?;
    }
    for (index, figures) in engines.into_iter().enumerate() {
        write_bar(out, figures, ROW * index as f64, plot, case.unit)?;
    }
    let scale = if axis.is_log() { ", powers of ten" } else { "" };
    let (x, y) = ((LABELS + WIDTH - VALUES) / 2.0, height + 30.0);
    writeln!(out, "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}{scale}</text>", case.unit)?;
    writeln!(out, "</svg>")
}

fn write_bar(
    out: &mut Formatter<'_>,
    figures: &EngineFigures,
    top: f64,
    plot: impl Fn(f64) -> f64,
    unit: &str,
) -> fmt::Result {
    let spread = figures.spread;
    let (label, class) = (figures.label(), class_of(&figures.case));
    let (end, middle, text) = (plot(spread.median), top + ROW / 2.0, top + ROW / 2.0 + 4.0);
    let (from, to) = (plot(spread.p25), plot(spread.p75));
    writeln!(out, "<g>")?;
    let told = format!("{label}: {} {unit}; {}", shown(spread.median), figures.form());
    writeln!(out, "<title>{}</title>", Escaped(&told))?;
    writeln!(
        out,
        "<text class=\"label {class}\" x=\"{:.1}\" y=\"{text:.1}\">{}</text>",
        LABELS - 8.0,
        Escaped(&label)
    )?;
    writeln!(
        out,
        "<rect class=\"bar {class}\" x=\"{LABELS}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
        middle - BAR / 2.0,
        (end - LABELS).max(1.0)
    )?;
    writeln!(
        out,
        "<line class=\"spread\" x1=\"{from:.1}\" y1=\"{middle:.1}\" x2=\"{to:.1}\" y2=\"{middle:.1}\"/>"
    )?;
    writeln!(
        out,
        "<text class=\"value\" x=\"{:.1}\" y=\"{text:.1}\">{}</text>",
        end.max(to) + 6.0,
        shown(spread.median)
    )?;
    writeln!(out, "</g>")
}
