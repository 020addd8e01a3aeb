//! Paths that are looked up in a world's types once, and read and written often.

use std::str::FromStr;
use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{
    AccessPlan, FieldPath, FromValue, Lent, LentMut, ReflectError, TypeAccess, Value, ValueRef,
};

use crate::model::component::Operations;
use crate::model::reflect::{Lending, ResourceLending};
use crate::{ComponentAccess, EcsError, Entity, ModelTypeInfo, ModelTypeKind, World};

/// A place in a component or a resource, such as `Position.x`, that remembers where it lies.
///
/// ```
/// use keel_ecs::{ModelTypeInfo, PreparedPath, World, component};
///
/// #[component(crate = keel_ecs)]
/// struct Position { x: f32, y: f32 }
///
/// let mut world = World::new();
/// world.register(ModelTypeInfo::component::<Position>())?;
/// let ship = world.spawn((Position { x: 1.0, y: 2.0 },));
///
/// let mut x = PreparedPath::parse("Position.x")?;
/// x.write(&world, ship, 3)?;
/// assert_eq!(x.read::<f64>(&world, ship)?, 3.0);
/// let wrong = x.write(&world, ship, "abc").unwrap_err();
/// assert_eq!(wrong.to_string(), "Position.x is f32; found text \"abc\"; write a number");
/// # Ok::<(), keel_ecs::EcsError>(())
/// ```
///
/// What was looked up belongs to one registration of the type. In a world that has another one, as after a swap, it is
/// looked up again by itself: a path may be kept for as long as anyone likes, and used in many worlds. It holds no library
/// mapped. If the new type has no such place, the call says so.
#[derive(Clone)]
pub struct PreparedPath {
    path: FieldPath,
    /// The types of the world that it was used in last.
    stamp: u64,
    resolved: Option<Resolved>,
}

/// No world's stamp: each knows the world's own types.
const NEVER: u64 = 0;

/// What was looked up. Its functions are called only while the world holds the registration that they are of.
#[derive(Clone)]
pub(super) struct Resolved {
    id: ComponentId,
    pub(super) plan: AccessPlan,
    pub(super) access: TypeAccess,
    pub(super) lending: AnyLending,
}

#[derive(Clone, Copy)]
pub(super) enum AnyLending {
    Component(Lending, ComponentAccess),
    Resource(ResourceLending),
    Event,
}

impl std::fmt::Debug for PreparedPath {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("PreparedPath").field(&self.path.to_string()).finish()
    }
}

impl From<FieldPath> for PreparedPath {
    /// Nothing is looked up before it is used.
    fn from(path: FieldPath) -> Self {
        Self { path, stamp: NEVER, resolved: None }
    }
}

impl FromStr for PreparedPath {
    type Err = EcsError;

    fn from_str(text: &str) -> Result<Self, EcsError> {
        Self::parse(text)
    }
}

impl PreparedPath {
    /// The path that `text` writes; nothing is looked up before it is used.
    ///
    /// # Errors
    /// [`ReflectError::Syntax`]
    pub fn parse(text: &str) -> Result<Self, EcsError> {
        Ok(FieldPath::parse(text)?.into())
    }

    /// The path.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The type of what is there.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]; [`EcsError::Reflect`] when the type has no such place.
    pub fn type_name(&mut self, world: &World) -> Result<&str, EcsError> {
        self.resolve(world).map(|resolved| resolved.plan.type_name())
    }

    /// Whether it is read and written in memory, without going through the value's bytes.
    ///
    /// # Errors
    /// As [`PreparedPath::type_name`].
    pub fn is_direct(&mut self, world: &World) -> Result<bool, EcsError> {
        self.resolve(world).map(|resolved| resolved.plan.is_direct())
    }

    /// Reads the place in a component of `entity`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], [`EcsError::MissingComponent`], [`EcsError::WrongKind`] for the path of a resource;
    /// [`EcsError::Reflect`] when there is nothing now, or no `T`; and those of [`PreparedPath::type_name`].
    ///
    /// # Panics
    /// When a living query writes the component.
    #[inline]
    pub fn read<T: FromValue>(&mut self, world: &World, entity: Entity) -> Result<T, EcsError> {
        self.resolve(world)?.read_as(world, entity)
    }

