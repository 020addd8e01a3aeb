//! Paths that are looked up in a world's types once, and read and written often.

use std::str::FromStr;

use keel_state::{FieldPath, FromValue, Value, ValueRef};

use crate::model::reflect::query::PathColumns;
use crate::model::reflect::resolved::Resolved;
use crate::{EcsError, Entity, PathQuery, World};

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
    columns: PathColumns,
}

/// No world's stamp: each knows the world's own types.
const NEVER: u64 = 0;

impl std::fmt::Debug for PreparedPath {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("PreparedPath").field(&self.path.to_string()).finish()
    }
}

impl From<FieldPath> for PreparedPath {
    /// Nothing is looked up before it is used.
    fn from(path: FieldPath) -> Self {
        Self { path, stamp: NEVER, resolved: None, columns: PathColumns::default() }
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
    /// [`ReflectError::Syntax`](crate::ReflectError::Syntax)
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

    /// Sets the path to work in `world`, which it has to itself: no component is borrowed then, and where they lie is
    /// remembered until entities come, go or change their components. The fastest way to read or write many.
    ///
    /// ```
    /// # use keel_ecs::{ModelTypeInfo, PreparedPath, World, component};
    /// # #[component(crate = keel_ecs)]
    /// # struct Position { x: f32 }
    /// # let mut world = World::new();
    /// # world.register(ModelTypeInfo::component::<Position>())?;
    /// let ships = world.spawn_batch([1.0, 2.0].map(|x| (Position { x },)));
    ///
    /// let mut path = PreparedPath::parse("Position.x")?;
    /// let mut x = path.query(&mut world)?;
    /// for ship in &ships {
    ///     let old: f32 = x.read(*ship)?;
    ///     x.write(*ship, old * 10.0)?;
    /// }
    /// assert_eq!(path.read::<f32>(&world, ships[1])?, 20.0);
    /// # Ok::<(), keel_ecs::EcsError>(())
    /// ```
    ///
    /// # Errors
    /// [`EcsError::WrongKind`] for the path of a resource, and those of [`PreparedPath::type_name`].
    #[inline]
    pub fn query<'w>(&'w mut self, world: &'w mut World) -> Result<PathQuery<'w>, EcsError> {
        self.resolve(world)?.check_component()?;
        let Self { path, resolved, columns, .. } = self;
        match resolved {
            Some(resolved) => Ok(PathQuery::new(world, resolved, columns)),
            None => Err(EcsError::NotRegistered { name: path.type_name().to_owned() }),
        }
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
        if resolved.is_encoded() {
            resolved.show_bytes(world, entity, |bytes| {
                if let Some(value) = resolved.plan.read_encoded(bytes) {
                    shown = show.take().map(|show| show(value));
                }
            })?;
        } else {
            resolved.lend(world, entity, &mut |lent| {
                if let Some(value) = resolved.plan.read(lent) {
                    shown = show.take().map(|show| show(value));
                }
            })?;
        }
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
        self.resolve(world)?.write(world, entity, value.into())
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
            self.columns = PathColumns::default();
            self.resolved = Some(Resolved::new(&self.path, info)?);
        }
        self.stamp = world.types.stamp();
        Ok(())
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
