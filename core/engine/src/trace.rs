//! Which call of a module changed what: a frame looked at call by call, to find where two runs of it part.

use std::collections::BTreeMap;

use keel_ecs::World;
use parking_lot::Mutex;

use crate::ModuleTag;
use crate::runtime::Runtime;

/// A call of a module's code that changed the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedCall {
    /// `module/system`; for observers, handlers, states and what is put off by a system likewise.
    pub path: String,
    /// What of the world has another hash than before the call, with that hash; 0 for what is gone. The names are those of
    /// [`World::hash_parts`].
    pub changed: BTreeMap<String, u64>,
}

/// The calls of a frame so far.
pub(crate) struct Trace {
    calls: Vec<TracedCall>,
    parts: BTreeMap<String, u64>,
}

impl Trace {
    pub(crate) fn new(world: &World) -> Self {
        Self { calls: Vec::new(), parts: world.hash_parts().unwrap_or_default() }
    }

    pub(crate) fn into_calls(self) -> Vec<TracedCall> {
        self.calls
    }

    fn see(&mut self, module: &ModuleTag, name: &str, world: &World) {
        // A value that can't be hashed is told of by whoever asks for the hash itself.
        let Ok(parts) = world.hash_parts() else { return };
        let gone = self.parts.keys().filter(|name| !parts.contains_key(*name)).map(|name| (name.clone(), 0));
        let is_new = |(name, hash): &(&String, &u64)| self.parts.get(*name) != Some(*hash);
        let new = parts.iter().filter(is_new).map(|(name, hash)| (name.clone(), *hash));
        let changed: BTreeMap<_, _> = gone.chain(new).collect();
        if !changed.is_empty() {
            self.calls.push(TracedCall { path: format!("{}/{name}", module.name()), changed });
        }
        self.parts = parts;
    }
}

impl Runtime {
    /// Notes what a call that has just ended did, if the frame is being traced.
    #[inline]
    pub(crate) fn trace(&self, module: &ModuleTag, name: &str) {
        if let Some(trace) = &self.trace {
            Self::see(trace, module, name, &self.world);
        }
    }

    /// What has changed until now was nobody's call.
    pub(crate) fn trace_from_here(&mut self) {
        if let Some(trace) = &mut self.trace {
            trace.get_mut().parts = self.world.hash_parts().unwrap_or_default();
        }
    }

    #[cold]
    fn see(trace: &Mutex<Trace>, module: &ModuleTag, name: &str, world: &World) {
        trace.lock().see(module, name, world);
    }
}