    /// Shows `show` what is there, without a copy of a text or of bytes.
    ///
    /// # Errors
    /// As [`PreparedPath::read`].
    ///
    /// # Panics
    /// As [`PreparedPath::read`].
    pub fn with<R>(
        &mut self,
        world: &World,
        entity: Entity,
        show: impl FnOnce(ValueRef<'_>) -> R,
    ) -> Result<R, EcsError> {
        let resolved = self.resolve(world)?;
        let (mut show, mut shown) = (Some(show), None);
        resolved.lend(world, entity, &mut |lent| {
            if let Some(value) = resolved.plan.read(lent) {
                shown = show.take().map(|show| show(value));
            }
        })?;
        match (shown, show) {
            (Some(shown), _) => Ok(shown),
            (None, Some(show)) => Ok(show(ValueRef::from(&resolved.encoded(world, Some(entity))?))),
            (None, None) => Err(EcsError::NoSuchEntity { entity }),
        }
    }

    /// What is there, as a value of its own.
    ///
    /// # Errors
    /// As [`PreparedPath::read`].
    ///
    /// # Panics
    /// As [`PreparedPath::read`].
    pub fn value(&mut self, world: &World, entity: Entity) -> Result<Value, EcsError> {
        self.with(world, entity, |value| value.to_value())
    }

    /// Writes the place in a component of `entity`. A number is converted if nothing is lost by it; an enum's variant is
    /// written by its name; what has parts by a [`Value`]. The component is changed in place.
    ///
    /// # Errors
    /// As [`PreparedPath::read`]; [`EcsError::KeptByWorld`] and [`EcsError::WrittenWhole`] for components that are not
    /// changed in place; [`EcsError::Reflect`] when the value does not fit. Nothing has changed then.
    ///
    /// # Panics
    /// When a living query reads or writes the component.
    #[inline]
    pub fn write<'v>(
        &mut self,
        world: &World,
        entity: Entity,
        value: impl Into<ValueRef<'v>>,
    ) -> Result<(), EcsError> {
        let (value, resolved) = (value.into(), self.resolve(world)?);
        let mut written = None;
        resolved.lend_mut(world, Some(entity), &mut |mut lent| {
            written = resolved.plan.write(&mut lent, &value);
            matches!(written, Some(Ok(())))
        })?;
        match written {
            Some(written) => Ok(written?),
            None => resolved.write_encoded(world, Some(entity), value),
        }
    }

    /// Reads the place in a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`], [`EcsError::InUse`] while someone writes it; [`EcsError::WrongKind`] for the path
    /// of a component; else as [`PreparedPath::read`].
    pub fn read_resource<T: FromValue>(&mut self, world: &World) -> Result<T, EcsError> {
        let resolved = self.resolve(world)?;
        let mut read = None;
        resolved.lend_resource(world, &mut |lent| read = resolved.plan.read_as(lent))?;
        match read {
            Some(read) => Ok(read?),
            None => resolved.convert_encoded(&resolved.encoded(world, None)?),
        }
    }

    /// What is there in a resource, as a value of its own.
    ///
    /// # Errors
    /// As [`PreparedPath::read_resource`].
    pub fn resource_value(&mut self, world: &World) -> Result<Value, EcsError> {
        self.read_resource(world)
    }

    /// Writes the place in a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`], [`EcsError::InUse`] while someone reads or writes it; else as
    /// [`PreparedPath::write`].
    pub fn write_resource<'v>(
        &mut self,
        world: &World,
        value: impl Into<ValueRef<'v>>,
    ) -> Result<(), EcsError> {
        let (value, resolved) = (value.into(), self.resolve(world)?);
        let mut written = None;
        resolved.lend_mut(world, None, &mut |mut lent| {
            written = resolved.plan.write(&mut lent, &value);
            matches!(written, Some(Ok(())))
        })?;
        match written {
            Some(written) => Ok(written?),
            None => resolved.write_encoded(world, None, value),
        }
    }

    #[inline]
    pub(super) fn resolve(&mut self, world: &World) -> Result<&Resolved, EcsError> {
        if self.stamp != world.types.stamp() {
            self.look_up(world)?;
        }
        self.resolved
            .as_ref()
            .ok_or_else(|| EcsError::NotRegistered { name: self.path.type_name().to_owned() })
    }

    /// Finds the type in a world whose types are not those of the last one.
    #[cold]
    #[inline(never)]
    fn look_up(&mut self, world: &World) -> Result<(), EcsError> {
        let info = world.type_named(self.path.type_name())?;
        let is_same = |resolved: &Resolved| resolved.access.registration() == info.access().registration();
        if !self.resolved.as_ref().is_some_and(is_same) {
            // If this one has no such place, the next world is to be asked anew, whichever it is.
            (self.stamp, self.resolved) = (NEVER, None);
            self.resolved = Some(Resolved::new(&self.path, info)?);
        }
        self.stamp = world.types.stamp();
        Ok(())
    }
}

