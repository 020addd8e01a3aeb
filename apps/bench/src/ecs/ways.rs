//! Keel against itself: what a way of writing a case costs against another one.

use crate::ecs::contest::{PLAIN, SEQUENCE, TYPED};
use crate::ecs::report::{CaseReport, EcsBench};
use crate::ecs::table::shown;

/// Two ways of Keel, in each case that has both.
pub(crate) struct Comparison {
    /// What is compared, and what should come of it.
    pub(crate) title: &'static str,
    /// A head, and a row for each case.
    pub(crate) rows: Vec<Vec<String>>,
}

/// All comparisons for which `report` has cases.
pub(crate) fn comparisons(report: &EcsBench) -> Vec<Comparison> {
    let all = [
        Comparison {
            title: "A plain for loop against the first way of Keel, in a system or over a query; 1.1 is aimed at",
            rows: rows(report, [PLAIN, "first"], [Some(PLAIN), None]),
        },
        Comparison {
            title: "A schedule against the same systems called by hand, one after the other; 1 is aimed at",
            rows: rows(report, ["schedule", "by hand"], [None, Some(SEQUENCE)]),
        },
        Comparison {
            title: "A name or a path against the same where the types are known; 35 ns are aimed at",
            rows: rows(report, ["by name", TYPED], [None, Some(TYPED)]),
        },
    ];
    all.into_iter().filter(|comparison| comparison.rows.len() > 1).collect()
}

/// A row for each case that Keel does in both of `ways`, which the head calls by `names`.
fn rows(report: &EcsBench, names: [&str; 2], ways: [Option<&str>; 2]) -> Vec<Vec<String>> {
    let [one, other] = names;
    let head = ["case", "unit", one, other, &format!("{one} : {other}")].map(str::to_owned).to_vec();
    let row = |case: &CaseReport| {
        let [one, other] = ways.map(|way| case.way(way).map(|figures| figures.spread.median));
        let (one, other) = one.zip(other)?;
        let ratio = format!("{:.2}", one / other);
        Some(vec![case.case.clone(), case.unit.to_owned(), shown(one), shown(other), ratio])
    };
    std::iter::once(head).chain(report.cases.iter().filter_map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::protocol::Storage;
    use crate::ecs::report::tests::{figures, report};

    #[test]
    fn what_is_easier_to_write_is_compared_with_what_is_faster() {
        let mut report = report();
        let ways = ["keel", "keel (sequence)", "keel (threads)", "keel (typed)"];
        let ways = ways.into_iter().zip([6.0, 5.0, 3.0, 4.0]);
        let engines = ways.map(|(label, median)| figures(label, Storage::Archetypes, median)).collect();
        report.cases.push(CaseReport::new("systems", engines));
        let found = comparisons(&report);
        let rows: Vec<_> =
            found.iter().map(|it| it.rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>()).collect();
        assert_eq!(rows[0], ["case unit for first for : first", "iter us 8.00 6.00 1.33"]);
        let head = "case unit schedule by hand schedule : by hand";
        assert_eq!(rows[1], [head, "systems us 6.00 5.00 1.20"]);
        assert_eq!(rows[2], ["case unit by name typed by name : typed", "systems us 6.00 4.00 1.50"]);
    }

    #[test]
    fn what_no_case_has_both_ways_of_is_not_compared() {
        let mut report = report();
        // Somebody else's loop is not Keel's.
        report.cases[0].engines[1] = figures("hecs (for)", Storage::Archetypes, 8.0);
        assert!(comparisons(&report).is_empty());
    }
}
