//! What an observer is called with.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use keel_core_types::ComponentId;
use keel_ecs::{Access, Component, Entity, Event, Occasion, Occurrence, SentEvent, World};

use crate::param::{ParamUses, sealed::Sealed, shorten};

/// What has happened, the first parameter of an observer: `On<Insert, Health>`, `On<Replace, Health>`,
/// `On<Remove, Health>`, `On<Despawn, Health>`, `On<Sent, Eaten>`.
///
/// When the observer runs, it is over: more may have happened since. What is so now, a `Query` tells.
pub struct On<'a, K, T> {
    entity: Entity,
    value: Held<'a, T>,
    kind: PhantomData<fn() -> K>,
}

/// What there is beside the entity.
#[doc(hidden)]
pub enum Held<'a, T> {
    Nothing,
    Old(T),
    Event(SentEvent<'a, T>),
}

/// A component has come, also in the place of another value: `On<Insert, T>`.
pub struct Insert;

/// A component was replaced by another value: `On<Replace, T>`. [`Insert`] follows.
pub struct Replace;

/// A component has gone, by itself or with its entity: `On<Remove, T>`.
pub struct Remove;

/// An entity with the component has gone: `On<Despawn, T>`. [`Remove`] follows.
pub struct Despawn;

/// An event was sent: `On<Sent, E>`.
pub struct Sent;

/// Something that can happen to a `T`: [`Insert`], [`Replace`], [`Remove`] and [`Despawn`] to a component, [`Sent`] to an
/// event.
#[diagnostic::on_unimplemented(
    message = "`{T}` is not observed by `{Self}`",
    note = "`Insert`, `Replace`, `Remove` and `Despawn` are of components, `Sent` is of events"
)]
pub trait OccasionKind<T>: Sealed {
    #[doc(hidden)]
    const OCCASION: Occasion;
    #[doc(hidden)]
    const ID: ComponentId;

    #[doc(hidden)]
    fn declare(uses: &mut ParamUses, parameter: String);

    /// None if there is nothing left to tell.
    #[doc(hidden)]
    fn hold<'a>(occurrence: &Occurrence, world: &'a World) -> Result<Option<Held<'a, T>>, String>;
}

macro_rules! kinds {
    ($($kind:ident $hold:expr;)*) => {
        $(impl Sealed for $kind {}

        impl<T: Component> OccasionKind<T> for $kind {
            const OCCASION: Occasion = Occasion::$kind;
            const ID: ComponentId = T::ID;

            fn declare(uses: &mut ParamUses, parameter: String) {
                uses.add(parameter, Access::new());
            }

            fn hold<'a>(occurrence: &Occurrence, world: &'a World) -> Result<Option<Held<'a, T>>, String> {
                let hold: fn(&Occurrence, &World) -> Result<Held<'a, T>, String> = $hold;
                hold(occurrence, world).map(Some)
            }
        })*
    };
}

kinds! {
    Insert |_, _| Ok(Held::Nothing);
    Replace old;
    Remove old;
    Despawn old;
}

fn old<'a, T: Component>(occurrence: &Occurrence, world: &World) -> Result<Held<'a, T>, String> {
    let value = world.old_value::<T>(occurrence);
    value
        .map(Held::Old)
        .map_err(|error| format!("it did not run: the `{}` that has gone can't be had: {error}", T::NAME))
}

impl Sealed for Sent {}

impl<E: Event> OccasionKind<E> for Sent {
    const OCCASION: Occasion = Occasion::Sent;
    const ID: ComponentId = E::ID;

    fn declare(uses: &mut ParamUses, parameter: String) {
        let mut access = Access::new();
        access.add_read(E::ID, E::NAME);
        uses.add(parameter, access);
    }

    fn hold<'a>(occurrence: &Occurrence, world: &'a World) -> Result<Option<Held<'a, E>>, String> {
        Ok(world.sent_event(occurrence).map(Held::Event))
    }
}

impl<T: Component, K: OccasionKind<T>> On<'_, K, T> {
    /// The entity that it happened to. It may be gone by now; of [`Despawn`] it is.
    #[inline]
    pub fn entity(&self) -> Entity {
        self.entity
    }
}

macro_rules! old_values {
    ($($kind:ident)*) => {
        $(impl<T: Component> On<'_, $kind, T> {
            /// The value that has gone: all of it that is saved.
            #[inline]
            pub fn old(&self) -> &T {
                match &self.value {
                    Held::Old(value) => value,
                    Held::Nothing | Held::Event(_) => unreachable!("`hold` gives the value that has gone"),
                }
            }
        })*
    };
}

old_values!(Replace Remove Despawn);

impl<E: Event> Deref for On<'_, Sent, E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        match &self.value {
            Held::Event(event) => event,
            Held::Nothing | Held::Old(_) => unreachable!("`hold` gives the event"),
        }
    }
}

impl<K, T> fmt::Debug for On<'_, K, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("On").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// The first parameter of an observer: [`On`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what is observed",
    note = "the first parameter of an observer is `On<Insert, T>`, `On<Replace, T>`, `On<Remove, T>`, `On<Despawn, T>` of a \
            component, or `On<Sent, E>` of an event"
)]
pub trait Observed: Sealed {
    type Item<'a>;

    /// On which occasion, and of which component or event.
    fn target() -> (Occasion, ComponentId);
    /// As its author writes it.
    fn name() -> String;
    fn declare(uses: &mut ParamUses);
    /// None if there is nothing left to tell.
    fn fetch<'a>(occurrence: &Occurrence, world: &'a World) -> Result<Option<Self::Item<'a>>, String>;
}

impl<K, T> Sealed for On<'_, K, T> {}

impl<K: OccasionKind<T>, T: 'static> Observed for On<'_, K, T> {
    type Item<'a> = On<'a, K, T>;

    fn target() -> (Occasion, ComponentId) {
        (K::OCCASION, K::ID)
    }

    fn name() -> String {
        format!("On<{}, {}>", K::OCCASION, shorten(type_name::<T>()))
    }

    fn declare(uses: &mut ParamUses) {
        K::declare(uses, Self::name());
    }

    fn fetch<'a>(occurrence: &Occurrence, world: &'a World) -> Result<Option<On<'a, K, T>>, String> {
        let held = K::hold(occurrence, world)?;
        Ok(held.map(|value| On { entity: occurrence.entity(), value, kind: PhantomData }))
    }
}
