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
//! While a next generation is under way, the one before goes on running, and may be proven, put back or stopped
//! meanwhile. So a life cycle knows both: [`Lifecycle::state`] is the newest generation's, [`Lifecycle::running`] what
//! runs. What happens to the one that runs shows once nothing is under way any more.

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
    /// The newest generation was refused, or taken back; the one before goes on, if there was one.
    Rejected,
    /// It is there, and a fault has stopped its calls.
    Suspended,
}

/// What runs of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Running {
    /// Nothing: it was never live, or could not start.
    #[default]
    Nothing,
    /// A generation that would be taken back at its first fault.
    Probation,
    /// A generation for good.
    Live,
    /// A generation is there, and a fault has stopped its calls.
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
    /// An earlier generation was put back, for good.
    RolledBack,
    /// An earlier generation was put back that was not proven itself.
    RolledBackOnProbation,
    /// A fault stopped the generation that runs.
    Faulted,
    /// What runs was started afresh.
    Reset,
    /// Its start failed, and it was taken out.
    TakenOut,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifecycle {
    /// How far the next generation is, if one is on its way.
    way: Option<Way>,
    running: Running,
    /// Whether something newer than what runs was refused, or taken back.
    refused: bool,
}

/// How far a generation is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    Building,
    Checking,
    Trial,
    Swapping,
}

impl Lifecycle {
    /// That of a module that is known, and nothing else of it.
    pub const fn new() -> Self {
        Self { way: None, running: Running::Nothing, refused: false }
    }

    /// Where its newest generation stands.
    pub fn state(self) -> State {
        match (self.way, self.running) {
            (Some(Way::Building), _) => State::Building,
            (Some(Way::Checking), _) => State::Checking,
            (Some(Way::Trial), _) => State::Trial,
            (Some(Way::Swapping), _) => State::Swapping,
            // A refusal mends nothing: what is suspended still is.
            (None, Running::Suspended) => State::Suspended,
            (None, _) if self.refused => State::Rejected,
            (None, Running::Nothing) => State::Watching,
            (None, Running::Probation) => State::Probation,
            (None, Running::Live) => State::Live,
        }
    }

    /// What runs.
    pub fn running(self) -> Running {
        self.running
    }

    /// Moves it on.
    ///
    /// # Errors
    /// [`WrongTransition`] when the event means nothing here; nothing has changed then.
    pub fn apply(&mut self, event: Event) -> Result<State, WrongTransition> {
        use Event as E;
        use Running as R;
        let Self { way, running, refused } = *self;
        *self = match (event, way, running) {
            // A save counts at any time: what was under way is given up, and the newest wins.
            (E::Saved, _, _) => Self { way: Some(Way::Building), ..*self },
            (E::Built, Some(Way::Building), _) => Self { way: Some(Way::Checking), ..*self },
            (E::CheckedForTrial, Some(Way::Checking), _) => Self { way: Some(Way::Trial), ..*self },
            (E::Checked, Some(Way::Checking), _) | (E::Fits, Some(Way::Trial), _) => {
                Self { way: Some(Way::Swapping), ..*self }
            }
            (E::Unchanged, Some(Way::Building), _) => Self { way: None, ..*self },
            (E::Failed, Some(_), _) => Self { way: None, running, refused: true },
            (E::Swapped, Some(Way::Swapping), _) => Self { way: None, running: R::Probation, refused: false },
            (E::SwappedForGood, Some(Way::Swapping), _) => {
                Self { way: None, running: R::Live, refused: false }
            }
            // What happens to the generation that runs lets what is under way go on.
            (E::Proven, _, R::Probation) => Self { way, running: R::Live, refused },
            (E::Faulted, _, R::Live | R::Probation) => Self { way, running: R::Suspended, refused },
            (E::RolledBack, _, R::Live | R::Probation | R::Suspended) => {
                Self { way, running: R::Live, refused: true }
            }
            (E::RolledBackOnProbation, _, R::Live | R::Probation | R::Suspended) => {
                Self { way, running: R::Probation, refused: true }
            }
            (E::Reset, _, R::Live | R::Probation | R::Suspended) => {
                Self { way, running: R::Live, refused: false }
            }
            (E::TakenOut, _, R::Live | R::Probation | R::Suspended) => {
                Self { way, running: R::Nothing, refused: true }
            }
            _ => return Err(WrongTransition { state: self.state(), event }),
        };
        Ok(self.state())
    }
}
