//! Resources: one value of each type in a world, borrowed at run time.

use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use atomic_refcell::{AtomicRef, AtomicRefCell, AtomicRefMut};
use keel_core_types::{ComponentId, ThreadSafe};

use crate::model::dropped::drop_contained;
use crate::model::ticks::ValueTicks;
use crate::{ChangeWindow, EcsError, Resource, Tracked, World};

/// A resource that is being read.
pub struct ResourceRef<'w, T> {
    value: AtomicRef<'w, T>,
    /// Of a tracked one alone.
    ticks: Option<ValueTicks<'w>>,
}

/// A resource that is being written. If it is tracked, it counts as changed from the first time that it is lent to be
/// written.
pub struct ResourceMut<'w, T: Resource> {
    value: AtomicRefMut<'w, T>,
    ticks: Option<ValueTicks<'w>>,
}

impl<T: Resource + Tracked> ResourceRef<'_, T> {
    /// Whether it was added since the system that asks ran last.
    pub fn is_added(&self) -> bool {
        self.ticks.is_some_and(ValueTicks::is_added)
    }

    /// Whether it was added or changed since the system that asks ran last.
    pub fn is_changed(&self) -> bool {
        self.ticks.is_some_and(ValueTicks::is_changed)
    }
}

impl<T: Resource + Tracked> ResourceMut<'_, T> {
    /// Whether it was added since the system that asks ran last.
    pub fn is_added(&self) -> bool {
        self.ticks.is_some_and(ValueTicks::is_added)
    }

    /// Whether it was added or changed since the system that asks ran last, or just now by this one.
    pub fn is_changed(&self) -> bool {
        self.ticks.is_some_and(ValueTicks::is_changed)
    }

    /// Lets it count as changed.
    pub fn set_changed(&mut self) {
        self.ticks.into_iter().for_each(ValueTicks::set_changed);
    }

    /// The value to be written without it counting as changed.
    pub fn bypass_change_detection(&mut self) -> &mut T {
        &mut self.value
    }

    /// Writes `value` if it is another one than is there; whether it was.
    pub fn set_if_neq(&mut self, value: T) -> bool
    where
        T: PartialEq,
    {
        let differs = *self.value != value;
        if differs {
            **self = value;
        }
        differs
    }
}

impl<T> Deref for ResourceRef<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Resource> Deref for ResourceMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Resource> DerefMut for ResourceMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        if T::IS_TRACKED
            && let Some(ticks) = self.ticks
        {
            ticks.set_changed();
        }
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for ResourceRef<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}

impl<T: Resource + fmt::Debug> fmt::Debug for ResourceMut<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}

/// A resource of unknown type.
pub(crate) trait AnyResource: Any + ThreadSafe {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// The declared name.
    fn name(&self) -> &'static str;
}

impl<T: Resource> AnyResource for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn name(&self) -> &'static str {
        T::NAME
    }
}

/// The resources of one world.
#[derive(Default)]
pub(crate) struct Resources {
    cells: BTreeMap<ComponentId, AtomicRefCell<Box<dyn AnyResource>>>,
}

impl Resources {
    /// Where the resource of type `T` lies, if there is one.
    pub(crate) fn place<T: Resource>(&mut self) -> Option<&mut T> {
        self.cells.get_mut(&T::ID)?.get_mut().as_any_mut().downcast_mut()
    }

    pub(crate) fn insert_any(&mut self, id: ComponentId, value: Box<dyn AnyResource>) {
        self.cells.insert(id, AtomicRefCell::new(value)).into_iter().for_each(drop_resource);
    }

    pub(crate) fn remove<T: Resource>(&mut self) -> Option<T> {
        self.cells.remove(&T::ID)?.into_inner().into_any().downcast().ok().map(|value| *value)
    }

    pub(crate) fn contains(&self, id: ComponentId) -> bool {
        self.cells.contains_key(&id)
    }

