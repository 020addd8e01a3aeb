//! The differences between two schemas, in the words of a report.

use std::fmt;

/// One difference between a saved schema and a live one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub(super) path: String,
    pub(super) kind: ChangeKind,
    pub(super) loss: Loss,
}

/// What a [`Change`] does to the values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The value takes another type and keeps all it says.
    Converted {
        /// The saved type.
        from: String,
        /// The live type.
        to: String,
    },
    /// The value is the same under another name.
    Renamed {
        /// The saved name.
        from: String,
    },
    /// The saved type lacks it; it takes its default.
    Defaulted,
    /// The saved type lacks it, and it has no default.
    Undefaulted {
        /// The live type.
        ty: String,
    },
    /// The live type lacks the field.
    Dropped {
        /// The saved type.
        ty: String,
    },
    /// The live enum lacks the variant. Values that have another one are carried over.
    DroppedVariant,
    /// The live type has no room for some of the values; those that fit are carried over.
    Narrowed {
        /// The saved type.
        from: String,
        /// The live type.
        to: String,
    },
    /// The types have nothing to do with each other; the value becomes its default.
    Incompatible {
        /// The saved type.
        from: String,
        /// The live type.
        to: String,
    },
}

/// Whether a [`Change`] loses data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// It loses nothing.
    None,
    /// It loses some values and not others; without consent, only applying it to a value it loses is an error.
    Possible,
    /// It loses data of every value, and needs consent.
    Certain,
    /// There is no value to put in place, and no consent helps.
    Impossible,
}

impl Change {
    /// A value of type `ty` that nobody takes over.
    pub fn dropped(path: &str, ty: &str) -> Self {
        let kind = ChangeKind::Dropped { ty: ty.to_owned() };
        Self { path: path.to_owned(), kind, loss: Loss::Certain }
    }

    /// The same change, of a value that lies in `place`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.path.insert_str(0, place);
        self
    }

    /// Where, from the root type: `Ship.hull.armor`, `Ship.weapon::Cannon.0`, `Fleet.ships[].name`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What happens there.
    pub fn kind(&self) -> &ChangeKind {
        &self.kind
    }

    /// Whether that loses data.
    pub fn loss(&self) -> Loss {
        self.loss
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` ", self.path)?;
        match &self.kind {
            ChangeKind::Converted { from, to } => write!(out, "is converted from {from} to {to}"),
            ChangeKind::Renamed { from } => write!(out, "was called `{from}`"),
            ChangeKind::Defaulted => write!(out, "is new and takes its default"),
            ChangeKind::Undefaulted { ty } => {
                write!(out, "is new and its type {ty} has no default; add `#[keel(default = ...)]`")
            }
            ChangeKind::Dropped { ty } => write!(out, "of type {ty} is gone, its values are dropped"),
            ChangeKind::DroppedVariant => write!(out, "is gone; values that have it become the default"),
            ChangeKind::Narrowed { from, to } => {
                write!(out, "is narrowed from {from} to {to}; values that do not fit are changed")
            }
            ChangeKind::Incompatible { from, to } => {
                write!(out, "was {from} and is {to}: ")?;
                out.write_str(match self.loss {
                    Loss::Impossible => "it has no default to become; add `#[keel(default = ...)]`",
                    _ => {
                        "its values are replaced by the default; `#[keel(convert_from(...))]` would keep them"
                    }
                })
            }
        }
    }
}
