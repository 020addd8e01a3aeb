//! What parameters keep across a swap: saved by the old code, restored by the new, one system at a time.

use keel_ecs::Data;
use keel_state::{Change, SavedValue, StateError};
use serde::{Deserialize, Serialize};

use crate::worlds::{OfWorlds, parse_place};

/// A value that outlives the code it belongs to.
#[doc(hidden)]
pub trait KeptValue {
    fn save(&self) -> Result<SavedValue, StateError>;
    fn restore(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError>;
    fn reset(&mut self);
}

impl<T: Data + Default> KeptValue for T {
    fn save(&self) -> Result<SavedValue, StateError> {
        SavedValue::of(self)
    }

    fn restore(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        let (restored, changes) = saved.restore::<T>(accept_loss)?;
        *self = restored;
        Ok(changes)
    }

    fn reset(&mut self) {
        *self = T::default();
    }
}

/// One parameter that keeps something.
#[doc(hidden)]
pub struct KeptParam<'v> {
    /// The parameter as its author writes it: `Local<Counter>`.
    pub name: String,
    /// It says where a reader stands: nothing is lost with it, and no other reader can use it.
    pub is_position: bool,
    /// Whether there is anything to be saved.
    pub is_saved: bool,
    pub value: &'v mut dyn KeptValue,
}

#[doc(hidden)]
pub type VisitKept<'v> = dyn FnMut(KeptParam<'_>) + 'v;

/// What one parameter of one system has kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedLocal {
    system: String,
    param: String,
    is_position: bool,
    value: SavedValue,
}

impl SavedLocal {
    /// The system's name within its module.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The parameter as its author wrote it: `Local<Counter>`.
    pub fn param(&self) -> &str {
        &self.param
    }

    /// What it held.
    pub fn value(&self) -> &SavedValue {
        &self.value
    }
}

/// What the parameters of a module's systems have kept: each [`Local`](crate::Local), where each
/// [`EventReader`](crate::EventReader) and [`Removed`](crate::Removed) stands, and when a system ran last that asks what has
/// changed since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedLocals {
    locals: Vec<SavedLocal>,
}

impl SavedLocals {
    /// All of them, system by system, in the order of the parameters.
    pub fn iter(&self) -> impl Iterator<Item = &SavedLocal> {
        self.locals.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.locals.is_empty()
    }

    /// Adds what `system` keeps, which `visit_all` shows.
    pub(crate) fn add(
        &mut self,
        system: &str,
        visit_all: impl FnOnce(&mut VisitKept<'_>),
    ) -> Result<(), StateError> {
        let mut outcome = Ok(());
        visit_all(&mut |KeptParam { name, is_position, is_saved, value }| {
            if !is_saved {
                return;
            }
            match value.save() {
                Ok(value) => {
                    self.locals.push(SavedLocal {
                        system: system.to_owned(),
                        param: name,
                        is_position,
                        value,
                    });
                }
                Err(error) => outcome = Err(error),
            }
        });
        outcome
    }

    /// Gives `system`, whose parameters `visit_all` shows, what the one of its name has kept, and takes that out.
    pub(crate) fn restore(
        &mut self,
        system: &str,
        accept_loss: bool,
        visit_all: impl FnMut(&mut VisitKept<'_>),
    ) -> Result<Vec<Change>, StateError> {
        let own = self.locals.extract_if(.., |local| local.system == system).collect();
        let (changes, left) = restore_params(own, accept_loss, visit_all)?;
        self.locals.extend(left);
        Ok(changes)
    }

    /// Takes out what was kept of worlds beside the running one, by schedule and world.
    pub(crate) fn take_of_worlds(&mut self) -> OfWorlds {
        let mut taken = OfWorlds::new();
        for mut local in self.locals.extract_if(.., |local| parse_place(&local.system).is_some()) {
            let place = std::mem::take(&mut local.system);
            let Some((world, schedule, system)) = parse_place(&place) else { continue };
            local.system = system.to_owned();
            let of_schedule = taken.entry(schedule.to_owned()).or_default();
            of_schedule.entry(world).or_default().locals.push(local);
        }
        taken
    }

    /// Puts back what no schedule has taken up.
    pub(crate) fn extend(&mut self, of_worlds: OfWorlds) {
        self.locals.extend(of_worlds.into_values().flatten().flat_map(|(_, saved)| saved.locals));
    }

    /// Refuses what nobody has taken out, unless that is accepted. Where a reader stood is no loss.
    pub(crate) fn check_losses(self, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        let lost = self.locals.iter().filter(|local| !local.is_position);
        let losses: Vec<_> = lost.map(dropped).collect();
        if losses.is_empty() || accept_loss {
            return Ok(losses);
        }
        let list: Vec<_> = losses.iter().map(Change::to_string).collect();
        Err(StateError::LossesNotAccepted { list: list.join("\n") })
    }
}

/// Restores the parameters of one system, which `visit_all` shows one after the other.
///
/// Each takes what one of the same type has kept, in their order. A `Local` that finds none takes what a `Local` of
/// another type has kept that nobody else takes, so that a type that is renamed or widened migrates. What is left over is
/// returned.
pub(crate) fn restore_params(
    mut saved: Vec<SavedLocal>,
    accept_loss: bool,
    mut visit_all: impl FnMut(&mut VisitKept<'_>),
) -> Result<(Vec<Change>, Vec<SavedLocal>), StateError> {
    let mut chosen: Vec<Option<SavedLocal>> = Vec::new();
    visit_all(&mut |param| {
        let same = saved.iter().position(|local| local.param == param.name);
        chosen.push(same.map(|index| saved.remove(index)));
    });
    let (mut changes, mut outcome, mut index) = (Vec::new(), Ok(()), 0);
    visit_all(&mut |param| {
        let mut local = chosen[index].take();
        index += 1;
        if local.is_none() && !param.is_position {
            let other = saved.iter().position(|local| is_of_one_kind(&local.param, &param.name));
            local = other.map(|other| saved.remove(other));
        }
        let Some(local) = local.filter(|_| outcome.is_ok()) else { return };
        match restore_one(param, &local, accept_loss) {
            Ok(restored) => changes.extend(restored),
            Err(error) => outcome = Err(error),
        }
    });
    outcome.map(|()| (changes, saved))
}

/// Whether both are a `Local` of the system itself, or both one of its conditions.
fn is_of_one_kind(saved: &str, live: &str) -> bool {
    saved.split('<').next() == live.split('<').next()
}

fn restore_one(
    param: KeptParam<'_>,
    local: &SavedLocal,
    accept_loss: bool,
) -> Result<Vec<Change>, StateError> {
    match param.value.restore(&local.value, accept_loss) {
        Ok(changes) => {
            let place = format!("{}: ", local.system);
            Ok(changes.into_iter().map(|change| change.within(&place)).collect())
        }
        // Nothing of it fits, and that was accepted: the new one stays what it is.
        Err(StateError::Impossible { .. }) if accept_loss => Ok(vec![dropped(local)]),
        Err(error) => Err(error),
    }
}

fn dropped(local: &SavedLocal) -> Change {
    let SavedLocal { system, param, .. } = local;
    match param.split_once('<') {
        Some((kind, ty)) => Change::dropped(&format!("{system}: {kind}"), ty.strip_suffix('>').unwrap_or(ty)),
        None => Change::dropped(&format!("{system}: {param}"), param),
    }
}
