//! Where the columns lie.

use std::any::TypeId;
use std::collections::HashMap;
use std::ptr::NonNull;

use hecs::Archetype;

use crate::{Component, ModelTypeInfo, World};

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
        let find = |archetype: &Archetype| Some(NonNull::from(&mut *archetype.get::<&mut T>()?).cast());
        self.known_or(TypeId::of::<T>(), find).map(NonNull::cast)
    }

    /// [`Columns::first_row`] of a type that has no name here.
    pub(crate) fn first_row_of(&mut self, info: &ModelTypeInfo) -> Option<NonNull<u8>> {
        let first_row = info.typed_operations()?.first_row;
        self.known_or(info.fingerprint().rust, |archetype| NonNull::new(first_row(archetype)?))
    }

    fn known_or(
        &mut self,
        rust: TypeId,
        find: impl FnOnce(&Archetype) -> Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        let (index, archetype) = self.archetype?;
        if let Some(known) = self.table.first_rows.get(&(index, rust)) {
            return Some(known.0);
        }
        let first = find(archetype)?;
        self.table.first_rows.insert((index, rust), FirstRow(first));
        Some(first)
    }
}
