//! Components of one entity.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::model::bundle::{ColumnsOf, Stored, TakenColumns, put_sparse};
use crate::model::conflict::Borrowing;
use crate::model::query::assert_free;
use crate::model::sparse::{Value, ValueMut, ValuePlace};
use crate::model::ticks::Tracking;
use crate::{Bundle, Component, EcsError, Entity, StorageKind, World};

impl World {
    /// Adds components to `entity`; those that it has are replaced.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live; [`EcsError::Limit`], and nothing has changed then.
    ///
    /// # Panics
    /// When a component is not registered, or is `Parent` or `Children`; the message names it.
    #[inline]
    pub fn insert<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        self.check_bundle::<B>();
        self.check_growth::<B>(entity)?;
        self.put(entity, bundle)
    }

    /// [`World::insert`], once there is room for it.
    #[inline]
    pub(crate) fn put<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        if self.reacts_to::<B>() {
            return self.insert_reacting(entity, bundle);
        }
        self.insert_now(entity, bundle)
    }

    /// [`World::insert`], once it is checked and whoever minds knows of it.
    #[inline]
    pub(crate) fn insert_now<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        if B::SPARSE > 0 {
            return self.insert_sparse(entity, bundle);
        }
        self.before_change(entity);
        self.structure_changed();
        let bundle = Stored::new(bundle, &self.types);
        self.entities.insert(entity.inner(), bundle).map_err(|_| EcsError::NoSuchEntity { entity })?;
        self.note_inserted::<B>(&[entity]);
        Ok(())
    }

    #[inline]
    fn insert_sparse<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        self.before_change(entity);
        let mut bundle = ManuallyDrop::new(bundle);
        if B::COLUMNS > 0 {
            self.structure_changed();
            let columns = Stored::new(ColumnsOf::new(&mut bundle), &self.types);
            // It was just found alive.
            let _ = self.entities.insert(entity.inner(), columns);
        }
        put_sparse(bundle, entity, &mut self.sparse);
        self.note_inserted::<B>(&[entity]);
        Ok(())
    }

    /// Takes components from `entity`: all of them, or none when one is missing.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], [`EcsError::MissingComponent`], or [`EcsError::KeptByWorld`] for `Parent` and
    /// `Children`.
    #[inline]
    pub fn remove<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        if let Some(name) = B::kept_by_world() {
            return Err(EcsError::KeptByWorld { name: name.to_owned() });
        }
        if self.reacts_to::<B>() {
            return self.remove_reacting(entity);
        }
        self.remove_now(entity)
    }

    /// [`World::remove`], once it is checked and whoever minds knows of it.
    #[inline]
    pub(crate) fn remove_now<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        self.before_change(entity);
        let removed = if B::SPARSE > 0 { self.remove_sparse(entity) } else { self.remove_columns(entity) }?;
        self.note_removed::<B>(entity);
        Ok(removed)
    }

    #[inline]
    fn remove_columns<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        self.structure_changed();
        self.entities.remove::<B>(entity.inner()).map_err(|error| self.bundle_error::<B>(entity, &error))
    }

    #[inline]
    fn remove_sparse<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        if B::SPARSE == 1 && B::COLUMNS == 0 {
            // Nothing is taken where it is not there, so nothing has to be asked first.
            let removed = B::join(B::no_columns(), entity, &mut self.sparse);
            if let Some(removed) = removed {
                return Ok(removed);
            }
        }
        self.check_alive(entity)?;
        let missing =
            |component: &str| EcsError::MissingComponent { entity, component: component.to_owned() };
        if let Some(component) = B::missing_sparse(entity, &self.sparse) {
            return Err(missing(component));
        }
        let columns = if B::COLUMNS > 0 {
            self.structure_changed();
            let taken = self.entities.remove::<TakenColumns<B>>(entity.inner());
            taken.map_err(|error| self.bundle_error::<B>(entity, &error))?.0
        } else {
            B::no_columns()
        };
        B::join(columns, entity, &mut self.sparse).ok_or_else(|| missing("?"))
    }

    /// Takes `R`'s components from `entity` and adds `bundle`'s, in one move.
    ///
    /// # Errors
    /// As [`World::remove`], and [`EcsError::Limit`]; nothing has changed then.
    ///
    /// # Panics
    /// As [`World::insert`].
    pub fn exchange<R: Bundle, B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<R, EcsError> {
        self.check_bundle::<B>();
        if let Some(name) = R::kept_by_world() {
            return Err(EcsError::KeptByWorld { name: name.to_owned() });
        }
        self.check_exchange::<R, B>(entity)?;
        if self.reacts_to::<R>() || self.reacts_to::<B>() {
            return self.exchange_reacting(entity, bundle);
        }
        self.exchange_now(entity, bundle)
    }

    /// [`World::exchange`], once it is checked and whoever minds knows of it.
    pub(crate) fn exchange_now<R: Bundle, B: Bundle>(
        &mut self,
        entity: Entity,
        bundle: B,
    ) -> Result<R, EcsError> {
        if R::SPARSE + B::SPARSE > 0 {
            let removed = self.remove_now::<R>(entity)?;
            self.insert_now(entity, bundle)?;
            return Ok(removed);
        }
        self.before_change(entity);
        self.structure_changed();
        let bundle = Stored::new(bundle, &self.types);
        let exchanged = self.entities.exchange::<R, _>(entity.inner(), bundle);
        let removed = exchanged.map_err(|error| self.bundle_error::<R>(entity, &error))?;
        self.note_removed::<R>(entity);
        self.note_inserted::<B>(&[entity]);
        Ok(removed)
    }

    /// Reads a component.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] or [`EcsError::MissingComponent`].
    ///
    /// # Panics
    /// When a living query writes the component; the message names it.
    #[inline]
    pub fn get<T: Component>(&self, entity: Entity) -> Result<impl Deref<Target = T> + use<'_, T>, EcsError> {
        self.borrow_component::<T>(entity).ok_or_else(|| self.no_component::<T>(entity))
    }

    /// Writes a component.
    ///
    /// # Errors
    /// As [`World::get`].
    ///
    /// # Panics
    /// When a living query reads or writes the component; the message names it.
    #[inline]
    pub fn get_mut<T: Component>(
        &self,
        entity: Entity,
    ) -> Result<impl DerefMut<Target = T> + use<'_, T>, EcsError> {
        const { assert_free::<T>() };
        self.borrow_component_mut::<T>(entity).ok_or_else(|| self.no_component::<T>(entity))
    }

    /// [`World::get`]; none if it is not there.
    #[inline]
    pub(crate) fn borrow_component<T: Component>(&self, entity: Entity) -> Option<Value<'_, T>> {
        let borrowing = Borrowing::of(T::NAME, Some(entity));
        if const { matches!(T::STORAGE, StorageKind::Sparse) } {
            let guard = self.sparse.cell(T::ID).map(|cell| cell.read());
            borrowing.done();
            let guard = guard?;
            return Some(Value::Sparse { value: guard.value::<T>(entity)?, _guard: guard });
        }
        let value = self.entities.get::<&T>(entity.inner());
        borrowing.done();
        value.ok().map(Value::Column)
    }

    /// [`World::get_mut`], also of components that others may not change in place; none if it is not there.
    #[inline]
    pub(crate) fn borrow_component_mut<T: Component>(&self, entity: Entity) -> Option<ValueMut<'_, T>> {
        self.before_write(entity, T::ID);
        let borrowing = Borrowing::of(T::NAME, Some(entity));
        let place = if const { matches!(T::STORAGE, StorageKind::Sparse) } {
            let guard = self.sparse.cell(T::ID).map(|cell| cell.write());
            borrowing.done();
            let guard = guard?;
            ValuePlace::Sparse { value: guard.value::<T>(entity)?, _guard: guard }
        } else {
            self.columns_borrowed();
            let value = self.entities.get::<&mut T>(entity.inner());
            borrowing.done();
            ValuePlace::Column(value.ok()?)
        };
        let ticks = if T::Tracking::IS_TRACKED { self.changes.of_entity(T::ID, entity) } else { None };
        Some(ValueMut { place, ticks })
    }

    #[cold]
    #[inline(never)]
    fn no_component<T: Component>(&self, entity: Entity) -> EcsError {
        match self.check_alive(entity) {
            Err(error) => error,
            Ok(()) => EcsError::MissingComponent { entity, component: T::NAME.to_owned() },
        }
    }

    /// Whether `entity` lives and has a `T`.
    #[inline]
    pub fn has<T: Component>(&self, entity: Entity) -> bool {
        if const { matches!(T::STORAGE, StorageKind::Sparse) } {
            return self.sparse.has::<T>(entity);
        }
        self.entities.entity(entity.inner()).is_ok_and(|entity| entity.has::<T>())
    }
}
