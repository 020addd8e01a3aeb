//! The figures, as they are written into a file.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::ecs::contest::{Contest, KEEL};
use crate::ecs::protocol::{Absent, Case, Storage};
use crate::ecs::statistics::Spread;
use crate::ecs::table;
use crate::swap::{Machine, Versions};

/// Quarters that lie so much of the median apart tell of something else that was running.
const UNSTEADY: f64 = 0.2;

/// What `keel bench ecs` has measured.
#[derive(Clone, Debug, Serialize)]
pub struct EcsBench {
    /// In the order in which they were measured.
    pub cases: Vec<CaseReport>,
    /// What it ran on.
    pub machine: Machine,
    /// The compiler's version, and those of all engines.
    pub versions: BTreeMap<String, String>,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Its name.
    pub case: String,
    /// `us` for the time of an iteration, `ns` for that of an operation.
    pub unit: &'static str,
    /// Those who did it; in the file, an object by their labels.
    #[serde(serialize_with = "by_label")]
    pub engines: Vec<EngineFigures>,
    /// Those who can't do it; in the file, an object of the reasons by their names.
    #[serde(rename = "without", skip_serializing_if = "Vec::is_empty", serialize_with = "by_engine")]
    pub(crate) absent: Vec<Absent>,
}

/// What one engine needed, in one way of doing the case.
#[derive(Clone, Debug, Serialize)]
pub struct EngineFigures {
    /// Who it was.
    #[serde(skip)]
    pub(crate) case: Case,
    /// The times, in the case's unit.
    #[serde(flatten)]
    pub spread: Spread,
    /// What each entity takes of memory, where the case is about that and it can be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_entity: Option<f64>,
}

/// As in the file: the figures, and the form that they are of.
#[derive(Serialize)]
struct Shown<'e> {
    #[serde(flatten)]
    figures: &'e EngineFigures,
    form: &'e str,
}

fn by_label<S: Serializer>(engines: &[EngineFigures], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(engines.iter().map(|figures| {
        let form = figures.case.form.as_str();
        (figures.label(), Shown { figures, form })
    }))
}

fn by_engine<S: Serializer>(absent: &[Absent], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(absent.iter().map(|absent| (&absent.engine, &absent.why)))
}

impl EcsBench {
    pub(crate) fn new(machine: Machine) -> Self {
        let Versions { keel, rustc } = Versions::this();
        let rustc = rustc.trim_start_matches("rustc ").to_owned();
        let versions = [("keel".to_owned(), keel), ("rustc".to_owned(), rustc)].into();
        Self { cases: Vec::new(), machine, versions }
    }

    /// How many figures have quarters that lie further apart than a fifth of the median, and how many figures there are.
    pub(crate) fn unsteady(&self) -> (usize, usize) {
        let spreads = self.cases.iter().flat_map(|case| &case.engines).map(|figures| figures.spread);
        let is_unsteady = |spread: &Spread| spread.p75 - spread.p25 > spread.median * UNSTEADY;
        (spreads.clone().filter(is_unsteady).count(), spreads.count())
    }

    pub(crate) fn add(&mut self, contest: &Contest, case: CaseReport) {
        for contestant in &contest.contestants {
            let case = contestant.case();
            if let Some(version) = &case.version {
                self.versions.insert(case.engine.clone(), version.clone());
            }
        }
        self.cases.push(case);
    }
}

impl fmt::Display for EcsBench {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(out, self)
    }
}

impl CaseReport {
    pub(crate) fn new(case: &str, engines: Vec<EngineFigures>) -> Self {
        let unit = if engines.iter().any(|figures| figures.case.operations > 1) { "ns" } else { "us" };
        Self { case: case.to_owned(), unit, engines, absent: Vec::new() }
    }

    /// The same, with those who can't do the case.
    pub(crate) fn without(self, absent: &[Absent]) -> Self {
        Self { absent: absent.to_vec(), ..self }
    }

    /// Why `engine` does not do it, if it can't.
    pub(crate) fn reason_of(&self, engine: &str) -> Option<&str> {
        self.absent.iter().find(|absent| absent.engine == engine).map(|absent| absent.why.as_str())
    }

    /// The fastest of Keel's ways.
    pub(crate) fn keel(&self) -> Option<&EngineFigures> {
        self.fastest(|case| case.engine == KEEL)
    }

    /// The fastest of the other engines that keep components as Keel does.
    pub(crate) fn best_peer(&self) -> Option<&EngineFigures> {
        self.fastest(Case::is_archetype_peer)
    }

    /// What plain arrays need.
    pub(crate) fn floor(&self) -> Option<&EngineFigures> {
        self.fastest(|case| case.storage == Storage::Arrays)
    }

    /// Keel's way of this name, or its first.
    pub(crate) fn way(&self, variant: Option<&str>) -> Option<&EngineFigures> {
        let is_meant = |case: &Case| case.engine == KEEL && case.variant.as_deref() == variant;
        self.engines.iter().find(|figures| is_meant(&figures.case))
    }

