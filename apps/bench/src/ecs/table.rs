//! The figures in a terminal.

use std::fmt;

use crate::ecs::contest::ABSENT;
use crate::ecs::protocol::Storage;
use crate::ecs::report::{CaseReport, EcsBench, EngineFigures};
use crate::ecs::ways::comparisons;

/// One case in a line, when it is done.
pub(crate) fn line(case: &CaseReport) -> String {
    let engines = case.engines.iter().map(|it| format!("{} {}", it.label(), shown(it.spread.median)));
    format!("{}, {}: {}", case.case, case.unit, engines.collect::<Vec<_>>().join(", "))
}

/// All cases, a row each, and what the columns are.
pub(crate) fn write(out: &mut fmt::Formatter<'_>, report: &EcsBench) -> fmt::Result {
    writeln!(out, "{}", report.machine)?;
    let versions = report.versions.iter().map(|(name, version)| format!("{name} {version}"));
    writeln!(out, "{}\n", versions.collect::<Vec<_>>().join(", "))?;
    write_rows(out, &rows(report))?;
    writeln!(out, "\nMedians, of the fastest way of each engine. * the fastest archetype engine but Keel.")?;
    if let (unsteady @ 1.., all) = report.unsteady() {
        writeln!(
            out,
            "{unsteady} of {all} figures are unsteady: their quarters lie further apart than a fifth of the median. To \
             quote them, measure again on a quiet machine."
        )?;
    }
    write_reasons(out, report)?;
    write_bytes(out, report)?;
    for comparison in comparisons(report) {
        writeln!(out, "\n{}", comparison.title)?;
        write_rows(out, &comparison.rows)?;
    }
    writeln!(out, "\nWays: median, quarters")?;
    for case in &report.cases {
        writeln!(out, "{}, {}", case.case, case.unit)?;
        for figures in &case.engines {
            let spread = figures.spread;
            let [median, p25, p75] = [spread.median, spread.p25, spread.p75].map(shown);
            let label = figures.label();
            writeln!(out, "    {label:20} {median:>9}  {p25:>9} {p75:>9}  {}", figures.form())?;
        }
    }
    Ok(())
}

/// A head and a row for each case; the best archetype engine is marked with `*`.
pub(crate) fn rows(report: &EcsBench) -> Vec<Vec<String>> {
    let columns = columns(report);
    let names = columns.iter().map(|column| column.name());
    let head = ["case", "unit"].map(str::to_owned).into_iter().chain(names);
    let head = head.chain(["keel : best", "keel : floor"].map(str::to_owned)).collect();
    let row = |case: &CaseReport| {
        let cell = |column: &Column| column.cell(case).unwrap_or_default();
        let ratio = |other| case.ratio_to(other).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let begin = [case.case.clone(), case.unit.to_owned()];
        let end = [ratio(case.best_peer()), ratio(case.floor())];
        begin.into_iter().chain(columns.iter().map(cell)).chain(end).collect()
    };
    std::iter::once(head).chain(report.cases.iter().map(row)).collect()
}

fn write_rows(out: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Who can't do which case, and why: a line for each reason of an engine.
fn write_reasons(out: &mut fmt::Formatter<'_>, report: &EcsBench) -> fmt::Result {
    let all = reasons(report);
    if !all.is_empty() {
        writeln!(out, "\n{ABSENT} what an engine can't do:")?;
    }
    all.iter().try_for_each(|reason| {
        writeln!(out, "{}: {} ({})", reason.engine, reason.why, reason.cases.join(", "))
    })
}

/// Why an engine can't do some cases.
pub(crate) struct Reason<'r> {
    pub(crate) engine: &'r str,
    pub(crate) why: &'r str,
    pub(crate) cases: Vec<&'r str>,
}

/// All reasons, engine by engine.
pub(crate) fn reasons(report: &EcsBench) -> Vec<Reason<'_>> {
    let mut reasons: Vec<Reason<'_>> = Vec::new();
    for (case, absent) in report.cases.iter().flat_map(|case| case.absent.iter().map(move |it| (case, it))) {
        let case = case.case.as_str();
        match reasons.iter_mut().find(|reason| reason.engine == absent.engine && reason.why == absent.why) {
            Some(reason) => reason.cases.push(case),
            None => reasons.push(Reason { engine: &absent.engine, why: &absent.why, cases: vec![case] }),
        }
    }
    reasons.sort_by_key(|reason| reason.engine);
    reasons
}

