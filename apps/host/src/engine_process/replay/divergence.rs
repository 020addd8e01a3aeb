//! Where a replay parts from what was recorded: the frame, the system and the components.

use std::time::Duration;

use keel::engine::TracedCall;
use keel_registry::{Consent, Rejection};

use super::{Checkpoint, Replay};
use crate::event::DivergenceLine;
use crate::recording::{Parts, Record};

/// The frames that were looked at closely: each with its number, and the calls that changed something.
type Traced = Vec<(u64, Vec<TracedCall>)>;

impl Replay<'_> {
    /// Finds out where it began. The hashes at `record` are the first that differ, in these parts.
    pub(super) fn diagnose(&mut self, records: &[Record], record: usize, differ: &Parts) -> DivergenceLine {
        let frame = self.driver.engine.time().frame;
        let components: Vec<_> = differ.keys().cloned().collect();
        let checkpoint = self.checkpoint.clone();
        let frames_before = self.frames;
        let runs: Result<Vec<_>, _> =
            (0..2).map(|_| self.run_closely(&checkpoint, &records[..record])).collect();
        self.frames = frames_before;
        match runs {
            Ok(runs) => match first_difference(&runs[0], &runs[1]) {
                Some(found) => found,
                None => self.of_changed_code(&runs[1], frame, components),
            },
            Err(rejection) => DivergenceLine {
                frame,
                system: None,
                components,
                repeats: None,
                message: format!("it could not be looked at closely: {rejection}"),
            },
        }
    }

    /// Goes back to the checkpoint, and from there to the end of `records`. What comes after the last hashes that were
    /// equal is traced.
    fn run_closely(&mut self, checkpoint: &Checkpoint, records: &[Record]) -> Result<Traced, Rejection> {
        let Checkpoint { record, game, equal, .. } = checkpoint;
        self.driver.rewind(game, Consent::AcceptLoss)?;
        let mut traced = Traced::new();
        for (number, record) in records.iter().enumerate().skip(*record) {
            match record {
                Record::Frame(input) if number >= *equal => {
                    let calls = self.driver.traced_frame(input);
                    traced.push((self.driver.engine.time().frame, calls));
                }
                Record::Frame(input) => drop(self.driver.frame(input, Duration::ZERO)),
                record => self.take(record)?,
            }
        }
        Ok(traced)
    }

    /// Two runs of the code as it is agree, so it was another one that was recorded, or something came in that was not.
    fn of_changed_code(&self, traced: &Traced, frame: u64, components: Vec<String>) -> DivergenceLine {
        let calls: Vec<_> = traced.iter().flat_map(|(_, calls)| calls).collect();
        let call = most_likely(&calls, &components, |path| {
            self.changed.is_empty() || self.changed.iter().any(|module| is_of_module(path, module))
        });
        let message = match self.changed.is_empty() {
            true => "two runs of this code agree with each other: it was told something that is not recorded (real time, \
                     a task's result), or it has kept something in a static"
                .to_owned(),
            false => {
                let changed: Vec<_> = self.changed.iter().map(String::as_str).collect();
                format!(
                    "two runs of this code agree with each other, and it is not the code that was recorded; built anew \
                     since: {}",
                    changed.join(", ")
                )
            }
        };
        DivergenceLine {
            frame,
            system: call.map(|call| call.path.clone()),
            components,
            repeats: Some(true),
            message,
        }
    }
}

/// Which of these calls of other code than the recorded it was: the first one of a changed module all of whose changes
/// differ from what was recorded, else the first that has made any that does.
fn most_likely<'c>(
    calls: &[&'c TracedCall],
    components: &[String],
    is_of_changed: impl Fn(&str) -> bool,
) -> Option<&'c TracedCall> {
    let differs = |part: &String| components.contains(part);
    let some = |call: &&&TracedCall| call.changed.keys().any(differs);
    let all = |call: &&&TracedCall| call.changed.keys().all(differs);
    let changed = |call: &&&TracedCall| is_of_changed(&call.path);
    let mut by_weight =
        calls.iter().filter(changed).filter(all).chain(calls.iter().filter(changed).filter(some));
    by_weight.next().or_else(|| calls.iter().find(some)).copied()
}

