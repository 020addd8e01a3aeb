//! Relations in a world.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::ComponentId;

use super::links::RelationSide;
use super::operations::{RelationSides, Side};
use super::{Cascade, Relation, RelationOperations, Sources, Targets};
use crate::{Component, EcsError, Entity, ModelTypeInfo, World};

/// Relations.
impl World {
    /// Relates `source` to `target` by `R`; nothing happens if it is already. In an exclusive relation the target that it
    /// had is not its target any more.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] for a stale id, [`EcsError::NotRegistered`] when the world does not know `R`;
    /// [`EcsError::Limit`].
    pub fn relate<R: Relation>(&mut self, source: Entity, target: Entity) -> Result<(), EcsError> {
        self.check_relation::<R>()?;
        self.check_alive(source)?;
        self.check_alive(target)?;
        if self.is_related::<R>(source, target) {
            return Ok(());
        }
        self.check_growth::<(Targets<R>,)>(source)?;
        self.check_growth::<(Sources<R>,)>(target)?;
        if R::RULES.is_exclusive
            && let Some(before) = self.target::<R>(source)
        {
            self.remove_link::<Sources<R>>(before, source);
            self.replace_link::<Targets<R>>(source, target);
        } else {
            self.add_link::<Targets<R>>(source, target);
        }
        self.add_link::<Sources<R>>(target, source);
        Ok(())
    }

    /// Takes back [`World::relate`]; whether `source` was related to `target`.
    ///
    /// # Errors
    /// As [`World::relate`].
    pub fn unrelate<R: Relation>(&mut self, source: Entity, target: Entity) -> Result<bool, EcsError> {
        self.check_relation::<R>()?;
        self.check_alive(source)?;
        self.check_alive(target)?;
        let is_related = self.is_related::<R>(source, target);
        if is_related {
            self.remove_link::<Targets<R>>(source, target);
            self.remove_link::<Sources<R>>(target, source);
        }
        Ok(is_related)
    }

    /// Takes all targets of `source` from it; how many there were.
    ///
    /// # Errors
    /// As [`World::relate`].
    pub fn unrelate_all<R: Relation>(&mut self, source: Entity) -> Result<usize, EcsError> {
        self.check_relation::<R>()?;
        self.check_alive(source)?;
        let targets = self.targets::<R>(source).to_vec();
        for target in &targets {
            self.remove_link::<Targets<R>>(source, *target);
            self.remove_link::<Sources<R>>(*target, source);
        }
        Ok(targets.len())
    }

    /// The entities that `source` is related to, in the order in which they came; none for a stale id.
    #[inline]
    pub fn targets<R: Relation>(&self, source: Entity) -> &[Entity] {
        self.sparse.kept_by_world::<Targets<R>>(source).map_or(&[], |targets| targets.entities())
    }

    /// The entities that are related to `target`, in the order in which they came; none for a stale id.
    #[inline]
    pub fn sources<R: Relation>(&self, target: Entity) -> &[Entity] {
        self.sparse.kept_by_world::<Sources<R>>(target).map_or(&[], |sources| sources.entities())
    }

    /// The first entity that `source` is related to; the only one if `R` is exclusive.
    #[inline]
    pub fn target<R: Relation>(&self, source: Entity) -> Option<Entity> {
        self.targets::<R>(source).first().copied()
    }

    /// Whether `source` is related to `target`. The shorter of both sides is searched.
    pub fn is_related<R: Relation>(&self, source: Entity, target: Entity) -> bool {
        let (targets, sources) = (self.targets::<R>(source), self.sources::<R>(target));
        match targets.len() <= sources.len() {
            true => targets.contains(&target),
            false => sources.contains(&source),
        }
    }

    // By name.

    /// Relates `source` to `target` by the relation called `relation`; see [`World::relate`].
    ///
    /// # Errors
    /// As [`World::relate`].
    pub fn relate_named(&mut self, relation: &str, source: Entity, target: Entity) -> Result<(), EcsError> {
        (self.relation_named(relation)?.relate)(self, source, target)
    }

    /// Takes back [`World::relate_named`]; whether `source` was related to `target`.
    ///
    /// # Errors
    /// As [`World::relate`].
    pub fn unrelate_named(
        &mut self,
        relation: &str,
        source: Entity,
        target: Entity,
    ) -> Result<bool, EcsError> {
        (self.relation_named(relation)?.unrelate)(self, source, target)
    }

