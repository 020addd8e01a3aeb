//! The figures as a page of its own: HTML with plots, which needs nothing from elsewhere and can be read by day and night.

mod axis;
mod bars;
mod date;
mod dots;
mod lines;
mod style;

use std::fmt::{self, Display, Formatter, Write};

use crate::ecs::contest::ABSENT;
use crate::ecs::report::{CaseReport, EcsBench, EngineFigures};
use crate::ecs::table;
use crate::ecs::ways::comparisons;

pub(crate) use self::date::Date;
pub use self::dots::EcsPlot;

/// The report as a page.
pub struct EcsPage<'r> {
    report: &'r EcsBench,
    date: Date,
}

impl<'r> EcsPage<'r> {
    /// Of `report`, with the date of today.
    pub fn new(report: &'r EcsBench) -> Self {
        Self { report, date: Date::today() }
    }

    #[cfg(test)]
    fn of_day(report: &'r EcsBench, date: Date) -> Self {
        Self { report, date }
    }
}

/// What one plot shows.
enum Figure<'r> {
    Case(&'r CaseReport),
    /// Cases that differ in a number, `NAME/NUMBER`.
    Family(&'r str, Vec<(f64, &'r CaseReport)>),
}

impl Display for EcsPage<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let title = "Keel's world against other engines";
        writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(out, "<title>{title}</title>\n<style>{}</style>\n</head>\n<body>\n<main>", style::CSS)?;
        writeln!(out, "<h1>{title}</h1>")?;
        self.write_head(out)?;
        self.write_table(out)?;
        self.write_comparisons(out)?;
        for figure in figures(&self.report.cases) {
            write_figure(out, &figure)?;
        }
        writeln!(out, "</main>\n</body>\n</html>")
    }
}

impl EcsPage<'_> {
    fn write_head(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let versions = report.versions.iter().map(|(name, version)| format!("{name} {version}"));
        let versions = versions.collect::<Vec<_>>().join(", ");
        writeln!(out, "<dl>")?;
        let machine = report.machine.to_string();
        let rows = [("Date", self.date.to_string()), ("Machine", machine), ("Versions", versions)];
        for (name, value) in rows {
            writeln!(out, "<dt>{name}</dt><dd>{}</dd>", Escaped(&value))?;
        }
        writeln!(out, "</dl>")?;
        writeln!(
            out,
            "<p>Measured by <code>keel bench ecs</code>: Keel's cases are code of a loaded module, the other engines run \
             in a process of their own. All that do a case take turns, a sample each; before that, what they compute is \
             compared. Figures are medians; the thin line in a bar goes from the first quarter of the samples to the \
             third. Shorter is better.</p>"
        )
    }

    fn write_table(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "<h2>All cases</h2>")?;
        write_rows(out, &table::rows(self.report))?;
        writeln!(
            out,
            "<p>The fastest way of each engine; the fastest archetype engine but Keel is underlined, and <i>best</i> in \
             the ratios.</p>"
        )?;
        self.write_reasons(out)
    }

    fn write_reasons(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let reasons = table::reasons(self.report);
        if reasons.is_empty() {
            return Ok(());
        }
        writeln!(out, "<p>{ABSENT} what an engine can't do:</p>\n<ul>")?;
        for reason in reasons {
            let told = format!("{}: {} ({})", reason.engine, reason.why, reason.cases.join(", "));
            writeln!(out, "<li>{}</li>", Escaped(&told))?;
        }
        writeln!(out, "</ul>")
    }

    fn write_comparisons(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, comparison) in comparisons(self.report).iter().enumerate() {
            if index == 0 {
                writeln!(out, "<h2 id=\"ways\">Keel against itself</h2>")?;
            }
            writeln!(out, "<p>{}:</p>", Escaped(comparison.title))?;
            write_rows(out, &comparison.rows)?;
        }
        Ok(())
    }
}

/// A table, of which the first row is the head.
fn write_rows(out: &mut Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    writeln!(out, "<div class=\"wide\"><table class=\"figures\">")?;
    for (index, row) in rows.iter().enumerate() {
        let cell = if index == 0 { "th" } else { "td" };
        let cells = row.iter().map(|text| {
            let best = if text.starts_with('*') { " class=\"best\"" } else { "" };
            format!("<{cell}{best}>{}</{cell}>", Escaped(text.trim_start_matches('*')))
        });
        writeln!(out, "<tr>{}</tr>", cells.collect::<String>())?;
    }
    writeln!(out, "</table></div>")
}

/// Cases that differ in a number make one plot of lines, where there are three of them or more.
fn figures(cases: &[CaseReport]) -> Vec<Figure<'_>> {
    let mut figures: Vec<Figure<'_>> = Vec::new();
    for case in cases {
        let Some((family, number)) = family_of(case) else {
            figures.push(Figure::Case(case));
            continue;
        };
        let known = figures.iter_mut().find_map(|figure| match figure {
            Figure::Family(name, members) if *name == family => Some(members),
            _ => None,
        });
        match known {
            Some(members) => members.push((number, case)),
            None => figures.push(Figure::Family(family, vec![(number, case)])),
        }
    }
    let split = figures.into_iter().flat_map(|figure| match figure {
        Figure::Family(_, members) if members.len() < 3 => {
            members.into_iter().map(|(_, case)| Figure::Case(case)).collect()
        }
        figure => vec![figure],
    });
    split.collect()
}