/// Whether `path`, written `module/system`, is of the module.
fn is_of_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.starts_with('/'))
}

/// Where two runs of the same code part, if they do.
fn first_difference(one: &Traced, other: &Traced) -> Option<DivergenceLine> {
    for ((frame, calls), (_, others)) in one.iter().zip(other) {
        let ends = calls.len().max(others.len());
        let Some(place) = (0..ends).find(|place| calls.get(*place) != others.get(*place)) else { continue };
        let (call, other) = (calls.get(place), others.get(place));
        let system = call.or(other).map(|call| call.path.clone());
        return Some(DivergenceLine {
            frame: *frame,
            system,
            components: parts_that_differ(call, other),
            repeats: Some(false),
            message: "two runs of the same code from the same state differ: it uses real time, addresses, a hashed map's \
                      order, or something that other threads change"
                .to_owned(),
        });
    }
    None
}

fn parts_that_differ(one: Option<&TracedCall>, other: Option<&TracedCall>) -> Vec<String> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) if one.path == other.path => (&one.changed, &other.changed),
        (Some(only), _) | (None, Some(only)) => return only.changed.keys().cloned().collect(),
        (None, None) => return Vec::new(),
    };
    let all: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    all.into_iter().filter(|part| one.get(*part) != other.get(*part)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, changed: &[(&str, u64)]) -> TracedCall {
        let changed = changed.iter().map(|(part, hash)| ((*part).to_owned(), *hash)).collect();
        TracedCall { path: path.to_owned(), changed }
    }

    #[track_caller]
    fn check(one: Vec<TracedCall>, other: Vec<TracedCall>, expected: Option<(&str, &[&str])>) {
        let same = (4, vec![call("swim/turn", &[("Position", 1)])]);
        let found = first_difference(&vec![same.clone(), (5, one)], &vec![same, (5, other)]);
        let found = found.map(|found| (found.frame, found.system.unwrap(), found.components));
        let expected = expected.map(|(system, parts)| {
            (5, system.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_call_that_differs_is_found() {
        let turn = || call("swim/turn", &[("Position", 1), ("Tide", 2)]);
        let other = call("swim/turn", &[("Position", 1), ("Tide", 3)]);
        let eat = call("hunt/eat", &[("Energy", 1)]);
        check(vec![turn(), eat.clone()], vec![turn(), eat.clone()], None);
        check(vec![turn()], vec![other], Some(("swim/turn", &["Tide"])));
        check(vec![turn()], vec![turn(), eat.clone()], Some(("hunt/eat", &["Energy"])));
        check(vec![turn(), eat.clone()], vec![turn()], Some(("hunt/eat", &["Energy"])));
        check(vec![eat], vec![turn()], Some(("hunt/eat", &["Energy"])));
    }

    #[test]
    fn of_changed_code_the_call_is_named_that_has_changed_only_what_differs() {
        let turn = call("swim/turn", &[("Position", 1), ("Wave", 2)]);
        let warm = call("swim/warm", &[("Heat", 1)]);
        let eat = call("hunt/eat", &[("Heat", 3)]);
        let named = |calls: &[&TracedCall], components: &[&str], module: &str| {
            let components: Vec<_> = components.iter().map(|part| (*part).to_owned()).collect();
            most_likely(calls, &components, |path| is_of_module(path, module)).map(|call| call.path.clone())
        };
        let calls = [&eat, &turn, &warm];
        assert_eq!(named(&calls, &["Heat", "Position"], "swim").as_deref(), Some("swim/warm"));
        assert_eq!(named(&calls, &["Position"], "swim").as_deref(), Some("swim/turn"));
        assert_eq!(named(&calls, &["Heat"], "other").as_deref(), Some("hunt/eat"));
        assert_eq!(named(&calls, &["Tide"], "swim"), None);
    }

    #[test]
    fn a_module_whose_name_begins_with_anothers_is_another() {
        assert!(is_of_module("swim/turn", "swim") && !is_of_module("swim-fast/turn", "swim"));
    }
}
