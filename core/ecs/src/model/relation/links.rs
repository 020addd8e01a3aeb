//! The two sides of a relation.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use keel_state::{Schema, SchemaBuilder, TypeRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::operations::Side;
use super::{Relation, RelationOperations};
use crate::{Component, ComponentAccess, Entity, StorageKind, Untracked};

/// Entities in the order in which they came. Most have one.
#[derive(Clone)]
enum Links {
    One(Entity),
    Many(Vec<Entity>),
}

impl Links {
    fn as_slice(&self) -> &[Entity] {
        match self {
            Self::One(entity) => std::slice::from_ref(entity),
            Self::Many(entities) => entities,
        }
    }

    fn push(&mut self, entity: Entity) {
        match self {
            Self::Many(entities) => entities.push(entity),
            Self::One(first) => *self = Self::Many(vec![*first, entity]),
        }
    }

    fn remove(&mut self, entity: Entity) {
        match self {
            Self::Many(entities) => {
                if let Some(place) = place_of(entities, entity) {
                    entities.remove(place);
                }
            }
            Self::One(first) if *first == entity => *self = Self::Many(Vec::new()),
            Self::One(_) => {}
        }
    }
}

/// So many of the last are looked at first: who goes is often one of them.
const LAST: usize = 16;

fn place_of(entities: &[Entity], entity: Entity) -> Option<usize> {
    let is_it = |found: &Entity| *found == entity;
    let (first, last) = entities.split_at(entities.len().saturating_sub(LAST));
    let among_last = last.iter().rposition(is_it).map(|place| first.len() + place);
    among_last.or_else(|| first.iter().position(is_it))
}

impl From<Vec<Entity>> for Links {
    fn from(entities: Vec<Entity>) -> Self {
        match entities[..] {
            [entity] => Self::One(entity),
            _ => Self::Many(entities),
        }
    }
}

/// One side of a relation, as a component of an entity.
pub(super) trait RelationSide: Component {
    fn of(entities: Vec<Entity>) -> Self;
    fn entities(&self) -> &[Entity];
    fn push(&mut self, entity: Entity);
    fn remove(&mut self, entity: Entity);
}

macro_rules! side {
    ($(#[$doc:meta])* $name:ident, $declared:ident) => {
        $(#[$doc])*
        pub struct $name<R: Relation> {
            links: Links,
            relation: PhantomData<fn() -> R>,
        }

        impl<R: Relation> RelationSide for $name<R> {
            fn of(entities: Vec<Entity>) -> Self {
                Self { links: entities.into(), relation: PhantomData }
            }

            fn entities(&self) -> &[Entity] {
                self.links.as_slice()
            }

            fn push(&mut self, entity: Entity) {
                self.links.push(entity);
            }

            fn remove(&mut self, entity: Entity) {
                self.links.remove(entity);
            }
        }

        impl<R: Relation> Deref for $name<R> {
            type Target = [Entity];

            #[inline]
            fn deref(&self) -> &[Entity] {
                self.links.as_slice()
            }
        }

        impl<R: Relation> fmt::Debug for $name<R> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.links.as_slice().fmt(out)
            }
        }

        impl<R: Relation> Serialize for $name<R> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.links.as_slice().serialize(serializer)
            }
        }

        impl<'de, R: Relation> Deserialize<'de> for $name<R> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Vec::deserialize(deserializer).map(Self::of)
            }
        }

        impl<R: Relation> Schema for $name<R> {
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                Vec::<Entity>::schema(types)
            }
        }

        impl<R: Relation> Component for $name<R> {
            const NAME: &'static str = R::$declared;
            const ACCESS: ComponentAccess = ComponentAccess::World;
            const STORAGE: StorageKind = StorageKind::Sparse;
            type Tracking = Untracked;
            const RELATION: Option<RelationOperations> = Some(RelationOperations::of::<R>(Side::$name));
        }
    };
}

side! {
    /// The entities that this one is related to by `R`, in the order in which they came; only those that have any have
    /// it. It derefs to a slice.
    Targets, TARGETS
}

side! {
    /// The entities that are related to this one by `R`, in the order in which they came; only those that have any have
    /// it. It derefs to a slice.
    Sources, SOURCES
}
