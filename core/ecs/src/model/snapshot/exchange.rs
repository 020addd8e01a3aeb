//! Fields of a changed component that have not changed themselves.
//!
//! The new value is made with something small in their places: an empty text, say. Once the conversion is accepted, each
//! is exchanged with the field of the old value. So what a field owns is never copied, both worlds are whole at any time,
//! and until then nothing of the old one has been touched.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::sync::Arc;

use keel_state::{FieldKey, Migration, Moving};

use crate::model::operations::TypedOperations;
use crate::model::snapshot::fill::{ROWS_AT_ONCE, chunks};
use crate::model::snapshot::share::in_order;
use crate::{Component, ModelTypeInfo, World};

/// How many rows are exchanged at a time.
const EXCHANGED_AT_ONCE: usize = 512;

/// How many rows a thread exchanges before it asks for more: as much work as [`ROWS_AT_ONCE`] values to be decoded. Few
/// under Miri, which is to see threads at work.
const LOAD: usize = if cfg!(miri) { 32 } else { 16 * ROWS_AT_ONCE };

/// The address of the first value of a column of `T`.
pub(crate) fn first_row<T: Component>(archetype: &hecs::Archetype) -> Option<*mut u8> {
    archetype.get::<&mut T>().map(|mut column| column.as_mut_ptr().cast())
}

/// What the new values are made of.
enum Start {
    /// All are `Schema::blank`.
    Blank,
    /// All are made of the same bytes: those of [`ROWS_AT_ONCE`] values, and the size of one.
    Template(Vec<u8>, usize),
    /// Each of what is migrated of the old value.
    Rest,
}

/// How values of a component become values of its next shape, if some of their fields move.
pub(super) struct MovingType {
    fields: Vec<(FieldKey, FieldKey)>,
    moving: Moving,
    start: Start,
    // Dropped after what leads into their libraries.
    from: Arc<ModelTypeInfo>,
    to: Arc<ModelTypeInfo>,
}

impl MovingType {
    /// None if no field can move, or if values of the type own nothing, so that bytes are as good.
    pub(super) fn plan(
        from: &Arc<ModelTypeInfo>,
        to: &Arc<ModelTypeInfo>,
        accept_loss: bool,
    ) -> Option<Self> {
        let (old, new) = (from.typed_operations()?, to.typed_operations()?);
        if !old.needs_drop {
            return None;
        }
        let (old_fields, new_fields) = ((old.fields)(), (new.fields)());
        let moving = Migration::plan_moving(&from.schema, &to.live, &old_fields, &new_fields)?;
        let moving = if accept_loss { moving.accept_losses() } else { moving };
        // What stands in the way of all values is told by the migration of whole values, if there are any.
        let start = Start::of(moving.template().ok()?, new);
        Some(Self {
            fields: moving
                .fields()
                .iter()
                .map(|(from, to)| (old_fields[*from].clone(), new_fields[*to].clone()))
                .collect(),
            start,
            moving,
            from: Arc::clone(from),
            to: Arc::clone(to),
        })
    }

    /// Whether all values begin as `Schema::blank`.
    pub(super) fn starts_blank(&self) -> bool {
        matches!(self.start, Start::Blank)
    }

    /// The encoded values that `count` rows begin as, if all begin as the same.
    pub(super) fn template(&self, count: usize) -> Option<&[u8]> {
        match &self.start {
            Start::Template(bytes, size) => bytes.get(..count * size),
            _ => None,
        }
    }

    /// The migration of all that does not move.
    pub(super) fn rest(&self) -> &Migration {
        self.moving.rest()
    }
}

impl Start {
    fn of(template: Option<Vec<u8>>, new: &TypedOperations) -> Self {
        let Some(template) = template else { return Self::Rest };
        let mut blank = Vec::new();
        // That it can't be encoded is no reason to refuse anything: nobody has asked for it.
        match (new.save_blank)(&mut blank) {
            Ok(true) if blank == template => Self::Blank,
            _ => Self::Template(template.repeat(ROWS_AT_ONCE), template.len()),
        }
    }
}

