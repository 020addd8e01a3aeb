//! How sets are made and handled by those who don't know the component.

use std::any::Any;
use std::sync::Arc;

use keel_state::{StateError, decode};

use super::encoded::{Encoded, EncodedSet};
use super::set::{AnySparse, SparseSet};
use crate::model::values::AnyComponent;
use crate::{Component, ComponentDefinition};

/// A set, handled by another registration of its type.
type OwnSet = fn(Box<dyn Any>) -> Option<Box<dyn AnySparse>>;

/// How sets of a component are made.
#[derive(Clone)]
pub(crate) enum SparseOperations {
    /// By code of the module that registered it.
    Typed {
        make: fn() -> Box<dyn AnySparse>,
        own: OwnSet,
        decode: fn(&mut &[u8]) -> Result<AnyComponent, StateError>,
    },
    /// By its definition alone.
    Defined(Arc<ComponentDefinition>),
}

impl SparseOperations {
    pub(crate) fn of<T: Component>() -> Self {
        Self::Typed {
            make: || Box::new(SparseSet::<T>::default()),
            own: |set| Some(set.downcast::<SparseSet<T>>().ok()?),
            decode: |bytes| Ok(Box::new(decode::<T>(bytes)?)),
        }
    }

    /// An empty set.
    pub(crate) fn make(&self) -> Box<dyn AnySparse> {
        match self {
            Self::Typed { make, .. } => make(),
            Self::Defined(definition) => Box::new(EncodedSet::new(Arc::clone(definition))),
        }
    }

    /// The same set, handled by the code of this registration.
    pub(crate) fn own(&self, set: Box<dyn Any>) -> Option<Box<dyn AnySparse>> {
        match self {
            Self::Typed { own, .. } => own(set),
            Self::Defined(definition) => {
                let set = set.downcast::<EncodedSet>().ok()?;
                Some(Box::new(set.handled_by(Arc::clone(definition))))
            }
        }
    }

    /// Reads a value off the front of the bytes.
    pub(crate) fn decode(&self, bytes: &mut &[u8]) -> Result<AnyComponent, StateError> {
        match self {
            Self::Typed { decode, .. } => decode(bytes),
            Self::Defined(definition) => Ok(Box::new(Encoded::read(definition.live(), bytes)?)),
        }
    }

    /// What the component was defined by, if no Rust type stands behind it.
    pub(crate) fn definition(&self) -> Option<&Arc<ComponentDefinition>> {
        match self {
            Self::Typed { .. } => None,
            Self::Defined(definition) => Some(definition),
        }
    }
}
