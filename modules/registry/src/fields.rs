//! What modules keep, saved by the old code and restored by the new: the fields of view models, and what their systems
//! keep from run to run.

use std::collections::BTreeMap;

use keel_crash::{Mark, Thread};
use keel_engine::{Engine, EngineError, ModuleCode, ModuleTag, Panic, SavedLocals, catch};
use keel_loader::LoadedViewModel;
use keel_state::{Change, SavedValue};
use parking_lot::Mutex;

use crate::rejection::failed_in;
use crate::{Candidate, Consent, Registry, Rejection};

/// The calls, as they are told.
const SAVE_STATE: &str = "save_state";
const RESTORE_STATE: &str = "restore_state";

/// What one module keeps.
#[derive(Clone)]
pub(crate) struct SavedState {
    /// Its view model.
    pub(crate) fields: SavedValue,
    /// What its systems keep.
    pub(crate) locals: SavedLocals,
}

/// What modules keep, by module name.
pub(crate) type SavedStates = BTreeMap<String, SavedState>;

impl Registry {
    /// What the generations keep that are to be replaced. A module whose state can't be saved could never be replaced, so
    /// with consent it starts afresh.
    pub(crate) fn save_states(
        &self,
        engine: &Engine,
        candidates: &[Candidate],
        consent: Consent,
    ) -> Result<SavedStates, Rejection> {
        let mut states = SavedStates::new();
        for candidate in candidates {
            let live = self.slots.get(&candidate.id()).and_then(|slot| slot.live.as_ref());
            let Some(view_model) = live.and_then(|live| live.view_model.as_ref()) else { continue };
            match save_state(engine, &candidate.tag, view_model) {
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

pub(crate) fn save_state(
    engine: &Engine,
    tag: &ModuleTag,
    view_model: &Mutex<LoadedViewModel>,
) -> Result<SavedState, Rejection> {
    let failed = |message: &str| Rejection::save_state(tag.name(), message);
    let panicked = |panic: Panic| Rejection::panicked(SAVE_STATE, panic, failed);
    let _running = Thread::current().enter(Mark::of(tag.name(), SAVE_STATE));
    let fields = catch(|| view_model.lock().save_state()).map_err(panicked)?;
    let fields = fields.map_err(|error| failed(&error.to_string()))?;
    let locals = catch(|| engine.save_locals(tag)).map_err(panicked)?;
    let locals = locals.map_err(|error| failed(&error.to_string()))?;
    Ok(SavedState { fields, locals })
}

/// Gives the systems in `code` what those before them kept.
pub(crate) fn restore_locals(
    code: &mut ModuleCode,
    saved: &SavedLocals,
    consent: Consent,
) -> Result<Vec<Change>, Rejection> {
    let name = code.module.name().to_owned();
    let _running = Thread::current().enter(Mark::of(&name, RESTORE_STATE));
    let restored = catch(|| code.restore_locals(saved.clone(), consent.accepts_loss()));
    let restored = restored.map_err(|panic| restore_panicked(&name, panic))?;
    restored.map_err(|error| match &error {
        EngineError::Locals { source, .. } => {
            Rejection { message: error.to_string(), ..Rejection::state(&name, source) }
        }
        _ => Rejection::restore_state(&name, &error.to_string()),
    })
}

pub(crate) fn restore_state(
    name: &str,
    view_model: &mut LoadedViewModel,
    saved: &SavedValue,
    consent: Consent,
) -> Result<Vec<Change>, Rejection> {
    let _running = Thread::current().enter(Mark::of(name, RESTORE_STATE));
    let restored = catch(|| view_model.restore_state(saved, consent.accepts_loss()));
    let restored = restored.map_err(|panic| restore_panicked(name, panic))?;
    restored.map_err(|error| {
        let Rejection { module, code, message, .. } = Rejection::state(name, &error);
        Rejection::new(&module, code, failed_in(name, RESTORE_STATE, &message))
    })
}

fn restore_panicked(module: &str, panic: Panic) -> Rejection {
    Rejection::panicked(RESTORE_STATE, panic, |message| Rejection::restore_state(module, message))
}
