//! Which fields need no migration, because they can move as they are.

use super::Migration;
use super::op::Op;
use crate::{FieldKey, LiveSchema, Shape, StateError, TypeRef};

/// A migration of what is left of values whose other fields move by themselves.
#[derive(Debug)]
pub struct Moving {
    pub(super) migration: Migration,
    pub(super) fields: Vec<(usize, usize)>,
}

impl Moving {
    /// The fields that move: the places of each in the list of the saved type and in that of the live one.
    pub fn fields(&self) -> &[(usize, usize)] {
        &self.fields
    }

    /// From encoded values to values in which each field that moves holds something small in its place.
    pub fn rest(&self) -> &Migration {
        &self.migration
    }

    /// The bytes that every value becomes, if [`rest`](Self::rest) needs nothing of the saved ones.
    ///
    /// # Errors
    /// As those of [`Migration::apply`] that come before anything is read.
    pub fn template(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.migration.check_losses()?;
        let mut bytes = Vec::new();
        Ok(write_constant(&self.migration.op, &mut bytes).then_some(bytes))
    }

    /// [`Migration::accept_losses`]
    pub fn accept_losses(self) -> Self {
        Self { migration: self.migration.accept_losses(), ..self }
    }
}

/// Writes what `op` writes, whatever it reads; false if that depends on what it reads.
fn write_constant(op: &Op, out: &mut Vec<u8>) -> bool {
    match op {
        Op::Insert(bytes) => out.extend_from_slice(bytes),
        Op::Skip(_) => {}
        Op::Patch(patch) if patch.runs.is_empty() && patch.casts.is_empty() => {
            out.extend_from_slice(&patch.template);
        }
        Op::Group(ops) => return ops.iter().all(|op| write_constant(op, out)),
        Op::Reorder { live, .. } => return live.iter().all(|(_, op)| write_constant(op, out)),
        _ => return false,
    }
    true
}

/// A pair of fields, of a saved and of a live struct.
#[derive(Clone, Default)]
pub(super) struct Pair {
    saved: Vec<usize>,
    live: Vec<usize>,
}

impl Pair {
    pub(super) fn inside(&self, saved: usize, live: usize) -> Self {
        let mut inside = self.clone();
        inside.saved.push(saved);
        inside.live.push(live);
        inside
    }
}

/// The fields that may move, and those that were found to.
pub(super) struct Moves<'a> {
    saved: &'a [FieldKey],
    live: &'a [FieldKey],
    pub(super) found: Vec<(usize, usize)>,
}

impl<'a> Moves<'a> {
    pub(super) fn between(saved: &'a [FieldKey], live: &'a [FieldKey]) -> Self {
        Self { saved, live, found: Vec::new() }
    }

    /// The places of both in the lists; none if one of them can't move by itself.
    pub(super) fn places(&self, pair: &Pair) -> Option<(usize, usize)> {
        let place = |fields: &[FieldKey], path: &[usize]| fields.iter().position(|field| field.path == path);
        Some((place(self.saved, &pair.saved)?, place(self.live, &pair.live)?))
    }

    /// What stands in the place of the field until it comes, if its type is the same in both builds.
    pub(super) fn placeholder(
        &self,
        places: (usize, usize),
        default: Option<Vec<u8>>,
        ty: &TypeRef,
        live: &LiveSchema,
    ) -> Option<Vec<u8>> {
        let (from, to) = (&self.saved[places.0], &self.live[places.1]);
        if (from.fingerprint)() != (to.fingerprint)() {
            return None;
        }
        // A value that its author never makes is only put where nobody sees it go.
        default.or_else(|| first_variant(ty, live).filter(|_| !to.needs_drop))
    }
}

/// The first variant of an enum without a default that has nothing inside that would need one.
fn first_variant(ty: &TypeRef, live: &LiveSchema) -> Option<Vec<u8>> {
    let TypeRef::Named(index) = ty else { return None };
    let def = live.schema().types().get(*index as usize).filter(|def| def.shape == Shape::Enum)?;
    def.variants.iter().enumerate().find_map(|(number, variant)| {
        let mut bytes = (number as u32).to_le_bytes().to_vec();
        for field in &variant.fields {
            bytes.extend(live.type_default(&field.ty)?);
        }
        Some(bytes)
    })
}