    pub(crate) fn get<T: Resource>(&self) -> Result<AtomicRef<'_, T>, EcsError> {
        let cell = self.cells.get(&T::ID).ok_or_else(missing::<T>)?;
        let value = cell.try_borrow().map_err(|_| EcsError::InUse { name: T::NAME.to_owned() })?;
        AtomicRef::filter_map(value, |value| value.as_any().downcast_ref()).ok_or_else(conflict::<T>)
    }

    pub(crate) fn get_mut<T: Resource>(&self) -> Result<AtomicRefMut<'_, T>, EcsError> {
        let cell = self.cells.get(&T::ID).ok_or_else(missing::<T>)?;
        let value = cell.try_borrow_mut().map_err(|_| EcsError::InUse { name: T::NAME.to_owned() })?;
        AtomicRefMut::filter_map(value, |value| value.as_any_mut().downcast_mut()).ok_or_else(conflict::<T>)
    }

    /// The ids of all resources, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ComponentId> {
        self.cells.keys().copied()
    }

    /// The resource with this id, which is called `name`.
    pub(crate) fn borrow(
        &self,
        id: ComponentId,
        name: &str,
    ) -> Result<AtomicRef<'_, Box<dyn AnyResource>>, EcsError> {
        let missing = || EcsError::MissingResource { resource: name.to_owned() };
        let cell = self.cells.get(&id).ok_or_else(missing)?;
        cell.try_borrow().map_err(|_| EcsError::InUse { name: name.to_owned() })
    }

    /// As [`Resources::borrow`], to be written.
    pub(crate) fn borrow_mut(
        &self,
        id: ComponentId,
        name: &str,
    ) -> Result<AtomicRefMut<'_, Box<dyn AnyResource>>, EcsError> {
        let missing = || EcsError::MissingResource { resource: name.to_owned() };
        let cell = self.cells.get(&id).ok_or_else(missing)?;
        cell.try_borrow_mut().map_err(|_| EcsError::InUse { name: name.to_owned() })
    }

    pub(crate) fn remove_any(&mut self, id: ComponentId) {
        self.cells.remove(&id).into_iter().for_each(drop_resource);
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }
}

impl Drop for Resources {
    fn drop(&mut self) {
        std::mem::take(&mut self.cells).into_values().for_each(drop_resource);
    }
}

fn drop_resource(cell: AtomicRefCell<Box<dyn AnyResource>>) {
    let resource = cell.into_inner();
    drop_contained(resource.name(), resource);
}

impl World {
    /// Puts a resource into the world and returns the one it replaces.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when the world does not know `T`.
    pub fn insert_resource<T: Resource>(&mut self, value: T) -> Result<Option<T>, EcsError> {
        if !self.types.knows(TypeId::of::<T>()) {
            return Err(EcsError::NotRegistered { name: T::NAME.to_owned() });
        }
        self.before_resource(T::ID);
        if let Some(place) = self.resources.place::<T>() {
            let before = std::mem::replace(place, value);
            self.changes.insert_resource(T::ID);
            return Ok(Some(before));
        }
        let stored = self.types.stored_resource(Box::new(value));
        let stored = stored.ok_or_else(|| EcsError::Conflict { name: T::NAME.to_owned() })?;
        self.resources.insert_any(T::ID, stored);
        self.changes.insert_resource(T::ID);
        Ok(None)
    }

    /// Puts a resource into the world unless it has one, and hands out the one it has then.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when the world does not know `T`.
    pub fn resource_or_insert_with<T: Resource>(
        &mut self,
        make: impl FnOnce() -> T,
    ) -> Result<impl DerefMut<Target = T>, EcsError> {
        if !self.has_resource::<T>() {
            self.insert_resource(make())?;
        }
        self.resource_mut()
    }

    /// Takes a resource out of the world.
    pub fn remove_resource<T: Resource>(&mut self) -> Option<T> {
        self.changes.remove_resource(T::ID);
        self.before_resource(T::ID);
        self.resources.remove()
    }

    /// Whether the world has a `T`.
    pub fn has_resource<T: Resource>(&self) -> bool {
        self.resources.contains(T::ID)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]; [`EcsError::InUse`] while someone writes it.
    pub fn resource<T: Resource>(&self) -> Result<ResourceRef<'_, T>, EcsError> {
        self.resource_in(self.change_window())
    }

    /// Writes a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]; [`EcsError::InUse`] while someone reads or writes it.
    pub fn resource_mut<T: Resource>(&self) -> Result<ResourceMut<'_, T>, EcsError> {
        self.resource_mut_in(self.change_window())
    }

    /// [`World::resource`], for one who sees changes in `window`.
    ///
    /// # Errors
    /// As [`World::resource`].
    #[inline]
    pub fn resource_in<T: Resource>(&self, window: ChangeWindow) -> Result<ResourceRef<'_, T>, EcsError> {
        let value = self.resources.get::<T>()?;
        Ok(ResourceRef { value, ticks: self.resource_ticks::<T>(window) })
    }

    /// [`World::resource_mut`], for one who sees and makes changes in `window`.
    ///
    /// # Errors
    /// As [`World::resource_mut`].
    #[inline]
    pub fn resource_mut_in<T: Resource>(&self, window: ChangeWindow) -> Result<ResourceMut<'_, T>, EcsError> {
        self.before_resource(T::ID);
        let value = self.resources.get_mut::<T>()?;
        Ok(ResourceMut { value, ticks: self.resource_ticks::<T>(window) })
    }

    #[inline]
    fn resource_ticks<T: Resource>(&self, window: ChangeWindow) -> Option<ValueTicks<'_>> {
        if T::IS_TRACKED { self.changes.of_resource(T::ID, window) } else { None }
    }
}

fn missing<T: Resource>() -> EcsError {
    EcsError::MissingResource { resource: T::NAME.to_owned() }
}

fn conflict<T: Resource>() -> EcsError {
    EcsError::Conflict { name: format!("{} ({})", T::NAME, type_name::<T>()) }
}
