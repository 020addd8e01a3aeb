//! The values of one component.

use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr::NonNull;

use keel_core_types::ThreadSafe;
use keel_state::{Migration, StateError, decode, encode_into};

use crate::model::dropped::{drop_contained, drop_each};
use crate::model::sparse::Encoded;
use crate::model::values::AnyComponent;
use crate::{Component, Entity};

/// So many rows are in one page.
pub(super) const PAGE: usize = 1024;

/// No row.
const NOWHERE: u32 = u32::MAX;

/// The values of one component, side by side.
pub(crate) struct SparseSet<T> {
    /// The row of each entity, by its index.
    pub(super) pages: Vec<Option<Box<[u32; PAGE]>>>,
    entities: Vec<Entity>,
    /// Written through a shared set by queries, which see to it that nobody else uses the value.
    pub(super) values: Vec<UnsafeCell<T>>,
}

// SAFETY: a value is changed through a shared set by who holds its borrow alone; see `SparseCell::borrow`.
#[allow(unsafe_code, reason = "an `UnsafeCell` is not `Sync` by itself")]
unsafe impl<T: Sync> Sync for SparseSet<T> {}

impl<T> Default for SparseSet<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), entities: Vec::new(), values: Vec::new() }
    }
}

impl<T> SparseSet<T> {
    /// The row of the entity with this index, if it has one.
    #[inline]
    pub(crate) fn row(&self, index: u32) -> Option<usize> {
        let page = self.pages.get(index as usize / PAGE)?.as_ref()?;
        let row = page[index as usize % PAGE];
        if row == NOWHERE { None } else { Some(row as usize) }
    }

    #[inline]
    pub(super) fn row_of(&self, entity: Entity) -> Option<usize> {
        self.row(entity.index()).filter(|row| self.entities.get(*row) == Some(&entity))
    }

    /// The entities that have a value, row by row.
    #[inline]
    pub(crate) fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// The first value, and how many there are.
    #[inline]
    pub(crate) fn values(&self) -> (NonNull<T>, usize) {
        (NonNull::from(&*self.values).cast(), self.values.len())
    }

    #[inline]
    pub(crate) fn contains(&self, entity: Entity) -> bool {
        self.row_of(entity).is_some()
    }

    #[inline]
    pub(crate) fn cell(&self, entity: Entity) -> Option<&UnsafeCell<T>> {
        self.row_of(entity).map(|row| &self.values[row])
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, entity: Entity) -> Option<&mut T> {
        let row = self.row_of(entity)?;
        Some(self.values[row].get_mut())
    }

    /// Gives `entity`, which lives, a value; the one that it had comes back.
    #[inline]
    pub(crate) fn insert(&mut self, entity: Entity, value: T) -> Option<T> {
        let (index, next) = (entity.index() as usize, self.entities.len() as u32);
        let slot = match self.pages.get_mut(index / PAGE) {
            Some(Some(page)) => &mut page[index % PAGE],
            _ => self.new_page(index),
        };
        if *slot != NOWHERE {
            let row = *slot as usize;
            self.entities[row] = entity;
            return Some(std::mem::replace(self.values[row].get_mut(), value));
        }
        *slot = next;
        self.entities.push(entity);
        self.values.push(UnsafeCell::new(value));
        None
    }

    /// Takes the value of `entity`; the last one takes its row.
    #[inline]
    pub(crate) fn remove(&mut self, entity: Entity) -> Option<T> {
        let index = entity.index() as usize;
        let slot = &mut self.pages.get_mut(index / PAGE)?.as_mut()?[index % PAGE];
        let row = *slot as usize;
        if self.entities.get(row) != Some(&entity) {
            return None;
        }
        *slot = NOWHERE;
        self.entities.swap_remove(row);
        let value = self.values.swap_remove(row).into_inner();
        if let Some(moved) = self.entities.get(row) {
            let index = moved.index() as usize;
            if let Some(Some(page)) = self.pages.get_mut(index / PAGE) {
                page[index % PAGE] = row as u32;
            }
        }
        Some(value)
    }