/// Rows of an archetype and those of the archetype that they have gone to.
struct Segment {
    from: usize,
    to: usize,
    /// The first of them in the new archetype; in the old one they are all there are.
    first: usize,
    count: usize,
}

/// All fields that are to be exchanged between two worlds.
#[derive(Default)]
pub(super) struct Exchange {
    types: Vec<(MovingType, Vec<Segment>)>,
}

impl Exchange {
    /// Finds where the values of `old` have gone. None if some are not where they should be.
    pub(super) fn between(old: &World, new: &World, types: Vec<MovingType>) -> Option<Self> {
        let types = types.into_iter().map(|moving| {
            let segments = segments(old, new, &moving)?;
            Some((moving, segments))
        });
        Some(Self { types: types.collect::<Option<_>>()? })
    }

    /// Exchanges them. Nothing of it can fail.
    pub(super) fn run(self, old: &mut World, new: &mut World) {
        let pieces: Vec<_> =
            self.types.iter().flat_map(|(moving, segments)| pieces(old, new, moving, segments)).collect();
        let loads = loads(&pieces);
        let exchange = |place: usize, (): &mut ()| {
            loads[place].iter().for_each(Piece::exchange);
            Ok(())
        };
        // It fails only if a load does.
        let _ = in_order(loads.len(), exchange, |_, ()| {});
    }
}

/// Where the rows of each archetype of `old` with the type are in `new`: together, in their order.
fn segments(old: &World, new: &World, moving: &MovingType) -> Option<Vec<Segment>> {
    let has =
        |archetype: &hecs::Archetype, info: &ModelTypeInfo| archetype.has_dynamic(info.fingerprint().rust);
    let of_old = old.entities.archetypes().enumerate();
    let of_old = of_old.filter(|(_, archetype)| !archetype.is_empty() && has(archetype, &moving.from));
    let by_first: HashMap<_, _> =
        of_old.map(|(place, archetype)| (archetype.ids()[0], (place, archetype))).collect();
    let mut segments = Vec::new();
    for (to, archetype) in new.entities.archetypes().enumerate().filter(|(_, it)| has(it, &moving.to)) {
        let mut first = 0;
        while let Some(id) = archetype.ids().get(first) {
            let (from, source) = by_first.get(id)?;
            let count = source.ids().len();
            if archetype.ids().get(first..first + count) != Some(source.ids()) {
                return None;
            }
            segments.push(Segment { from: *from, to, first, count });
            first += count;
        }
    }
    (segments.len() == by_first.len()).then_some(segments)
}

/// Some rows of two columns.
struct Piece<'a> {
    moving: &'a MovingType,
    old: *mut u8,
    new: *mut u8,
    count: usize,
}

// SAFETY: the columns are those of two worlds that `Exchange::run` borrows mutably for as long as there are pieces; no
// two of them share a row, and components can be sent to other threads.
#[allow(unsafe_code, reason = "fields are exchanged by address")]
unsafe impl Sync for Piece<'_> {}

/// All rows of a type.
fn pieces<'a>(
    old: &mut World,
    new: &mut World,
    moving: &'a MovingType,
    segments: &[Segment],
) -> Vec<Piece<'a>> {
    old.columns_borrowed();
    let first_row = |world: &World, place: usize, info: &ModelTypeInfo| {
        let archetype = world.entities.archetypes().nth(place)?;
        (info.typed_operations()?.first_row)(archetype)
    };
    let mut pieces = Vec::new();
    // Each column is borrowed once, as a whole: addresses within it are good until it is borrowed again.
    for segments in segments.chunk_by(|one, next| one.to == next.to) {
        let Some(to) = first_row(new, segments[0].to, &moving.to) else { continue };
        for segment in segments {
            let Some(from) = first_row(old, segment.from, &moving.from) else { continue };
            pieces.extend(chunks(0..segment.count, LOAD).map(|rows| Piece {
                moving,
                old: row(from, &moving.from, rows.start),
                new: row(to, &moving.to, segment.first + rows.start),
                count: rows.len(),
            }));
        }
    }
    pieces
}