    /// The fastest of those who are meant, but for what is only there to be compared with.
    pub(crate) fn fastest(&self, is_meant: impl Fn(&Case) -> bool) -> Option<&EngineFigures> {
        let meant = self.engines.iter().filter(|it| is_meant(&it.case) && !it.case.is_yardstick());
        meant.min_by(|one, other| one.spread.median.total_cmp(&other.spread.median))
    }

    /// How many times as long as `other` Keel needs.
    pub(crate) fn ratio_to(&self, other: Option<&EngineFigures>) -> Option<f64> {
        Some(self.keel()?.spread.median / other?.spread.median)
    }
}

impl EngineFigures {
    /// The engine, and the way if it is not its first.
    pub fn label(&self) -> String {
        self.case.label()
    }

    /// How the case is written.
    pub fn form(&self) -> &str {
        &self.case.form
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn figures(label: &str, storage: Storage, median: f64) -> EngineFigures {
        let (engine, variant) = match label.split_once(" (") {
            Some((engine, variant)) => (engine, Some(variant.trim_end_matches(')').to_owned())),
            None => (label, None),
        };
        let case = Case {
            name: "iter".to_owned(),
            engine: engine.to_owned(),
            version: Some("1.0.0".to_owned()),
            variant,
            form: format!("{label}'s best"),
            storage,
            operations: 1,
            entities: None,
        };
        let spread = Spread { median, min: median - 1.0, p25: median - 0.5, p75: median + 0.5 };
        EngineFigures { case, spread, bytes_per_entity: None }
    }

    pub(crate) fn report() -> EcsBench {
        let engines = vec![
            figures("keel", Storage::Archetypes, 6.0),
            figures("keel (for)", Storage::Archetypes, 8.0),
            figures("hecs", Storage::Archetypes, 5.0),
            figures("bevy_ecs", Storage::Archetypes, 7.0),
            figures("sparsey", Storage::SparseSets, 4.0),
            figures("floor", Storage::Arrays, 3.0),
        ];
        let mut report = EcsBench::new(Machine { cpu: "cpu".to_owned(), cores: 2, os: "linux 6".to_owned() });
        report.cases.push(CaseReport::new("iter", engines));
        report
    }

    #[test]
    fn the_file_has_each_engine_by_its_label_in_their_order() {
        let mut report = report();
        report.versions = [("keel".to_owned(), "0.1.0".to_owned())].into();
        report.cases[0].engines.truncate(2);
        report.cases[0].engines[1].bytes_per_entity = Some(24.5);
        let expected = json!({
            "cases": [{
                "case": "iter",
                "unit": "us",
                "engines": {
                    "keel": { "median": 6.0, "min": 5.0, "p25": 5.5, "p75": 6.5, "form": "keel's best" },
                    "keel (for)": {
                        "median": 8.0, "min": 7.0, "p25": 7.5, "p75": 8.5, "bytes_per_entity": 24.5,
                        "form": "keel (for)'s best",
                    },
                },
            }],
            "machine": { "cpu": "cpu", "cores": 2, "os": "linux 6" },
            "versions": { "keel": "0.1.0" },
        });
        assert_eq!(serde_json::to_value(&report).unwrap(), expected);
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.find("\"keel\":{") < text.find("\"keel (for)\":{"), "{text}");
    }

    pub(crate) fn absent(engine: &str, storage: Storage, why: &str) -> Absent {
        Absent { case: "iter".to_owned(), engine: engine.to_owned(), storage, why: why.to_owned() }
    }

    #[test]
    fn the_file_tells_why_an_engine_does_not_do_a_case() {
        let mut report = report();
        let missing = absent("legion", Storage::Archetypes, "it has no loops");
        report.cases[0] = report.cases[0].clone().without(&[missing]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["cases"][0]["without"], json!({ "legion": "it has no loops" }));
    }

    #[test]
    fn figures_whose_samples_lie_far_apart_are_counted() {
        let mut report = report();
        assert_eq!(report.unsteady(), (2, 6), "1 of 4 and of 3; 1 of 5 is a fifth, and no more");
        report.cases[0].engines.truncate(2);
        assert_eq!(report.unsteady(), (0, 2));
    }

    #[test]
    fn keel_is_compared_with_the_fastest_archetype_engine_and_with_the_floor() {
        let report = report();
        let case = &report.cases[0];
        assert_eq!(case.keel().unwrap().label(), "keel");
        assert_eq!(case.best_peer().unwrap().label(), "hecs", "sparsey is faster, and no archetype engine");
        assert_eq!(case.ratio_to(case.best_peer()), Some(1.2));
        assert_eq!(case.ratio_to(case.floor()), Some(2.0));
        let mut with_yardstick = report.cases[0].clone();
        for way in ["keel (sequence)", "keel (typed)"] {
            with_yardstick.engines.push(figures(way, Storage::Archetypes, 1.0));
        }
        let fastest = with_yardstick.keel().unwrap().label();
        assert_eq!(fastest, "keel", "what does without a schedule or a name does less");
        let alone = CaseReport::new("iter", vec![figures("keel", Storage::Archetypes, 6.0)]);
        assert_eq!(alone.ratio_to(alone.best_peer()), None);
    }
}
