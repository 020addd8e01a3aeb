//! What the harness and the program with the other engines say to each other: one JSON value a line, a request on
//! standard input and its answer on standard output, one after the other. Both sides are compiled from this file.

use serde::{Deserialize, Serialize};

/// What the harness asks.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Which cases there are.
    List,
    /// Make all that a case needs.
    Prepare { id: usize },
    /// Iterate a prepared case so often, and take the time.
    Run { id: usize, iterations: u64 },
    /// What its iterations have computed.
    Checksum { id: usize },
    /// Let go of what was prepared.
    Release { id: usize },
}

/// What is answered.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// All cases, each of which is asked for by its index, and what is missing among them.
    Cases { cases: Vec<Case>, absent: Vec<Absent> },
    /// It is prepared, and so many bytes of memory are in use that were not before.
    Prepared { bytes: Option<u64> },
    /// It has run for so long.
    Ran { ns: u64 },
    /// What was computed, where it can be compared.
    Checksum { value: Option<f64> },
    /// It is gone.
    Released,
    /// It was not done, and this is why.
    Failed { why: String },
}

/// A case, as one engine does it in one way.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) engine: String,
    /// The engine's version; none where it has none.
    pub(crate) version: Option<String>,
    pub(crate) variant: Option<String>,
    pub(crate) form: String,
    pub(crate) storage: Storage,
    pub(crate) operations: u64,
    pub(crate) entities: Option<u64>,
}

/// An engine without a case.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Absent {
    /// The name, or what comes before the slash in the names of several.
    pub(crate) case: String,
    pub(crate) engine: String,
    pub(crate) storage: Storage,
    /// What it has not, in a few words.
    pub(crate) why: String,
}

/// How an engine keeps its components.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Storage {
    /// Columns of those entities that have the same components.
    Archetypes,
    /// A sparse set for each component.
    SparseSets,
    /// No engine: plain arrays.
    Arrays,
}
