//! What a module declares before it goes live.

use std::collections::BTreeMap;

use keel_core_types::{Contract, ModelType, Provided, TypedModel, ViewId};
use keel_ecs::{Data, Prefab};
use keel_engine::{
    Frame, Function, FunctionDescriptor, Handler, IntoFunction, IntoFunctionOf, IntoHandler, IntoObserver,
    IntoSystem, ModuleCode, ModuleTag, ObserverCode, ObserverDescriptor, SetDescriptor, StateCode, States,
    SystemCode, SystemDescriptor, SystemOutput, WorldSetup, WorldSystems,
};
use keel_state::SavedValue;

use crate::own::{OwnFunction, OwnHandler, OwnObserver, OwnSystem, access_to};
use crate::{
    BenchCase, BenchRoutine, DeclaredBench, IntoObserverOf, IntoSystemOf, ModuleResult, PooledTypeInfo,
    ViewModel, ViewModelAccess,
};

/// Collects a module's systems, handlers, views and pools. Nothing takes effect until all of it does.
#[derive(Default)]
pub struct Setup {
    systems: Vec<(SystemDescriptor, Code<SystemCode, OwnSystem>)>,
    sets: Vec<SetDescriptor>,
    states: Vec<StateCode>,
    handlers: Vec<(String, Code<Handler, OwnHandler>)>,
    functions: Vec<(FunctionDescriptor, Code<Function, OwnFunction>)>,
    worlds: Vec<WorldSystems>,
    observers: Vec<(ObserverDescriptor, Code<ObserverCode, OwnObserver>)>,
    prefabs: Vec<(String, Prefab)>,
    views: Vec<Provided>,
    model_types: BTreeMap<ViewId, ModelType>,
    pools: Vec<PooledTypeInfo>,
    benches: Vec<DeclaredBench>,
}

/// Code that stands alone, or is lent the view model.
enum Code<F, O> {
    Free(F),
    Own(O),
}

impl Setup {
    /// Nothing declared yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds system `name`, in any order; see [`Setup::system_with`].
    pub fn system<M>(&mut self, name: &str, system: impl IntoSystem<M>) -> &mut Self {
        self.system_with(SystemDescriptor::new(name), system)
    }

    /// Adds a system with an order or a stage of its own.
    pub fn system_with<M>(&mut self, descriptor: SystemDescriptor, system: impl IntoSystem<M>) -> &mut Self {
        self.systems.push((descriptor, Code::Free(system.into_system())));
        self
    }

    /// Adds system `name`, a function of the view model itself: `setup.system_of("hunt", Self::hunt)`. Two of them never
    /// run at the same time, nor beside `update`.
    pub fn system_of<T: ViewModel, M>(
        &mut self,
        name: &str,
        system: impl IntoSystemOf<T, M> + Send + 'static,
    ) -> &mut Self {
        self.system_of_with(SystemDescriptor::new(name), system)
    }

    /// [`Setup::system_of`] with an order or a stage of its own.
    pub fn system_of_with<T: ViewModel, M>(
        &mut self,
        descriptor: SystemDescriptor,
        system: impl IntoSystemOf<T, M> + Send + 'static,
    ) -> &mut Self {
        let own = OwnSystem::new(descriptor.name(), system);
        self.systems.push((descriptor, Code::Own(own)));
        self
    }

    /// Says what holds for all systems of a set, of whichever module: their order, and when they run.
    pub fn set(&mut self, set: SetDescriptor) -> &mut Self {
        self.sets.push(set);
        self
    }

    /// Makes the resource `S` a state: it begins with its default, and is changed by [`NextState`](keel_engine::NextState)
    /// at the beginning of a step. Systems that are run `on_enter` or `on_exit` of a state say so by themselves.
    pub fn state<S: States>(&mut self) -> &mut Self {
        self.states.push(StateCode::of::<S>());
        self
    }

    /// Declares systems for worlds of the pool, which [`Worlds::step_worlds`](crate::Worlds::step_worlds) runs in as many
    /// of them as one likes, side by side. `schedule` names them, for all modules: several may bring systems to one.
    ///
    /// `declare` is called once now and once for each world, since what a system keeps is of one world; it must add the same
    /// systems each time.
    pub fn world_systems(
        &mut self,
        schedule: &str,
        declare: impl Fn(&mut WorldSetup) + Send + Sync + 'static,
    ) -> &mut Self {
        self.worlds.push(WorldSystems::new(schedule, declare));
        self
    }

    /// Defines prefab `name` in all worlds: `setup.prefab("ship", Prefab::new().with((Hull { strength: 10 },)))`. At a swap
    /// that defines it anew its instances follow, as [`World::define_prefab`](keel_ecs::World::define_prefab) says.
    pub fn prefab(&mut self, name: &str, prefab: Prefab) -> &mut Self {
        self.prefabs.push((name.to_owned(), prefab));
        self
    }