/// The same pieces, as many together as are worth asking for.
fn loads<'p, 'a>(pieces: &'p [Piece<'a>]) -> Vec<&'p [Piece<'a>]> {
    let mut loads = Vec::new();
    let (mut begin, mut rows) = (0, 0);
    for (place, piece) in pieces.iter().enumerate() {
        rows += piece.count;
        if rows >= LOAD || place + 1 == pieces.len() {
            loads.push(&pieces[begin..=place]);
            (begin, rows) = (place + 1, 0);
        }
    }
    loads
}

/// The address of a row of a column that begins at `first`.
fn row(first: *mut u8, info: &ModelTypeInfo, row: usize) -> *mut u8 {
    first.wrapping_add(row * info.fingerprint().size)
}

impl Piece<'_> {
    fn exchange(&self) {
        // Field by field for a few rows at a time, which stay in the nearest cache.
        for rows in chunks(0..self.count, EXCHANGED_AT_ONCE) {
            for (old, new) in &self.moving.fields {
                let column = |first, info: &ModelTypeInfo, field: &FieldKey| Column {
                    first: row(first, info, rows.start).wrapping_add(field.offset),
                    stride: info.fingerprint().size,
                };
                let (from, to) = (&self.moving.from, &self.moving.to);
                swap_all(column(self.old, from, old), column(self.new, to, new), rows.len(), new.size);
            }
        }
    }
}

/// One field in the values of a column: the address of the first, and how far it is from one to the next.
struct Column {
    first: *mut u8,
    stride: usize,
}

/// Exchanges `count` fields of `size` bytes, pair by pair.
fn swap_all(old: Column, new: Column, count: usize, size: usize) {
    let rows = |column: Column| (0..count).map(move |row| column.first.wrapping_add(row * column.stride));
    let pairs = rows(old).zip(rows(new));
    // The widths of numbers, of texts, lists and maps, so that most need no loop over their bytes.
    match size {
        1 => pairs.for_each(swap::<1>),
        2 => pairs.for_each(swap::<2>),
        4 => pairs.for_each(swap::<4>),
        8 => pairs.for_each(swap::<8>),
        16 => pairs.for_each(swap::<16>),
        24 => pairs.for_each(swap::<24>),
        32 => pairs.for_each(swap::<32>),
        48 => pairs.for_each(swap::<48>),
        size => pairs.for_each(|pair| swap_bytes(pair, size)),
    }
}

#[inline(always)]
fn swap<const SIZE: usize>((old, new): (*mut u8, *mut u8)) {
    let (old, new) = (old.cast::<MaybeUninit<[u8; SIZE]>>(), new.cast::<MaybeUninit<[u8; SIZE]>>());
    // SAFETY: as in `swap_bytes`; bytes need no alignment.
    #[allow(unsafe_code, reason = "fields are exchanged by address")]
    unsafe {
        let moved = old.read();
        old.copy_from_nonoverlapping(new, 1);
        new.write(moved);
    }
}

fn swap_bytes((old, new): (*mut u8, *mut u8), size: usize) {
    // SAFETY: `Piece::exchange` alone asks for it. Both are addresses of a living field, at the offset that the type's
    // `MovableFields` vouches for, in a row of two columns of two worlds that are borrowed mutably, so they don't
    // overlap. `plan_moving` has found the fingerprints of both equal: they are of one type of `size` bytes, whose values
    // may be anywhere. The bytes are moved as they are, padding and all.
    #[allow(unsafe_code, reason = "fields are exchanged by address")]
    unsafe {
        std::ptr::swap_nonoverlapping(old, new, size);
    }
}
