//! What the parameters of a system use, and which of them can't be had together.

use keel_core_types::ComponentId;
use keel_ecs::Access;

use crate::EngineError;

/// What the parameters of one system read, write and put off.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct ParamUses {
    params: Vec<ParamUse>,
    /// Whether it gives commands: they may change anything once they are applied.
    commands: bool,
    /// The events that it sends, by the names of their types.
    sends: Vec<String>,
    /// Whether anything is to be done after a run.
    defers: bool,
    /// Whether it looks entities up by their names.
    finds_names: bool,
    /// Whether it asks what is new, or notes what it changes.
    uses_ticks: bool,
}

#[derive(Clone, Debug)]
struct ParamUse {
    name: String,
    access: Access,
    /// It stands for something that is not in the world.
    is_exclusion: bool,
}

impl ParamUses {
    pub(crate) fn of(declare: impl FnOnce(&mut Self)) -> Self {
        let mut uses = Self::default();
        declare(&mut uses);
        uses
    }

    pub(crate) fn add(&mut self, name: String, access: Access) {
        self.params.push(ParamUse { name, access, is_exclusion: false });
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.params.extend(other.params.iter().cloned());
        self.sends.extend(other.sends.iter().cloned());
        self.commands |= other.commands;
        self.defers |= other.defers;
        self.finds_names |= other.finds_names;
        self.uses_ticks |= other.uses_ticks;
    }

    /// Keeps all systems with this word apart.
    pub(crate) fn add_exclusion(&mut self, name: String, word: &str) {
        let mut access = Access::new();
        access.add_write(ComponentId::of(word), word);
        self.params.push(ParamUse { name, access, is_exclusion: true });
    }

    /// The parameter for which systems are kept apart that share nothing in the world.
    pub(crate) fn exclusion(&self) -> Option<&str> {
        self.params.iter().find(|param| param.is_exclusion).map(|param| param.name.as_str())
    }

    pub(crate) fn add_commands(&mut self) {
        self.commands = true;
        self.defers = true;
    }

    pub(crate) fn add_sending(&mut self, event: &str) {
        self.sends.push(event.to_owned());
        self.defers = true;
    }

    /// Something else is put off that no other system of the same run can see.
    pub(crate) fn add_deferred(&mut self) {
        self.defers = true;
    }

    pub(crate) fn add_names(&mut self) {
        self.finds_names = true;
    }

    pub(crate) fn finds_names(&self) -> bool {
        self.finds_names
    }

    pub(crate) fn add_ticks(&mut self) {
        self.uses_ticks = true;
    }

    pub(crate) fn uses_ticks(&self) -> bool {
        self.uses_ticks
    }

    pub(crate) fn defers(&self) -> bool {
        self.defers
    }

    pub(crate) fn has_commands(&self) -> bool {
        self.commands
    }

    /// The components and resources that it writes.
    pub(crate) fn written(&self) -> impl Iterator<Item = ComponentId> {
        self.params.iter().flat_map(|param| param.access.written())
    }

    /// The names of what it reads, and of what it writes.
    pub(crate) fn names(&self) -> (Vec<&str>, Vec<&str>) {
        let mut all = (Vec::new(), Vec::new());
        for param in &self.params {
            let (reads, writes) = param.access.names();
            all.0.extend(reads);
            all.1.extend(writes);
        }
        all
    }

    /// The parameter that writes or puts anything off, for what must only read.
    pub(crate) fn writing_param(&self) -> Option<&str> {
        let writes = |param: &&ParamUse| !param.access.names().1.is_empty();
        let writing = self.params.iter().find(writes).map(|param| param.name.as_str());
        writing.or(if self.commands { Some("&mut Commands") } else { None }).or(if self.defers {
            Some("EventWriter")
        } else {
            None
        })
    }

    /// Checks that the parameters of system `path` can be had together.
    pub(crate) fn check(&self, path: &str) -> Result<(), EngineError> {
        for (index, param) in self.params.iter().enumerate() {
            if let Some(shared) = param.access.own_conflict() {
                return Err(EngineError::ParameterUsesTwice {
                    system: path.to_owned(),
                    parameter: param.name.clone(),
                    shared: shared.to_owned(),
                });
            }
            for earlier in &self.params[..index] {
                if let Some(shared) = earlier.access.conflict_with(&param.access) {
                    return Err(EngineError::ParameterConflict {
                        system: path.to_owned(),
                        first: earlier.name.clone(),
                        second: param.name.clone(),
                        shared: shared.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// What both use and one of them writes.
    pub(crate) fn conflict_with<'u>(&'u self, other: &'u Self) -> Option<&'u str> {
        self.conflicts_with(other).next().map(|(shared, _)| shared)
    }

    /// What of the world both use and one of them writes.
    pub(crate) fn data_conflict_with<'u>(&'u self, other: &'u Self) -> Option<&'u str> {
        self.conflicts_with(other).find(|(_, is_exclusion)| !is_exclusion).map(|(shared, _)| shared)
    }

    fn conflicts_with<'u>(&'u self, other: &'u Self) -> impl Iterator<Item = (&'u str, bool)> {
        self.params.iter().flat_map(|ours| {
            let shared = other.params.iter().filter_map(|theirs| ours.access.conflict_with(&theirs.access));
            shared.map(|shared| (shared, ours.is_exclusion))
        })
    }

    /// Whether this one sends events that the other one reads.
    pub(crate) fn sends_to(&self, other: &Self) -> bool {
        !self.sends.is_empty() && {
            let (reads, _) = other.names();
            self.sends.iter().any(|event| reads.contains(&event.as_str()))
        }
    }
}
