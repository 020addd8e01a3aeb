//! Names of entities.

use std::fmt;

use keel_module_macros::data;

use crate::{Component, ComponentAccess, Untracked};

/// What an entity is called. It is replaced by inserting another one and never changed in place, so that the world's
/// index of names stays right:
///
/// ```compile_fail
/// # use keel_ecs::{Name, World};
/// # let world = World::new();
/// world.query::<&mut Name>();
/// ```
#[data(crate = keel_ecs)]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    text: String,
}

impl Component for Name {
    const NAME: &'static str = "Name";
    const ACCESS: ComponentAccess = ComponentAccess::Whole;
    type Tracking = Untracked;
}

impl Name {
    /// The name `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
