//! Queries for one thing: a component, one that need not be there, the entity itself.

use std::slice;

use hecs::{Archetype, ArchetypeColumn, ArchetypeColumnMut, EntityRef};

use crate::{Access, Component, ComponentAccess, Entity, QueryData, World};

impl QueryData for Entity {
    type Item<'a> = Entity;
    type Columns<'w> = EntityColumn<'w>;
    type Rows<'a> = EntityRows<'a>;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(_: &mut Access) {}

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

impl<T: Component> QueryData for &T {
    type Item<'a> = &'a T;
    type Columns<'w> = ArchetypeColumn<'w, T>;
    type Rows<'a> = slice::Iter<'a, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_read(T::ID, T::NAME);
        access.add_with(T::ID);
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

impl<T: Component> QueryData for &mut T {
    type Item<'a> = &'a mut T;
    type Columns<'w> = ArchetypeColumnMut<'w, T>;
    type Rows<'a> = slice::IterMut<'a, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_write(T::ID, T::NAME);
        access.add_with(T::ID);
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

impl<Q: QueryData> QueryData for Option<Q> {
    type Item<'a> = Option<Q::Item<'a>>;
    type Columns<'w> = OptionalColumns<'w, Q>;
    type Rows<'a> = OptionalRows<Q::Rows<'a>>;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(access: &mut Access) {
        access.add_optional(Q::add_access);
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
pub struct OptionalColumns<'w, Q: QueryData> {
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
