//! States of a game: resources whose change is an occasion.
//!
//! A state is an ordinary resource. Who wants it to change says so with [`NextState`]; the change is made at the beginning
//! of the next step, between the systems of [`SystemDescriptor::on_exit`](crate::SystemDescriptor::on_exit) and those of
//! [`SystemDescriptor::on_enter`](crate::SystemDescriptor::on_enter). What is wanted is kept in the world as data, so that
//! it survives a swap, and is migrated with the state's type.

use std::collections::BTreeMap;

use keel_ecs::{Access, EcsError, Resource, World};
use keel_module_macros::resource;
use keel_state::SavedValue;

use crate::param::{ParamUses, SystemContext, SystemParam, sealed, short_name};
use crate::{EngineError, Frame, Res, Time};

/// A resource that can be a state: mostly a `#[resource] enum`. Its default is what the game begins with.
pub trait States: Resource + Default + PartialEq {}

impl<S: Resource + Default + PartialEq> States for S {}

/// What states are to become, and when they became what they are.
#[resource(crate = keel_ecs, name = "keel.StateChanges")]
#[derive(Default)]
pub(crate) struct StateChanges {
    /// By the state's declared name.
    #[keel(opaque)]
    next: BTreeMap<String, SavedValue>,
    /// What those that change in this step become. Kept apart, so that what an exit says is of the next step, and a state
    /// that startup wants to change is not left before it has begun. Nothing is in it between two steps.
    #[keel(skip)]
    coming: BTreeMap<String, SavedValue>,
    /// The step in which the state became what it is, by its declared name.
    entered: BTreeMap<String, u64>,
}

/// How the engine changes a state: code of a module.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct StateCode {
    pub(crate) name: String,
    /// Makes the state if the world has none, and says what it is about to do.
    pub(crate) prepare: fn(&mut World, u64) -> Result<Coming, EngineError>,
    /// Makes the change.
    pub(crate) change: fn(&mut World, u64) -> Result<(), EngineError>,
}

/// What a state does at the beginning of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    /// It stays what it is.
    Nothing,
    /// It was made just now.
    Begin,
    /// It is about to change.
    Change,
}

impl StateCode {
    /// How the state `S` is changed.
    pub fn of<S: States>() -> Self {
        Self { name: S::NAME.to_owned(), prepare: prepare::<S>, change: change::<S> }
    }

    /// What its faults are told under.
    pub(crate) fn local_name(&self) -> String {
        format!("state {}", self.name)
    }
}

fn prepare<S: States>(world: &mut World, step: u64) -> Result<Coming, EngineError> {
    if !world.has_resource::<S>() {
        world.insert_resource(S::default())?;
        changes_of(world)?.entered.insert(S::NAME.to_owned(), step);
        return Ok(Coming::Begin);
    }
    let Ok(mut changes) = world.resource_mut::<StateChanges>() else { return Ok(Coming::Nothing) };
    let Some(saved) = changes.next.remove(S::NAME) else { return Ok(Coming::Nothing) };
    // What was wanted was never the state: no game loses anything with it.
    let (next, _) = saved.restore::<S>(true)?;
    if next == *world.resource::<S>()? {
        return Ok(Coming::Nothing);
    }
    changes.coming.insert(S::NAME.to_owned(), saved);
    Ok(Coming::Change)
}

fn change<S: States>(world: &mut World, step: u64) -> Result<(), EngineError> {
    let Some(next) = changes_of(world)?.coming.remove(S::NAME) else { return Ok(()) };
    let (next, _) = next.restore::<S>(true)?;
    world.insert_resource(next)?;
    changes_of(world)?.entered.insert(S::NAME.to_owned(), step);
    Ok(())
}

fn changes_of(world: &mut World) -> Result<keel_ecs::ResourceMut<'_, StateChanges>, EcsError> {
    if !world.has_resource::<StateChanges>() {
        world.insert_resource(StateChanges::default())?;
    }
    world.resource_mut()
}

pub(crate) fn set_next<S: States>(world: &mut World, value: &S) -> Result<(), EngineError> {
    let value = SavedValue::of(value)?;
    changes_of(world)?.next.insert(S::NAME.to_owned(), value);
    Ok(())
}

/// Holds in the step in which `S` has become `value`.
pub(crate) fn entering<S: States>(
    value: S,
) -> impl FnMut(Option<Res<'_, S>>, Option<Res<'_, StateChanges>>, Time) -> bool + Send + 'static {
    move |state: Option<Res<'_, S>>, changes: Option<Res<'_, StateChanges>>, time: Time| {
        let entered = changes.and_then(|changes| changes.entered.get(S::NAME).copied());
        entered == Some(time.step) && state.is_some_and(|state| *state == value)
    }
}

/// Holds when `S` is `value` and becomes another one in this step.
pub(crate) fn leaving<S: States>(
    value: S,
) -> impl FnMut(Option<Res<'_, S>>, Option<Res<'_, StateChanges>>) -> bool + Send + 'static {
    move |state: Option<Res<'_, S>>, changes: Option<Res<'_, StateChanges>>| {
        changes.is_some_and(|changes| changes.coming.contains_key(S::NAME))
            && state.is_some_and(|state| *state == value)
    }
}

/// Says what a state is to become. It changes at the beginning of the next step; of several systems that say so, the last
/// one in the schedule counts.
pub struct NextState<'a, S: States> {
    next: &'a mut Option<S>,
}

impl<S: States> NextState<'_, S> {
    /// Lets the state become `value`, unless it is.
    pub fn set(&mut self, value: S) {
        *self.next = Some(value);
    }
}

impl<S: States> sealed::Sealed for NextState<'_, S> {}

impl<S: States> SystemParam for NextState<'_, S> {
    type State = Option<S>;
    type Item<'a> = NextState<'a, S>;

    fn state() -> Option<S> {
        None
    }

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("NextState<{}>", short_name::<S>()), Access::new());
        uses.add_deferred();
    }

    fn fetch<'a>(next: &'a mut Option<S>, _: &SystemContext<'a>) -> Result<NextState<'a, S>, String> {
        Ok(NextState { next })
    }

    fn apply(next: &mut Option<S>, world: &mut World) -> Result<(), String> {
        match next.take() {
            Some(value) => set_next(world, &value).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn discard(next: &mut Option<S>) {
        *next = None;
    }
}

impl Frame<'_> {
    /// Lets the state `S` become `value` at the beginning of the next step, as [`NextState::set`] does.
    ///
    /// # Errors
    /// When the value can't be encoded.
    pub fn set_next_state<S: States>(&mut self, value: &S) -> Result<(), EngineError> {
        set_next(self.world, value)
    }
}
