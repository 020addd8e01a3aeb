//! What can go wrong in an engine.

/// An error of the frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// `before` and `after` contradict each other.
    #[error("the order of systems is a cycle: {cycle}; take one of these `before` or `after` away")]
    OrderCycle {
        /// The systems, each before the next, the first again at the end.
        cycle: String,
    },
    /// One module has two systems of one name.
    #[error("module `{module}` registers system `{system}` twice; give one of them another name")]
    DuplicateSystem {
        /// The module's name.
        module: String,
        /// The system's name.
        system: String,
    },
    /// Two parameters of a system can't be had at the same time.
    #[error(
        "system `{system}`: parameters `{first}` and `{second}` both use `{shared}`, and one writes it; ask for both in \
         one query, tell their entities apart with `Without<..>`, or make two systems of it"
    )]
    ParameterConflict {
        /// The system, as `module/system`.
        system: String,
        /// A parameter, as its author writes it.
        first: String,
        /// A later one.
        second: String,
        /// What both use.
        shared: String,
    },
    /// One parameter of a system asks for something twice, once to write it.
    #[error(
        "system `{system}`: parameter `{parameter}` uses `{shared}` twice, and writes it; ask for it once"
    )]
    ParameterUsesTwice {
        /// The system, as `module/system`.
        system: String,
        /// The parameter, as its author writes it.
        parameter: String,
        /// What it uses twice.
        shared: String,
    },
    /// A condition changes something.
    #[error(
        "a condition of {of} takes `{parameter}`, which changes something; a condition only reads: take `Res`, a `Query` \
         of `&T`, or `EventReader`"
    )]
    ConditionWrites {
        /// The system or the set.
        of: String,
        /// The parameter, as its author writes it.
        parameter: String,
    },
    /// One exchange brings the code of one module in two pieces.
    #[error("module `{module}` is exchanged twice at once; hand over all of its code together")]
    DuplicateModule {
        /// The module's name.
        module: String,
    },
    /// A system can't be one of many worlds.
    #[error(
        "system `{system}` of the worlds of `{schedule}`: {because}; change it, or register it for the running world alone"
    )]
    NotOfWorlds {
        /// The system, as `module/system`.
        system: String,
        /// The schedule of worlds.
        schedule: String,
        /// Why, and the next step.
        because: String,
    },
    /// No such schedule of worlds.
    #[error("there is no schedule of worlds `{schedule}`; the modules have declared: {known}")]
    NoSuchWorldSchedule {
        /// What was asked for.
        schedule: String,
        /// What there is.
        known: String,
    },
    /// A world can't be stepped.
    #[error(
        "no world was stepped, for world {world} can't be: {because}; name each world once, and drop the ids of those \
         that were released"
    )]
    NoSuchWorld {
        /// The world.
        world: keel_core_types::ModelId,
        /// Why.
        because: String,
    },
    /// `before` and `after` of observers contradict each other.
    #[error("the order of observers is a cycle: {cycle}; take one of these `before` or `after` away")]
    ObserverCycle {
        /// The observers, each before the next, the first again at the end.
        cycle: String,
    },
    /// One module has two observers of one name.
    #[error("module `{module}` registers observer `{observer}` twice; give one of them another name")]
    DuplicateObserver {
        /// The module's name.
        module: String,
        /// The observer's name.
        observer: String,
    },
    /// Two modules define one prefab.
    #[error("modules `{first}` and `{second}` both define prefab `{prefab}`; give one of them another name")]
    DuplicatePrefab {
        /// Its name.
        prefab: String,
        /// A module.
        first: String,
        /// Another one, or the same.
        second: String,
    },
    /// No such system.
    #[error("there is no system `{system}`; the systems are: {known}")]
    NoSuchSystem {
        /// What was asked for.
        system: String,
        /// What there is.
        known: String,
    },
    /// One module has two handlers of one name.
    #[error("module `{module}` registers handler `{handler}` twice; give one of them another name")]
    DuplicateHandler {
        /// The module's name.
        module: String,
        /// The handler's name.
        handler: String,
    },
    /// What the systems of a module keep could not be saved, or not be taken over by new code.
    #[error(
        "what the systems of module `{module}` keep can't be taken over; give them a `Local` that takes it: {source}"
    )]
    Locals {
        /// The module's name.
        module: String,
        /// Why.
        source: keel_state::StateError,
    },
    /// One module has two functions of one name.
    #[error("module `{module}` registers function `{function}` twice; give one of them another name")]
    DuplicateFunction {
        /// The module's name.
        module: String,
        /// The function's name.
        function: String,
    },
    /// The world refused something.
    #[error(transparent)]
    Ecs(#[from] keel_ecs::EcsError),
    /// A state could not be read or written.
    #[error(transparent)]
    State(#[from] keel_state::StateError),
}
