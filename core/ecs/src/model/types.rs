//! Which types a world knows.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use keel_core_types::{ComponentId, IdTable};

use crate::model::operations::{ComponentOperations, Operations};
use crate::model::resource::AnyResource;
use crate::{EcsError, ModelTypeInfo};

/// The registered types of a world. Worlds that were made alike share one table, until one of them gets another type.
#[derive(Clone, Default)]
pub(crate) struct TypeTable {
    table: Arc<Table>,
}

#[derive(Clone, Default)]
struct Table {
    by_id: BTreeMap<ComponentId, Arc<ModelTypeInfo>>,
    by_rust: HashMap<TypeId, ComponentId>,
    storage: HashMap<TypeId, Storage>,
    names: IdTable,
    /// Another one after each registration, in any world.
    stamp: u64,
    /// The same types, stored by their registrations of now.
    renewed: OnceLock<TypeTable>,
}

/// Counts the registrations in all worlds, so that a prepared path notices that it meets other types.
static STAMPS: AtomicU64 = AtomicU64::new(1);

/// Whose code is called by what lies in the world: a column's drop function, the vtable of a resource or of a queue.
///
/// It stays the one of the first registration for as long as the world exists. So a world leads into at most one
/// generation for each type, however often modules are swapped, and needs not be rebuilt to let the others go.
#[derive(Clone)]
enum Storage {
    /// Nobody's: values that need no drop.
    Plain(hecs::TypeInfo),
    /// Held here, so that its library stays mapped.
    Owned(Arc<ModelTypeInfo>),
}

impl TypeTable {
    /// Adds `info`, or replaces one of equal fingerprint: the new one's code outlives the old one's.
    pub(crate) fn register(&mut self, info: Arc<ModelTypeInfo>) -> Result<(), EcsError> {
        Arc::make_mut(&mut self.table).register(info)
    }

    /// Forgets a component that was defined at run time, whose values have gone.
    pub(crate) fn forget_defined(&mut self, id: ComponentId) {
        let table = Arc::make_mut(&mut self.table);
        if table.by_id.get(&id).is_some_and(|info| info.is_defined()) {
            table.by_id.remove(&id);
            table.changed();
        }
    }

    /// Equal only to that of this table and of those that share it, and only until something is registered in it: until
    /// then, each type has the registration that it has now.
    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        self.table.stamp
    }

    #[inline]
    pub(crate) fn get(&self, id: ComponentId) -> Option<&Arc<ModelTypeInfo>> {
        self.table.by_id.get(&id)
    }

    pub(crate) fn of_rust(&self, id: TypeId) -> Option<&Arc<ModelTypeInfo>> {
        self.table.by_id.get(self.table.by_rust.get(&id)?)
    }

    /// A column's type as it may lie in the world, in the place of one that leads into the calling module.
    pub(crate) fn stored(&self, given: hecs::TypeInfo) -> hecs::TypeInfo {
        match self.table.storage.get(&given.id()) {
            Some(Storage::Plain(column)) => *column,
            Some(Storage::Owned(info)) => info.typed_operations().map_or(given, |known| known.column),
            None => given,
        }
    }

    /// The same resource, handled by code that may lie in the world. None if its type is not registered.
    pub(crate) fn stored_resource(&self, given: Box<dyn Any>) -> Option<Box<dyn AnyResource>> {
        let Some(Storage::Owned(info)) = self.table.storage.get(&(*given).type_id()) else { return None };
        let Operations::Resource(operations) = &info.operations else { return None };
        (operations.own)(given)
    }

    #[inline]
    pub(crate) fn knows(&self, id: TypeId) -> bool {
        self.table.by_rust.contains_key(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ModelTypeInfo>> {
        self.table.by_id.values()
    }

    /// The same types for a world without values, stored by their registrations of now: whoever shares this table shares
    /// what comes out.
    pub(crate) fn renewed(&self) -> Self {
        if self.table.is_current() {
            return self.clone();
        }
        let renew = || {
            let mut renewed = Self::default();
            // They were registered together before.
            self.iter().for_each(|info| drop(renewed.register(Arc::clone(info))));
            renewed
        };
        self.table.renewed.get_or_init(renew).clone()
    }

    /// Whether both are one table.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table)
    }
}

impl Table {
    fn register(&mut self, info: Arc<ModelTypeInfo>) -> Result<(), EcsError> {
        self.names.register(info.id().bits(), info.name())?;
        let known = self.by_id.get(&info.id());
        if known.is_some_and(|known| known.fingerprint() != info.fingerprint() || known.kind() != info.kind())
        {
            return Err(EcsError::Conflict { name: info.name().to_owned() });
        }
        if !info.is_defined() {
            self.by_rust.insert(info.fingerprint().rust, info.id());
            self.storage.entry(info.fingerprint().rust).or_insert_with(|| Storage::of(&info));
        }
        self.by_id.insert(info.id(), info);
        self.changed();
        Ok(())
    }

    fn changed(&mut self) {
        self.stamp = STAMPS.fetch_add(1, Ordering::Relaxed);
        self.renewed = OnceLock::new();
    }

    /// Whether values are stored by the registrations of now.
    fn is_current(&self) -> bool {
        self.storage.iter().all(|(rust, storage)| match storage {
            Storage::Plain(_) => true,
            Storage::Owned(info) => {
                let now = self.by_rust.get(rust).and_then(|id| self.by_id.get(id));
                now.is_some_and(|now| Arc::ptr_eq(now, info))
            }
        })
    }
}

impl Storage {
    fn of(info: &Arc<ModelTypeInfo>) -> Self {
        match &info.operations {
            Operations::Component(ComponentOperations { typed: Some(typed), sparse: None, .. })
                if !typed.needs_drop =>
            {
                let column = typed.column;
                Self::Plain(hecs::TypeInfo::from_parts(column.id(), column.layout(), drop_nothing))
            }
            _ => Self::Owned(Arc::clone(info)),
        }
    }
}

/// Stands for the drop function of a type that needs none. Inlined, it would be code of the module again.
#[inline(never)]
fn drop_nothing(_: *mut u8) {}
