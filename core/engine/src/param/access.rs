//! What the parameters of a system use, and which of them can't be had together.

use keel_core_types::ComponentId;
use keel_ecs::Access;

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
}

#[derive(Clone, Debug)]
struct ParamUse {
    name: String,
    access: Access,
}

/// Two parameters, or one and itself, that can't be had at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParamConflict {
    pub(crate) first: String,
    /// None when it is the same one.
    pub(crate) second: Option<String>,
    pub(crate) shared: String,
}

impl ParamUses {
    pub(crate) fn of(declare: impl FnOnce(&mut Self)) -> Self {
        let mut uses = Self::default();
        declare(&mut uses);
        uses
    }

    pub(crate) fn add(&mut self, name: String, access: Access) {
        self.params.push(ParamUse { name, access });
    }

    /// Keeps all systems with this word apart.
    pub(crate) fn add_exclusion(&mut self, name: String, word: &str) {
        let mut access = Access::new();
        access.add_write(ComponentId::of(word), word);
        self.add(name, access);
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

    pub(crate) fn defers(&self) -> bool {
        self.defers
    }

    pub(crate) fn has_commands(&self) -> bool {
        self.commands
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

    pub(crate) fn own_conflict(&self) -> Option<ParamConflict> {
        let of = |first: &ParamUse, second: Option<&ParamUse>, shared: &str| ParamConflict {
            first: first.name.clone(),
            second: second.map(|second| second.name.clone()),
            shared: shared.to_owned(),
        };
        self.params.iter().enumerate().find_map(|(index, param)| {
            if let Some(shared) = param.access.own_conflict() {
                return Some(of(param, None, shared));
            }
            let earlier = self.params[..index].iter();
            earlier.into_iter().find_map(|first| {
                first.access.conflict_with(&param.access).map(|shared| of(first, Some(param), shared))
            })
        })
    }

    /// What both use and one of them writes.
    pub(crate) fn conflict_with(&self, other: &Self) -> Option<&str> {
        let conflict = |ours: &ParamUse| {
            let mut theirs = other.params.iter();
            theirs.any(|theirs| ours.access.conflict_with(&theirs.access).is_some())
        };
        let ours = self.params.iter().find(|ours| conflict(ours))?;
        other.params.iter().find_map(|theirs| ours.access.conflict_with(&theirs.access))
    }

    /// An event that this one sends and the other one reads.
    pub(crate) fn sends_to(&self, other: &Self) -> Option<&str> {
        let is_read = |event: &&String| other.names().0.contains(&event.as_str());
        self.sends.iter().find(is_read).map(String::as_str)
    }
}
