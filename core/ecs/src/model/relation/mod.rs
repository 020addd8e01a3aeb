//! Relations of one's own: which entity likes, fears or follows which.
//!
//! The targets of an entity are a sparse component of it, and so are its sources. Both sides are written by the world
//! alone, so that they never disagree; queries, snapshots, conversions and hashes know them as they know all components.

mod links;
mod mend;
mod operations;
mod world;

use keel_core_types::ThreadSafe;

pub use self::links::{Sources, Targets};
pub use self::operations::RelationOperations;
pub(crate) use self::operations::RelationSides;

/// A relation between entities. `#[relation]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation",
    note = "write `#[relation]` above the declaration of a unit struct"
)]
pub trait Relation: ThreadSafe {
    /// The declared name: the type's own unless `#[relation(name = "...")]` says otherwise.
    const NAME: &'static str;
    /// The declared name of [`Targets`] of it: `LikesTargets`.
    const TARGETS: &'static str;
    /// The declared name of [`Sources`] of it: `LikesSources`.
    const SOURCES: &'static str;
    /// What holds for it.
    const RULES: RelationRules = RelationRules { is_exclusive: false, cascade: Cascade::Unrelate };
}

/// What holds for a relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelationRules {
    /// An entity has one target at most; a new one takes the place of the one before. `#[relation(exclusive)]`
    pub is_exclusive: bool,
    /// What becomes of its sources when a target is despawned.
    pub cascade: Cascade,
}

/// What becomes of the sources of an entity that is despawned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cascade {
    /// They are not related to it any more.
    #[default]
    Unrelate,
    /// They are despawned with it, and theirs with them. `#[relation(cascade = despawn)]`
    Despawn,
}

/// Entities that are related to any: a filter for queries. Those that any is related to are `With<Sources<R>>`.
pub type Related<R> = crate::With<Targets<R>>;
