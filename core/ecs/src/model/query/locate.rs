//! In which row of which archetype an entity lies.

use std::any::TypeId;
use std::ptr::NonNull;

use hecs::{Access, Archetype, EntityMeta, EntityRef, Fetch, Query};

/// The archetype that an entity lies in, and its row there. hecs tells both to nobody but a query.
#[inline]
#[allow(unsafe_code, reason = "the archetype comes back from hecs as a pointer")]
pub(crate) fn locate(entity: EntityRef<'_>) -> (&Archetype, usize) {
    let mut query = entity.query::<Location>();
    match query.get() {
        // SAFETY: it is the archetype that `entity` was made of, which borrows it for as long.
        Ok((archetype, row)) => (unsafe { archetype.as_ref() }, row),
        Err(_) => unreachable!("each entity has a location"),
    }
}

/// Asks where an entity is.
struct Location;

impl Query for Location {
    type Item<'a> = (NonNull<Archetype>, usize);
    type Fetch = LocationFetch;

    #[inline]
    #[allow(unsafe_code, reason = "hecs's trait says so; nothing is read here")]
    unsafe fn get<'a>(_: &[EntityMeta], fetch: &LocationFetch, row: usize) -> Self::Item<'a> {
        (fetch.archetype, row)
    }
}

#[derive(Clone)]
struct LocationFetch {
    archetype: NonNull<Archetype>,
}

// SAFETY: it borrows no component, and reads none.
#[allow(unsafe_code, reason = "hecs's trait is unsafe to implement")]
unsafe impl Fetch for LocationFetch {
    type State = ();

    #[inline]
    fn dangling() -> Self {
        Self { archetype: NonNull::dangling() }
    }

    #[inline]
    fn access(_: &Archetype) -> Option<Access> {
        Some(Access::Iterate)
    }

    #[inline]
    fn borrow(_: &Archetype, (): ()) {}

    #[inline]
    fn prepare(_: &Archetype) -> Option<()> {
        Some(())
    }

    #[inline]
    fn execute(archetype: &Archetype, (): ()) -> Self {
        Self { archetype: archetype.into() }
    }

    #[inline]
    fn release(_: &Archetype, (): ()) {}

    #[inline]
    fn for_each_borrow(_: impl FnMut(TypeId, bool)) {}
}