impl Resolved {
    fn new(path: &FieldPath, info: &ModelTypeInfo) -> Result<Self, ReflectError> {
        let plan = AccessPlan::new(path, info.live_schema(), info.access())?;
        let lending = match &info.operations {
            Operations::Component(operations) => AnyLending::Component(operations.lending, operations.access),
            Operations::Resource(operations) => AnyLending::Resource(operations.lending),
            Operations::Event(_) => AnyLending::Event,
        };
        Ok(Self { id: info.id(), plan, access: *info.access(), lending })
    }

    /// What is there in a component of `entity`.
    #[inline]
    pub(super) fn read_as<T: FromValue>(&self, world: &World, entity: Entity) -> Result<T, EcsError> {
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

    /// Lends the component of `entity`.
    #[inline]
    fn lend(&self, world: &World, entity: Entity, read: &mut dyn FnMut(Lent<'_>)) -> Result<(), EcsError> {
        let AnyLending::Component(lending, _) = self.lending else {
            return Err(self.wrong_kind(ModelTypeKind::Component));
        };
        match (lending.lend)(&self.access, world, entity, read) {
            true => Ok(()),
            false => Err(self.missing(world, entity)),
        }
    }

    fn lend_resource(&self, world: &World, read: &mut dyn FnMut(Lent<'_>)) -> Result<(), EcsError> {
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
    fn lend_mut(
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
    fn write_encoded(
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
            (Operations::Component(operations), AnyLending::Component(lending, _)) => {
                let mut rows = (operations.decode_rows)(1, &mut rest)?;
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
            AnyLending::Component(..) => ModelTypeKind::Component,
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

/// Reading and writing by path, looked up at each call; a [`PreparedPath`] is for what is done often.
impl World {
    /// Looks up `path`, so that a path that leads nowhere is refused here.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]; [`EcsError::Reflect`] when it is no path, or the type has no such place.
    pub fn prepare_path(&self, path: &str) -> Result<PreparedPath, EcsError> {
        let mut prepared = PreparedPath::parse(path)?;
        prepared.resolve(self)?;
        Ok(prepared)
    }

    /// Reads a place in a component: `world.read_path::<f32>(ship, "Position.x")`.
    ///
    /// # Errors
    /// Those of [`PreparedPath::read`] and [`PreparedPath::parse`].
    ///
    /// # Panics
    /// As [`PreparedPath::read`].
    pub fn read_path<T: FromValue>(&self, entity: Entity, path: &str) -> Result<T, EcsError> {
        PreparedPath::parse(path)?.read(self, entity)
    }

    /// Writes a place in a component.
    ///
    /// # Errors
    /// Those of [`PreparedPath::write`] and [`PreparedPath::parse`].
    ///
    /// # Panics
    /// As [`PreparedPath::write`].
    pub fn write_path<'v>(
        &self,
        entity: Entity,
        path: &str,
        value: impl Into<ValueRef<'v>>,
    ) -> Result<(), EcsError> {
        PreparedPath::parse(path)?.write(self, entity, value)
    }

    /// Reads a place in a resource.
    ///
    /// # Errors
    /// Those of [`PreparedPath::read_resource`] and [`PreparedPath::parse`].
    pub fn read_resource_path<T: FromValue>(&self, path: &str) -> Result<T, EcsError> {
        PreparedPath::parse(path)?.read_resource(self)
    }

    /// Writes a place in a resource.
    ///
    /// # Errors
    /// Those of [`PreparedPath::write_resource`] and [`PreparedPath::parse`].
    pub fn write_resource_path<'v>(
        &self,
        path: &str,
        value: impl Into<ValueRef<'v>>,
    ) -> Result<(), EcsError> {
        PreparedPath::parse(path)?.write_resource(self, value)
    }
}
