//! The errors of this crate.

use std::path::PathBuf;

/// Why state could not be saved, read or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A value refused to be serialised, or is of a kind that the format does not know.
    #[error(
        "the value could not be encoded: {0}; correct its `Serialize`, or mark the field `#[keel(skip)]`"
    )]
    Encode(String),
    /// The bytes end before the value does.
    #[error(
        "the bytes end too early: {needed} more were needed, {left} are left; take an older snapshot, or let the \
         type's `Serialize` and `Deserialize` agree"
    )]
    Truncated {
        /// How many bytes the value still needed; `u64::MAX` when a length is past all reason.
        needed: u64,
        /// How many there were.
        left: u64,
    },
    /// Bytes that no value of this type has.
    #[error(
        "{expected} was expected, {found} was found: the state is damaged or belongs to another schema; take an \
         older snapshot, or let the type's `Serialize` and `Deserialize` agree"
    )]
    Corrupt {
        /// What the schema or type calls for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Bytes are left over after the value.
    #[error(
        "{left} bytes are left after the value: the state belongs to another schema; take an older snapshot, or let \
         the type's `Serialize` and `Deserialize` agree"
    )]
    TrailingBytes {
        /// How many.
        left: usize,
    },
    /// The value nests deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("the value nests deeper than {limit} levels; keep such data flat, with indices into a `Vec`")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A type's own `Deserialize` refused the value. The text ends with the next step.
    #[error("the value was refused: {0}")]
    Refused(String),
    /// A schema that contradicts itself.
    #[error("the schema is damaged: {reason}; take an older snapshot")]
    SchemaDamaged {
        /// What is wrong with it.
        reason: String,
    },
    /// A text that declares no types.
    #[error("line {line}: {reason}; {next}")]
    SchemaText {
        /// The line, from 1 on.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// The next step.
        next: String,
    },
    /// A schema that can't be a type's without Rust code that stands behind it.
    #[error("{reason}; {next}")]
    Undeclarable {
        /// Why not.
        reason: String,
        /// The next step.
        next: String,
    },
    /// A migration that loses data was applied without consent.
    #[error(
        "the migration would lose data:\n{list}\nchange the type so that it keeps them, or accept the losses"
    )]
    LossesNotAccepted {
        /// One line for each loss.
        list: String,
    },
    /// A migration that no consent makes possible.
    #[error("the migration is impossible:\n{list}\nadd `#[keel(default = ...)]` to these fields")]
    Impossible {
        /// One line for each obstacle.
        list: String,
    },
    /// This one value cannot be carried over as it is.
    #[error("`{path}`: {reason}; keep what the type had, or accept the losses")]
    ValueLost {
        /// Where, from the root type.
        path: String,
        /// What would happen to the value.
        reason: String,
    },
    /// The bytes are no snapshot.
    #[error("this is not a Keel snapshot: it begins with {found}; choose a file that `keel snapshot` wrote")]
    NotASnapshot {
        /// The first bytes.
        found: String,
    },
    /// The snapshot is of another format version.
    #[error(
        "the snapshot has format {found}, this build reads {expected}; open it with the Keel that wrote it"
    )]
    FormatMismatch {
        /// The version in the file.
        found: u32,
        /// The version this build reads.
        expected: u32,
    },
    /// The bytes are no file that grows: no recording.
    #[error("this is no recording: it begins with {found}; choose a file that `keel run --record` wrote")]
    NotALog {
        /// The first bytes.
        found: String,
    },
    /// The recording is of another format version.
    #[error(
        "the recording has format {found}, this build reads {expected}; replay it with the Keel that wrote it"
    )]
    LogVersion {
        /// The version in the file.
        found: u32,
        /// The version this build reads.
        expected: u32,
    },
    /// The snapshot's header or section table is damaged or cut off.
    #[error("the snapshot's table of sections is damaged: {reason}; take an older snapshot")]
    TableDamaged {
        /// What is wrong with it.
        reason: String,
    },
    /// A section's bytes are not those that were written.
    #[error(
        "section `{kind} {name}` is damaged: its checksum is {found:016x}, {expected:016x} was written; \
         take an older snapshot"
    )]
    SectionDamaged {
        /// The section's kind.
        kind: String,
        /// The section's name.
        name: String,
        /// The checksum in the table.
        expected: u64,
        /// The checksum of the bytes.
        found: u64,
    },
    /// The snapshot is whole, but a part of it that is needed was never written.
    #[error("the snapshot has no section `{kind} {name}`; choose a file that a whole game was saved to")]
    SectionMissing {
        /// The section's kind.
        kind: String,
        /// The section's name.
        name: String,
    },
    /// Two sections have the same kind and name.
    #[error("section `{kind} {name}` is there twice; give each section a name of its own")]
    SectionTwice {
        /// The section's kind.
        kind: String,
        /// The section's name.
        name: String,
    },
    /// The operating system refused.
    #[error("could not {action} {}; {}", path.display(), next_step(action))]
    Io {
        /// What was tried.
        action: String,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What to look at when the operating system refuses: reading needs no room.
fn next_step(action: &str) -> &'static str {
    match action {
        "read" => "check that the file exists and may be read",
        _ => "check that the folder exists, is writable and has room",
    }
}

// Its text at once: an error of bincode's may hold literals of the code that it was compiled into.
impl From<bincode::error::EncodeError> for StateError {
    fn from(error: bincode::error::EncodeError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl serde::de::Error for StateError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Refused(format!("{message}; correct the type's `Deserialize`, or take an older snapshot"))
    }
}
