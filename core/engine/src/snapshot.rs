//! The state of an engine: its world, its time, its timers and its waiting calls.

use keel_core_types::ModuleId;
use keel_ecs::WorldSnapshot;
use keel_state::{Snapshot, SnapshotWriter, StateError, decode_all, encode_into};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::frame::TimerQueue;
use crate::{EngineError, Time};

/// All that must come back for the game to go on where it was, but for the modules' own fields.
#[derive(Default)]
pub struct EngineSnapshot {
    /// The world.
    pub world: WorldSnapshot,
    pub(crate) clock: Clock,
}

/// The engine's own part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clock {
    pub(crate) time: SavedTime,
    /// Real time that was not yet simulated, in nanoseconds.
    pub(crate) unspent_ns: u64,
    pub(crate) timers: TimerQueue,
    pub(crate) calls: Vec<Call>,
    /// Modules whose startup is over.
    pub(crate) started: Vec<ModuleId>,
}

/// No game lasts longer, in nanoseconds: 292 years, after which there is as much room again.
const TIME_MAX: u64 = i64::MAX as u64;

/// [`Time`] as saved: what can be derived from the configuration is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedTime {
    now_ns: u64,
    step: u64,
    frame: u64,
}

impl Clock {
    /// Refuses numbers that no game has come to.
    fn check(&self) -> Result<(), StateError> {
        let SavedTime { now_ns, step, frame } = self.time;
        if [now_ns, step, frame].into_iter().any(|number| number > TIME_MAX) {
            return Err(StateError::Corrupt {
                expected: format!("at most {TIME_MAX} nanoseconds, steps and frames"),
                found: format!("{now_ns}, {step} and {frame}"),
            });
        }
        self.timers.check(std::time::Duration::from_nanos(now_ns))
    }
}

impl SavedTime {
    pub(crate) fn of(time: &Time) -> Self {
        Self { now_ns: time.now.as_nanos() as u64, step: time.step, frame: time.frame }
    }

    pub(crate) fn restore(self, time: &mut Time) {
        time.now = std::time::Duration::from_nanos(self.now_ns);
        time.step = self.step;
        time.frame = self.frame;
    }
}

impl EngineSnapshot {
    /// An empty snapshot, to save into.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the snapshot to a file.
    ///
    /// # Errors
    /// When it can't be encoded.
    pub fn write(&self, file: &mut SnapshotWriter) -> Result<(), EngineError> {
        self.world.write(file)?;
        file.section("engine", "clock", |out| encode_into(&self.clock, out))?;
        Ok(())
    }

    /// Reads what [`EngineSnapshot::write`] wrote.
    ///
    /// # Errors
    /// When a section is missing or does not decode.
    pub fn read(file: &Snapshot<'_>) -> Result<Self, EngineError> {
        let world = WorldSnapshot::read(file)?;
        let clock: Clock = decode_all(file.require("engine", "clock")?)?;
        clock.check()?;
        Ok(Self { world, clock })
    }
}