    /// The row of the entity with this index, whose page is not there yet.
    #[cold]
    fn new_page(&mut self, index: usize) -> &mut u32 {
        if index / PAGE >= self.pages.len() {
            self.pages.resize_with(index / PAGE + 1, || None);
        }
        &mut self.pages[index / PAGE].get_or_insert_with(|| Box::new([NOWHERE; PAGE]))[index % PAGE]
    }
}

impl<T> Drop for SparseSet<T> {
    fn drop(&mut self) {
        drop_each(self.values.drain(..).map(UnsafeCell::into_inner));
    }
}

/// A sparse set of unknown component type.
pub(crate) trait AnySparse: Any + ThreadSafe {
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    fn entities(&self) -> &[Entity];
    fn contains(&self, entity: Entity) -> bool;
    /// Drops the value of `entity`; whether it had one.
    fn remove(&mut self, entity: Entity) -> bool;
    /// Appends the encoded values, row by row.
    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError>;
    /// Appends the encoded value of one entity; false if it has none.
    fn save_one(&self, entity: Entity, out: &mut Vec<u8>) -> Result<bool, StateError>;
    /// Gives these entities values that were encoded by an older type.
    fn restore(
        &mut self,
        entities: &[Entity],
        migration: &Migration,
        bytes: &mut &[u8],
    ) -> Result<(), StateError>;
    /// Gives an entity a value that [`SparseOperations::decode`] has made.
    fn insert_any(&mut self, entity: Entity, value: AnyComponent);
    fn visit(&self, visit: &mut dyn FnMut(Entity, &[u8])) -> Result<(), StateError>;
    /// The bytes of the value of `entity`, where values lie encoded. Written by whoever holds a writing borrow.
    fn encoded(&self, _entity: Entity) -> Option<&UnsafeCell<Encoded>> {
        None
    }
}

impl<T> SparseSet<T> {
    /// The value in a row.
    pub(super) fn value(&self, row: usize) -> &T {
        // SAFETY: whoever calls holds the borrow of the set, see `SparseCell::read`, so nobody writes it.
        #[allow(unsafe_code, reason = "values lie in cells")]
        unsafe {
            &*self.values[row].get()
        }
    }
}

impl<T: Component> AnySparse for SparseSet<T> {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn entities(&self) -> &[Entity] {
        &self.entities
    }

    fn contains(&self, entity: Entity) -> bool {
        self.contains(entity)
    }

    fn remove(&mut self, entity: Entity) -> bool {
        let removed = self.remove(entity);
        removed.map(|value| drop_contained(T::NAME, value)).is_some()
    }

    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError> {
        (0..self.values.len()).try_for_each(|row| encode_into(self.value(row), out))
    }

    fn save_one(&self, entity: Entity, out: &mut Vec<u8>) -> Result<bool, StateError> {
        match self.row_of(entity) {
            Some(row) => encode_into(self.value(row), out).map(|()| true),
            None => Ok(false),
        }
    }

    fn restore(
        &mut self,
        entities: &[Entity],
        migration: &Migration,
        bytes: &mut &[u8],
    ) -> Result<(), StateError> {
        let mut migrated = Vec::new();
        for entity in entities {
            migrated.clear();
            migration.apply(bytes, &mut migrated)?;
            let before = self.insert(*entity, decode::<T>(&mut migrated.as_slice())?);
            drop_contained(T::NAME, before);
        }
        Ok(())
    }

    fn insert_any(&mut self, entity: Entity, value: AnyComponent) {
        if let Ok(value) = value.downcast::<T>() {
            let before = self.insert(entity, *value);
            drop_contained(T::NAME, before);
        }
    }

    fn visit(&self, visit: &mut dyn FnMut(Entity, &[u8])) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        for (row, entity) in self.entities.iter().enumerate() {
            bytes.clear();
            encode_into(self.value(row), &mut bytes)?;
            visit(*entity, &bytes);
        }
        Ok(())
    }
}
