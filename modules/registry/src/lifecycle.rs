//! The states of a module, and what leads from one to the next.
//!
//! ```text
//!             Saved             Built              Checked             Fits
//!  Watching ---------> Building ------> Checking ---------> (Trial) --------> Swapping
//!     ^    any state       |                |                  |                 |
//!     |                    +----------------+------ Failed ----+-----------------+
//!     | Unchanged: back    |                                   v                 | Swapped
//!     | to where it was    |                               Rejected              v
//!     +--------------------+                                   ^ RolledBack   Probation
//!                                                              +-----------------|
//!                               Suspended <------ Faulted ------ Live <----------+ Proven
//! ```
//!
//! A module that runs is `Live` or `Suspended`; the other states are those of its next generation, while the one
//! before goes on running.

use serde::{Deserialize, Serialize};

/// Where a module, or its next generation, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing is under way and nothing runs yet.
    Watching,
    /// cargo is at work.
    Building,
    /// The library is read, opened and asked what it needs.
    Checking,
    /// It runs on a copy of the world, in another process.
    Trial,
    /// It is being put in the place of the old generation.
    Swapping,
    /// It runs, and would be taken back at its first fault.
    Probation,
    /// It runs.
    Live,
    /// The newest generation was refused; the one before goes on, if there was one.
    Rejected,
    /// It is there, and a fault has stopped its calls.
    Suspended,
}

/// What moves a module on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// One of its inputs has changed.
    Saved,
    /// cargo is done.
    Built,
    /// cargo is done, and the library is the one that runs.
    Unchanged,
    /// The library is fit, and no trial is wanted.
    Checked,
    /// The library is fit for a trial.
    CheckedForTrial,
    /// The trial went well.
    Fits,
    /// It runs in the place of the old generation.
    Swapped,
    /// It runs, and no probation is wanted.
    SwappedForGood,
    /// It has run long enough without a fault.
    Proven,
    /// Something on the way was refused.
    Failed,
    /// A fault during probation put the old generation back.
    RolledBack,
    /// A fault stopped a live module.
    Faulted,
}

/// Such an event means nothing in such a state: a defect of whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a module that is {state:?} can't take {event:?}; this is a defect of the host, please report it")]
pub struct WrongTransition {
    /// The state.
    pub state: State,
    /// The event.
    pub event: Event,
}

/// A module's state, moved by events only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    state: State,
    /// Where it stood before its next generation was under way.
    resting: State,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { state: State::Watching, resting: State::Watching }
    }
}

impl Lifecycle {
    /// Where it stands.
    pub fn state(self) -> State {
        self.state
    }

    /// Moves it on.
    ///
    /// # Errors
    /// [`WrongTransition`] when the event means nothing here; the state is then unchanged.
    pub fn apply(&mut self, event: Event) -> Result<State, WrongTransition> {
        use Event as E;
        use State as S;
        let next = match (self.state, event) {
            // A save counts at any time: what was under way is given up, and the newest wins.
            (_, E::Saved) => S::Building,
            (S::Building, E::Built) => S::Checking,
            (S::Checking, E::Checked) | (S::Trial, E::Fits) => S::Swapping,
            (S::Checking, E::CheckedForTrial) => S::Trial,
            (S::Swapping, E::Swapped) => S::Probation,
            (S::Building, E::Unchanged) => self.resting,
            (S::Swapping, E::SwappedForGood) | (S::Probation, E::Proven) => S::Live,
            (S::Building | S::Checking | S::Trial | S::Swapping, E::Failed)
            | (S::Probation, E::RolledBack) => S::Rejected,
            (S::Live | S::Probation | S::Rejected, E::Faulted) => S::Suspended,
            (state, event) => return Err(WrongTransition { state, event }),
        };
        self.state = next;
        if !matches!(next, S::Building | S::Checking | S::Trial | S::Swapping) {
            self.resting = next;
        }
        Ok(next)
    }
}
