//! In which row of which archetype an entity lies.

use std::any::TypeId;
use std::ptr::NonNull;

use hecs::{Access, Archetype, EntityMeta, EntityRef, Fetch, Query, View};

use crate::{Entity, World};

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

/// Where each entity of a world lies, until entities come, go, or change their components.
///
/// hecs tells it by a call of its own for each entity, and faster through a `View`, whose code is generic. That is compiled
/// here, with its caller, and not in a module, where it would be a call of its own.
pub(crate) struct Places {
    // The world is not borrowed for as long as this lives; whoever calls `place` vouches for it.
    view: View<'static, Location>,
    /// Where the first archetype lies; hecs has them side by side, and moves them where another one comes.
    first: *const Archetype,
}

/// In which row of which archetype an entity lies: eight bytes, so that they are returned in a register.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) archetype: u32,
    pub(crate) row: u32,
}

impl Place {
    /// Of no entity: no world has so many archetypes.
    const NOWHERE: Self = Self { archetype: u32::MAX, row: 0 };
}

impl Places {
    pub(crate) fn of(world: &World) -> Self {
        let mut query = world.inner().query::<Location>();
        let view = query.view();
        // SAFETY: the lifetime is all that changes, and what it stands for is asked of the callers of `place`. A view has
        // nothing of the world to give back when it is dropped.
        #[allow(unsafe_code, reason = "a borrow can't be kept beside what it borrows")]
        let view = unsafe { std::mem::transmute::<View<'_, Location>, View<'static, Location>>(view) };
        let first = world.inner().archetypes().next().map_or(std::ptr::null(), std::ptr::from_ref);
        Self { view, first }
    }

    /// The number of the archetype and the row of an entity; a number that no archetype has if it does not live.
    ///
    /// # Safety
    /// The world still lives, and its structure is what it was when this was made.
    #[inline(never)]
    #[allow(unsafe_code, reason = "the caller vouches for the world")]
    pub(crate) unsafe fn place(&self, entity: Entity) -> Place {
        // SAFETY: the caller says so; no component is read.
        let Some((archetype, row)) = (unsafe { self.view.get_unchecked(entity.inner()) }) else {
            return Place::NOWHERE;
        };
        let number = archetype.addr().get().wrapping_sub(self.first.addr()) / size_of::<Archetype>();
        Place { archetype: number as u32, row: row as u32 }
    }
}

// SAFETY: it is read alone, and what it points to belongs to a world, which is `Send` and `Sync`.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl Send for Places {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl Sync for Places {}

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
