//! From the bytes of an older schema to the bytes of this build's: planned once, then applied to each value.

mod change;
mod moving;
mod number;
mod op;
mod plan;
mod run;

pub use change::{Change, ChangeKind, Loss};
pub use moving::Moving;

use crate::layout::Layouts;
use crate::{FieldKey, LiveSchema, StateError, TypeSchema};
use op::Op;

/// What has to be done to values of a saved schema so that they become values of a live one.
///
/// Structs and enums are matched by the names of their fields and variants, everything else by its shape.
#[derive(Debug)]
pub struct Migration {
    op: Op,
    // What recursive types call: a pair of a saved and a live type each.
    procedures: Vec<Op>,
    layouts: Layouts,
    changes: Vec<Change>,
    worst: Loss,
    accepted: bool,
}

impl Migration {
    /// Compares the schemas. Always succeeds; what stands in the way is among the [`changes`](Self::changes).
    pub fn plan(saved: &TypeSchema, live: &LiveSchema) -> Self {
        plan::plan(saved, live)
    }

    /// As [`plan`](Self::plan), for values of which some fields go from one to the other without being encoded. None if
    /// no field can.
    pub fn plan_moving(
        saved: &TypeSchema,
        live: &LiveSchema,
        saved_fields: &[FieldKey],
        live_fields: &[FieldKey],
    ) -> Option<Moving> {
        let moves = moving::Moves::between(saved_fields, live_fields);
        let (migration, fields) = plan::plan_with(saved, live, Some(moves));
        (!fields.is_empty()).then_some(Moving { migration, fields })
    }

    /// Everything that differs, in the order of the live fields.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the saved bytes are good as they are. There may be changes nevertheless: a renamed field moves
    /// no bytes.
    pub fn is_identity(&self) -> bool {
        matches!(self.op, Op::Same(_))
    }

    /// The changes that lose data, or may: what a user has to see before they accept it.
    pub fn losses(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.loss() != Loss::None)
    }

    /// Whether there are any [`losses`](Self::losses).
    pub fn is_lossy(&self) -> bool {
        self.losses().next().is_some()
    }

    /// Consents to the losses: dropped fields are dropped, numbers become the nearest of their new type, and
    /// what cannot be carried over becomes its default.
    pub fn accept_losses(mut self) -> Self {
        self.accepted = true;
        self
    }

    /// Reads one value off the front of `saved` and appends what it becomes to `out`.
    ///
    /// # Errors
    /// [`StateError::Impossible`] and [`StateError::LossesNotAccepted`] before anything is read;
    /// [`StateError::ValueLost`] when this value is one that a change which only may lose data does lose; and
    /// the errors of damaged bytes. `saved` and `out` are then as they were.
    pub fn apply(&self, saved: &mut &[u8], out: &mut Vec<u8>) -> Result<(), StateError> {
        self.apply_column(1, saved, out)
    }

    /// As [`apply`](Self::apply), for `count` values one after another.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); `saved` and `out` are then as they were before the first value.
    pub fn apply_column(&self, count: usize, saved: &mut &[u8], out: &mut Vec<u8>) -> Result<(), StateError> {
        self.check_losses()?;
        let (saved_before, out_before) = (*saved, out.len());
        let run = run::Run { procedures: &self.procedures, layouts: &self.layouts, accepted: self.accepted };
        run.column(&self.op, count, saved, out).inspect_err(|_| {
            *saved = saved_before;
            out.truncate(out_before);
        })
    }

    fn check_losses(&self) -> Result<(), StateError> {
        match self.worst {
            Loss::Impossible => Err(StateError::Impossible { list: self.list(Loss::Impossible) }),
            Loss::Certain if !self.accepted => {
                Err(StateError::LossesNotAccepted { list: self.list(Loss::Certain) })
            }
            _ => Ok(()),
        }
    }

    fn list(&self, loss: Loss) -> String {
        let lines = self.changes.iter().filter(|change| change.loss() == loss).map(Change::to_string);
        lines.collect::<Vec<_>>().join("\n")
    }
}
