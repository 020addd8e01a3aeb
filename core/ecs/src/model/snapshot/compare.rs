//! Where two worlds differ.

use crate::model::snapshot::WorldSnapshot;
use crate::{EcsError, World};

/// One thing that differs between two worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldDifference {
    /// `entity 3v1 Position`, `resource Tide`, `event Eaten 7`.
    pub what: String,
    /// The value in the first world, as text, if it has one.
    pub before: Option<String>,
    /// The value in the second world, as text, if it has one.
    pub after: Option<String>,
}

impl World {
    /// Where this world and `other` differ, value by value.
    ///
    /// # Errors
    /// As [`World::save`].
    pub fn compare(&self, other: &World) -> Result<Vec<WorldDifference>, EcsError> {
        let describe = |world: &World| {
            let mut snapshot = WorldSnapshot::new();
            world.save(&mut snapshot)?;
            snapshot.describe()
        };
        let (before, mut after) = (describe(self)?, describe(other)?);
        let mut differences = Vec::new();
        for (what, before) in before {
            let after = after.remove(&what);
            if after.as_ref() != Some(&before) {
                differences.push(WorldDifference { what, before: Some(before), after });
            }
        }
        let added =
            after.into_iter().map(|(what, after)| WorldDifference { what, before: None, after: Some(after) });
        differences.extend(added);
        Ok(differences)
    }
}