    /// Adds a handler for deferred calls and timers.
    pub fn handler<A, R>(&mut self, name: &str, handler: impl IntoHandler<A, R>) -> &mut Self {
        self.handlers.push((name.to_owned(), Code::Free(handler.into_handler())));
        self
    }

    /// Adds a handler that is a function of the view model itself: `setup.handler_of("bloom", Self::bloom)`.
    pub fn handler_of<T: ViewModel, A: Data, R: SystemOutput>(
        &mut self,
        name: &str,
        mut handler: impl FnMut(&mut T, &mut Frame<'_>, A) -> R + Send + 'static,
    ) -> &mut Self {
        let own = OwnHandler::new(name, move |owner: &mut T, frame, argument: &SavedValue| {
            let (argument, _) = argument.restore::<A>(false).map_err(|error| error.to_string())?;
            Ok(handler(owner, frame, argument))
        });
        self.handlers.push((name.to_owned(), Code::Own(own)));
        self
    }

    /// Adds observer `name`: a function whose first parameter says what it is called for, `On<Insert, Health>`, and which
    /// takes what a system takes besides. Observers of one thing run by the names of their modules, and within a module in
    /// the order in which they were added, but for what an [`ObserverDescriptor`] in the name's place asks for.
    pub fn observer<M>(
        &mut self,
        descriptor: impl Into<ObserverDescriptor>,
        observer: impl IntoObserver<M>,
    ) -> &mut Self {
        self.observers.push((descriptor.into(), Code::Free(observer.into_observer())));
        self
    }

    /// Adds an observer that is a function of the view model itself: `setup.observer_of("mourn", Self::mourn)`.
    pub fn observer_of<T: ViewModel, M>(
        &mut self,
        descriptor: impl Into<ObserverDescriptor>,
        observer: impl IntoObserverOf<T, M> + Send + 'static,
    ) -> &mut Self {
        let descriptor = descriptor.into();
        let own = OwnObserver::new(descriptor.name(), observer);
        self.observers.push((descriptor, Code::Own(own)));
        self
    }

    /// Offers function `name`, which others call as `module/name` with checked arguments; see [`Setup::function_with`].
    pub fn function<M>(&mut self, name: &str, function: impl IntoFunction<M>) -> &mut Self {
        self.function_with(FunctionDescriptor::new(name), function)
    }

    /// Offers a function, and says what its parameters are called and what it does.
    pub fn function_with<M>(
        &mut self,
        descriptor: FunctionDescriptor,
        function: impl IntoFunction<M>,
    ) -> &mut Self {
        self.functions.push((descriptor, Code::Free(function.into_function())));
        self
    }

    /// Offers a function of the view model itself: `setup.function_of("score", Self::score)` with
    /// `fn score(&mut self, _: &mut Frame<'_>, points: u32) -> u32`. Code of this module that has the view model calls the
    /// method; by its name it can't be called from there, which is an error of the call.
    pub fn function_of<T: ViewModel, M>(
        &mut self,
        name: &str,
        function: impl IntoFunctionOf<T, M> + Send + 'static,
    ) -> &mut Self {
        self.function_of_with(FunctionDescriptor::new(name), function)
    }

    /// [`Setup::function_of`], with what its parameters are called and what it does. What it changes in the fields stays, also
    /// if it is atomic and fails.
    pub fn function_of_with<T: ViewModel, M>(
        &mut self,
        descriptor: FunctionDescriptor,
        function: impl IntoFunctionOf<T, M> + Send + 'static,
    ) -> &mut Self {
        let own = OwnFunction::new(descriptor.name(), function);
        self.functions.push((descriptor, Code::Own(own)));
        self
    }

    /// Provides a view.
    pub fn provide<V: Contract + ?Sized>(&mut self, view: Box<V>) -> &mut Self {
        self.views.push(Provided::new::<V>(view));
        self
    }

    /// Provides a view that works on the models of type `M`: who has the view finds their pool by it.
    pub fn provide_on<V: Contract + ?Sized, M: TypedModel>(&mut self, view: Box<V>) -> &mut Self {
        self.model_types.insert(V::ID, M::TYPE);
        self.provide(view)
    }

    /// Brings a pool for the models of type `T`, which are this module's own: no Model module exports them. What is in
    /// the pool survives a swap of this module, as its fields do.
    pub fn pool<T: TypedModel + Data + Default>(&mut self) -> &mut Self {
        self.pools.push(PooledTypeInfo::of::<T>());
        self
    }

    /// Declares a case for `keel bench ecs`, which calls `make` to prepare it and times what that gives back. In a game
    /// nothing of it runs.
    pub fn bench<R: BenchRoutine + 'static>(
        &mut self,
        case: BenchCase,
        make: impl Fn() -> R + Send + 'static,
    ) -> &mut Self {
        self.benches.push(DeclaredBench::new(case, make));
        self
    }