fn family_of(case: &CaseReport) -> Option<(&str, f64)> {
    let (family, number) = case.case.rsplit_once('/')?;
    let number: f64 = number.parse().ok()?;
    (number > 0.0).then_some((family, number))
}

fn write_figure(out: &mut Formatter<'_>, figure: &Figure<'_>) -> fmt::Result {
    match figure {
        Figure::Case(case) => {
            writeln!(out, "<h2 id=\"{0}\">{0}</h2>", Escaped(&case.case))?;
            bars::write(out, case)?;
            write_forms(out, &case.engines, case.unit)
        }
        Figure::Family(name, members) => {
            writeln!(out, "<h2 id=\"{0}\">{0}</h2>", Escaped(name))?;
            lines::write(out, members)?;
            let Some((_, last)) = members.last() else { return Ok(()) };
            writeln!(out, "<p>{}:</p>", Escaped(&last.case))?;
            write_forms(out, &last.engines, last.unit)
        }
    }
}

/// Who it was, and how it is written.
fn write_forms(out: &mut Formatter<'_>, engines: &[EngineFigures], unit: &str) -> fmt::Result {
    writeln!(
        out,
        "<details><summary>Forms and figures</summary><div class=\"wide\"><table class=\"figures\">"
    )?;
    let has_bytes = engines.iter().any(|it| it.bytes_per_entity.is_some());
    let bytes = if has_bytes { "<th>bytes an entity</th>" } else { "" };
    writeln!(
        out,
        "<tr><th>engine</th><th>median, {unit}</th><th>least</th><th>quarters</th>{bytes}<th>form</th></tr>"
    )?;
    for figures in engines {
        let spread = figures.spread;
        let [median, min, p25, p75] = [spread.median, spread.min, spread.p25, spread.p75].map(table::shown);
        let bytes = match figures.bytes_per_entity {
            Some(bytes) => format!("<td>{bytes:.1}</td>"),
            None if has_bytes => "<td></td>".to_owned(),
            None => String::new(),
        };
        writeln!(
            out,
            "<tr><td>{}</td><td>{median}</td><td>{min}</td><td>{p25} to {p75}</td>{bytes}<td class=\"form\">{}</td></tr>",
            Escaped(&figures.label()),
            Escaped(figures.form())
        )?;
    }
    writeln!(out, "</table></div></details>")
}

/// Text in HTML and SVG.
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            other => out.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::protocol::Storage;
    use crate::ecs::report::tests::{absent, figures as figures_of, report};

    fn page() -> String {
        let mut report = report();
        for entities in [10, 100, 1000] {
            let engines = vec![
                figures_of("keel", Storage::Archetypes, f64::from(entities)),
                figures_of("floor", Storage::Arrays, f64::from(entities) / 2.0),
            ];
            report.cases.push(CaseReport::new(&format!("growth/{entities}"), engines));
        }
        report.cases[0].engines[1].case.form = "a < b & \"c\"".to_owned();
        EcsPage::of_day(&report, Date { year: 2026, month: 11, day: 21 }).to_string()
    }

    #[test]
    fn the_page_says_when_where_and_how_and_loads_nothing() {
        let page = page();
        for text in ["2026-11-21", "2 x cpu, linux 6", "keel's best", "a &lt; b &amp; &quot;c&quot;"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for text in ["<script", "http", "src=", "<link", "@import", "url("] {
            assert!(!page.contains(text), "{text}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn a_case_has_a_bar_for_each_way_and_a_family_one_plot_of_lines() {
        let page = page();
        assert_eq!(page.matches("<svg").count(), 2, "one of bars, one of lines");
        assert_eq!(page.matches("class=\"bar ").count(), 6);
        assert_eq!(page.matches("<polyline").count(), 2);
        assert!(page.contains("<h2 id=\"growth\">"), "{page}");
    }

    #[test]
    fn the_page_says_why_an_engine_does_not_do_a_case() {
        let mut report = report();
        let missing = absent("legion", Storage::Archetypes, "it has no < loops");
        report.cases[0] = report.cases[0].clone().without(&[missing]);
        let page = EcsPage::of_day(&report, Date { year: 2026, month: 11, day: 21 }).to_string();
        assert!(page.contains(&format!("<td>{ABSENT}</td>")), "{page}");
        assert!(page.contains("<li>legion: it has no &lt; loops (iter)</li>"), "{page}");
    }

    #[test]
    fn the_page_compares_the_ways_of_keel() {
        let page = page();
        assert!(page.contains("<h2 id=\"ways\">"), "{page}");
        let row = ["iter", "us", "8.00", "6.00", "1.33"].map(|cell| format!("<td>{cell}</td>")).concat();
        assert!(page.contains(&row), "{page}");
    }

    #[test]
    fn tags_are_closed() {
        let page = page();
        for tag in
            ["main", "table", "tr", "td", "th", "svg", "g", "text", "title", "details", "div", "h2", "p"]
        {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
