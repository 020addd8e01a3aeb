//! What a module says of its systems and of its sets of systems.

use std::fmt;

use keel_core_types::hash_name;
use serde::{Deserialize, Serialize};

use crate::state::{StateCode, States, entering, leaving};
use crate::system::{Condition, IntoCondition};

/// When a system runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Once for each module, before the first step after it has come into a new game or the game was reset: never after a
    /// swap, nor in a saved game that goes on.
    Startup,
    /// At the beginning of a step in which a state changes, before it does; see [`SystemDescriptor::on_exit`].
    Exit,
    /// At the beginning of a step in which a state changes, after it has; see [`SystemDescriptor::on_enter`].
    Enter,
    /// In every fixed step of simulation time: game logic.
    #[default]
    Step,
    /// Once in every frame, after its steps: presentation. It must not change what is simulated.
    Frame,
    /// At the end of a frame, one system after the other, as long as there is time; those that were not reached are the
    /// first in the next frame. It must not change what is simulated: how often it runs is another thing on each machine.
    Idle,
}

impl Stage {
    pub(crate) const ALL: [Self; 6] =
        [Self::Startup, Self::Exit, Self::Enter, Self::Step, Self::Frame, Self::Idle];
}

/// Names one system of one module; it stays the same across swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemId(u64);

impl SystemId {
    /// The id of system `system` of module `module`.
    pub fn of(module: &str, system: &str) -> Self {
        Self(hash_name("system", &format!("{module}/{system}")))
    }
}

/// Others that something runs before or after.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    pub(crate) before_sets: Vec<String>,
    pub(crate) after_sets: Vec<String>,
}

/// A system's name, its place in the order, and when it runs.
pub struct SystemDescriptor {
    pub(crate) name: String,
    pub(crate) stage: Stage,
    pub(crate) order: Order,
    pub(crate) sets: Vec<String>,
    pub(crate) conditions: Vec<Condition>,
    /// The states that its conditions ask for.
    pub(crate) states: Vec<StateCode>,
    /// It takes effect whole, or not at all.
    pub(crate) is_atomic: bool,
}

impl SystemDescriptor {
    /// System `name`, in [`Stage::Step`], in any order.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            stage: Stage::Step,
            order: Order::default(),
            sets: Vec::new(),
            conditions: Vec::new(),
            states: Vec::new(),
            is_atomic: false,
        }
    }

    /// Lets it take effect whole or not at all: after an error or a panic, its own or of one of its commands, the world is as
    /// it was, and so are the system's locals and readers; what it put off is dropped. It costs a copy of what the
    /// system declares to write, and the system runs beside no other.
    #[must_use]
    pub fn atomic(mut self) -> Self {
        self.is_atomic = true;
        self
    }

    /// Runs it in `stage`.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Runs it before `system`: one of the same module, or `module/system`, or all of `module/`. One that is not
    /// there changes nothing.
    #[must_use]
    pub fn before(mut self, system: &str) -> Self {
        self.order.before.push(system.to_owned());
        self
    }

    /// Runs it after `system`, named as in [`SystemDescriptor::before`].
    #[must_use]
    pub fn after(mut self, system: &str) -> Self {
        self.order.after.push(system.to_owned());
        self
    }

    /// Makes it one of set `set`. Sets have no owner: systems of several modules can be in one.
    #[must_use]
    pub fn in_set(mut self, set: &str) -> Self {
        self.sets.push(set.to_owned());
        self
    }

    /// Runs it before all systems of set `set`.
    #[must_use]
    pub fn before_set(mut self, set: &str) -> Self {
        self.order.before_sets.push(set.to_owned());
        self
    }

    /// Runs it after all systems of set `set`.
    #[must_use]
    pub fn after_set(mut self, set: &str) -> Self {
        self.order.after_sets.push(set.to_owned());
        self
    }

    /// Runs it only when `condition` holds, which is asked each time its turn has come. With several, all must hold; those
    /// after one that does not are not asked.
    #[must_use]
    pub fn run_if<M>(mut self, condition: impl IntoCondition<M>) -> Self {
        self.conditions.push(condition.into_condition());
        self
    }

    /// Runs it when the state `S` becomes `value`, at the beginning of that step; also when the game begins with it.
    #[must_use]
    pub fn on_enter<S: States>(mut self, value: S) -> Self {
        self.states.push(StateCode::of::<S>());
        self.stage(Stage::Enter).run_if(entering(value))
    }

    /// Runs it when the state `S` is `value` and becomes another one, at the beginning of that step, while it still is what
    /// it was.
    #[must_use]
    pub fn on_exit<S: States>(mut self, value: S) -> Self {
        self.states.push(StateCode::of::<S>());
        self.stage(Stage::Exit).run_if(leaving(value))
    }

    /// The system's name within its module.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for SystemDescriptor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("SystemDescriptor");
        shown.field("name", &self.name).field("stage", &self.stage).field("order", &self.order);
        shown.field("sets", &self.sets).field("conditions", &self.conditions.len()).finish_non_exhaustive()
    }
}

/// What holds for all systems of a set: their order, and when they run. Several modules may say something of one set, and
/// all of it holds.
pub struct SetDescriptor {
    pub(crate) name: String,
    pub(crate) order: Order,
    pub(crate) conditions: Vec<Condition>,
}

impl SetDescriptor {
    /// Nothing yet of set `name`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), order: Order::default(), conditions: Vec::new() }
    }

    /// Runs the set before `system`, named as in [`SystemDescriptor::before`].
    #[must_use]
    pub fn before(mut self, system: &str) -> Self {
        self.order.before.push(system.to_owned());
        self
    }

    /// Runs the set after `system`, named as in [`SystemDescriptor::before`].
    #[must_use]
    pub fn after(mut self, system: &str) -> Self {
        self.order.after.push(system.to_owned());
        self
    }

    /// Runs the set before all systems of set `set`.
    #[must_use]
    pub fn before_set(mut self, set: &str) -> Self {
        self.order.before_sets.push(set.to_owned());
        self
    }

    /// Runs the set after all systems of set `set`.
    #[must_use]
    pub fn after_set(mut self, set: &str) -> Self {
        self.order.after_sets.push(set.to_owned());
        self
    }

    /// Runs the set only when `condition` holds, which is asked once at the beginning of each stage that has systems of the
    /// set.
    #[must_use]
    pub fn run_if<M>(mut self, condition: impl IntoCondition<M>) -> Self {
        self.conditions.push(condition.into_condition());
        self
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
