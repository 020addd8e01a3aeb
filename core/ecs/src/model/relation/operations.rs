//! What is done with a relation without knowing its type.

use keel_core_types::ComponentId;
use keel_state::StateError;

use super::{Cascade, Relation, RelationRules, Sources, Targets};
use crate::{Component, EcsError, Entity, World};

/// Which side of a relation a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Targets,
    Sources,
}

/// What a world keeps of a relation that is registered: enough to pass over it where it has no say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RelationSides {
    pub(super) targets: ComponentId,
    pub(super) sources: ComponentId,
    pub(super) cascade: Cascade,
}

/// The links of an entity.
type LinksOf = for<'w> fn(&'w World, Entity) -> &'w [Entity];

/// What is done with a relation without knowing its type. Its function pointers lead into the module that registered it.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct RelationOperations {
    pub(crate) rules: RelationRules,
    pub(crate) side: Side,
    /// The component of the other side.
    pub(super) other: ComponentId,
    pub(super) targets: LinksOf,
    pub(super) sources: LinksOf,
    pub(super) relate: fn(&mut World, Entity, Entity) -> Result<(), EcsError>,
    pub(super) unrelate: fn(&mut World, Entity, Entity) -> Result<bool, EcsError>,
    /// Takes an entity that is going off the other sides of its links.
    pub(super) unlink: fn(&mut World, Entity),
    /// Gives an entity that has none these targets and sources, whose other sides are given, too.
    pub(super) put: fn(&mut World, Entity, Vec<Entity>, Vec<Entity>),
    pub(super) mend: fn(&mut World, bool) -> Result<(), StateError>,
}

impl RelationOperations {
    pub(super) const fn of<R: Relation>(side: Side) -> Self {
        Self {
            rules: R::RULES,
            side,
            other: match side {
                Side::Targets => Sources::<R>::ID,
                Side::Sources => Targets::<R>::ID,
            },
            targets: |world, entity| world.targets::<R>(entity),
            sources: |world, entity| world.sources::<R>(entity),
            relate: World::relate::<R>,
            unrelate: World::unrelate::<R>,
            unlink: World::unlink::<R>,
            put: World::put_links::<R>,
            mend: World::mend_relation::<R>,
        }
    }

    /// Something that is another number for other rules.
    pub(crate) fn rules_hash(&self) -> u64 {
        let RelationRules { is_exclusive, cascade } = self.rules;
        let bits = u64::from(is_exclusive) | (cascade as u64) << 1;
        bits.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
