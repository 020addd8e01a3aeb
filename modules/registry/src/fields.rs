//! The fields of view models, saved by the old code and restored by the new.

use std::collections::BTreeMap;

use keel_engine::contain;
use keel_loader::LoadedViewModel;
use keel_state::{Change, SavedValue};
use parking_lot::Mutex;

use crate::rejection::failed_in;
use crate::{Candidate, Consent, Registry, Rejection};

/// The fields of modules, by module name.
pub(crate) type SavedStates = BTreeMap<String, SavedValue>;

impl Registry {
    /// The fields of the generations that are to be replaced. A module whose fields can't be saved could never be
    /// replaced, so with consent it starts afresh.
    pub(crate) fn save_states(
        &self,
        candidates: &[Candidate],
        consent: Consent,
    ) -> Result<SavedStates, Rejection> {
        let mut states = SavedStates::new();
        for candidate in candidates {
            let live = self.slots.get(&candidate.id()).and_then(|slot| slot.live.as_ref());
            let Some(view_model) = live.and_then(|live| live.view_model.as_ref()) else { continue };
            match save_state(candidate.name(), view_model) {
                Ok(saved) => drop(states.insert(candidate.name().to_owned(), saved)),
                Err(rejection) if consent.accepts_loss() => {
                    log::warn!("{rejection}; it starts afresh, as was accepted");
                }
                Err(rejection) => return Err(rejection),
            }
        }
        Ok(states)
    }
}

pub(crate) fn save_state(name: &str, view_model: &Mutex<LoadedViewModel>) -> Result<SavedValue, Rejection> {
    let failed = |message: &str| Rejection::save_state(name, message);
    let saved = contain(|| view_model.lock().save_state()).map_err(|panic| failed(&panic))?;
    saved.map_err(|error| failed(&error.to_string()))
}

pub(crate) fn restore_state(
    name: &str,
    view_model: &mut LoadedViewModel,
    saved: &SavedValue,
    consent: Consent,
) -> Result<Vec<Change>, Rejection> {
    let restored = contain(|| view_model.restore_state(saved, consent.accepts_loss()));
    let restored = restored.map_err(|panic| Rejection::restore_state(name, &panic))?;
    restored.map_err(|error| {
        let Rejection { module, code, message } = Rejection::state(name, &error);
        Rejection::new(&module, code, failed_in(name, "restore_state", &message))
    })
}
