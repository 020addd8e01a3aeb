//! Hooks: functions of a component's own type, called in the middle of a structural change.

use super::Occasion;
use crate::{Entity, World};

/// A function that is called at once when a value comes or goes: of the world, and of the value's entity.
///
/// It reads and writes values, resources and the components of other entities, and sends events; it neither spawns nor
/// despawns, and no component comes or goes by it: the world is lent shared.
pub type Hook = fn(&World, Entity);

/// What a component's type does when a value of it comes or goes: `#[component(on_insert = FUNCTION, ...)]`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// After a value has come, also in the place of another one.
    pub on_insert: Option<Hook>,
    /// Before a value is replaced by another one.
    pub on_replace: Option<Hook>,
    /// Before a value goes, also with its entity.
    pub on_remove: Option<Hook>,
    /// Before the entity goes.
    pub on_despawn: Option<Hook>,
}

impl Hooks {
    /// None of them.
    pub const NONE: Self = Self { on_insert: None, on_replace: None, on_remove: None, on_despawn: None };

    /// The one that is called on this occasion.
    #[inline]
    pub(crate) fn of(&self, occasion: Occasion) -> Option<Hook> {
        match occasion {
            Occasion::Insert => self.on_insert,
            Occasion::Replace => self.on_replace,
            Occasion::Remove => self.on_remove,
            Occasion::Despawn => self.on_despawn,
            Occasion::Sent => None,
        }
    }
}
