//! What was looked up of a path in the types of a world.

use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{
    AccessPlan, FieldPath, FromValue, Lent, LentMut, ReflectError, TypeAccess, Value, ValueRef,
};

use crate::model::operations::{ComponentOperations, Operations, TypedOperations};
use crate::model::reflect::{Lending, ResourceLending};
use crate::model::sparse::Encoded;
use crate::{ComponentAccess, EcsError, Entity, ModelTypeInfo, ModelTypeKind, StorageKind, World};

/// What was looked up. Its functions are called only while the world holds the registration that they are of.
#[derive(Clone)]
pub(super) struct Resolved {
    pub(super) id: ComponentId,
    pub(super) plan: AccessPlan,
    pub(super) access: TypeAccess,
    pub(super) lending: AnyLending,
}

#[derive(Clone, Copy)]
pub(super) enum AnyLending {
    Component(Lending, ComponentAccess),
    /// Its values lie encoded: nobody lends them.
    Encoded,
    Resource(ResourceLending),
    Event,
}

impl Resolved {
    pub(super) fn new(path: &FieldPath, info: &ModelTypeInfo) -> Result<Self, ReflectError> {
        let plan = AccessPlan::new(path, info.live_schema(), info.access())?;
        let lending = match &info.operations {
            Operations::Component(ComponentOperations { typed: Some(typed), access, .. }) => {
                AnyLending::Component(typed.lending, *access)
            }
            Operations::Component(_) => AnyLending::Encoded,
            Operations::Resource(operations) => AnyLending::Resource(operations.lending),
            Operations::Event(_) => AnyLending::Event,
        };
        Ok(Self { id: info.id(), plan, access: *info.access(), lending })
    }

    /// What is there in a component of `entity`.
    #[inline]
    pub(super) fn read_as<T: FromValue>(&self, world: &World, entity: Entity) -> Result<T, EcsError> {
        if self.is_encoded() {
            return self.read_bytes_as(world, entity);
        }
        let (mut plain, mut other) = (None, None);
        self.lend(world, entity, &mut |lent| match self.plan.read_plain(lent) {
            Some(found) => plain = Some(found),
            None => other = self.plan.read_as(lent),
        })?;
        match (plain, other) {
            (Some(found), _) => Ok(found),
            (None, Some(found)) => Ok(found?),
            (None, None) => self.convert_encoded(&self.encoded(world, Some(entity))?),
        }
    }

    /// Whether values of the component lie encoded.
    #[inline]
    pub(super) fn is_encoded(&self) -> bool {
        matches!(self.lending, AnyLending::Encoded)
    }

