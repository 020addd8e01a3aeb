//! Worlds that know the same types, and share what they know of them.

use std::cell::RefCell;
use std::sync::Arc;

use crate::model::prefab::Prefabs;
use crate::model::types::TypeTable;
use crate::{EcsError, ModelTypeInfo, RestoreReport, World, WorldSnapshot};

/// Types that many worlds are told of, one after the other: worlds that shared what they knew share what they know.
#[derive(Default)]
pub struct SharedTypes {
    types: Vec<Arc<ModelTypeInfo>>,
    /// What worlds knew, and what they know then.
    known: RefCell<Vec<(TypeTable, TypeTable)>>,
}

impl SharedTypes {
    /// These types, of which no world was told yet.
    pub fn new(types: impl IntoIterator<Item = Arc<ModelTypeInfo>>) -> Self {
        Self { types: types.into_iter().collect(), known: RefCell::default() }
    }
}

impl World {
    /// An empty world that knows the types and the prefabs which this one knows. Both share what they know of them, until one
    /// of them is told of another type: a game's types take some kilobytes, which many small worlds need not have each.
    #[must_use]
    pub fn alike(&self) -> Self {
        let mut world = Self { types: self.types.renewed(), ..Self::of_no_types() };
        world.make_all_places();
        if let Ok(prefabs) = self.resource::<Prefabs>() {
            // Every world knows their type.
            let _ = world.insert_resource(prefabs.clone());
        }
        world
    }

    /// [`World::from_snapshot`], of the types that this world knows, which the new one [shares](World::alike).
    ///
    /// # Errors
    /// As [`World::from_snapshot`].
    pub fn alike_from(
        &self,
        snapshot: &WorldSnapshot,
        accept_loss: bool,
    ) -> Result<(World, RestoreReport), EcsError> {
        self.alike().filled_from(snapshot, accept_loss)
    }

    /// Whether both share all that they know of types, so that what is asked of the one's holds for the other's.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.types.is_shared_with(&other.types)
            && self.kept_types().next().is_none()
            && other.kept_types().next().is_none()
    }

    /// Makes all of `types` known, as [`World::register`] does one after the other.
    ///
    /// # Errors
    /// As [`World::register`]; those before the one that is refused are known then.
    pub fn register_shared(&mut self, types: &SharedTypes) -> Result<(), EcsError> {
        // What was kept aside comes back type by type, and is another thing in each world.
        let shares = self.kept_types().next().is_none();
        let found = shares.then(|| {
            let known = types.known.borrow();
            known
                .iter()
                .find(|(before, _)| before.is_shared_with(&self.types))
                .map(|(_, after)| after.clone())
        });
        if let Some(Some(after)) = found {
            self.types = after;
            self.forget_checks();
            self.make_all_places();
            return Ok(());
        }
        let before = self.types.clone();
        types.types.iter().try_for_each(|info| self.register(Arc::clone(info)))?;
        if shares {
            types.known.borrow_mut().push((before, self.types.clone()));
        }
        Ok(())
    }

    pub(super) fn make_all_places(&mut self) {
        // It is shared, and so costs nothing to hold.
        let types = self.types.clone();
        types.iter().for_each(|info| self.make_places(info));
    }
}
