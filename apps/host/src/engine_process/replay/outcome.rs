//! Both outcomes of the same time: what was recorded, and what the modules as they are now make of it.

use std::collections::BTreeMap;

use keel_registry::{Code, Consent, Rejection};

use super::Replay;
use crate::commands::snapshot::{Difference, differences, values_in};
use crate::event::{CountLine, OutcomeLine};
use crate::recording::Game;

/// So many values that differ are told; of the others there are the numbers.
const TOLD: usize = 5;

impl Replay<'_> {
    /// Compares the game as it is now with the recorded end.
    pub(super) fn outcome(&mut self, Game(end): &Game) -> Result<OutcomeLine, Rejection> {
        let now = self.driver.save(Vec::new())?;
        let unread = |error: anyhow::Error| Rejection::new("", Code::RestoreFailed, format!("{error:#}"));
        let (before, after) = (values_in(end).map_err(unread)?, values_in(&now).map_err(unread)?);
        // The recorded end in figures: it is put in place for that.
        self.driver.rewind(end, Consent::AcceptLoss)?;
        let hash = self.driver.registry.state_hash(&self.driver.engine)?;
        let differences = differences(&before, &after);
        let mut counts = BTreeMap::<_, usize>::new();
        differences.iter().for_each(|difference| *counts.entry(part(&difference.what)).or_default() += 1);
        let count = |(what, values): (&str, usize)| CountLine { what: what.to_owned(), values };
        Ok(OutcomeLine {
            entities_before: self.driver.engine.world().len(),
            world_hash_before: format!("{hash:016x}"),
            differ: counts.into_iter().map(count).collect(),
            first: differences.iter().take(TOLD).map(Difference::clone).collect(),
        })
    }
}

/// What a value is one of: `entity 3v0 Position` is a `Position`.
fn part(what: &str) -> &str {
    let words: Vec<_> = what.splitn(3, ' ').collect();
    match words.as_slice() {
        ["entity", _] => "entities",
        ["entity", _, component] => component,
        ["model", name, _] | ["event", name, _] => name,
        _ => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_by_what_they_are_one_of() {
        for (what, expected) in [
            ("entity 3v0", "entities"),
            ("entity 3v0 Position", "Position"),
            ("model Chart 0v0", "Chart"),
            ("event Eaten 12", "Eaten"),
            ("resource Tide", "resource Tide"),
            ("module swim", "module swim"),
        ] {
            assert_eq!(part(what), expected);
        }
    }
}
