//! A path at work in a world that one has to itself: components found by pointers, without a borrow of each.

use std::ptr::NonNull;

use keel_state::{FromValue, ValueRef};

use crate::model::query::{Place, Places};
use crate::model::reflect::resolved::Resolved;
use crate::{EcsError, Entity, World};

/// A [`PreparedPath`](crate::PreparedPath) at work, which knows where each value lies.
pub struct PathQuery<'w> {
    world: &'w World,
    resolved: &'w Resolved,
    columns: &'w mut PathColumns,
}

/// Where the values of the component that a path leads into lie, until entities come, go, or change their components.
#[derive(Default)]
pub(super) struct PathColumns {
    /// Which world, and which rebuilding of it, all else belongs to.
    world: u64,
    /// [`World::columns_version`] when all was found.
    version: [u64; 2],
    /// In a box: what it borrowed may be gone, and it must not be moved then.
    places: Option<Box<Places>>,
    /// By the number of the archetype.
    first_rows: Vec<Option<NonNull<u8>>>,
    /// Of one value.
    size: usize,
}

// SAFETY: the pointers in it are used through `PathQuery` alone, which borrows the world; what they point to are
// components, which are `Send` and `Sync`.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl Send for PathColumns {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl Sync for PathColumns {}

impl Clone for PathColumns {
    /// Nothing is known: it is found anew where it is needed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PathColumns {
    fn is_of(&self, world: &World) -> bool {
        self.world == world.incarnation() && self.version == world.columns_version()
    }

    #[cold]
    fn find(&mut self, world: &World, resolved: &Resolved) {
        // Dropped where it is, before anything is found anew.
        self.places = None;
        self.first_rows.clear();
        self.world = world.incarnation();
        if let Some((info, operations)) = resolved.column_type(world) {
            let mut table = world.column_table();
            let archetypes = world.inner().archetypes().enumerate();
            self.first_rows.extend(archetypes.map(|(index, archetype)| match archetype.is_empty() {
                true => None,
                false => table.columns(world, Some((index, archetype))).first_row_of(info),
            }));
            self.size = operations.column.layout().size();
            self.places = Some(Box::new(Places::of(world)));
        }
        self.version = world.columns_version();
    }

    /// Where the value of `entity` lies; none if it has none, or if it is in no column.
    ///
    /// # Safety
    /// It is of the world, whose structure has not changed since.
    #[inline]
    #[allow(unsafe_code, reason = "the caller vouches for where entities lie")]
    unsafe fn place(&self, entity: Entity) -> Option<*mut u8> {
        // SAFETY: the caller says so.
        let Place { archetype, row } = unsafe { self.places.as_ref()?.place(entity) };
        let first = (*self.first_rows.get(archetype as usize)?)?;
        // There is such a row, so this stays within the column.
        Some(first.as_ptr().wrapping_add((row as usize).wrapping_mul(self.size)))
    }
}

impl<'w> PathQuery<'w> {
    /// `world` is borrowed exclusively by the caller for `'w`.
    #[inline]
    pub(super) fn new(world: &'w World, resolved: &'w Resolved, columns: &'w mut PathColumns) -> Self {
        if !columns.is_of(world) {
            columns.find(world, resolved);
        }
        Self { world, resolved, columns }
    }

    /// Reads the place in a component of `entity`.
    ///
    /// # Errors
    /// As [`PreparedPath::read`](crate::PreparedPath::read).
    #[inline]
    #[allow(unsafe_code, reason = "values are read by pointers")]
    pub fn read<T: FromValue>(&self, entity: Entity) -> Result<T, EcsError> {
        // SAFETY: the world is borrowed exclusively for as long as `self` lives, and what would change its structure needs
        // as much; whatever borrows a column by other ways is followed by a look at the version.
        if let Some(place) = unsafe { self.columns.place(entity) } {
            // SAFETY: a value of the component is there, of the registration that was looked up: it is the one that
            // `find` took the column from. Nobody else has the world, and a `T` borrows nothing.
            let lent = unsafe { self.resolved.access.lend_at(place) };
            if let Some(read) = self.resolved.plan.read_as(lent) {
                return Ok(read?);
            }
        }
        self.resolved.read_as(self.world, entity)
    }

    /// Writes the place in a component of `entity`.
    ///
    /// # Errors
    /// As [`PreparedPath::write`](crate::PreparedPath::write).
    #[inline]
    #[allow(unsafe_code, reason = "values are written by pointers")]
    pub fn write<'v>(&mut self, entity: Entity, value: impl Into<ValueRef<'v>>) -> Result<(), EcsError> {
        let value = value.into();
        if self.resolved.is_written_in_place() {
            // SAFETY: as in `read`.
            if let Some(place) = unsafe { self.columns.place(entity) } {
                self.world.before_write(entity, self.resolved.id);
                // SAFETY: as in `read`; `self` is borrowed exclusively, and lends nothing.
                let mut lent = unsafe { self.resolved.access.lend_mut_at(place) };
                if let Some(written) = self.resolved.plan.write(&mut lent, &value) {
                    written?;
                    self.world.note_written(entity, self.resolved.id);
                    return Ok(());
                }
            }
        }
        let written = self.resolved.write(self.world, entity, value);
        // It may have borrowed the column, which ends the use of pointers from before.
        if !self.columns.is_of(self.world) {
            self.columns.find(self.world, self.resolved);
        }
        written
    }
}
