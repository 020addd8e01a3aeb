//! What became of a swap.

use std::time::Duration;

use keel_ecs::{PrefabUpdate, RestoreReport};
use keel_engine::DrainReport;
use keel_state::Change;

use crate::Rejection;

/// Whether a swap may lose data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Refuse a swap that would, with a list of what it would lose.
    #[default]
    Lossless,
    /// The user has seen the list and accepts it.
    AcceptLoss,
}

impl Consent {
    pub(crate) fn accepts_loss(self) -> bool {
        self == Self::AcceptLoss
    }
}

/// One module of a swap.
#[derive(Clone, Debug, PartialEq)]
pub struct SwappedModule {
    /// Its name.
    pub name: String,
    /// Its new generation; 0 when it was not there before.
    pub generation: u64,
    /// What was converted in its own fields.
    pub changes: Vec<Change>,
    /// How its background tasks ended.
    pub tasks: DrainReport,
}

/// What a swap did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwapReport {
    /// The modules that were exchanged, together.
    pub modules: Vec<SwappedModule>,
    /// What became of the world's values.
    pub world: RestoreReport,
    /// What became of the models in pools.
    pub pools: RestoreReport,
    /// What became of the instances of prefabs that were defined anew, in all worlds.
    pub prefabs: Vec<PrefabUpdate>,
    /// Whether the world was built anew because a type's shape has changed.
    pub rebuilt: bool,
    /// How long the game stood still: all that a swap does between two frames, `resumed` and the `start` of new modules
    /// with it.
    pub pause: Duration,
    /// New modules whose `start` failed. They were taken out again, with all that they did to the world.
    pub failed_starts: Vec<Rejection>,
}

impl SwapReport {
    pub(crate) fn has_started(&self, module: &str) -> bool {
        !self.failed_starts.iter().any(|rejection| rejection.module == module)
    }
}

/// A module that runs again what it ran before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// Its name.
    pub name: String,
    /// The generation that ran.
    pub from: u64,
    /// The generation in which the code that was put back went live first.
    pub to: u64,
    /// Its number now: a rollback is a swap, and counts as one.
    pub generation: u64,
}

/// What a rollback did.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackReport {
    /// The modules that were put back, the one that was asked for first.
    pub modules: Vec<PutBack>,
    /// How many frames the game went back; 0 where it went on as it was.
    pub frames_lost: u64,
    /// What became of the game's data. The pause has the making of the old code anew in it.
    pub swap: SwapReport,
}

/// What became of the generations that left the ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetireReport {
    /// Libraries that were unmapped.
    pub unmapped: usize,
    /// Libraries that go as soon as nobody holds them any more: a world whose values they made, mostly.
    pub held: usize,
    /// Libraries that stay mapped for good, each with the reason.
    pub kept: Vec<String>,
}