    /// The targets of `source` by the relation called `relation`; see [`World::targets`].
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    pub fn targets_named(&self, relation: &str, source: Entity) -> Result<&[Entity], EcsError> {
        Ok((self.relation_named(relation)?.targets)(self, source))
    }

    /// The sources of `target` by the relation called `relation`; see [`World::sources`].
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    pub fn sources_named(&self, relation: &str, target: Entity) -> Result<&[Entity], EcsError> {
        Ok((self.relation_named(relation)?.sources)(self, target))
    }

    fn relation_named(&self, name: &str) -> Result<RelationOperations, EcsError> {
        // As `#[relation]` names them.
        let info = self.types.get(ComponentId::of(&format!("{name}Targets")));
        let relation = info.and_then(|info| info.component_operations()?.behaviour.relation);
        relation.ok_or_else(|| EcsError::NotRegistered { name: name.to_owned() })
    }

    // What the other files of this crate need.

    /// Takes note of a relation that is registered now.
    pub(crate) fn register_relation(&mut self, info: &ModelTypeInfo) {
        let relation = info.component_operations().and_then(|operations| operations.behaviour.relation);
        if let Some(relation) = relation
            && relation.side == Side::Targets
        {
            let (targets, cascade) = (info.id(), relation.rules.cascade);
            self.relations.retain(|sides| sides.targets != targets);
            self.relations.push(RelationSides { targets, sources: relation.other, cascade });
            self.relations.sort_by_key(|sides| sides.targets);
        }
    }

    /// What is done with each relation, both of whose sides are registered.
    pub(super) fn relation_operations(&self) -> impl Iterator<Item = RelationOperations> {
        self.relations.iter().filter_map(|sides| self.relation_of(sides.targets))
    }

    fn relation_of(&self, targets: ComponentId) -> Option<RelationOperations> {
        let relation = self.types.get(targets)?.component_operations()?.behaviour.relation?;
        self.types.get(relation.other).map(|_| relation)
    }

    /// Whether a relation has more than one entity go.
    pub(crate) fn has_cascades(&self) -> bool {
        self.relations.iter().any(|sides| sides.cascade == Cascade::Despawn)
    }

    /// Whether others go with this entity because they are related to it.
    pub(crate) fn takes_sources(&self, entity: Entity) -> bool {
        self.relations.iter().any(|sides| {
            sides.cascade == Cascade::Despawn
                && self.sparse.cell(sides.sources).is_some_and(|cell| cell.contains(entity))
        })
    }

    /// Takes an entity that is going off the other sides of its links.
    pub(crate) fn unlink_all(&mut self, entity: Entity) {
        for place in 0..self.relations.len() {
            let RelationSides { targets, sources, .. } = self.relations[place];
            let has = |side| self.sparse.cell(side).is_some_and(|cell| cell.contains(entity));
            if (has(targets) || has(sources))
                && let Some(relation) = self.relation_of(targets)
            {
                (relation.unlink)(self, entity);
            }
        }
    }

    /// All others that go when `entity` is despawned, each once, those above before those that go because of them.
    pub(crate) fn going_with(&self, entity: Entity) -> Vec<Entity> {
        let relations = self.relation_operations();
        let cascading: Vec<_> =
            relations.filter(|relation| relation.rules.cascade == Cascade::Despawn).collect();
        let (mut going, mut seen, mut next) = (vec![entity], BTreeSet::from([entity]), 0);
        while let Some(entity) = going.get(next).copied() {
            let sources = cascading.iter().flat_map(|relation| (relation.sources)(self, entity)).copied();
            let with_it = self.children(entity).into_iter().chain(sources);
            going.extend(with_it.filter(|entity| seen.insert(*entity)));
            next += 1;
        }
        going.remove(0);
        going
    }

    /// Takes those that go together, the first of them last, off parents that stay.
    pub(crate) fn leave_parents(&mut self, going: &[Entity]) -> Result<(), EcsError> {
        if !self.has_cascades() {
            // One family: the others have parents that go as well.
            return going.last().map_or(Ok(()), |first| self.leave_parent(*first));
        }
        let all: BTreeSet<_> = going.iter().copied().collect();
        let stays = |parent: Entity| !all.contains(&parent);
        let leaving = going.iter().copied().filter(|entity| self.parent(*entity).is_some_and(stays));
        leaving.collect::<Vec<_>>().into_iter().try_for_each(|entity| self.leave_parent(entity))
    }

