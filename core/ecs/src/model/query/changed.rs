//! Filters that ask when a component was added or changed.

use std::marker::PhantomData;

use hecs::Archetype;

use super::QueryFilter;
use super::column::is_sparse;
use super::filter::{RawHas, With};
use super::rows::{BLOCK, Driver};
use crate::model::ticks::{RowTicks, TickWindow};
use crate::{Access, Component, Entity, Tracked, World};

/// Only entities that were given their `T` since the system that asks ran last. One that had a `T` already, which another
/// one has replaced, is not among them: see [`Changed`].
///
/// `T` must be tracked: `#[component(tracked)]`.
///
/// ```compile_fail
/// # use keel_ecs::{Added, Entity, World, component};
/// #[component(crate = keel_ecs)]
/// struct Sail;
///
/// World::new().query_filtered::<Entity, Added<Sail>>();
/// ```
pub struct Added<T: Tracked>(PhantomData<T>);

/// Only entities whose `T` was added, replaced or lent to be written since the system that asks ran last. What the system
/// itself has changed in its last run is not among them.
///
/// `T` must be tracked: `#[component(tracked)]`.
///
/// ```compile_fail
/// # use keel_ecs::{Changed, Entity, World, component};
/// #[component(crate = keel_ecs)]
/// struct Sail;
///
/// World::new().query_filtered::<Entity, Changed<Sail>>();
/// ```
pub struct Changed<T: Tracked>(PhantomData<T>);

/// The ticks of `T`, and which entities have one.
#[doc(hidden)]
pub struct RawTicks<T> {
    has: RawHas<T>,
    ticks: RowTicks,
    /// The index of the first entity, where those of the rows follow one another, as they do after a batch.
    first: Option<u32>,
}

impl<T> Clone for RawTicks<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RawTicks<T> {}

/// The first of these, if each is followed by the next number.
fn first_of_run(ids: &[u32]) -> Option<u32> {
    let first = *ids.first()?;
    // All are looked at, without a branch for each: the compiler makes vector code of it.
    let differences = (0_u32..).zip(ids).fold(0, |all, (row, id)| all | (id ^ first.wrapping_add(row)));
    (differences == 0).then_some(first)
}

macro_rules! filter {
    ($filter:ident, $is_row_new:ident, $is_new:ident, $is_any_new:ident) => {
        // SAFETY: it asks for ticks, which are there only where a value is.
        #[allow(unsafe_code, reason = "ticks are found by pointers")]
        unsafe impl<T: Component + Tracked> QueryFilter for $filter<T> {
            type Raw = RawTicks<T>;

            const ASKS_EACH: bool = true;
            const USES_COLUMNS: bool = !is_sparse::<T>();
            const USES_TICKS: bool = true;

            fn passes(archetype: &Archetype) -> bool {
                With::<T>::passes(archetype)
            }

            fn add_access(access: &mut Access) {
                access.add_tick_read(T::ID, T::NAME);
                access.add_with(T::ID);
            }

            fn find(world: &World, archetype: Option<&Archetype>) -> RawTicks<T> {
                let (has, ticks) = (RawHas::find(world, archetype), RowTicks::of(archetype));
                RawTicks { has, ticks, first: archetype.and_then(|archetype| first_of_run(archetype.ids())) }
            }

            #[inline]
            fn begin(raw: &mut RawTicks<T>, world: &World, window: TickWindow) {
                raw.ticks.begin(T::ID, world, window);
            }

            #[inline]
            unsafe fn driver(raw: &RawTicks<T>) -> Option<Driver> {
                // SAFETY: the caller keeps the rules of this same function.
                unsafe { With::<T>::driver(&raw.has) }
            }

            #[inline(always)]
            unsafe fn accepts(raw: RawTicks<T>, row: usize) -> bool {
                // SAFETY: the caller vouches for the row, and that nothing has moved.
                unsafe { raw.ticks.$is_row_new(row) }
            }

            #[inline]
            fn rejects_blocks(raw: &RawTicks<T>) -> bool {
                raw.first.is_some()
            }

            #[inline]
            unsafe fn rejects_block(raw: RawTicks<T>, row: usize) -> bool {
                let Some(first) = raw.first else { return false };
                // SAFETY: the caller vouches that nothing has moved.
                !unsafe { raw.ticks.$is_any_new((first as usize).wrapping_add(row), BLOCK) }
            }

            #[inline]
            unsafe fn accepts_entity(raw: RawTicks<T>, entity: Entity) -> bool {
                // SAFETY: the caller vouches that nothing has moved.
                unsafe { raw.ticks.$is_new(entity.index()) }
            }
        }
    };
}

filter!(Added, is_row_added, is_added, is_any_added);
filter!(Changed, is_row_changed, is_changed, is_any_changed);
