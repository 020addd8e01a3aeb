//! A whole game in one file: the engine's state, the fields of all modules, and what their systems keep.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_core_types::TypedModel;
use keel_ecs::{ModelTypeInfo, World};
use keel_engine::{Engine, EngineSnapshot, SavedLocals, contain};
use keel_state::{Snapshot, SnapshotWriter, decode_all, encode_into};

use crate::fields::{SavedState, SavedStates, save_state};
use crate::next_world::NextWorld;
use crate::pools::SavedPools;
use crate::{Candidate, Code, Consent, Registry, Rejection, SwapReport};

/// Where the fields of module NAME are kept: section `module NAME`.
const MODULE: &str = "module";

/// Where what the systems of module NAME keep is: section `locals NAME`; there is none if they keep nothing.
const LOCALS: &str = "locals";

/// Where the models of type NAME are kept: section `pool NAME`.
const POOL: &str = "pool";

/// The type whose models are worlds, each saved as a game's own is.
const WORLDS: &str = <World as TypedModel>::NAME;

/// A game to go on with instead of the running one.
pub(crate) struct SavedGame {
    pub(crate) states: SavedStates,
    pub(crate) snapshot: EngineSnapshot,
    pub(crate) pools: SavedPools,
}

impl SavedGame {
    /// Reads all of it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Rejection> {
        let file = Snapshot::parse(bytes).map_err(|error| Rejection::state("", &error))?;
        let snapshot = EngineSnapshot::read(&file).map_err(|error| {
            let message = format!("the saved game can't be read: {error}");
            Rejection::new("", Code::RestoreFailed, message)
        })?;
        Ok(Self { states: read_states(&file)?, snapshot, pools: read_pools(&file)? })
    }

    pub(crate) fn world(
        &self,
        types: &[Arc<ModelTypeInfo>],
        consent: Consent,
    ) -> Result<NextWorld, Rejection> {
        let types = types.iter().map(Arc::clone);
        let restored = contain(|| World::from_snapshot(types, &self.snapshot.world, consent.accepts_loss()));
        match restored {
            Ok(Ok((world, report))) => Ok(NextWorld::Restored(world, report)),
            Ok(Err(error)) => Err(Rejection::restore("", &error)),
            Err(panic) => Err(Rejection::convert("", &panic)),
        }
    }
}

impl Registry {
    /// The running game as the bytes of a file. `buffer` is reused.
    ///
    /// # Errors
    /// [`Rejection`] when a type's or a module's state can't be saved.
    pub fn save_game(&mut self, engine: &Engine, buffer: Vec<u8>) -> Result<Vec<u8>, Rejection> {
        let failed = |error: &dyn std::error::Error| Rejection::save("", error);
        engine.save(&mut self.point).map_err(|error| failed(&error))?;
        let mut file = SnapshotWriter::new(buffer);
        self.point.write(&mut file).map_err(|error| failed(&error))?;
        for (tag, live) in self.live() {
            let Some(view_model) = &live.view_model else { continue };
            let SavedState { fields, locals } = save_state(engine, tag, view_model)?;
            file.section(MODULE, tag.name(), |out| encode_into(&fields, out))
                .map_err(|error| failed(&error))?;
            if !locals.is_empty() {
                file.section(LOCALS, tag.name(), |out| encode_into(&locals, out))
                    .map_err(|error| failed(&error))?;
            }
        }
        let SavedPools { pools, worlds } = self.save_pools()?;
        for (name, pool) in &pools {
            file.section(POOL, name, |out| encode_into(pool, out)).map_err(|error| failed(&error))?;
        }
        if !worlds.is_empty() {
            file.section(POOL, WORLDS, |out| encode_into(&worlds, out)).map_err(|error| failed(&error))?;
        }
        Ok(file.finish())
    }

    /// Adds `candidates`, none of which is live, and goes on with the game in `bytes`. Modules that the game does
    /// not know are started.
    ///
    /// # Errors
    /// [`Rejection`] when the file is damaged or does not fit the modules; nothing has changed then.
    pub fn resume_game(
        &mut self,
        engine: &mut Engine,
        candidates: Vec<Candidate>,
        bytes: &[u8],
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        self.swap_with(engine, candidates, consent, Some(SavedGame::read(bytes)?))
    }
}

fn read_states(file: &Snapshot<'_>) -> Result<SavedStates, Rejection> {
    let mut states = SavedStates::new();
    for section in file.sections().iter().filter(|section| section.kind() == MODULE) {
        let fields = decode_all(section.bytes()).map_err(|error| Rejection::state(section.name(), &error))?;
        let state = SavedState { fields, locals: read_locals(file, section.name())? };
        states.insert(section.name().to_owned(), state);
    }
    Ok(states)
}

fn read_locals(file: &Snapshot<'_>, module: &str) -> Result<SavedLocals, Rejection> {
    let mut sections = file.sections().iter();
    match sections.find(|section| section.kind() == LOCALS && section.name() == module) {
        Some(section) => decode_all(section.bytes()).map_err(|error| Rejection::state(module, &error)),
        None => Ok(SavedLocals::default()),
    }
}

/// What the systems of a saved game keep as text: `locals shoal-hunt graze: Local<Counter>`. Several of one type are
/// numbered.
///
/// # Errors
/// [`Rejection`] when the file is damaged.
pub fn describe_locals(file: &Snapshot<'_>) -> Result<BTreeMap<String, String>, Rejection> {
    let mut lines = BTreeMap::new();
    for section in file.sections().iter().filter(|section| section.kind() == LOCALS) {
        for local in read_locals(file, section.name())?.iter() {
            let text = local.value().display().map_err(|error| Rejection::state(section.name(), &error))?;
            let key = format!("locals {} {}: {}", section.name(), local.system(), local.param());
            let twice = (1..).map(|number| if number == 1 { key.clone() } else { format!("{key} {number}") });
            if let Some(key) = twice.into_iter().find(|key| !lines.contains_key(key)) {
                lines.insert(key, text);
            }
        }
    }
    Ok(lines)
}

fn read_pools(file: &Snapshot<'_>) -> Result<SavedPools, Rejection> {
    let mut saved = SavedPools::default();
    for section in file.sections().iter().filter(|section| section.kind() == POOL) {
        let (name, bytes) = (section.name(), section.bytes());
        let failed = |error| Rejection::state("", &error);
        match name {
            WORLDS => saved.worlds = decode_all(bytes).map_err(failed)?,
            _ => drop(saved.pools.insert(name.to_owned(), decode_all(bytes).map_err(failed)?)),
        }
    }
    Ok(saved)
}

/// Every model in the pools of a saved game as text, by what it belongs to: `model Chart 0v0`,
/// `world 1v0 entity 3v0 Position`.
///
/// # Errors
/// [`Rejection`] when the file is damaged.
pub fn describe_pools(file: &Snapshot<'_>) -> Result<BTreeMap<String, String>, Rejection> {
    let SavedPools { pools, worlds } = read_pools(file)?;
    let mut lines = BTreeMap::new();
    for (name, pool) in pools {
        for (id, value) in pool.values().map_err(|error| Rejection::state("", &error))? {
            let text = value.display().map_err(|error| Rejection::state("", &error))?;
            lines.insert(format!("model {name} {id}"), text);
        }
    }
    lines.extend(worlds.describe()?);
    Ok(lines)
}
