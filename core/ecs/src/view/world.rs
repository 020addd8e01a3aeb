//! The world as a whole: its state, and its resources.

use std::collections::BTreeMap;

use keel_core_types::View;
use keel_module_macros::view;
use keel_state::{Change, SavedValue, Value};

use crate::{EcsError, Entity, RestoreReport, TypeSummary, World, WorldSnapshot};

/// Works on whole worlds and their resources.
///
/// Every call that takes a resource's name fails with [`EcsError::NotRegistered`] for one that the world does not
/// know, with [`EcsError::WrongKind`] for a component's or an event's, and with [`EcsError::InUse`] while the resource
/// is written. The calls below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.WorldView")]
pub trait WorldView: View {
    /// An empty world that knows the types that `world` knows.
    ///
    /// # Errors
    /// [`EcsError::Conflict`]
    fn create(&self, world: &World) -> Result<World, EcsError>;

    /// How many entities live.
    fn len(&self, world: &World) -> usize;

    /// Whether no entity lives.
    fn is_empty(&self, world: &World) -> bool;

    /// All types that the world knows, sorted by name.
    fn types(&self, world: &World) -> Vec<TypeSummary>;

    /// The types whose values a snapshot held, and that nobody has registered.
    fn kept_types(&self, world: &World) -> Vec<String>;

    /// Saves the world; the snapshot's buffer is reused.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn save(&self, world: &World, snapshot: &mut WorldSnapshot) -> Result<(), EcsError>;

    /// Makes the world what it was when `snapshot` was saved.
    ///
    /// # Errors
    /// [`EcsError::State`] when the snapshot is damaged, or when something would be lost and `accept_loss` is not
    /// set. The world is then unchanged.
    fn restore(
        &self,
        world: &mut World,
        snapshot: &WorldSnapshot,
        accept_loss: bool,
    ) -> Result<RestoreReport, EcsError>;

    /// What [`WorldView::restore`] would change, field by field.
    fn plan_restore(&self, world: &World, snapshot: &WorldSnapshot) -> Vec<Change>;

    /// An equal world with the same ids.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn duplicate(&self, world: &World) -> Result<World, EcsError>;

    /// Copies all entities of `other` into `world`: old ids and new ones.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] for a component that `world` does not know; it is then unchanged.
    fn merge(&self, world: &mut World, other: &World) -> Result<Vec<(Entity, Entity)>, EcsError>;

    /// A hash of all values; equal worlds have equal ones.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn hash(&self, world: &World) -> Result<u64, EcsError>;

    /// Every value as text, by what it belongs to.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn describe(&self, world: &World) -> Result<BTreeMap<String, String>, EcsError>;

    /// Makes the world as good as new; it still knows its types.
    fn reset(&self, world: &mut World);

    /// Removes all entities; resources and events stay.
    fn clear_entities(&self, world: &mut World);

    /// Removes all resources; how many there were.
    fn clear_resources(&self, world: &mut World) -> usize;

    /// The names of the resources that the world has, sorted.
    fn resources(&self, world: &World) -> Vec<String>;

    /// Whether the world has the resource.
    ///
    /// # Errors
    /// See [`WorldView`].
    fn has_resource(&self, world: &World, name: &str) -> Result<bool, EcsError>;

    /// A copy of the resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]
    fn resource(&self, world: &World, name: &str) -> Result<SavedValue, EcsError>;

    /// The resource for people to read.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]
    fn resource_value(&self, world: &World, name: &str) -> Result<Value, EcsError>;

    /// Puts a resource into the world, in the place of the one that was there.
    ///
    /// # Errors
    /// [`EcsError::WrongSchema`], [`EcsError::State`]; the world is then unchanged.
    fn insert_resource(&self, world: &mut World, name: &str, value: &SavedValue) -> Result<(), EcsError>;

    /// Puts the resource's default into the world unless it has one; whether it had none.
    ///
    /// # Errors
    /// [`EcsError::NoDefault`]
    fn init_resource(&self, world: &mut World, name: &str) -> Result<bool, EcsError>;

    /// Takes a resource out of the world.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]
    fn remove_resource(&self, world: &mut World, name: &str) -> Result<SavedValue, EcsError>;
}
