//! When values were added and changed, in a world that is made anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::World;
use crate::model::snapshot::restore::Restore;
use crate::model::ticks::Changes;

impl Restore {
    /// Takes over when values were added and changed; those that were converted count as changed now. Whether there were no
    /// ticks without a value.
    pub(super) fn take_changes(&self, world: &mut World, changes: &Changes) -> bool {
        world.changes.take_over(changes);
        let infos: Vec<_> = world.types.iter().filter(|info| info.is_tracked()).map(Arc::clone).collect();
        let targets = self.targets.iter().flatten();
        let converted: BTreeSet<_> =
            targets.filter(|target| !target.migration.is_identity()).map(|target| target.info.id()).collect();
        let mut is_whole = true;
        for info in infos {
            is_whole &= world.settle_ticks(&info, converted.contains(&info.id()));
        }
        is_whole
    }
}
