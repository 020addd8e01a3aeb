//! Candidates made ready: each with its fields restored, and its code as the schedule takes it.

use std::sync::Arc;

use keel_engine::{Frame, ModuleCode, ModuleTag, SystemCode, SystemDescriptor};
use keel_loader::LoadedViewModel;
use keel_state::Change;
use parking_lot::Mutex;

use crate::fields::{SavedStates, restore_locals, restore_state};
use crate::registry::Generation;
use crate::resume::access_to;
use crate::{Candidate, Consent, Rejection};

/// A candidate whose state is restored, ready to be put in place.
pub(crate) struct Prepared {
    tag: ModuleTag,
    generation: Generation,
    code: ModuleCode,
    changes: Vec<Change>,
    /// It has no state to go on from.
    starts: bool,
}

/// What is left of a candidate once its code is in the schedule.
pub(crate) struct Placed {
    pub(crate) tag: ModuleTag,
    pub(crate) generation: Generation,
    pub(crate) changes: Vec<Change>,
    pub(crate) starts: bool,
}

impl Prepared {
    pub(crate) fn split(self) -> (ModuleCode, Placed) {
        let Self { tag, generation, code, changes, starts } = self;
        (code, Placed { tag, generation, changes, starts })
    }
}

/// Restores the states of all candidates; the first that fails ends it.
pub(crate) fn prepare_all(
    candidates: Vec<Candidate>,
    states: &SavedStates,
    consent: Consent,
) -> Result<Vec<Prepared>, Rejection> {
    candidates.into_iter().map(|candidate| prepare(candidate, states, consent)).collect()
}

fn prepare(candidate: Candidate, states: &SavedStates, consent: Consent) -> Result<Prepared, Rejection> {
    let Candidate { tag, generation, lineage, types, pools, brings, view_model, module, .. } = candidate;
    let lineage = lineage.unwrap_or_default();
    let mut prepared = Prepared {
        code: ModuleCode::new(&tag),
        generation: Generation {
            number: generation,
            lineage,
            types,
            pools,
            brings,
            view_model: None,
            module,
        },
        changes: Vec::new(),
        starts: false,
        tag,
    };
    let Some((mut view_model, setup)) = view_model else { return Ok(prepared) };
    let name = prepared.tag.name();
    let saved = states.get(name);
    match saved {
        Some(saved) => prepared.changes = restore_state(name, &mut view_model, &saved.fields, consent)?,
        None => prepared.starts = true,
    }
    let view_model = Arc::new(Mutex::new(view_model));
    prepared.code = setup.into_code_with(&prepared.tag, Some(&access_to(&view_model)));
    prepared.code.systems.insert(0, update_system(&view_model));
    if let Some(saved) = saved {
        prepared.changes.extend(restore_locals(&mut prepared.code, &saved.locals, consent)?);
    }
    prepared.generation.view_model = Some(view_model);
    Ok(prepared)
}

/// `ViewModel::update` as a system.
fn update_system(view_model: &Arc<Mutex<LoadedViewModel>>) -> (SystemDescriptor, SystemCode) {
    let view_model = Arc::clone(view_model);
    let code =
        move |frame: &mut Frame<'_>| view_model.lock().update(frame).map_err(|error| error.to_string());
    (SystemDescriptor::new("update"), SystemCode::of_frame(code))
}
