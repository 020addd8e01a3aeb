//! Making both sides of a relation agree, after values have come from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use keel_state::StateError;

use super::links::RelationSide;
use super::{Relation, Sources, Targets};
use crate::{Entity, World};

impl World {
    /// Makes both sides of each relation agree. Values that were kept aside know nothing of what was despawned meanwhile.
    ///
    /// # Errors
    /// [`StateError::LossesNotAccepted`] where an entity has several targets of a relation that is exclusive now, and that
    /// is not accepted; the last one is kept then.
    pub(crate) fn mend_relations(&mut self, accept_loss: bool) -> Result<(), StateError> {
        for relation in self.relation_operations().collect::<Vec<_>>() {
            (relation.mend)(self, accept_loss)?;
        }
        Ok(())
    }

    pub(super) fn mend_relation<R: Relation>(&mut self, accept_loss: bool) -> Result<(), StateError> {
        if self.is_whole::<R>() {
            return Ok(());
        }
        let forth = self.links_of::<Targets<R>>();
        let back = self.links_of::<Sources<R>>();
        let pairs: BTreeSet<_> = pairs(&forth).collect();
        let reversed: BTreeSet<_> = back
            .iter()
            .flat_map(|(target, sources)| sources.iter().map(move |source| (*source, *target)))
            .collect();
        let several: Vec<_> =
            forth.iter().filter(|(_, targets)| R::RULES.is_exclusive && targets.len() > 1).collect();
        if !several.is_empty() && !accept_loss {
            let line = |(source, targets): &&(Entity, Vec<Entity>)| {
                format!("`{}` is exclusive now, and entity {source} has {} targets", R::NAME, targets.len())
            };
            let list: Vec<_> = several.iter().map(line).collect();
            return Err(StateError::LossesNotAccepted { list: list.join("\n") });
        }
        let mut kept: BTreeSet<_> = pairs.intersection(&reversed).copied().collect();
        if R::RULES.is_exclusive {
            let last: BTreeMap<_, _> = forth
                .iter()
                .filter_map(|(source, targets)| {
                    let is_kept = |target: &&Entity| kept.contains(&(*source, **target));
                    Some((*source, *targets.iter().rfind(is_kept)?))
                })
                .collect();
            kept = last.into_iter().collect();
        }
        self.keep_links::<Targets<R>>(forth, |entity, link| kept.contains(&(entity, link)));
        self.keep_links::<Sources<R>>(back, |entity, link| kept.contains(&(link, entity)));
        Ok(())
    }

    /// Whether both sides have the same pairs, each once, and the rules hold.
    fn is_whole<R: Relation>(&self) -> bool {
        let (Some(mut forth), Some(back)) = (self.pairs_of::<Targets<R>>(), self.pairs_of::<Sources<R>>())
        else {
            return false;
        };
        let mut reversed: Vec<_> = back.into_iter().map(|(target, source)| (source, target)).collect();
        forth.sort_unstable();
        reversed.sort_unstable();
        let is_right = |pair: &[(Entity, Entity)]| {
            pair[0] != pair[1] && !(R::RULES.is_exclusive && pair[0].0 == pair[1].0)
        };
        forth == reversed && forth.windows(2).all(is_right)
    }

    /// Each entity with each of its links; none if one has a list of none.
    fn pairs_of<C: RelationSide>(&self) -> Option<Vec<(Entity, Entity)>> {
        let Some(cell) = self.sparse.cell(C::ID) else { return Some(Vec::new()) };
        let mut pairs = Vec::with_capacity(cell.entities().len());
        for entity in cell.entities() {
            let links = self.sparse.kept_by_world::<C>(*entity)?.entities();
            if links.is_empty() {
                return None;
            }
            pairs.extend(links.iter().map(|link| (*entity, *link)));
        }
        Some(pairs)
    }

    fn links_of<C: RelationSide>(&mut self) -> Vec<(Entity, Vec<Entity>)> {
        let Some(cell) = self.sparse.cell(C::ID) else { return Vec::new() };
        let entities = cell.entities().to_vec();
        let links =
            |entity: &Entity| self.sparse.kept_by_world::<C>(*entity).map(|it| it.entities().to_vec());
        entities.iter().map(|entity| (*entity, links(entity).unwrap_or_default())).collect()
    }

    /// Keeps what `is_kept` says, each once.
    fn keep_links<C: RelationSide>(
        &mut self,
        all: Vec<(Entity, Vec<Entity>)>,
        is_kept: impl Fn(Entity, Entity) -> bool,
    ) {
        let Some(set) = self.sparse.set_mut::<C>() else { return };
        for (entity, mut links) in all {
            let mut seen = BTreeSet::new();
            links.retain(|link| is_kept(entity, *link) && seen.insert(*link));
            if links.is_empty() {
                set.remove(entity);
            } else {
                set.insert(entity, C::of(links));
            }
        }
    }
}

fn pairs(links: &[(Entity, Vec<Entity>)]) -> impl Iterator<Item = (Entity, Entity)> {
    links.iter().flat_map(|(entity, links)| links.iter().map(move |link| (*entity, *link)))
}
