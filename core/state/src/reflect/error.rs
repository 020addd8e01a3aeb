//! What can go wrong between a path and the value it names.

/// Why a value can't be read or written by name. Each says the place, what it is, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReflectError {
    /// The text is no path.
    #[error("`{text}` is no path: {reason}; write it as `Type.field`, `Type.list[3]` or `Type.map[\"key\"]`")]
    Syntax {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No field has this name.
    #[error("`{path}` ({ty}) has no field `{field}`; there {known}")]
    NoSuchField {
        /// The path up to the field.
        path: String,
        /// What is there.
        ty: String,
        /// The name that is none.
        field: String,
        /// Those that are: `are x, y`.
        known: String,
    },
    /// No variant has this name.
    #[error("`{path}` ({ty}) has no variant `{variant}`; there {known}")]
    NoSuchVariant {
        /// The path up to the variant.
        path: String,
        /// The enum.
        ty: String,
        /// The name that is none.
        variant: String,
        /// Those that are.
        known: String,
    },
    /// A segment asks for what a type of this kind does not have.
    #[error("`{path}` is {ty} and has no `{segment}`; {hint}")]
    NoSuchPart {
        /// The path up to the segment.
        path: String,
        /// What is there.
        ty: String,
        /// The segment.
        segment: String,
        /// What to write.
        hint: String,
    },
    /// The enum has another variant now.
    #[error("`{path}` is {found} now, not {expected}; write a whole `{expected}` there first")]
    OtherVariant {
        /// The path up to the variant.
        path: String,
        /// The variant that the path names.
        expected: String,
        /// The variant that is there.
        found: String,
    },
    /// The list is shorter.
    #[error("`{path}` has {length} elements, and none at {index}; write the whole list to add to it")]
    OutOfRange {
        /// The list.
        path: String,
        /// What was asked for.
        index: usize,
        /// How many there are.
        length: usize,
    },
    /// The map has no such entry.
    #[error("`{path}` has no entry {key}; write one")]
    NoEntry {
        /// The map.
        path: String,
        /// What was asked for.
        key: String,
    },
    /// The option is `None`.
    #[error("`{path}` is None; write a value there first")]
    Nothing {
        /// The option.
        path: String,
    },
    /// The value is of another kind than the place.
    #[error("{path} is {expected}; found {found}; {hint}")]
    WrongKind {
        /// The place.
        path: String,
        /// Its type.
        expected: String,
        /// The value.
        found: String,
        /// What to write.
        hint: String,
    },
    /// The number does not fit the place.
    #[error("{path} is {expected}; {found} does not fit; {hint}")]
    OutOfBounds {
        /// The place.
        path: String,
        /// Its type.
        expected: String,
        /// The value.
        found: String,
        /// What to write.
        hint: String,
    },
    /// What is read is none of what was asked for.
    #[error("{path} is {is}; {found} {because} {asked}; read it as {is}")]
    NotReadable {
        /// The place.
        path: String,
        /// Its type.
        is: String,
        /// The value.
        found: String,
        /// `is no` or `does not fit into`.
        because: String,
        /// The type that was asked for.
        asked: String,
    },
    /// A field is not named, and has no default.
    #[error("`{path}` needs its field `{field}` ({ty}), which has no default; name it")]
    MissingField {
        /// The struct or variant.
        path: String,
        /// The field.
        field: String,
        /// Its type.
        ty: String,
    },
    /// The value nests too deep.
    #[error("`{path}` nests deeper than {limit} levels; keep such data flat")]
    TooDeep {
        /// Where.
        path: String,
        /// The limit.
        limit: usize,
    },
}
