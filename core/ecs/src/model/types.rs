//! Which types a world knows.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use keel_core_types::{ComponentId, IdTable};

use crate::{EcsError, ModelTypeInfo};

/// The registered types of one world.
#[derive(Default)]
pub(crate) struct TypeTable {
    by_id: BTreeMap<ComponentId, Arc<ModelTypeInfo>>,
    by_rust: HashMap<TypeId, ComponentId>,
    names: IdTable,
}

impl TypeTable {
    /// Adds `info`, or replaces one of equal fingerprint: the new one's code outlives the old one's.
    pub(crate) fn register(&mut self, info: Arc<ModelTypeInfo>) -> Result<(), EcsError> {
        self.names.register(info.id().bits(), info.name())?;
        let known = self.by_id.get(&info.id());
        if known.is_some_and(|known| known.fingerprint() != info.fingerprint() || known.kind() != info.kind())
        {
            return Err(EcsError::Conflict { name: info.name().to_owned() });
        }
        self.by_rust.insert(info.fingerprint().rust, info.id());
        self.by_id.insert(info.id(), info);
        Ok(())
    }

    pub(crate) fn get(&self, id: ComponentId) -> Option<&Arc<ModelTypeInfo>> {
        self.by_id.get(&id)
    }

    pub(crate) fn of_rust(&self, id: TypeId) -> Option<&Arc<ModelTypeInfo>> {
        self.by_id.get(self.by_rust.get(&id)?)
    }

    pub(crate) fn knows(&self, id: TypeId) -> bool {
        self.by_rust.contains_key(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ModelTypeInfo>> {
        self.by_id.values()
    }
}