    /// The component's type, if its values lie in columns.
    pub(super) fn column_type<'w>(
        &self,
        world: &'w World,
    ) -> Option<(&'w ModelTypeInfo, &'w TypedOperations)> {
        let info = world.component_named(self.plan.path().type_name()).ok()?;
        let is_column = info.storage() == StorageKind::Columns;
        info.typed_operations().filter(|_| is_column).map(|operations| (&**info, operations))
    }

    /// # Errors
    /// [`EcsError::WrongKind`] where it is a place in something else than a component.
    #[inline]
    pub(super) fn check_component(&self) -> Result<(), EcsError> {
        match self.lending {
            AnyLending::Component(..) | AnyLending::Encoded => Ok(()),
            _ => Err(self.wrong_kind(ModelTypeKind::Component)),
        }
    }

    /// Whether it is a component that may be changed where it lies.
    #[inline]
    pub(super) fn is_written_in_place(&self) -> bool {
        matches!(self.lending, AnyLending::Component(_, ComponentAccess::Free))
    }

    /// Writes what is there in a component of `entity`.
    #[inline]
    pub(super) fn write(&self, world: &World, entity: Entity, value: ValueRef<'_>) -> Result<(), EcsError> {
        if self.is_encoded() {
            return self.write_bytes(world, entity, value);
        }
        let mut written = None;
        self.lend_mut(world, Some(entity), &mut |mut lent| {
            written = self.plan.write(&mut lent, &value);
            matches!(written, Some(Ok(())))
        })?;
        match written {
            Some(written) => Ok(written?),
            None => self.write_encoded(world, Some(entity), value),
        }
    }

    fn read_bytes_as<T: FromValue>(&self, world: &World, entity: Entity) -> Result<T, EcsError> {
        match self.show_bytes(world, entity, |bytes| self.plan.read_encoded_as(bytes))? {
            Some(found) => Ok(found?),
            None => self.convert_encoded(&self.encoded(world, Some(entity))?),
        }
    }

    /// Shows `show` the bytes of the component of `entity`, where values lie encoded.
    #[inline]
    pub(super) fn show_bytes<R>(
        &self,
        world: &World,
        entity: Entity,
        show: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, EcsError> {
        let shown = world.sparse.cell(self.id).and_then(|cell| cell.with_encoded(entity, show));
        shown.ok_or_else(|| self.missing(world, entity))
    }

    /// Writes what is there, where values lie encoded: in its place, if it takes as many bytes as before.
    pub(super) fn write_bytes(
        &self,
        world: &World,
        entity: Entity,
        value: ValueRef<'_>,
    ) -> Result<(), EcsError> {
        let Some(cell) = world.sparse.cell(self.id) else { return Err(self.missing(world, entity)) };
        world.before_write(entity, self.id);
        let written = cell.with_encoded_mut(entity, |encoded| -> Result<(), EcsError> {
            if let Some(written) = self.plan.write_encoded(&mut encoded.0, &value) {
                return Ok(written?);
            }
            let live = world.component_named(self.plan.path().type_name())?.live_schema();
            let bytes = self.plan.set_encoded(live, &encoded.0, value)?;
            *encoded = Encoded::read(live, &mut bytes.as_slice())?;
            Ok(())
        });
        written.unwrap_or_else(|| Err(self.missing(world, entity)))
    }

    /// Lends the component of `entity`.
    #[inline]
    pub(super) fn lend(
        &self,
        world: &World,
        entity: Entity,
        read: &mut dyn FnMut(Lent<'_>),
    ) -> Result<(), EcsError> {
        let AnyLending::Component(lending, _) = self.lending else {
            return Err(self.wrong_kind(ModelTypeKind::Component));
        };
        match (lending.lend)(&self.access, world, entity, read) {
            true => Ok(()),
            false => Err(self.missing(world, entity)),
        }
    }

    pub(super) fn lend_resource(
        &self,
        world: &World,
        read: &mut dyn FnMut(Lent<'_>),
    ) -> Result<(), EcsError> {
        let AnyLending::Resource(lending) = self.lending else {
            return Err(self.wrong_kind(ModelTypeKind::Resource));
        };
        let name = self.plan.path().type_name();
        let resource = world.resources.borrow(self.id, name)?;
        match (lending.lend)(&self.access, &**resource, read) {
            true => Ok(()),
            false => Err(EcsError::Conflict { name: name.to_owned() }),
        }
    }

    /// Lends the component of `entity`, or the resource if there is none, to be written.
    #[inline]
    pub(super) fn lend_mut(
        &self,
        world: &World,
        entity: Option<Entity>,
        write: &mut dyn FnMut(LentMut<'_>) -> bool,
    ) -> Result<(), EcsError> {
        let name = || self.plan.path().type_name().to_owned();
        match (self.lending, entity) {
            (AnyLending::Component(lending, ComponentAccess::Free), Some(entity)) => {
                match (lending.lend_mut)(&self.access, world, entity, write) {
                    true => Ok(()),
                    false => Err(self.missing(world, entity)),
                }
            }
            (AnyLending::Resource(lending), None) => {
                let name = self.plan.path().type_name();
                world.before_resource(self.id);
                let mut resource = world.resources.borrow_mut(self.id, name)?;
                let mut is_written = false;
                let is_lent = (lending.lend_mut)(&self.access, &mut **resource, &mut |lent| {
                    is_written = write(lent);
                    is_written
                });
                if is_written {
                    world.note_resource_written(self.id);
                }
                match is_lent {
                    true => Ok(()),
                    false => Err(EcsError::Conflict { name: name.to_owned() }),
                }
            }
            (AnyLending::Component(_, ComponentAccess::Whole), Some(_)) => {
                Err(EcsError::WrittenWhole { name: name() })
            }
            (AnyLending::Component(_, ComponentAccess::World), Some(_)) => {
                Err(EcsError::KeptByWorld { name: name() })
            }
            (_, Some(_)) => Err(self.wrong_kind(ModelTypeKind::Component)),
            (_, None) => Err(self.wrong_kind(ModelTypeKind::Resource)),
        }
    }

    /// What is there, by way of the value's bytes.
    #[cold]
    pub(super) fn encoded(&self, world: &World, entity: Option<Entity>) -> Result<Value, EcsError> {
        let (info, bytes) = self.bytes(world, entity)?;
        Ok(self.plan.get_encoded(info.live_schema(), &bytes)?)
    }

    pub(super) fn convert_encoded<T: FromValue>(&self, value: &Value) -> Result<T, EcsError> {
        Ok(self.plan.convert(ValueRef::from(value))?)
    }

    /// Changes the value's bytes, makes a value of them, and takes from it what was written.
    #[cold]
    pub(super) fn write_encoded(
        &self,
        world: &World,
        entity: Option<Entity>,
        value: ValueRef<'_>,
    ) -> Result<(), EcsError> {
        let (info, bytes) = self.bytes(world, entity)?;
        let bytes = self.plan.set_encoded(info.live_schema(), &bytes, value)?;
        let mut lent = Ok(());
        let mut exchange = |mut changed: LentMut<'_>| {
            lent = self.lend_mut(world, entity, &mut |mut old| {
                self.plan.exchange(&mut old, &mut changed);
                true
            });
            lent.is_ok()
        };
        // What is made of the bytes is made by the functions that restore a world: a type has them already.
        let mut rest = bytes.as_slice();
        match (&info.operations, self.lending) {
            (
                Operations::Component(ComponentOperations { typed: Some(typed), .. }),
                AnyLending::Component(lending, _),
            ) => {
                let mut rows = (typed.decode_rows)(1, &mut rest)?;
                (lending.lend_decoded)(&self.access, &mut rows, &mut exchange);
            }
            (Operations::Resource(operations), AnyLending::Resource(lending)) => {
                let mut resource = (operations.restore)(&mut rest)?;
                (lending.lend_mut)(&self.access, &mut *resource, &mut exchange);
            }
            _ => return Err(self.wrong_kind(ModelTypeKind::Component)),
        }
        lent
    }

    fn bytes<'w>(
        &self,
        world: &'w World,
        entity: Option<Entity>,
    ) -> Result<(&'w Arc<ModelTypeInfo>, Vec<u8>), EcsError> {
        let name = self.plan.path().type_name();
        let value = match entity {
            Some(entity) => world.value(entity, name)?,
            None => world.resource_value(name)?,
        };
        Ok((world.type_named(name)?, value.into_bytes()))
    }

    #[cold]
    fn wrong_kind(&self, expected: ModelTypeKind) -> EcsError {
        let found = match self.lending {
            AnyLending::Component(..) | AnyLending::Encoded => ModelTypeKind::Component,
            AnyLending::Resource(_) => ModelTypeKind::Resource,
            AnyLending::Event => ModelTypeKind::Event,
        };
        EcsError::WrongKind { name: self.plan.path().type_name().to_owned(), expected, found }
    }

    #[cold]
    pub(super) fn missing(&self, world: &World, entity: Entity) -> EcsError {
        if !world.contains(entity) {
            return EcsError::NoSuchEntity { entity };
        }
        EcsError::MissingComponent { entity, component: self.plan.path().type_name().to_owned() }
    }
}
