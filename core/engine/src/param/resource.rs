//! Resources as parameters.

use std::fmt;
use std::ops::{Deref, DerefMut};

use keel_ecs::{Access, EcsError, Resource, ResourceMut, ResourceRef, Tracked};

use super::{ParamUses, SystemContext, SystemParam, sealed, short_name};

/// A resource, to be read. A system that asks for one that is not there doesn't run, and its fault says so; with
/// `Option<Res<T>>` it runs.
pub struct Res<'a, T: Resource> {
    value: ResourceRef<'a, T>,
}

/// A resource, to be read and written. As with [`Res`], it must be there. If it is tracked, it counts as changed from the
/// first time that it is lent to be written.
pub struct ResMut<'a, T: Resource> {
    value: ResourceMut<'a, T>,
}

impl<T: Resource + Tracked> Res<'_, T> {
    /// Whether it was put into the world since the system ran last.
    pub fn is_added(&self) -> bool {
        self.value.is_added()
    }

    /// Whether it was put into the world or changed since the system ran last.
    pub fn is_changed(&self) -> bool {
        self.value.is_changed()
    }
}

impl<T: Resource + Tracked> ResMut<'_, T> {
    /// Whether it was put into the world since the system ran last.
    pub fn is_added(&self) -> bool {
        self.value.is_added()
    }

    /// Whether it was put into the world or changed since the system ran last, or just now by this one.
    pub fn is_changed(&self) -> bool {
        self.value.is_changed()
    }

    /// Lets it count as changed.
    pub fn set_changed(&mut self) {
        self.value.set_changed();
    }

    /// The value to be written without it counting as changed.
    pub fn bypass_change_detection(&mut self) -> &mut T {
        self.value.bypass_change_detection()
    }

    /// Writes `value` if it is another one than is there; whether it was.
    pub fn set_if_neq(&mut self, value: T) -> bool
    where
        T: PartialEq,
    {
        self.value.set_if_neq(value)
    }
}

impl<T: Resource> Deref for Res<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Resource> Deref for ResMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Resource> DerefMut for ResMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Resource + fmt::Debug> fmt::Debug for Res<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Resource + fmt::Debug> fmt::Debug for ResMut<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Resource> sealed::Sealed for Res<'_, T> {}

impl<T: Resource> SystemParam for Res<'_, T> {
    type State = ();
    type Item<'a> = Res<'a, T>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("Res<{}>", short_name::<T>()), reads::<T>());
        add_ticks::<T>(uses);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Res<'a, T>, String> {
        let value =
            context.world.resource_in(context.changes).map_err(|error| unavailable::<T>("Res", &error))?;
        Ok(Res { value })
    }
}

impl<T: Resource> sealed::Sealed for ResMut<'_, T> {}

impl<T: Resource> SystemParam for ResMut<'_, T> {
    type State = ();
    type Item<'a> = ResMut<'a, T>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("ResMut<{}>", short_name::<T>()), writes::<T>());
        add_ticks::<T>(uses);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<ResMut<'a, T>, String> {
        let value = context
            .world
            .resource_mut_in(context.changes)
            .map_err(|error| unavailable::<T>("ResMut", &error))?;
        Ok(ResMut { value })
    }
}

impl<T: Resource> sealed::Sealed for Option<Res<'_, T>> {}

impl<T: Resource> SystemParam for Option<Res<'_, T>> {
    type State = ();
    type Item<'a> = Option<Res<'a, T>>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("Option<Res<{}>>", short_name::<T>()), reads::<T>());
        add_ticks::<T>(uses);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Option<Res<'a, T>>, String> {
        match context.world.resource_in(context.changes) {
            Ok(value) => Ok(Some(Res { value })),
            Err(EcsError::MissingResource { .. }) => Ok(None),
            Err(error) => Err(unavailable::<T>("Option<Res>", &error)),
        }
    }
}

impl<T: Resource> sealed::Sealed for Option<ResMut<'_, T>> {}

impl<T: Resource> SystemParam for Option<ResMut<'_, T>> {
    type State = ();
    type Item<'a> = Option<ResMut<'a, T>>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("Option<ResMut<{}>>", short_name::<T>()), writes::<T>());
        add_ticks::<T>(uses);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Option<ResMut<'a, T>>, String> {
        match context.world.resource_mut_in(context.changes) {
            Ok(value) => Ok(Some(ResMut { value })),
            Err(EcsError::MissingResource { .. }) => Ok(None),
            Err(error) => Err(unavailable::<T>("Option<ResMut>", &error)),
        }
    }
}

fn add_ticks<T: Resource>(uses: &mut ParamUses) {
    if T::IS_TRACKED {
        uses.add_ticks();
    }
}

fn reads<T: Resource>() -> Access {
    let mut access = Access::new();
    access.add_read(T::ID, T::NAME);
    access
}

fn writes<T: Resource>() -> Access {
    let mut access = Access::new();
    access.add_write(T::ID, T::NAME);
    access
}

#[cold]
fn unavailable<T: Resource>(param: &str, error: &EcsError) -> String {
    let name = short_name::<T>();
    match error {
        EcsError::MissingResource { .. } => format!(
            "it did not run: its parameter `{param}<{name}>` asks for the resource `{}`, which the world does not \
             have; insert it in `start`, or take `Option<{param}<{name}>>`",
            T::NAME
        ),
        _ => format!("it did not run: its parameter `{param}<{name}>` can't be had: {error}"),
    }
}
