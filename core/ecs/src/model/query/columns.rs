//! Where the columns lie.

use std::any::TypeId;
use std::collections::HashMap;
use std::ptr::NonNull;

use hecs::Archetype;

use crate::{Component, World};

/// The first rows of columns, as they were found since the last structural change.
///
/// Each column is found once, so that all who use it without a borrow use the same pointer: one that is derived from
/// another borrow of the column would end the use of those before it.
#[derive(Default)]
pub(crate) struct ColumnTable {
    /// [`World::columns_version`] when the pointers were found.
    version: [u64; 2],
    first_rows: HashMap<(usize, TypeId), FirstRow>,
}

#[derive(Clone, Copy)]
struct FirstRow(NonNull<u8>);

// SAFETY: it is a place in the world that the table belongs to, and says nothing of who may use it when; whoever
// dereferences it vouches for that. The values there are `Send` and `Sync`, as all components are.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl Send for FirstRow {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl Sync for FirstRow {}

/// A world, and one archetype of it whose columns are looked for.
#[doc(hidden)]
pub struct Columns<'w> {
    world: &'w World,
    /// With its number.
    archetype: Option<(usize, &'w Archetype)>,
    table: &'w mut ColumnTable,
}

impl ColumnTable {
    /// The archetype with this number, or none.
    pub(crate) fn columns<'w>(
        &'w mut self,
        world: &'w World,
        archetype: Option<(usize, &'w Archetype)>,
    ) -> Columns<'w> {
        let version = world.columns_version();
        if self.version != version {
            self.first_rows.clear();
            self.version = version;
        }
        Columns { world, archetype, table: self }
    }
}

impl<'w> Columns<'w> {
    pub(super) fn world(&self) -> &'w World {
        self.world
    }

    pub(super) fn archetype(&self) -> Option<&'w Archetype> {
        self.archetype.map(|(_, archetype)| archetype)
    }

    /// The first row of the column of `T`, to read and to write.
    pub(super) fn first_row<T: Component>(&mut self) -> Option<NonNull<T>> {
        let (index, archetype) = self.archetype?;
        let key = (index, TypeId::of::<T>());
        if let Some(known) = self.table.first_rows.get(&key) {
            return Some(known.0.cast());
        }
        let mut column = archetype.get::<&mut T>()?;
        let first = NonNull::from(&mut *column).cast::<T>();
        self.table.first_rows.insert(key, FirstRow(first.cast()));
        Some(first)
    }
}
