//! What must be in a saved game, computed from nothing but its steps and the versions that were told to be live.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{BIRTH_EVERY, Code, EXTRA, THINGS};
use crate::snapshot::Values;

/// Who is as old as that, in steps, is in every snapshot that may be gone on with.
const OLD: u64 = 900;

/// A version has run from this step to the next entry's.
#[derive(Debug)]
struct Entry {
    version: u64,
    shape: u64,
    from: u64,
}

/// What is known of the game beside what it says of itself.
#[derive(Default)]
pub(super) struct Books {
    /// All versions that were ever written.
    codes: BTreeMap<u64, Code>,
    /// The ids of those who were [`OLD`] when they were last seen.
    ids: BTreeMap<u64, String>,
}

/// What a saved game says.
struct Told<'v> {
    steps: u64,
    entries: Vec<Entry>,
    values: &'v Values,
}

impl Books {
    pub(super) fn note(&mut self, code: &Code) {
        self.codes.insert(code.version, code.clone());
    }

    pub(super) fn code(&self, version: u64) -> &Code {
        &self.codes[&version]
    }

    /// How many steps a saved game has run, in which `live` must be live, and all else what it must be.
    pub(super) fn check(&mut self, values: &Values, live: &Code) -> Result<u64, String> {
        let ledger = values.get("resource Ledger");
        let told = Told { steps: number(ledger, "steps")?, entries: entries(ledger)?, values };
        told.check_entries(live, &self.codes)?;
        let runs = told.sum_of_steps(|entry| self.codes[&entry.version].systems);
        same("runs of the systems that come and go", number(ledger, "runs")?, runs)?;
        same("births", number(ledger, "born")?, told.steps / BIRTH_EVERY)?;
        told.check_module(live, &self.codes)?;
        self.check_things(&told, live)?;
        Ok(told.steps)
    }

    fn check_things(&mut self, told: &Told<'_>, live: &Code) -> Result<(), String> {
        let born = told.steps / BIRTH_EVERY;
        let mut missing: BTreeSet<u64> = (born.saturating_sub(THINGS)..born).collect();
        let extra_since = told.since(|entry| entry.shape % 2 == 1);
        let is_thing = |what: &&String| what.starts_with("entity ") && what.ends_with(" Thing");
        for what in told.values.0.keys().filter(is_thing) {
            let text = told.values.get(what);
            let (thing, born) = (number(text, "number")?, number(text, "born")?);
            let check =
                |name: &str, expected| same(&format!("{what}: {name}"), number(text, name)?, expected);
            if !missing.remove(&thing) {
                return Err(format!("{what}: {text} must not be there after {} steps", told.steps));
            }
            check("born", (thing + 1) * BIRTH_EVERY)?;
            check("age", told.steps - born)?;
            check("weight", told.weight(born))?;
            if live.shape.has_extra {
                check("extra", EXTRA + told.steps - born.max(extra_since))?;
            }
            let has_note = text.contains("note: \"new\"");
            same(&format!("{what}: note"), u64::from(has_note), u64::from(live.shape.has_note))?;
            if told.steps - born >= OLD {
                let id = what.split(' ').nth(1).unwrap_or_default();
                let before = self.ids.entry(thing).or_insert_with(|| id.to_owned());
                same(&format!("the id of thing {thing}"), id, before.as_str())?;
            }
        }
        self.ids.retain(|thing, _| thing + THINGS >= born);
        if missing.is_empty() { Ok(()) } else { Err(format!("these things are lost: {missing:?}")) }
    }
}

impl Told<'_> {
    fn check_entries(&self, live: &Code, codes: &BTreeMap<u64, Code>) -> Result<(), String> {
        let last = self.entries.last().ok_or("no version has ever run")?;
        same("the version that runs", last.version, live.version)?;
        same("the shape that it has", last.shape, live.shape.number())?;
        same("the first step", self.entries[0].from, 1)?;
        let mut pairs = self.entries.iter().zip(&self.entries[1..]);
        if let Some((one, other)) = pairs.find(|(one, other)| one.from >= other.from) {
            return Err(format!("versions are out of order: {one:?}, {other:?}"));
        }
        let unknown = self.entries.iter().find(|entry| !codes.contains_key(&entry.version));
        unknown.map_or(Ok(()), |entry| Err(format!("nobody has written {entry:?}")))
    }

    fn check_module(&self, live: &Code, codes: &BTreeMap<u64, Code>) -> Result<(), String> {
        let fields = self.values.get("module soak");
        same("the module's steps", number(fields, "steps")?, self.steps)?;
        if !live.has_more {
            return Ok(());
        }
        let since = self.since(|entry| codes[&entry.version].has_more);
        same("the module's new field", number(fields, "more")?, self.steps - since)
    }

    /// Each entry with the step after its last.
    fn spans(&self) -> impl DoubleEndedIterator<Item = (&Entry, u64)> {
        let ends = self.entries.iter().skip(1).map(|entry| entry.from).chain([self.steps + 1]);
        self.entries.iter().zip(ends.collect::<Vec<_>>())
    }

    /// The last step without what all versions since have had.
    fn since(&self, has_it: impl Fn(&Entry) -> bool) -> u64 {
        let run = self.entries.iter().rev().take_while(|entry| has_it(entry));
        run.last().map_or(self.steps, |entry| entry.from - 1)
    }

    fn sum_of_steps(&self, of: impl Fn(&Entry) -> u64) -> u64 {
        self.spans().map(|(entry, end)| of(entry) * (end - entry.from)).sum()
    }

    /// Of who was born in that step.
    fn weight(&self, born: u64) -> u64 {
        let spans = self.spans().rev().take_while(|(_, end)| *end > born + 1);
        spans.map(|(entry, end)| entry.version * (end - entry.from.max(born + 1))).sum()
    }
}

/// How many steps a saved game has run.
pub(super) fn steps_of(values: &Values) -> u64 {
    number(values.get("resource Ledger"), "steps").unwrap()
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found} instead of {expected}")) }
}

/// The number in `... NAME: 7 ...`, where it stands first.
fn number(text: &str, name: &str) -> Result<u64, String> {
    let mark = format!("{name}: ");
    let digits = text.find(&mark).map(|at| &text[at + mark.len()..]);
    let digits = digits.map(|rest| rest.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default());
    let found = digits.and_then(|digits| digits.parse().ok());
    found.ok_or_else(|| format!("{name:?} is no number in {text:?}"))
}

fn entries(ledger: &str) -> Result<Vec<Entry>, String> {
    let entry = |text: &str| {
        Ok(Entry {
            version: number(text, "version")?,
            shape: number(text, "shape")?,
            from: number(text, "from")?,
        })
    };
    ledger.split("Entry {").skip(1).map(entry).collect()
}
