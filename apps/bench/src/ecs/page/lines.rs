//! Cases that differ in a number: a line for each engine.

use std::fmt::{self, Formatter};

use super::Escaped;
use super::axis::{Axis, written};
use super::style::class_of;
use crate::ecs::report::{CaseReport, EngineFigures};
use crate::ecs::table::shown;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 140.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 40.0;
/// Labels at the ends of lines need so much room.
const LABEL: f64 = 14.0;

type Member<'r> = (f64, &'r CaseReport);
type Value = fn(&EngineFigures) -> Option<f64>;

/// The times, and the memory where it was asked for.
pub(super) fn write(out: &mut Formatter<'_>, members: &[Member<'_>]) -> fmt::Result {
    let per_entity = |it: &EngineFigures| Some(it.spread.median * 1e3 / it.case.entities? as f64);
    let bytes = |it: &EngineFigures| it.bytes_per_entity;
    let unit = members.first().map_or("us", |(_, case)| case.unit);
    let is_any =
        |value: Value| members.iter().flat_map(|(_, case)| &case.engines).any(|it| value(it).is_some());
    if unit == "us" && is_any(per_entity) {
        write_plot(out, members, "ns an entity", per_entity)?;
    } else {
        write_plot(out, members, unit, |it| Some(it.spread.median))?;
    }
    if is_any(bytes) { write_plot(out, members, "bytes an entity", bytes) } else { Ok(()) }
}

/// One engine, in one way.
struct Line {
    label: String,
    class: &'static str,
    points: Vec<(f64, f64)>,
}

fn lines_of(members: &[Member<'_>], value: Value) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, case) in members {
        for figures in &case.engines {
            let Some(value) = value(figures).filter(|value| *value > 0.0) else { continue };
            let label = figures.label();
            match lines.iter_mut().find(|line| line.label == label) {
                Some(line) => line.points.push((*number, value)),
                None => {
                    lines.push(Line {
                        label,
                        class: class_of(&figures.case),
                        points: vec![(*number, value)],
                    });
                }
            }
        }
    }
    lines
}

fn write_plot(out: &mut Formatter<'_>, members: &[Member<'_>], unit: &str, value: Value) -> fmt::Result {
    let lines = lines_of(members, value);
    let across = Axis::log(members.iter().map(|(number, _)| *number));
    let up = Axis::log(lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value));
    let x = |number: f64| LEFT + across.place(number) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM);
    writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{unit}\">")?;
    for tick in up.ticks() {
        let (end, y) = (WIDTH - RIGHT, y(tick));
        writeln!(out, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{end}\" y2=\"{y:.1}\"/>")?;
        let (x, y) = (LEFT - 8.0, y + 4.0);
        writeln!(out, "<text class=\"tick end\" x=\"{x}\" y=\"{y:.1}\">{}</text>", written(tick))?;
    }
    for (number, _) in members {
        let (x, y) = (x(*number), HEIGHT - BOTTOM + 18.0);
        writeln!(out, "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", written(*number))?;
    }
    writeln!(out, "<text class=\"tick\" x=\"{LEFT}\" y=\"12\">{unit}, powers of ten</text>")?;
    let labels = label_places(&lines, y);
    for (line, label) in lines.iter().zip(labels) {
        write_line(out, line, x, y, label, unit)?;
    }
    writeln!(out, "</svg>")
}

fn write_line(
    out: &mut Formatter<'_>,
    line: &Line,
    x: impl Fn(f64) -> f64,
    y: impl Fn(f64) -> f64,
    label: f64,
    unit: &str,
) -> fmt::Result {
    let Line { label: name, class, points } = line;
    let path: Vec<_> = points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
    writeln!(out, "<polyline class=\"line {class}\" points=\"{}\"/>", path.join(" "))?;
    for (at, value) in points {
        writeln!(
            out,
            "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{} at {}: {} {unit}</title></circle>",
            x(*at),
            y(*value),
            Escaped(name),
            written(*at),
            shown(*value)
        )?;
    }
    let (end, text) = (WIDTH - RIGHT + 10.0, label + 4.0);
    writeln!(out, "<text class=\"name {class}\" x=\"{end}\" y=\"{text:.1}\">{}</text>", Escaped(name))
}

/// Where the labels at the right go: beside the ends of their lines, and not one over the other.
fn label_places(lines: &[Line], y: impl Fn(f64) -> f64) -> Vec<f64> {
    let end = |line: &Line| line.points.last().map_or(0.0, |(_, value)| y(*value));
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|one, other| end(&lines[*one]).total_cmp(&end(&lines[*other])));
    let mut places = vec![0.0; lines.len()];
    let mut free = 0.0_f64;
    for index in &order {
        places[*index] = end(&lines[*index]).max(free);
        free = places[*index] + LABEL;
    }
    // What was pushed out at the bottom pushes back.
    let mut free = HEIGHT - 4.0;
    for index in order.iter().rev() {
        places[*index] = places[*index].min(free);
        free = places[*index] - LABEL;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_apart_and_in_the_plot() {
        let ends = [100.0, 101.0, 310.0, 312.0, 316.0];
        let line = |end: f64| Line { label: String::new(), class: "", points: vec![(1.0, 1.0), (2.0, end)] };
        let lines: Vec<_> = ends.into_iter().map(line).collect();
        let mut places = label_places(&lines, |value| value);
        assert_eq!(places[0], 100.0, "who has room stays");
        places.sort_by(f64::total_cmp);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL - 1e-9), "{places:?}");
        assert!(places.iter().all(|place| (0.0..HEIGHT).contains(place)), "{places:?}");
    }
}