    /// Gives a copy of an entity the targets of the original; where that is its own target, so is the copy.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    pub(crate) fn copy_targets(&mut self, original: Entity, copy: Entity) -> Result<(), EcsError> {
        for relation in self.relation_operations().collect::<Vec<_>>() {
            for target in (relation.targets)(self, original).to_vec() {
                let target = if target == original { copy } else { target };
                (relation.relate)(self, copy, target)?;
            }
        }
        Ok(())
    }

    /// Relates the merged entities as they were related in `other`.
    pub(crate) fn merge_relations(&mut self, other: &World, new_id: &BTreeMap<Entity, Entity>) {
        for RelationSides { targets, .. } in self.relations.clone() {
            let (here, there) = (self.relation_of(targets), other.relation_of(targets));
            let (Some(here), Some(there)) = (here, there) else { continue };
            for (old, new) in new_id {
                let moved =
                    |links: &[Entity]| links.iter().filter_map(|link| new_id.get(link)).copied().collect();
                let targets = moved((there.targets)(other, *old));
                let sources = moved((there.sources)(other, *old));
                (here.put)(self, *new, targets, sources);
            }
        }
    }

    pub(super) fn unlink<R: Relation>(&mut self, entity: Entity) {
        // Its own sides go with it: what they were is noted already.
        let others = |links: &[Entity]| links.iter().copied().filter(|it| *it != entity).collect::<Vec<_>>();
        for target in others(self.targets::<R>(entity)) {
            self.remove_link::<Sources<R>>(target, entity);
        }
        for source in others(self.sources::<R>(entity)) {
            self.remove_link::<Targets<R>>(source, entity);
        }
    }

    pub(super) fn put_links<R: Relation>(
        &mut self,
        entity: Entity,
        targets: Vec<Entity>,
        sources: Vec<Entity>,
    ) {
        self.put_side::<Targets<R>>(entity, targets);
        self.put_side::<Sources<R>>(entity, sources);
    }

    fn put_side<C: RelationSide>(&mut self, entity: Entity, links: Vec<Entity>) {
        if !links.is_empty() {
            self.change_side::<C>(entity, false, |_| C::of(links));
        }
    }

    fn add_link<C: RelationSide>(&mut self, entity: Entity, link: Entity) {
        self.change_side::<C>(entity, false, |before| match before {
            Some(mut links) => {
                links.push(link);
                links
            }
            None => C::of(vec![link]),
        });
    }

    fn replace_link<C: RelationSide>(&mut self, entity: Entity, link: Entity) {
        self.change_side::<C>(entity, false, |_| C::of(vec![link]));
    }

    fn remove_link<C: RelationSide>(&mut self, entity: Entity, link: Entity) {
        let is_last = self.sparse.kept_by_world::<C>(entity).is_some_and(|it| *it.entities() == [link]);
        self.change_side::<C>(entity, is_last, |before| {
            let mut links = before.unwrap_or_else(|| C::of(Vec::new()));
            links.remove(link);
            links
        });
    }

    /// Changes one side of an entity's links, of which nothing is left if `is_removed`.
    fn change_side<C: RelationSide>(
        &mut self,
        entity: Entity,
        is_removed: bool,
        change: impl FnOnce(Option<C>) -> C,
    ) {
        let before = match is_removed {
            true => self.before_remove(entity, &[C::ID]),
            false => self.before_insert(entity, &[C::ID]),
        };
        // A list of ids can be encoded.
        let before = before.unwrap_or_default();
        self.before_change(entity);
        let Some(set) = self.sparse.set_mut::<C>() else { return };
        match (is_removed, set.get_mut(entity)) {
            (true, _) => drop(set.remove(entity)),
            (false, Some(links)) => {
                let taken = std::mem::replace(links, C::of(Vec::new()));
                *links = change(Some(taken));
            }
            (false, None) => drop(set.insert(entity, change(None))),
        }
        match is_removed {
            true => self.after_remove(entity, before),
            false => self.after_insert(entity, before, &[C::ID]),
        }
    }

    fn check_relation<R: Relation>(&self) -> Result<(), EcsError> {
        let knows = |id| self.types.get(id).is_some();
        match knows(Targets::<R>::ID) && knows(Sources::<R>::ID) {
            true => Ok(()),
            false => Err(EcsError::NotRegistered { name: R::NAME.to_owned() }),
        }
    }
}
