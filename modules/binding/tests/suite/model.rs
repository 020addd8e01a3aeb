//! The models and views that the tests share.

use keel_core_types::{Contract, Model, ModelType, Provided, TypedModel, View, ViewDeclaration};

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Boat {
    pub(crate) crew: u32,
    pub(crate) resets: u32,
}

impl TypedModel for Boat {
    const NAME: &'static str = "Boat";
    const LAYOUT: u64 = 1;
}

impl Model for Boat {
    fn model_type(&self) -> ModelType {
        Self::TYPE
    }

    fn reset(&mut self) {
        self.crew = 0;
        self.resets += 1;
    }
}

/// The same boat after somebody added a field.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct LongBoat {
    pub(crate) crew: u32,
    pub(crate) masts: u32,
}

impl TypedModel for LongBoat {
    const NAME: &'static str = Boat::NAME;
    const LAYOUT: u64 = 2;
}

impl Model for LongBoat {
    fn model_type(&self) -> ModelType {
        Self::TYPE
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

pub(crate) trait Bow: View {
    fn version(&self) -> u64;
}

pub(crate) trait Stern: View {
    fn version(&self) -> u64;
}

pub(crate) struct Built(pub(crate) u64);

impl Bow for Built {
    fn version(&self) -> u64 {
        self.0
    }
}

impl Stern for Built {
    fn version(&self) -> u64 {
        self.0
    }
}

impl Contract for dyn Bow {
    const NAME: &'static str = "Bow";
    const HASH: u64 = 11;

    fn as_view(&self) -> &dyn View {
        self
    }
}

impl Contract for dyn Stern {
    const NAME: &'static str = "Stern";
    const HASH: u64 = 12;

    fn as_view(&self) -> &dyn View {
        self
    }
}

pub(crate) fn bow(version: u64) -> Provided {
    Provided::new::<dyn Bow>(Box::new(Built(version)))
}

pub(crate) fn stern(version: u64) -> Provided {
    Provided::new::<dyn Stern>(Box::new(Built(version)))
}

pub(crate) fn bow_from_other_sources() -> ViewDeclaration {
    ViewDeclaration { name: <dyn Bow>::NAME.to_owned(), hash: 99 }
}
