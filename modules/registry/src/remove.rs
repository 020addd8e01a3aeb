//! Modules that go: one by one, several together, or all with their engine.

use keel_core_types::ModuleId;
use keel_engine::{Engine, ModuleTag};
use keel_loader::Module;

use crate::ring::{Replaced, let_go};
use crate::{Registry, Rejection, RetireReport};

impl Registry {
    /// Stops a module and takes it out. Its components stay in the world.
    ///
    /// # Errors
    /// [`Rejection`] when there is no such module, or another requires a view of it; nothing has changed then.
    pub fn remove(&mut self, engine: &mut Engine, module: &str) -> Result<(), Rejection> {
        self.remove_together(engine, &[module])
    }

    /// [`Registry::remove`] of several modules, judged as a whole: they may require each other.
    ///
    /// # Errors
    /// As [`Registry::remove`].
    pub fn remove_together(&mut self, engine: &mut Engine, modules: &[&str]) -> Result<(), Rejection> {
        let is_live =
            |module: &str| self.slots.get(&ModuleId::of(module)).is_some_and(|slot| slot.live.is_some());
        if let Some(unknown) = modules.iter().find(|module| !is_live(module)) {
            return Err(self.no_such_module(unknown));
        }
        let ids: Vec<_> = modules.iter().map(|module| ModuleId::of(module)).collect();
        self.check_together(&[], &ids)?;
        modules.iter().try_for_each(|module| self.take_away(engine, module))
    }

    fn take_away(&mut self, engine: &mut Engine, module: &str) -> Result<(), Rejection> {
        let tag = ModuleTag::new(module);
        let live = self.slots.get_mut(&tag.id()).and_then(|slot| slot.live.take());
        let Some(live) = live else { return Err(self.no_such_module(module)) };
        engine.drain_tasks(tag.id(), self.config.drain_deadline);
        if let Some(view_model) = &live.view_model {
            let checker = self.checker();
            let stopped = engine.run_as(&tag, |frame| {
                let mut view_model = view_model.lock();
                Ok(checker.within_deadline(module, "stop", view_model.stop(frame)))
            });
            if let Err(message) | Ok(Err(Rejection { message, .. })) = stopped {
                log::warn!("module `{module}` was removed, though its `stop` failed: {message}");
            }
        }
        let code = engine.remove_module(&tag);
        self.define_prefabs(engine);
        self.keep_pools_of(&tag, &live);
        if let Ok(released) = self.binding.unbind(tag.id()) {
            self.ring.release(released);
        }
        self.ring.push(Replaced::new(tag.clone(), code, live));
        self.ring.part_with(tag.id());
        self.slots.remove(&tag.id());
        Ok(())
    }

    /// Ends it all: the engine goes, and every library that may be unmapped with it. Modules are not stopped; remove
    /// them one by one before, where they have something to end.
    ///
    /// A registry that is dropped instead leaves its libraries mapped: whoever has its engine may still need them.
    pub fn close(mut self, mut engine: Engine) -> RetireReport {
        self.replaced_worlds.drain(..).for_each(|world| let_go("the world before", world));
        self.leaving.drain(..).for_each(|world| drop(world.join()));
        self.close_pools();
        for slot in std::mem::take(&mut self.slots).into_values() {
            let Some(generation) = slot.live else { continue };
            engine.drain_tasks(slot.tag.id(), self.config.drain_deadline);
            let code = engine.remove_module(&slot.tag);
            if let Ok(released) = self.binding.unbind(slot.tag.id()) {
                self.ring.release(released);
            }
            self.ring.push(Replaced::new(slot.tag, code, generation));
        }
        drop(engine);
        self.ring.retire_all()
    }
}

/// Lets a library go that never went live. Nothing of it is left but, at worst, what its author leaked.
pub(crate) fn discard(module: Module) {
    let name = module.descriptor().name().to_owned();
    if let Err(kept) = module.retire() {
        log::debug!("the refused library of `{name}` stays mapped: {kept}");
    }
}
