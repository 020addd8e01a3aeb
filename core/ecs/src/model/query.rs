//! Queries: the columns of every matching archetype, borrowed for as long as the query lives.
//!
//! An archetype's columns are slices, so iterating is stepping through slices side by side, which the compiler
//! vectorises. [`QueryBorrow::for_each`] keeps that within each archetype; a `for` loop over
//! [`QueryBorrow::iter`] asks at each step whether the archetype has ended.

use std::iter::Zip;
use std::marker::PhantomData;
use std::slice;

use hecs::{Archetype, ArchetypeColumn, ArchetypeColumnMut, EntityRef};

use crate::{Component, ComponentAccess, EcsError, Entity, World};

/// What can be asked of each entity: `&T`, `&mut T`, `Option<&T>`, `Option<&mut T>`, [`Entity`], and tuples of
/// these of up to 12.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "a query is `&T`, `&mut T` or `Option` of one with `T` a component, `Entity`, or a tuple of these"
)]
pub trait Query {
    /// What is handed out for one entity.
    type Item<'a>;
    /// The borrowed columns of one archetype.
    #[doc(hidden)]
    type Columns<'w>;
    #[doc(hidden)]
    type Rows<'a>: Iterator<Item = Self::Item<'a>>;

    #[doc(hidden)]
    fn matches(archetype: &Archetype) -> bool;

    /// Borrows the columns; called only where `matches` holds.
    #[doc(hidden)]
    fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Columns<'w>>;

    #[doc(hidden)]
    fn rows<'a>(columns: &'a mut Self::Columns<'_>) -> Self::Rows<'a>;

    /// The borrowed components of one entity.
    #[doc(hidden)]
    type One<'w>;

    #[doc(hidden)]
    fn of_entity(entity: EntityRef<'_>) -> Option<Self::One<'_>>;

    #[doc(hidden)]
    fn item<'a>(one: &'a mut Self::One<'_>) -> Self::Item<'a>;
}

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

impl Query for Entity {
    type Item<'a> = Entity;
    type Columns<'w> = EntityColumn<'w>;
    type Rows<'a> = EntityRows<'a>;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<EntityColumn<'w>> {
        Some(EntityColumn { generations: world.generations(), ids: archetype.ids() })
    }

    fn rows<'a>(columns: &'a mut EntityColumn<'_>) -> EntityRows<'a> {
        EntityRows { generations: columns.generations, ids: columns.ids.iter() }
    }

    type One<'w> = Entity;

    fn of_entity(entity: EntityRef<'_>) -> Option<Entity> {
        Some(Entity::wrap(entity.entity()))
    }

    fn item(one: &mut Entity) -> Entity {
        *one
    }
}

/// Fails the build of a module that would change in place what the world keeps an index of.
pub(crate) const fn assert_free<T: Component>() {
    assert!(
        matches!(T::ACCESS, ComponentAccess::Free),
        "this component can't be changed in place: insert another value, or call `World::set_parent`"
    );
}

/// The entities of one archetype.
#[doc(hidden)]
pub struct EntityColumn<'w> {
    generations: &'w [u32],
    ids: &'w [u32],
}

#[doc(hidden)]
pub struct EntityRows<'a> {
    generations: &'a [u32],
    ids: slice::Iter<'a, u32>,
}

impl Iterator for EntityRows<'_> {
    type Item = Entity;

    #[inline]
    fn next(&mut self) -> Option<Entity> {
        self.ids.next().map(|id| entity_of_row(self.generations, *id))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }

    #[inline]
    fn nth(&mut self, count: usize) -> Option<Entity> {
        self.ids.nth(count).map(|id| entity_of_row(self.generations, *id))
    }
}

impl ExactSizeIterator for EntityRows<'_> {}

/// The entity with index `id`, where `id` was read from an archetype of the world with these generations.
///
/// hecs keeps generations too, but offers no safe way to them from a row.
#[inline]
pub(crate) fn entity_of_row(generations: &[u32], id: u32) -> Entity {
    let generation = generations.get(id as usize).copied().unwrap_or_default();
    Entity::from_parts(id, generation)
}

impl<T: Component> Query for &T {
    type Item<'a> = &'a T;
    type Columns<'w> = ArchetypeColumn<'w, T>;
    type Rows<'a> = slice::Iter<'a, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn columns<'w>(_: &'w World, archetype: &'w Archetype) -> Option<ArchetypeColumn<'w, T>> {
        archetype.get::<&T>()
    }