fn write_bytes(out: &mut fmt::Formatter<'_>, report: &EcsBench) -> fmt::Result {
    for case in &report.cases {
        let bytes = |it: &EngineFigures| Some(format!("{} {:.1}", it.label(), it.bytes_per_entity?));
        let bytes: Vec<_> = case.engines.iter().filter_map(bytes).collect();
        if !bytes.is_empty() {
            writeln!(out, "{}, bytes an entity: {}", case.case, bytes.join(", "))?;
        }
    }
    Ok(())
}

/// An engine, and how it keeps components where it has two ways.
#[derive(PartialEq)]
struct Column {
    engine: String,
    storage: Storage,
}

impl Column {
    /// Of all who do a case, or can't.
    fn all_of(case: &CaseReport) -> impl Iterator<Item = Self> {
        let done = case.engines.iter().map(|it| (&it.case.engine, it.case.storage));
        let missing = case.absent.iter().map(|it| (&it.engine, it.storage));
        done.chain(missing).map(|(engine, storage)| Self { engine: engine.clone(), storage })
    }

    fn name(&self) -> String {
        let engine = &self.engine;
        match self.storage {
            Storage::SparseSets if ["keel", "bevy_ecs"].contains(&engine.as_str()) => {
                format!("{engine} sparse")
            }
            _ => engine.clone(),
        }
    }

    fn cell(&self, case: &CaseReport) -> Option<String> {
        let fastest = case.fastest(|it| it.engine == self.engine && it.storage == self.storage);
        let Some(fastest) = fastest else { return case.reason_of(&self.engine).map(|_| ABSENT.to_owned()) };
        let is_best = case.best_peer().is_some_and(|best| best.label() == fastest.label());
        Some(format!("{}{}", if is_best { "*" } else { "" }, shown(fastest.spread.median)))
    }
}

/// The engines in the order in which they appear first, and the floor last.
fn columns(report: &EcsBench) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for column in report.cases.iter().flat_map(Column::all_of) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns.sort_by_key(|column| column.storage == Storage::Arrays);
    columns
}

/// Three digits that count.
pub(crate) fn shown(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::report::tests::{absent, figures, report};

    #[test]
    fn a_row_has_all_engines_the_best_marked_and_the_ratios() {
        let mut report = report();
        report.cases.push(CaseReport::new("other", vec![figures("keel", Storage::Archetypes, 123.4)]));
        let text = report.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let head = "case unit keel hecs bevy_ecs sparsey floor keel : best keel : floor";
        assert!(lines.contains(&head.split(' ').collect()), "{text}");
        let row = "iter us 6.00 *5.00 7.00 4.00 3.00 1.20 2.00";
        assert!(lines.contains(&row.split(' ').collect()), "{text}");
        assert!(lines.contains(&vec!["other", "us", "123"]), "{text}");
        assert!(
            lines.contains(&vec!["iter", "us", "8.00", "6.00", "1.33"]),
            "its loop and its first way: {text}"
        );
        let way = "keel (for) 8.00 7.50 8.50 keel (for)'s best";
        assert!(lines.contains(&way.split(' ').collect()), "{text}");
    }

    #[test]
    fn who_cannot_do_a_case_has_a_mark_and_a_reason() {
        let mut report = report();
        let missing = absent("sparsey", Storage::SparseSets, "it has no loops");
        let other = CaseReport::new("other", vec![figures("keel", Storage::Archetypes, 2.0)]);
        let more = CaseReport::new("more/1", vec![figures("keel", Storage::Archetypes, 2.0)]);
        report
            .cases
            .push(other.without(&[absent("legion", Storage::Archetypes, "it is small"), missing.clone()]));
        report.cases.push(more.without(&[missing]));
        let text = report.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let head = "case unit keel hecs bevy_ecs sparsey legion floor keel : best keel : floor";
        assert!(lines.contains(&head.split(' ').collect()), "{text}");
        assert!(lines.contains(&vec!["other", "us", "2.00", ABSENT, ABSENT]), "{text}");
        assert!(
            text.contains("legion: it is small (other)\nsparsey: it has no loops (other, more/1)\n"),
            "{text}"
        );
    }

    #[test]
    fn figures_have_three_digits_that_count() {
        assert_eq!([0.0371, 2.0, 17.26, 104.4].map(shown), ["0.037", "2.00", "17.3", "104"]);
    }
}
