//! Structural changes in a world in which somebody minds them: hooks are called, and what happens is queued.
//!
//! The plain changes are one test of [`World::reacts`] away from here.

use std::ops::Range;

use keel_core_types::ComponentId;

use super::Occasion;
use crate::{Bundle, EcsError, Entity, World};

/// What components of an entity are before a change.
#[derive(Default)]
pub(crate) struct Before {
    /// Those that go or are replaced, in order, with the place of the encoded value where somebody asks for it.
    gone: Vec<(Occasion, ComponentId, Option<Range<usize>>)>,
}

impl World {
    /// Whether anybody minds what happens to any component.
    #[inline]
    pub(crate) fn reacts(&self) -> bool {
        self.reactions.is_active()
    }

    /// Whether anybody may mind what happens to the components of `B`.
    #[inline]
    pub(crate) fn reacts_to<B: Bundle>(&self) -> bool {
        self.reactions.may_mind(B::IDS)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn insert_reacting<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        let before = self.before_insert(entity, B::IDS)?;
        self.insert_now(entity, bundle)?;
        self.after_insert(entity, before, B::IDS);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn remove_reacting<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        let before = self.before_remove(entity, B::IDS)?;
        let removed = self.remove_now(entity)?;
        self.after_remove(entity, before);
        Ok(removed)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn exchange_reacting<R: Bundle, B: Bundle>(
        &mut self,
        entity: Entity,
        bundle: B,
    ) -> Result<R, EcsError> {
        let mut before = Before::default();
        if self.has_all(entity, R::IDS) {
            for id in R::IDS {
                // What is taken and put back as another value was replaced.
                let is_back = B::IDS.contains(id);
                let occasion = if is_back { Occasion::Replace } else { Occasion::Remove };
                self.going(occasion, entity, *id, &mut before)?;
            }
            for id in B::IDS.iter().filter(|id| !R::IDS.contains(id)) {
                self.going(Occasion::Replace, entity, *id, &mut before)?;
            }
        }
        let removed = self.exchange_now(entity, bundle)?;
        self.after_insert(entity, before, B::IDS);
        Ok(removed)
    }

    /// Calls the hooks of components that are to be replaced.
    pub(crate) fn before_insert(&mut self, entity: Entity, ids: &[ComponentId]) -> Result<Before, EcsError> {
        let mut before = Before::default();
        if self.reacts() {
            for id in ids {
                self.going(Occasion::Replace, entity, *id, &mut before)?;
            }
        }
        Ok(before)
    }

    /// Queues what has happened, and calls the hooks of components that have come.
    #[cold]
    #[inline(never)]
    pub(crate) fn after_insert(&mut self, entity: Entity, before: Before, ids: &[ComponentId]) {
        if !self.reacts() {
            return;
        }
        self.after_remove(entity, before);
        ids.iter().for_each(|id| self.reactions.add(Occasion::Insert, *id, entity, None));
        ids.iter().for_each(|id| self.call_hook(Occasion::Insert, entity, *id));
    }

    /// Calls the hooks of components that are to go: all of them, or none if one is not there.
    pub(crate) fn before_remove(&mut self, entity: Entity, ids: &[ComponentId]) -> Result<Before, EcsError> {
        let mut before = Before::default();
        if self.reacts() && self.has_all(entity, ids) {
            for id in ids {
                self.going(Occasion::Remove, entity, *id, &mut before)?;
            }
        }
        Ok(before)
    }

    /// Queues what has gone.
    pub(crate) fn after_remove(&mut self, entity: Entity, before: Before) {
        for (occasion, id, old) in before.gone {
            self.reactions.add(occasion, id, entity, old);
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn despawn_reacting(&mut self, entity: Entity) {
        let mut before = Before::default();
        for id in self.reactions.watched() {
            for occasion in [Occasion::Despawn, Occasion::Remove] {
                if let Err(error) = self.going(occasion, entity, id, &mut before) {
                    log::error!("nobody is told that entity {entity} has lost a component: {error}");
                }
            }
        }
        self.despawn_now(entity);
        self.after_remove(entity, before);
    }

    /// Notes that a component, if it is there, goes or is replaced.
    fn going(
        &mut self,
        occasion: Occasion,
        entity: Entity,
        id: ComponentId,
        before: &mut Before,
    ) -> Result<(), EcsError> {
        if !self.reactions.minds(occasion, id) || !self.has_all(entity, &[id]) {
            return Ok(());
        }
        let mut old = None;
        if self.reactions.is_observed(occasion, id)
            && let Some(info) = self.types.get(id)
        {
            let mut reactions = std::mem::take(&mut self.reactions);
            let kept = reactions.keep(|bytes| self.encode_component(entity, info, bytes));
            self.reactions = reactions;
            old = kept?;
        }
        before.gone.push((occasion, id, old));
        self.call_hook(occasion, entity, id);
        Ok(())
    }

    fn has_all(&self, entity: Entity, ids: &[ComponentId]) -> bool {
        ids.iter().all(|id| {
            let info = self.types.get(*id);
            info.is_some_and(|info| self.has_component(entity, info).unwrap_or(false))
        })
    }

    fn call_hook(&self, occasion: Occasion, entity: Entity, id: ComponentId) {
        if !self.reactions.is_hooked(occasion, id) {
            return;
        }
        let operations = self.types.get(id).and_then(|info| info.component_operations());
        if let Some(hook) = operations.and_then(|operations| operations.behaviour.hooks.of(occasion)) {
            hook(self, entity);
        }
    }
}
