//! All cases in one picture: how many times as long as Keel each engine takes.

use std::fmt::{self, Display, Formatter};

use super::Escaped;
use super::style::{self, class_of};
use crate::ecs::contest::KEEL;
use crate::ecs::protocol::{Case, Storage};
use crate::ecs::report::{CaseReport, EcsBench, EngineFigures};

const WIDTH: f64 = 786.0;
const LABELS: f64 = 176.0;
const MARGIN: f64 = 24.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 30.0;
const AXIS: f64 = 40.0;

/// What lies beyond is drawn at the edge.
const RATIO_MAX: f64 = 64.0;
const RATIO_MIN: f64 = 1.0 / 8.0;

/// The report as a picture, SVG, which needs nothing from elsewhere and can be read by day and night.
pub struct EcsPlot<'r> {
    report: &'r EcsBench,
}

impl<'r> EcsPlot<'r> {
    /// Of `report`.
    pub fn new(report: &'r EcsBench) -> Self {
        Self { report }
    }
}

impl Display for EcsPlot<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let cases: Vec<_> = self.report.cases.iter().filter(|case| !engines_of(case).is_empty()).collect();
        let bottom = HEAD + ROW * cases.len() as f64;
        let height = bottom + AXIS;
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"How many times as long as Keel each engine takes\">"
        )?;
        writeln!(out, "<style>{}</style>", style::CSS)?;
        writeln!(out, "<rect width=\"{WIDTH}\" height=\"{height}\" style=\"fill: var(--page)\"/>")?;
        write_names(out, &cases)?;
        write_axis(out, bottom)?;
        for (index, case) in cases.into_iter().enumerate() {
            write_case(out, case, HEAD + ROW * (index as f64 + 0.5))?;
        }
        writeln!(out, "</svg>")
    }
}

/// The fastest way of each engine but Keel, where Keel does the case, too.
fn engines_of(case: &CaseReport) -> Vec<&EngineFigures> {
    let mut names: Vec<&str> = Vec::new();
    for figures in &case.engines {
        let name = figures.case.engine.as_str();
        if name != KEEL && figures.case.storage != Storage::Arrays && !names.contains(&name) {
            names.push(name);
        }
    }
    let fastest = |name: &str| case.fastest(|case: &Case| case.engine == name);
    if case.keel().is_none() { Vec::new() } else { names.into_iter().filter_map(fastest).collect() }
}

fn place(ratio: f64) -> f64 {
    let (from, to) = (RATIO_MIN.log2(), RATIO_MAX.log2());
    let part = (ratio.clamp(RATIO_MIN, RATIO_MAX).log2() - from) / (to - from);
    LABELS + part * (WIDTH - LABELS - MARGIN)
}

/// Who is who.
fn write_names(out: &mut Formatter<'_>, cases: &[&CaseReport]) -> fmt::Result {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for figures in cases.iter().flat_map(|case| engines_of(case)) {
        let name = (figures.case.engine.as_str(), class_of(&figures.case));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for (index, (name, class)) in names.iter().enumerate() {
        let x = LABELS + 96.0 * index as f64;
        writeln!(out, "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"12\" r=\"5\"/>")?;
        writeln!(out, "<text class=\"name {class}\" x=\"{:.1}\" y=\"16\">{}</text>", x + 9.0, Escaped(name))?;
    }
    Ok(())
}

fn write_axis(out: &mut Formatter<'_>, bottom: f64) -> fmt::Result {
    let mut ratio = RATIO_MIN;
    while ratio <= RATIO_MAX {
        let x = place(ratio);
        let class = if ratio == 1.0 { "line keel" } else { "grid" };
        writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>"
        )?;
        let text = if ratio < 1.0 { format!("1/{}", 1.0 / ratio) } else { ratio.to_string() };
        let y = bottom + 14.0;
        writeln!(out, "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>")?;
        ratio *= 2.0;
    }
    let (x, y) = ((LABELS + WIDTH - MARGIN) / 2.0, bottom + 31.0);
    writeln!(
        out,
        "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">times as long as Keel; to the left of the line is faster</text>"
    )
}

fn write_case(out: &mut Formatter<'_>, case: &CaseReport, middle: f64) -> fmt::Result {
    let (x, y) = (LABELS - 12.0, middle + 4.0);
    writeln!(out, "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", Escaped(&case.case))?;
    let Some(keel) = case.keel() else { return Ok(()) };
    for figures in engines_of(case) {
        let ratio = figures.spread.median / keel.spread.median;
        let (class, x) = (class_of(&figures.case), place(ratio));
        let told = format!("{}: {ratio:.2} times as long; {}", figures.label(), figures.form());
        writeln!(
            out,
            "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"5\"><title>{}</title></circle>",
            Escaped(&told)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::report::tests::{figures, report};

    #[test]
    fn each_engine_has_a_dot_where_its_fastest_way_is() {
        let mut report = report();
        report.cases[0].engines.push(figures("hecs (other)", Storage::Archetypes, 3.0));
        report.cases.push(CaseReport::new("alone", vec![figures("keel", Storage::Archetypes, 1.0)]));
        let plot = EcsPlot::new(&report).to_string();
        for told in ["hecs (other): 0.50 times as long", "bevy_ecs: 1.17 times", "sparsey: 0.67 times"] {
            assert!(plot.contains(told), "{told}: {plot}");
        }
        assert!(!plot.contains("alone") && !plot.contains("floor's"), "nobody is compared with these");
        let half = format!("cx=\"{:.1}\"", place(0.5));
        assert!(plot.contains(&half), "{half}: {plot}");
        assert!(place(0.5) < place(1.0) && place(1000.0) == place(RATIO_MAX));
    }
}
