//! Entities of one world, copied into another.

use std::collections::BTreeMap;

use crate::model::hierarchy::FAMILY_BYTES;
use crate::model::values::ValueBundle;
use crate::{ComponentAccess, EcsError, Entity, World};

impl World {
    /// Copies all entities of `other` into this world; they get new ids, returned beside the old ones. Ids that
    /// `other`'s components hold are those of `other`, but for [`crate::Parent`], [`crate::Children`] and relations. What
    /// `other` has defined at run time is defined here as well.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when `other` has a component that this world does not know in that shape, and
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails; [`EcsError::Limit`]. This world is then
    /// unchanged.
    pub fn merge(&mut self, other: &World) -> Result<Vec<(Entity, Entity)>, EcsError> {
        self.keep_definitions_of(other)?;
        let mut bundles = Vec::new();
        let mut bytes = Vec::new();
        for entity in other.entities() {
            let mut bundle = ValueBundle::default();
            for info in other.components_of(entity)? {
                let target = self.types.get(info.id());
                let target = target.filter(|target| target.fingerprint() == info.fingerprint());
                let target = target.and_then(|target| Some((target, target.component_operations()?)));
                let Some((target, operations)) = target else {
                    return Err(EcsError::NotRegistered { name: info.name().to_owned() });
                };
                if operations.access == ComponentAccess::World {
                    continue;
                }
                bytes.clear();
                other.encode_component(entity, &info, &mut bytes)?;
                bundle.add(target, operations, &mut bytes.as_slice())?;
            }
            bundles.push((entity, bundle));
        }
        self.check_room_for(bundles.iter().map(|(_, bundle)| bundle), FAMILY_BYTES)?;
        let moved: Vec<_> =
            bundles.into_iter().map(|(old, bundle)| (old, self.spawn_bundle(bundle))).collect();
        self.relink(other, &moved);
        Ok(moved)
    }

    /// Makes the families and relations that the merged entities had in `other`, in the same order.
    fn relink(&mut self, other: &World, moved: &[(Entity, Entity)]) {
        let new_id: BTreeMap<_, _> = moved.iter().copied().collect();
        self.merge_relations(other, &new_id);
        for (old, new) in moved {
            for child in other.children(*old).iter().filter_map(|child| new_id.get(child)) {
                // Both were spawned a moment ago, and `other` has no cycles.
                let _ = self.put_parent(*child, *new);
            }
        }
    }
}
