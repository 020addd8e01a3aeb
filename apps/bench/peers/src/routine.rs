//! Cases, declared and prepared.

use crate::protocol::{Absent, Case, Storage};

/// What was prepared for a case.
pub(crate) trait Routine {
    fn iterate(&mut self);

    fn checksum(&mut self) -> Option<f64>;

    /// The loop is compiled with what it calls, so that nothing else is timed.
    fn run(&mut self, iterations: u64) {
        for _ in 0..iterations {
            self.iterate();
        }
    }
}

/// A routine over a state.
struct Checked<S, I, C> {
    state: S,
    iterate: I,
    checksum: C,
}

impl<S, I: FnMut(&mut S), C: FnMut(&mut S) -> f64> Routine for Checked<S, I, C> {
    fn iterate(&mut self) {
        (self.iterate)(&mut self.state);
    }

    fn checksum(&mut self) -> Option<f64> {
        Some((self.checksum)(&mut self.state))
    }
}

type Make = Box<dyn Fn() -> Box<dyn Routine>>;

/// A case and how it is prepared.
pub(crate) struct Entry {
    pub(crate) case: Case,
    pub(crate) make: Make,
}

/// What one engine can do.
pub(crate) struct Cases {
    engine: &'static str,
    storage: Storage,
    entries: Vec<Entry>,
    absent: Vec<Absent>,
}

/// A case to be declared.
pub(crate) struct Declared<'c> {
    cases: &'c mut Cases,
    case: Case,
}

impl Cases {
    pub(crate) fn new(engine: &'static str, storage: Storage) -> Self {
        Self { engine, storage, entries: Vec::new(), absent: Vec::new() }
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &'static str {
        self.engine
    }

    /// A case by its name, and the form in which this engine does it.
    pub(crate) fn case(&mut self, name: &str, form: &str) -> Declared<'_> {
        let case = Case {
            name: name.to_owned(),
            engine: self.engine.to_owned(),
            version: version_of(self.engine),
            variant: None,
            form: form.to_owned(),
            storage: self.storage,
            operations: 1,
            entities: None,
        };
        Declared { cases: self, case }
    }

    /// The cases, or all `NAME/NUMBER` of a name, that this engine can't do; `why` tells what it has not.
    pub(crate) fn lacks(&mut self, names: &[&str], why: &str) {
        self.absent.extend(names.iter().map(|name| Absent {
            case: (*name).to_owned(),
            engine: self.engine.to_owned(),
            storage: self.storage,
            why: why.to_owned(),
        }));
    }

    /// What it does, and what it can't do.
    pub(crate) fn into_parts(self) -> (Vec<Entry>, Vec<Absent>) {
        (self.entries, self.absent)
    }
}

impl Declared<'_> {
    pub(crate) fn variant(mut self, variant: &str) -> Self {
        self.case.variant = Some(variant.to_owned());
        self
    }

    pub(crate) fn storage(mut self, storage: Storage) -> Self {
        self.case.storage = storage;
        self
    }

    pub(crate) fn operations(mut self, operations: usize) -> Self {
        self.case.operations = operations as u64;
        self
    }

    pub(crate) fn entities(mut self, entities: usize) -> Self {
        self.case.entities = Some(entities as u64);
        self
    }

    /// `make` prepares a state, `iterate` is timed, `checksum` says what the state has come to.
    pub(crate) fn runs<S: 'static>(
        self,
        make: impl Fn() -> S + 'static,
        iterate: impl FnMut(&mut S) + Copy + 'static,
        checksum: impl FnMut(&mut S) -> f64 + Copy + 'static,
    ) {
        let make: Make = Box::new(move || Box::new(Checked { state: make(), iterate, checksum }));
        self.cases.entries.push(Entry { case: self.case, make });
    }
}

/// The version of crate `engine` that this was built with, as the lockfile has it.
fn version_of(engine: &str) -> Option<String> {
    let lockfile = include_str!("../Cargo.lock");
    let (_, rest) = lockfile.split_once(&format!("name = \"{engine}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0.to_owned())
}
