//! What a module declares before it goes live.

use keel_core_types::{Contract, Provided};
use keel_engine::{
    Handler, IntoHandler, IntoSystem, ModuleCode, ModuleTag, SystemCode, SystemDescriptor, SystemOutput,
};

/// Collects a module's systems, handlers and views. Nothing takes effect until all of it does.
#[derive(Default)]
pub struct Setup {
    systems: Vec<(SystemDescriptor, SystemCode)>,
    handlers: Vec<(String, Handler)>,
    views: Vec<Provided>,
}

impl Setup {
    /// Nothing declared yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds system `name`, in any order; see [`Setup::system_with`].
    pub fn system<R: SystemOutput>(&mut self, name: &str, system: impl IntoSystem<R>) -> &mut Self {
        self.system_with(SystemDescriptor::new(name), system)
    }

    /// Adds a system with an order or a stage of its own.
    pub fn system_with<R: SystemOutput>(
        &mut self,
        descriptor: SystemDescriptor,
        system: impl IntoSystem<R>,
    ) -> &mut Self {
        self.systems.push((descriptor, system.into_system()));
        self
    }

    /// Adds a handler for deferred calls and timers.
    pub fn handler<A, R>(&mut self, name: &str, handler: impl IntoHandler<A, R>) -> &mut Self {
        self.handlers.push((name.to_owned(), handler.into_handler()));
        self
    }

    /// Provides a view.
    pub fn provide<V: Contract + ?Sized>(&mut self, view: Box<V>) -> &mut Self {
        self.views.push(Provided::new::<V>(view));
        self
    }

    /// The views declared so far.
    pub fn views(&self) -> &[Provided] {
        &self.views
    }

    /// Takes the views out, to be bound before the rest goes live.
    pub fn take_views(&mut self) -> Vec<Provided> {
        std::mem::take(&mut self.views)
    }

    /// The code that was declared, as `module`'s.
    pub fn into_code(self, module: &ModuleTag) -> ModuleCode {
        let Self { systems, handlers, .. } = self;
        ModuleCode { systems, handlers, ..ModuleCode::new(module) }
    }

    /// All that was declared: systems, handlers, views.
    #[allow(clippy::type_complexity, reason = "three lists, each named in the line above")]
    pub fn into_parts(self) -> (Vec<(SystemDescriptor, SystemCode)>, Vec<(String, Handler)>, Vec<Provided>) {
        (self.systems, self.handlers, self.views)
    }
}
