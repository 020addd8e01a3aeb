//! Which archetypes a query passes over.

use std::marker::PhantomData;

use hecs::Archetype;

use crate::{Component, Query};

/// Which archetypes a query passes over: [`With`], [`Without`], [`Or`], and tuples (all of them hold).
pub trait Filter {
    #[doc(hidden)]
    fn passes(archetype: &Archetype) -> bool;
}

/// Only entities that have a `T`.
pub struct With<T>(PhantomData<T>);

/// Only entities that have no `T`.
pub struct Without<T>(PhantomData<T>);

/// Only entities for which one of the filters of tuple `F` holds.
pub struct Or<F>(PhantomData<F>);

impl<T: Component> Filter for With<T> {
    fn passes(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }
}

impl<T: Component> Filter for Without<T> {
    fn passes(archetype: &Archetype) -> bool {
        !archetype.has::<T>()
    }
}

impl Filter for () {
    fn passes(_: &Archetype) -> bool {
        true
    }
}

/// Whether a query has anything to do with this archetype.
pub(super) fn is_match<Q: Query, F: Filter>(archetype: &Archetype) -> bool {
    !archetype.is_empty() && Q::matches(archetype) && F::passes(archetype)
}
