//! The keys of what machines read, held against the tables of the guide's chapter about it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::game::Game;

const GUIDE: &str = include_str!("../../docs/guide/04-what-machines-read.md");

/// The events of the guide, each with a scenario at the end of which [`check_events`] looks at it with all that it may
/// have.
const EVENTS: [&str; 14] = [
    "ready",
    "stats",
    "swap",
    "rejected",
    "rolled_back",
    "restarted",
    "resumed",
    "rewound",
    "replayed",
    "fault",
    "crash",
    "hang",
    "hang_ended",
    "log",
];

#[test]
fn the_guide_has_a_table_for_each_event() {
    let events = part("## Events\n", "\n## ");
    let headings = events.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    assert_eq!(headings.collect::<Vec<_>>(), EVENTS);
    for event in EVENTS {
        assert!(keys_of_the_event(event).len() > 1, "{event}");
    }
}

/// Checks that what the game has told of each of `events` has the keys that the guide names, all of them and no others. A
/// key that not every line has must be in one of them.
#[track_caller]
pub(crate) fn check_events(game: &Game, events: &[&str]) {
    for event in events {
        assert!(EVENTS.contains(event), "{event}");
        let lines = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<_> = lines.filter(|line| line["event"] == *event).collect();
        check_lines(event, &lines);
    }
}

/// [`check_events`] of lines that need not be of one game.
#[track_caller]
pub(crate) fn check_lines(event: &str, lines: &[Value]) {
    let mut found = BTreeSet::new();
    lines.iter().for_each(|line| collect_keys(line, "", &mut found));
    assert!(found.remove("event"), "the game has told of no `{event}`");
    // A list may be empty in some of them.
    check_keys(&format!("lines of `{event}`"), &leaves(&found), &keys_of_the_event(event));
}

/// Checks the figures of `keel bench swap`.
#[track_caller]
pub(crate) fn check_figures(report: &Value) {
    let mut found = BTreeSet::new();
    collect_keys(report, "", &mut found);
    check_keys("the file", &found, &keys_of(part("## The figures of `cargo keel bench swap`\n", "\n## ")));
}

/// Checks the figures of `keel bench ecs`, in which engines have names.
#[track_caller]
pub(crate) fn check_ecs_figures(report: &Value) {
    let mut found = BTreeSet::new();
    for case in report["cases"].as_array().unwrap() {
        let engines = case["engines"].as_object().unwrap().values();
        engines.for_each(|engine| collect_keys(engine, "cases[].engines.NAME", &mut found));
        found.extend(["cases[].case", "cases[].unit"].map(str::to_owned));
        let without = case.get("without").map(|reasons| reasons.as_object().unwrap());
        found.extend(
            without.iter().flat_map(|reasons| reasons.keys()).map(|_| "cases[].without.NAME".to_owned()),
        );
        assert_eq!(case.as_object().unwrap().len(), 3 + usize::from(without.is_some()), "{case}");
    }
    collect_keys(&report["machine"], "machine", &mut found);
    let versions = report["versions"].as_object().unwrap();
    found.extend(versions.keys().map(|_| "versions.NAME".to_owned()));
    let heading = "## The figures of `cargo keel bench ecs`\n";
    check_keys("the file", &found, &keys_of(part(heading, "\n## ")));
    assert_eq!(report.as_object().unwrap().len(), 3, "{report}");
}

#[track_caller]
fn check_keys(what: &str, found: &BTreeSet<String>, told: &BTreeSet<String>) {
    let differ: Vec<_> = found.symmetric_difference(told).collect();
    assert!(differ.is_empty(), "in {what} or in the guide only: {differ:?}");
}

/// All keys of a value that lead to no object or list of objects: `pause[].pause_ms`.
fn collect_keys(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let dot = if path.is_empty() { "" } else { "." };
            fields.iter().for_each(|(key, value)| collect_keys(value, &format!("{path}{dot}{key}"), keys));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().for_each(|item| collect_keys(item, &format!("{path}[]"), keys));
        }
        _ => drop(keys.insert(path.to_owned())),
    }
}

/// Those of an event's table that lead to no list of objects.
fn keys_of_the_event(event: &str) -> BTreeSet<String> {
    leaves(&keys_of(part(&format!("### `{event}`\n"), "\n##")))
}

/// Those that lead to no other key.
fn leaves(keys: &BTreeSet<String>) -> BTreeSet<String> {
    let is_leaf = |key: &&String| !keys.iter().any(|other| other.starts_with(&format!("{key}[].")));
    keys.iter().filter(is_leaf).cloned().collect()
}

/// What the guide says below `heading`, up to `end`.
fn part(heading: &str, end: &str) -> &'static str {
    let after = GUIDE.split_once(heading).unwrap_or_else(|| panic!("the guide has no {heading}")).1;
    after.split(end).next().unwrap_or_default()
}

/// The first columns of the tables in a part of the guide.
fn keys_of(part: &str) -> BTreeSet<String> {
    let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split(", ")).map(|key| key.trim_matches('`').to_owned()).collect()
}
