//! Edits on their way into the game: from the saved file to the order that swaps what was built of it.

use std::time::{Duration, SystemTime};

/// A save on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edit {
    pub(super) saved_at: SystemTime,
    pub(super) detected: SystemTime,
}

impl Edit {
    /// How long it took to see it.
    pub(super) fn detect(&self) -> Duration {
        self.detected.duration_since(self.saved_at).unwrap_or_default()
    }
}

/// The edits that no outcome of a build has answered yet.
///
/// Only what was built for an edit counts as its result: one that changes nothing, or whose build fails, leaves nothing
/// behind that a later swap could be taken for.
#[derive(Default)]
pub(super) struct Edits {
    /// The one that is being looked at.
    at_hand: Option<Edit>,
    /// Those that something is built for, in the order in which that was asked for.
    building: Vec<Edit>,
}

impl Edits {
    /// An edit was seen. What is submitted from now on until [`Edits::end`] is built for it.
    pub(super) fn begin(&mut self, edit: Edit) {
        self.at_hand = Some(edit);
    }

    /// Something is built.
    pub(super) fn submitted(&mut self) {
        self.building.extend(self.at_hand.take());
    }

    /// All that the edit means is under way.
    pub(super) fn end(&mut self) {
        self.at_hand = None;
    }

    /// The build for the newest of the saves up to `saved_at` has ended, whatever came of it. Returns the edit that it
    /// answers; builds that were given up for it have no outcome of their own.
    pub(super) fn answered(&mut self, saved_at: SystemTime) -> Option<Edit> {
        let last = self.building.iter().rposition(|edit| edit.saved_at <= saved_at)?;
        self.building.drain(..=last).next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn edit(seconds: u64) -> Edit {
        Edit { saved_at: at(seconds), detected: at(seconds + 1) }
    }

    fn begun(seconds: &[u64]) -> Edits {
        let mut edits = Edits::default();
        for seconds in seconds {
            edits.begin(edit(*seconds));
            edits.submitted();
            edits.end();
        }
        edits
    }

    #[test]
    fn an_outcome_answers_an_edit_once() {
        let mut edits = begun(&[1]);
        assert_eq!(edits.answered(at(1)), Some(edit(1)));
        assert_eq!(edits.answered(at(5)), None, "what is built next was not edited");
        assert_eq!(edit(1).detect(), Duration::from_secs(1));
    }

    #[test]
    fn an_edit_that_nothing_is_built_for_is_forgotten() {
        let mut edits = Edits::default();
        edits.begin(edit(1));
        edits.end();
        edits.submitted();
        assert_eq!(edits.answered(at(5)), None);
    }

    #[test]
    fn a_newer_edit_takes_over_what_was_given_up() {
        let mut edits = begun(&[1, 2]);
        assert_eq!(edits.answered(at(2)), Some(edit(2)));
        assert_eq!(edits.answered(at(5)), None);
    }

    #[test]
    fn an_outcome_says_nothing_of_an_edit_that_came_after_it() {
        let mut edits = begun(&[1, 2]);
        assert_eq!(edits.answered(at(1)), Some(edit(1)));
        assert_eq!(edits.answered(at(2)), Some(edit(2)));
    }

    #[test]
    fn what_a_command_builds_takes_over_an_edit_under_way() {
        let mut edits = begun(&[1]);
        edits.submitted();
        assert_eq!(edits.answered(at(9)), Some(edit(1)), "the command came later, and gave its build up");
    }
}
