//! A view model in its place: how its own code reaches it, and how it goes on after a swap.

use std::sync::Arc;

use keel_engine::{Engine, ModuleTag};
use keel_loader::LoadedViewModel;
use keel_module_types::{ViewModel, ViewModelAccess};
use parking_lot::Mutex;

use crate::Registry;

/// Lends the view model to those of its systems, handlers, observers and functions that are functions of its own.
pub(crate) fn access_to(view_model: &Arc<Mutex<LoadedViewModel>>) -> ViewModelAccess {
    let view_model = Arc::clone(view_model);
    Arc::new(move |call: &mut dyn FnMut(&mut dyn ViewModel)| {
        // Nothing of a module runs beside what has its view model: the one that has it would wait for itself.
        let Some(mut view_model) = view_model.try_lock() else { return false };
        call(&mut **view_model);
        true
    })
}

impl Registry {
    /// Calls `ViewModel::resumed`. The swap has succeeded: what fails here is a fault of the module.
    pub(crate) fn resume(&self, engine: &mut Engine, module: &ModuleTag) {
        let live = self.slots.get(&module.id()).and_then(|slot| slot.live.as_ref());
        let Some(view_model) = live.and_then(|live| live.view_model.as_ref()) else { return };
        engine.run_contained(module, "resumed", |frame| {
            view_model.lock().resumed(frame).map_err(|error| error.to_string())
        });
    }
}
