//! Lending values to paths: the functions that know a type, for those that don't.

use std::any::Any;

use keel_state::{Lent, LentColumn, LentMut, TypeAccess};

use crate::model::operations::Rows;
use crate::model::resource::AnyResource;
use crate::model::sparse::ValueMut;
use crate::{Component, Entity, Resource, World};

/// What is done with a lent value.
type Read<'a> = dyn FnMut(Lent<'_>) + 'a;

/// What is done with a value that is lent to be written. It says whether anything was.
type Write<'a> = dyn FnMut(LentMut<'_>) -> bool + 'a;

/// What is done with a lent column.
type ReadColumn<'a> = dyn FnMut(LentColumn<'_>) + 'a;

/// How values of a component are lent. Each says whether there is one.
#[derive(Clone, Copy)]
pub(crate) struct Lending {
    pub(crate) lend: fn(&TypeAccess, &World, Entity, &mut Read<'_>) -> bool,
    pub(crate) lend_mut: fn(&TypeAccess, &World, Entity, &mut Write<'_>) -> bool,
    pub(crate) lend_column: fn(&TypeAccess, &hecs::Archetype, &mut ReadColumn<'_>) -> bool,
    /// Lends the first of values that were decoded.
    pub(crate) lend_decoded: fn(&TypeAccess, &mut Rows, &mut Write<'_>) -> bool,
}

/// How values of a resource are lent.
#[derive(Clone, Copy)]
pub(crate) struct ResourceLending {
    pub(crate) lend: fn(&TypeAccess, &dyn AnyResource, &mut Read<'_>) -> bool,
    pub(crate) lend_mut: fn(&TypeAccess, &mut dyn AnyResource, &mut Write<'_>) -> bool,
}

impl Lending {
    #[inline]
    pub(crate) fn of<T: Component>() -> Self {
        Self {
            lend: |access, world, entity, read| {
                world.borrow_component::<T>(entity).map(|value| read(access.lend::<T>(&value))).is_some()
            },
            lend_mut: |access, world, entity, write| {
                let value = world.borrow_component_mut::<T>(entity);
                let lend = |mut value: ValueMut<'_, T>| {
                    if write(access.lend_mut::<T>(value.bypass())) {
                        value.set_changed();
                    }
                };
                value.map(lend).is_some()
            },
            lend_column: |access, archetype, read| {
                let column = archetype.get::<&T>();
                column.map(|column| read(access.lend_column::<T>(&column))).is_some()
            },
            lend_decoded: |access, rows, write| {
                let first = rows.downcast_mut::<Vec<T>>().and_then(|rows| rows.first_mut());
                first.map(|first| write(access.lend_mut(first))).is_some()
            },
        }
    }
}

impl ResourceLending {
    #[inline]
    pub(crate) fn of<T: Resource>() -> Self {
        Self {
            lend: |access, resource, read| {
                let value: Option<&T> = resource.as_any().downcast_ref();
                value.map(|value| read(access.lend(value))).is_some()
            },
            lend_mut: |access, resource, write| {
                let value: Option<&mut T> = <dyn Any>::downcast_mut(resource.as_any_mut());
                value.map(|value| write(access.lend_mut(value))).is_some()
            },
        }
    }
}
