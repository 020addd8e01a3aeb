//! Resources as parameters.

use std::fmt;
use std::ops::{Deref, DerefMut};

use keel_ecs::{Access, EcsError, Resource, ResourceMut, ResourceRef};

use super::{ParamUses, SystemContext, SystemParam, sealed, short_name};

/// A resource, to be read. A system that asks for one that is not there doesn't run, and its fault says so; with
/// `Option<Res<T>>` it runs.
pub struct Res<'a, T: Resource> {
    value: ResourceRef<'a, T>,
}

/// A resource, to be read and written. As with [`Res`], it must be there.
pub struct ResMut<'a, T: Resource> {
    value: ResourceMut<'a, T>,
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
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Res<'a, T>, String> {
        let value = context.world.resource().map_err(|error| unavailable::<T>("Res", &error))?;
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
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<ResMut<'a, T>, String> {
        let value = context.world.resource_mut().map_err(|error| unavailable::<T>("ResMut", &error))?;
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
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Option<Res<'a, T>>, String> {
        match context.world.resource() {
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
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Option<ResMut<'a, T>>, String> {
        match context.world.resource_mut() {
            Ok(value) => Ok(Some(ResMut { value })),
            Err(EcsError::MissingResource { .. }) => Ok(None),
            Err(error) => Err(unavailable::<T>("Option<ResMut>", &error)),
        }
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
