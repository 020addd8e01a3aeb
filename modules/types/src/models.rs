//! The pools, as a module's code reaches them.

use keel_binding::{AnyPool, ModelPool, PoolError, pool_in};
use keel_core_types::{ModelId, ModelType, TypedModel, ViewSource};
use keel_ecs::World;
use keel_engine::{Frame, Views, WorldSource, WorldsStepped};

use crate::ModuleError;

/// The pools of models that a frame, or the views of one, or a system's [`Views`], lead to.
///
/// What comes out is borrowed for the frame and not from it, so that its world can be changed beside a model:
///
/// ```
/// use keel::prelude::*;
/// use keel::types::ModelId;
///
/// #[model]
/// #[derive(Default)]
/// pub struct Chart {
///     pub ships: u32,
/// }
///
/// fn draw(frame: &mut Frame<'_>, chart: ModelId) -> ModuleResult {
///     let mut chart = frame.models::<Chart>()?.get_mut(chart)?;
///     frame.world.spawn((Name::new("ship"),));
///     chart.ships += 1;
///     Ok(())
/// }
/// ```
pub trait Models<'a> {
    /// The pool of `T`.
    ///
    /// # Errors
    /// [`PoolError::NoPool`] when no live module brings one, [`PoolError::LayoutMismatch`] when the module that does
    /// was compiled with another `T`.
    fn models<T: TypedModel>(&self) -> Result<&'a ModelPool<T>, PoolError> {
        match self.pool(T::TYPE) {
            Ok(pool) => pool.typed(),
            Err(_) => Err(PoolError::NoPool { pool: T::NAME.to_owned() }),
        }
    }

    /// The pool of a type that is not known here: the one that a view works on, say.
    ///
    /// # Errors
    /// [`PoolError::NoPool`]
    fn pool(&self, model_type: ModelType) -> Result<&'a dyn AnyPool, PoolError>;
}

impl<'a> Models<'a> for Frame<'a> {
    fn pool(&self, model_type: ModelType) -> Result<&'a dyn AnyPool, PoolError> {
        pool_in(self.views, model_type)
    }
}

impl<'a> Models<'a> for Views<'a> {
    fn pool(&self, model_type: ModelType) -> Result<&'a dyn AnyPool, PoolError> {
        pool_in(self.source(), model_type)
    }
}

impl<'a> Models<'a> for &'a (dyn ViewSource + 'a) {
    fn pool(&self, model_type: ModelType) -> Result<&'a dyn AnyPool, PoolError> {
        pool_in(*self, model_type)
    }
}

/// The worlds of an engine, by id: the running one and those of the pool.
pub trait Worlds {
    /// Calls `call` with the world `id`, which is [`World::RUNNING`] or one that the pool gave.
    ///
    /// # Errors
    /// As [`ModelPool::get_mut`], and [`PoolError::NoPool`] in an engine without a registry.
    fn on_world<R>(&mut self, id: ModelId, call: impl FnOnce(&mut World) -> R) -> Result<R, PoolError>;

    /// Makes one step of each of `worlds`, which the pool gave, with the systems that
    /// [`Setup::world_systems`](crate::Setup::world_systems) has declared for `schedule`: side by side, on the engine's
    /// threads. What goes wrong in one world ends only its own step, and is in what is returned; it is told as a fault,
    /// too.
    ///
    /// # Errors
    /// [`ModuleError`] when no module has declared the schedule, when a world is none of the pool's, or is named twice.
    /// No world was stepped then.
    fn step_worlds(&mut self, schedule: &str, worlds: &[ModelId]) -> Result<WorldsStepped, ModuleError>;
}

impl Worlds for Frame<'_> {
    fn on_world<R>(&mut self, id: ModelId, call: impl FnOnce(&mut World) -> R) -> Result<R, PoolError> {
        if id == World::RUNNING {
            return Ok(call(self.world));
        }
        Ok(call(&mut *self.models::<World>()?.get_mut(id)?))
    }

    fn step_worlds(&mut self, schedule: &str, worlds: &[ModelId]) -> Result<WorldsStepped, ModuleError> {
        let pool = PooledWorlds(self.models::<World>()?);
        Ok(self.step_worlds_of(&pool, schedule, worlds)?)
    }
}

/// The pool of worlds, as the engine borrows from it.
struct PooledWorlds<'a>(&'a ModelPool<World>);

impl WorldSource for PooledWorlds<'_> {
    fn check(&self, world: ModelId) -> Result<(), String> {
        if world == World::RUNNING {
            return Err("it is the running one, which the engine steps itself".to_owned());
        }
        self.0.get(world).map(drop).map_err(|error| error.to_string())
    }

    fn lend(&self, world: ModelId, visit: &mut dyn FnMut(&mut World)) -> Result<(), String> {
        let mut world = self.0.get_mut(world).map_err(|error| error.to_string())?;
        visit(&mut world);
        Ok(())
    }
}