    /// Takes the benchmark cases out.
    pub fn take_benches(&mut self) -> Vec<DeclaredBench> {
        std::mem::take(&mut self.benches)
    }

    /// The type of the models that the view works on, if it was provided on one.
    pub fn model_type(&self, view: ViewId) -> Option<ModelType> {
        self.model_types.get(&view).copied()
    }

    /// Takes out the types whose pools were declared.
    pub fn take_pools(&mut self) -> Vec<PooledTypeInfo> {
        std::mem::take(&mut self.pools)
    }

    /// The views declared so far.
    pub fn views(&self) -> &[Provided] {
        &self.views
    }

    /// Takes the views out, to be bound before the rest goes live.
    pub fn take_views(&mut self) -> Vec<Provided> {
        std::mem::take(&mut self.views)
    }

    /// Checks that what is to be lent the view model is a function of its type.
    ///
    /// # Errors
    /// [`ModuleError`](crate::ModuleError) that names the first which is not.
    pub fn check_owner(&self, view_model: &dyn ViewModel) -> ModuleResult {
        let systems = self.systems.iter().try_for_each(|(_, code)| match code {
            Code::Free(_) => Ok(()),
            Code::Own(own) => own.check(view_model),
        });
        systems?;
        let observers = self.observers.iter().try_for_each(|(_, code)| match code {
            Code::Free(_) => Ok(()),
            Code::Own(own) => own.check(view_model),
        });
        observers?;
        let functions = self.functions.iter().try_for_each(|(_, code)| match code {
            Code::Free(_) => Ok(()),
            Code::Own(own) => own.check(view_model),
        });
        functions?;
        self.handlers.iter().try_for_each(|(_, code)| match code {
            Code::Free(_) => Ok(()),
            Code::Own(own) => own.check(view_model),
        })
    }

    /// The code that was declared, as `module`'s. A system or handler of the view model itself fails when it runs: it
    /// needs [`Setup::into_code_of`].
    pub fn into_code(self, module: &ModuleTag) -> ModuleCode {
        self.into_code_with(module, None)
    }

    /// The code that was declared, as `module`'s, with `view_model` for what is to be lent it, and with its `update` as
    /// the first system. So a test runs a module as a host does.
    pub fn into_code_of(self, module: &ModuleTag, view_model: Box<dyn ViewModel>) -> ModuleCode {
        let access = access_to(view_model);
        let mut code = self.into_code_with(module, Some(&access));
        let update = move |frame: &mut Frame<'_>| {
            let mut outcome = Ok(());
            access(&mut |view_model| outcome = view_model.update(frame));
            outcome
        };
        code.systems.insert(0, (SystemDescriptor::new("update"), update.into_system()));
        code
    }

    /// The code that was declared, as `module`'s, with `access` to the view model for what is to be lent it.
    pub fn into_code_with(mut self, module: &ModuleTag, access: Option<&ViewModelAccess>) -> ModuleCode {
        let (sets, states) = (std::mem::take(&mut self.sets), std::mem::take(&mut self.states));
        let functions =
            std::mem::take(&mut self.functions).into_iter().map(|(descriptor, code)| match code {
                Code::Free(code) => (descriptor, code),
                Code::Own(own) => (descriptor, own.into_code(access)),
            });
        let functions = functions.collect();
        let worlds = std::mem::take(&mut self.worlds);
        let prefabs = std::mem::take(&mut self.prefabs);
        let observers = std::mem::take(&mut self.observers).into_iter().map(|(name, code)| match code {
            Code::Free(code) => (name, code),
            Code::Own(own) => (name, own.into_code(access)),
        });
        let observers = observers.collect();
        let (systems, handlers, _) = self.finish(module, access);
        ModuleCode {
            systems,
            sets,
            states,
            handlers,
            functions,
            worlds,
            prefabs,
            observers,
            ..ModuleCode::new(module)
        }
    }

    /// All that was declared: systems, handlers, views.
    pub fn into_parts(self) -> Parts {
        self.finish(&ModuleTag::new(""), None)
    }

    fn finish(self, module: &ModuleTag, access: Option<&ViewModelAccess>) -> Parts {
        let systems = self.systems.into_iter().map(|(descriptor, code)| match code {
            Code::Free(code) => (descriptor, code),
            Code::Own(own) => (descriptor, own.into_code(module, access)),
        });
        let handlers = self.handlers.into_iter().map(|(name, code)| match code {
            Code::Free(code) => (name, code),
            Code::Own(own) => (name, own.into_handler(access.cloned())),
        });
        (systems.collect(), handlers.collect(), self.views)
    }
}

/// Systems, handlers and views.
type Parts = (Vec<(SystemDescriptor, SystemCode)>, Vec<(String, Handler)>, Vec<Provided>);
