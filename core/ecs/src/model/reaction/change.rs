//! Structural changes in a world in which somebody minds them: hooks are called, and what happens is queued.
//!
//! The plain changes are one test of [`World::reacts`] away from here.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use keel_core_types::{ComponentId, panic_message};

use super::Occasion;
use crate::{Bundle, EcsError, Entity, World};

/// What happens to each component of an entity that is despawned, in this order.
const ON_DESPAWN: [Occasion; 2] = [Occasion::Despawn, Occasion::Remove];

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

    /// [`World::after_insert`] of many entities that have come together: all are queued before the first hook is called.
    #[cold]
    #[inline(never)]
    pub(crate) fn after_spawn(&mut self, entities: &[Entity], ids: &[ComponentId]) {
        for entity in entities {
            ids.iter().for_each(|id| self.reactions.add(Occasion::Insert, *id, *entity, None));
        }
        for entity in entities {
            ids.iter().for_each(|id| self.call_hook(Occasion::Insert, *entity, *id));
        }
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

    /// Calls the hooks of entities that are to go, of all before the first goes: a hook that panics leaves all of them.
    #[inline]
    pub(crate) fn call_despawn_hooks(&mut self, going: &[Entity]) {
        if self.reacts() {
            self.call_all_despawn_hooks(going);
        }
    }

    #[cold]
    #[inline(never)]
    fn call_all_despawn_hooks(&self, going: &[Entity]) {
        let watched = self.reactions.watched();
        for entity in going {
            for id in &watched {
                for occasion in ON_DESPAWN {
                    if self.reactions.is_hooked(occasion, *id) && self.has_all(*entity, &[*id]) {
                        self.call_hook(occasion, *entity, *id);
                    }
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn despawn_reacting(&mut self, entity: Entity) {
        let mut before = Before::default();
        for id in self.reactions.watched() {
            for occasion in ON_DESPAWN {
                // Others have gone already: this one goes whatever comes of it.
                let noted = catch_unwind(AssertUnwindSafe(|| self.note(occasion, entity, id, &mut before)));
                let failed = match noted {
                    Ok(Ok(_)) => continue,
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => panic_message(panic),
                };
                log::error!("nobody is told that entity {entity} has lost a component: {failed}");
            }
        }
        self.despawn_now(entity);
        self.after_remove(entity, before);
    }

    /// Notes that a component, if it is there, goes or is replaced, and calls its hook.
    fn going(
        &mut self,
        occasion: Occasion,
        entity: Entity,
        id: ComponentId,
        before: &mut Before,
    ) -> Result<(), EcsError> {
        if self.note(occasion, entity, id, before)? {
            self.call_hook(occasion, entity, id);
        }
        Ok(())
    }

    /// Notes that a component goes or is replaced; whether it is there, and anybody minds.
    fn note(
        &mut self,
        occasion: Occasion,
        entity: Entity,
        id: ComponentId,
        before: &mut Before,
    ) -> Result<bool, EcsError> {
        if !self.reactions.minds(occasion, id) || !self.has_all(entity, &[id]) {
            return Ok(false);
        }
        if self.reactions.is_observed(occasion, id)
            && let Some(info) = self.types.get(id)
        {
            let mut bytes = self.reactions.take_bytes();
            let start = bytes.len();
            let encode = || self.encode_component(entity, info, &mut bytes);
            let encoded = catch_unwind(AssertUnwindSafe(encode));
            if !matches!(encoded, Ok(Ok(_))) {
                bytes.truncate(start);
            }
            let old = start..bytes.len();
            self.reactions.put_bytes(bytes);
            encoded.unwrap_or_else(|panic| resume_unwind(panic))?;
            before.gone.push((occasion, id, Some(old)));
        }
        Ok(true)
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
