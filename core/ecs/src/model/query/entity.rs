//! The entity itself, as a query.

use hecs::Archetype;

use super::ReadOnlyQueryData;
use super::columns::Columns;
use super::guard::ColumnGuard;
use super::rows::Driver;
use crate::model::sparse::SparseGuard;
use crate::model::ticks::TickWindow;
use crate::{Access, Entity, QueryData, World};

/// The entity with index `id`, where `id` was read from an archetype of the world with these generations.
///
/// hecs keeps generations too, but offers no safe way to them from a row.
#[inline]
pub(crate) fn entity_of_row(generations: &[u32], id: u32) -> Entity {
    let generation = generations.get(id as usize).copied().unwrap_or_default();
    Entity::from_parts(id, generation)
}

/// The entities of one archetype, and the generations of all.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct RawEntities {
    ids: *const u32,
    generations: *const [u32],
}

impl RawEntities {
    pub(super) fn of(world: &World, archetype: Option<&Archetype>) -> Self {
        let ids = archetype.map_or([].as_slice(), Archetype::ids);
        Self { ids: ids.as_ptr(), generations: world.generations() }
    }
}

// SAFETY: it reads ids and generations, which are no component's values.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl QueryData for Entity {
    type Item<'a> = Entity;
    type ReadOnly = Self;
    type Raw = RawEntities;

    const SPARSE: usize = 0;
    const USES_COLUMNS: bool = false;
    const USES_TICKS: bool = false;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(_: &mut Access) {}

    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        _: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<RawEntities> {
        Some(RawEntities::of(world, Some(archetype)))
    }

    fn borrow_sparse<'w>(_: &'w World, _: &mut Vec<SparseGuard<'w>>) {}

    fn find(columns: &mut Columns<'_>) -> Option<RawEntities> {
        Some(RawEntities::of(columns.world(), columns.archetype()))
    }

    #[inline]
    fn begin(_: &mut RawEntities, _: &World, _: TickWindow) {}

    #[inline]
    unsafe fn driver(_: &RawEntities) -> Option<Driver> {
        None
    }

    #[inline]
    fn read_only(raw: RawEntities) -> RawEntities {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: RawEntities, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that the archetype has such a row, and that nothing has moved: entities come and go
        // by exclusive access to the world alone.
        let (id, generations) = unsafe { (*raw.ids.add(row), &*raw.generations) };
        entity_of_row(generations, id)
    }

    #[inline]
    unsafe fn driven<'a>(_: RawEntities, _: *const (), _: usize, entity: Entity) -> Option<Self::Item<'a>> {
        Some(entity)
    }

    type Slice<'a> = RawEntities;

    #[inline]
    unsafe fn slice<'a>(raw: RawEntities, _: usize) -> Self::Slice<'a> {
        raw
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { Self::fetch(*slice, row) }
    }
}

// SAFETY: ids are read.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl ReadOnlyQueryData for Entity {}