    fn rows<'a>(columns: &'a mut ArchetypeColumn<'_, T>) -> slice::Iter<'a, T> {
        columns.iter()
    }

    type One<'w> = hecs::Ref<'w, T>;

    fn of_entity(entity: EntityRef<'_>) -> Option<hecs::Ref<'_, T>> {
        entity.get::<&T>()
    }

    fn item<'a>(one: &'a mut hecs::Ref<'_, T>) -> &'a T {
        one
    }
}

impl<T: Component> Query for &mut T {
    type Item<'a> = &'a mut T;
    type Columns<'w> = ArchetypeColumnMut<'w, T>;
    type Rows<'a> = slice::IterMut<'a, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn columns<'w>(_: &'w World, archetype: &'w Archetype) -> Option<ArchetypeColumnMut<'w, T>> {
        const { assert_free::<T>() };
        archetype.get::<&mut T>()
    }

    fn rows<'a>(columns: &'a mut ArchetypeColumnMut<'_, T>) -> slice::IterMut<'a, T> {
        columns.iter_mut()
    }

    type One<'w> = hecs::RefMut<'w, T>;

    fn of_entity(entity: EntityRef<'_>) -> Option<hecs::RefMut<'_, T>> {
        const { assert_free::<T>() };
        entity.get::<&mut T>()
    }

    fn item<'a>(one: &'a mut hecs::RefMut<'_, T>) -> &'a mut T {
        one
    }
}

impl<Q: Query> Query for Option<Q> {
    type Item<'a> = Option<Q::Item<'a>>;
    type Columns<'w> = OptionalColumns<'w, Q>;
    type Rows<'a> = OptionalRows<Q::Rows<'a>>;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<OptionalColumns<'w, Q>> {
        let columns = if Q::matches(archetype) { Q::columns(world, archetype) } else { None };
        Some(OptionalColumns { columns, length: archetype.len() as usize })
    }

    fn rows<'a>(columns: &'a mut OptionalColumns<'_, Q>) -> OptionalRows<Q::Rows<'a>> {
        match &mut columns.columns {
            Some(columns) => OptionalRows::Present(Q::rows(columns)),
            None => OptionalRows::Absent(columns.length),
        }
    }

    type One<'w> = Option<Q::One<'w>>;

    fn of_entity(entity: EntityRef<'_>) -> Option<Option<Q::One<'_>>> {
        Some(Q::of_entity(entity))
    }

    fn item<'a>(one: &'a mut Option<Q::One<'_>>) -> Option<Q::Item<'a>> {
        one.as_mut().map(Q::item)
    }
}

#[doc(hidden)]
pub struct OptionalColumns<'w, Q: Query> {
    columns: Option<Q::Columns<'w>>,
    length: usize,
}

#[doc(hidden)]
pub enum OptionalRows<I> {
    Present(I),
    Absent(usize),
}

impl<I: Iterator> Iterator for OptionalRows<I> {
    type Item = Option<I::Item>;

    fn next(&mut self) -> Option<Option<I::Item>> {
        match self {
            Self::Present(rows) => rows.next().map(Some),
            Self::Absent(0) => None,
            Self::Absent(left) => {
                *left -= 1;
                Some(None)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Present(rows) => rows.size_hint(),
            Self::Absent(left) => (*left, Some(*left)),
        }
    }
}

/// Flattens the nested pairs that `zip` makes into one tuple.
macro_rules! tuples {
    ($($all:ident)+) => {
        impl<$($all: Query),+> Query for ($($all,)+) {
            type Item<'a> = ($($all::Item<'a>,)+);
            type Columns<'w> = ($($all::Columns<'w>,)+);
            type Rows<'a> = Rows<tuples!(@zip $($all)+), Flat<'a, Self>>;

            fn matches(archetype: &Archetype) -> bool {
                $($all::matches(archetype))&&+
            }

            fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Columns<'w>> {
                Some(($($all::columns(world, archetype)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn rows<'a>(columns: &'a mut Self::Columns<'_>) -> Self::Rows<'a> {
                let ($($all,)+) = columns;
                Rows { zipped: tuples!(@rows $($all)+), query: PhantomData }
            }

            type One<'w> = ($($all::One<'w>,)+);

            fn of_entity(entity: EntityRef<'_>) -> Option<Self::One<'_>> {
                Some(($($all::of_entity(entity)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn item<'a>(one: &'a mut Self::One<'_>) -> Self::Item<'a> {
                let ($($all,)+) = one;
                ($($all::item($all),)+)
            }
        }

        impl<'a, $($all: Query),+> Flatten<tuples!(@items $($all)+)> for Flat<'a, ($($all,)+)> {
            type Output = ($($all::Item<'a>,)+);

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn flatten(tuples!(@pattern $($all)+): tuples!(@items $($all)+)) -> Self::Output {
                ($($all,)+)
            }
        }

        impl<$($all: Filter),+> Filter for ($($all,)+) {
            fn passes(archetype: &Archetype) -> bool {
                $($all::passes(archetype))&&+
            }
        }

        impl<$($all: Filter),+> Filter for Or<($($all,)+)> {
            fn passes(archetype: &Archetype) -> bool {
                $($all::passes(archetype))||+
            }
        }
    };
    (@zip $one:ident) => { $one::Rows<'a> };
    (@zip $one:ident $($rest:ident)+) => { Zip<$one::Rows<'a>, tuples!(@zip $($rest)+)> };
    (@items $one:ident) => { $one::Item<'a> };
    (@items $one:ident $($rest:ident)+) => { ($one::Item<'a>, tuples!(@items $($rest)+)) };
    (@rows $one:ident) => { $one::rows($one) };
    (@rows $one:ident $($rest:ident)+) => { $one::rows($one).zip(tuples!(@rows $($rest)+)) };
    (@pattern $one:ident) => { $one };
    (@pattern $one:ident $($rest:ident)+) => { ($one, tuples!(@pattern $($rest)+)) };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

impl Filter for () {
    fn passes(_: &Archetype) -> bool {
        true
    }
}

/// The rows of a tuple: side by side, and each as one flat tuple.
#[doc(hidden)]
pub struct Rows<Z, Q> {
    zipped: Z,
    query: PhantomData<Q>,
}

/// How a tuple query's rows become flat. A type and not a function's pointer, which the compiler would call for each row
/// wherever it can't see through it: 10 ns instead of 1.
#[doc(hidden)]
pub trait Flatten<Nested> {
    type Output;

    fn flatten(nested: Nested) -> Self::Output;
}

#[doc(hidden)]
pub struct Flat<'a, Q>(PhantomData<fn(&'a ()) -> Q>);

impl<Z: Iterator, Q: Flatten<Z::Item>> Iterator for Rows<Z, Q> {
    type Item = Q::Output;

    #[inline]
    fn next(&mut self) -> Option<Q::Output> {
        self.zipped.next().map(Q::flatten)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.zipped.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, Q::Output) -> B>(self, first: B, mut step: F) -> B {
        self.zipped.fold(first, move |folded, nested| step(folded, Q::flatten(nested)))
    }
}

/// A query at work: it borrows the columns it reads and writes until it is dropped.
///
/// While it lives, a second query for a column that it writes panics, naming the component; the engine contains
/// that panic and reports it as a fault of the module.
pub struct QueryBorrow<'w, Q: Query, F: Filter = ()> {
    world: &'w World,
    columns: Vec<Q::Columns<'w>>,
    filter: PhantomData<F>,
}

impl<'w, Q: Query, F: Filter> QueryBorrow<'w, Q, F> {
    fn new(world: &'w World, archetypes: impl Iterator<Item = &'w Archetype>) -> Self {
        let columns = archetypes.filter_map(|archetype| Q::columns(world, archetype)).collect();
        Self { world, columns, filter: PhantomData }
    }

    /// All matching entities, archetype by archetype.
    #[inline]
    pub fn iter(&mut self) -> QueryIter<'_, 'w, Q> {
        QueryIter { columns: self.columns.iter_mut(), rows: None }
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    pub fn for_each(&mut self, mut visit: impl FnMut(Q::Item<'_>)) {
        for columns in &mut self.columns {
            Q::rows(columns).for_each(&mut visit);
        }
    }

    /// How many entities match.
    pub fn count(&mut self) -> usize {
        self.columns.iter_mut().map(|columns| Q::rows(columns).size_hint().0).sum()
    }

    /// Whether no entity matches.
    pub fn is_empty(&mut self) -> bool {
        self.count() == 0
    }

    /// The first match, if there is one.
    pub fn first(&mut self) -> Option<Q::Item<'_>> {
        self.iter().next()
    }

    /// The only match; `None` when there is none or more than one.
    pub fn single(&mut self) -> Option<Q::Item<'_>> {
        if self.count() == 1 { self.iter().next() } else { None }
    }

    /// The matching entities' ids.
    pub fn entities(&self) -> Vec<Entity> {
        let matching = self.world.inner().archetypes().filter(|archetype| is_match::<Q, F>(archetype));
        let generations = self.world.generations();
        matching.flat_map(|archetype| archetype.ids()).map(|id| entity_of_row(generations, *id)).collect()
    }
}

/// Steps through all matching entities, archetype by archetype.
pub struct QueryIter<'a, 'w, Q: Query> {
    columns: slice::IterMut<'a, Q::Columns<'w>>,
    rows: Option<Q::Rows<'a>>,
}

impl<'a, Q: Query> Iterator for QueryIter<'a, '_, Q> {
    type Item = Q::Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Q::Item<'a>> {
        loop {
            if let Some(item) = self.rows.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            self.rows = Some(Q::rows(self.columns.next()?));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rows.as_ref().map_or(0, |rows| rows.size_hint().0), None)
    }

    /// Within an archetype there is no end to ask for, so that the compiler vectorises the loop.
    #[inline]
    fn fold<B, F: FnMut(B, Q::Item<'a>) -> B>(self, first: B, mut step: F) -> B {
        let begun = self.rows.into_iter().flatten().fold(first, &mut step);
        self.columns.fold(begun, |folded, columns| Q::rows(columns).fold(folded, &mut step))
    }
}

fn is_match<Q: Query, F: Filter>(archetype: &Archetype) -> bool {
    !archetype.is_empty() && Q::matches(archetype) && F::passes(archetype)
}

/// A query that remembers which archetypes match, so that asking again only looks at archetypes that are new.
pub struct PreparedQuery<Q, F = ()> {
    /// Which world, and which rebuilding of it, the indices belong to.
    world: u64,
    seen: usize,
    matching: Vec<usize>,
    query: PhantomData<fn() -> (Q, F)>,
}

impl<Q: Query, F: Filter> PreparedQuery<Q, F> {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self { world: 0, seen: 0, matching: Vec::new(), query: PhantomData }
    }

    /// Borrows the columns of `world`.
    pub fn query<'w>(&mut self, world: &'w World) -> QueryBorrow<'w, Q, F> {
        if self.world != world.incarnation() {
            *self = Self { world: world.incarnation(), ..Self::new() };
        }
        let archetypes = world.inner().archetypes();
        let known = archetypes.len();
        let new = archetypes.enumerate().skip(self.seen);
        self.matching.extend(
            new.filter(|(_, archetype)| Q::matches(archetype) && F::passes(archetype))
                .map(|(index, _)| index),
        );
        self.seen = known;
        let mut archetypes = world.inner().archetypes();
        let mut next = 0;
        let matching = self.matching.iter().filter_map(|index| {
            let archetype = archetypes.nth(index - next);
            next = index + 1;
            archetype
        });
        QueryBorrow::new(world, matching.filter(|archetype| !archetype.is_empty()))
    }
}

impl<Q: Query, F: Filter> Default for PreparedQuery<Q, F> {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Borrows the columns that `Q` names, of every archetype that has them.
    ///
    /// # Panics
    /// When another query, still alive, excludes this one; the message names the component.
    pub fn query<Q: Query>(&self) -> QueryBorrow<'_, Q> {
        self.query_filtered::<Q, ()>()
    }

    /// [`World::query`], of those archetypes that pass `F`.
    ///
    /// # Panics
    /// As [`World::query`].
    pub fn query_filtered<Q: Query, F: Filter>(&self) -> QueryBorrow<'_, Q, F> {
        let archetypes = self.inner().archetypes();
        QueryBorrow::new(self, archetypes.filter(|archetype| is_match::<Q, F>(archetype)))
    }

    /// Hands what `Q` names of one entity to `visit`; `None` when the entity lacks a part of it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    ///
    /// # Panics
    /// As [`World::query`].
    #[inline]
    pub fn query_one<Q: Query, R>(
        &self,
        entity: Entity,
        visit: impl FnOnce(Q::Item<'_>) -> R,
    ) -> Result<Option<R>, EcsError> {
        let mut one = Q::of_entity(self.entity_ref(entity)?);
        Ok(one.as_mut().map(|one| visit(Q::item(one))))
    }
}
