//! Which archetypes a query passes over.

use std::marker::PhantomData;

use hecs::Archetype;

use crate::{Access, Component, QueryData};

/// Which archetypes a query passes over: [`With`], [`Without`], [`Or`], and tuples (all of them hold).
pub trait QueryFilter {
    #[doc(hidden)]
    fn passes(archetype: &Archetype) -> bool;

    /// Adds what it passes over for certain.
    fn add_access(access: &mut Access);
}

/// Only entities that have a `T`.
pub struct With<T>(PhantomData<T>);

/// Only entities that have no `T`.
pub struct Without<T>(PhantomData<T>);

/// Only entities for which one of the filters of tuple `F` holds.
pub struct Or<F>(PhantomData<F>);

impl<T: Component> QueryFilter for With<T> {
    fn passes(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_with(T::ID);
    }
}

impl<T: Component> QueryFilter for Without<T> {
    fn passes(archetype: &Archetype) -> bool {
        !archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_without(T::ID);
    }
}

impl QueryFilter for () {
    fn passes(_: &Archetype) -> bool {
        true
    }

    fn add_access(_: &mut Access) {}
}

/// Whether a query has anything to do with this archetype.
pub(super) fn is_match<Q: QueryData, F: QueryFilter>(archetype: &Archetype) -> bool {
    !archetype.is_empty() && Q::matches(archetype) && F::passes(archetype)
}
