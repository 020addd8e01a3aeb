//! What can go wrong when modules are bound and when pools are used. All text is owned, because an error may
//! outlive the module whose names it tells.

use keel_core_types::{IdCollision, ModelId, ModelType};

/// Why modules could not be bound. Nothing was changed when one of these is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// [`Binding::bind`](crate::Binding::bind) was asked for a module that is bound already.
    #[error("module `{module}` is bound already; exchange it with `rebind`, or `unbind` it first")]
    AlreadyBound {
        /// The module.
        module: String,
    },
    /// Nothing is known of the module.
    #[error("module {module} is not bound; bind it first")]
    NotBound {
        /// The module's id in hexadecimal; its name is not known.
        module: String,
    },
    /// A view has one provider.
    #[error(
        "view `{view}` is provided by module `{provider}`, and module `{module}` offers it too; remove one"
    )]
    AlreadyProvided {
        /// The contract's name.
        view: String,
        /// The module that provides it.
        provider: String,
        /// The module that was refused.
        module: String,
    },
    /// A model type has one pool.
    #[error(
        "the pool of `{pool}` belongs to module `{owner}`, and module `{module}` offers one too; remove one"
    )]
    PoolExists {
        /// The model type's name.
        pool: String,
        /// The module whose pool it is.
        owner: String,
        /// The module that was refused.
        module: String,
    },
    /// A provider and a user were compiled with different sources of the contract.
    #[error(
        "view `{view}` was compiled from sources {found:016x} in module `{provider}`, from {expected:016x} in \
         its user `{user}`; rebuild both"
    )]
    ContractMismatch {
        /// The contract's name.
        view: String,
        /// The module that provides it.
        provider: String,
        /// The hash the provider was compiled with.
        found: u64,
        /// The module that requires it.
        user: String,
        /// The hash the user was compiled with.
        expected: u64,
    },
    /// Two names have one id.
    #[error(transparent)]
    Collision(#[from] IdCollision),
    /// A pool of the module refused.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Why a pool, or one of its objects, could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// All objects are in use.
    #[error("pool `{pool}` has handed out all of its {limit} objects; release some, or raise its limit")]
    Exhausted {
        /// The pool's model type.
        pool: String,
        /// How many objects it may have.
        limit: u32,
    },
    /// The object was released.
    #[error(
        "model {id} of pool `{pool}` was released, its slot is in generation {generation}; take a new one"
    )]
    Stale {
        /// The pool's model type.
        pool: String,
        /// The id that was used.
        id: ModelId,
        /// The generation that the slot is in.
        generation: u32,
    },
    /// The pool never handed out this id.
    #[error("model {id} was never handed out by pool `{pool}`; use the id with the pool that gave it")]
    Unknown {
        /// The pool's model type.
        pool: String,
        /// The id that was used.
        id: ModelId,
    },
    /// Somebody holds a guard that excludes the one asked for.
    #[error("model {id} of pool `{pool}` is borrowed already; drop the other guard first")]
    Borrowed {
        /// The pool's model type.
        pool: String,
        /// The object's id.
        id: ModelId,
    },
    /// The pool's objects were taken out for a swap.
    #[error("the objects of pool `{pool}` were taken out for a swap; use it again when they are put back")]
    Drained {
        /// The pool's model type.
        pool: String,
    },
    /// Objects can be put only into a pool that has none.
    #[error("pool `{pool}` has objects of its own; take them out before others are put in")]
    NotEmpty {
        /// The pool's model type.
        pool: String,
    },
    /// No live module has a pool of that type.
    #[error("no module has a pool of `{pool}`; add the model module that exports this type")]
    NoPool {
        /// The model type's name, or its id where the name is not known.
        pool: String,
    },
    /// The pool and its user were compiled with different definitions of the type.
    #[error(
        "pool `{pool}` has layout {found:016x}, the objects or their user have {expected:016x}; rebuild the \
         user, or convert the objects"
    )]
    LayoutMismatch {
        /// The pool's model type.
        pool: String,
        /// The layout of the objects to be put in, or of their user.
        expected: u64,
        /// The layout of the pool.
        found: u64,
    },
    /// An object or a pool is of another type than its name says.
    #[error("pool `{pool}` was given `{found}`; two types have this name, rename one of them")]
    WrongType {
        /// The pool's model type.
        pool: String,
        /// What was found.
        found: ModelType,
    },
    /// The image contradicts itself, or does not fit.
    #[error("the image of pool `{pool}` is refused at model {id}: {reason}; use the one that the pool gave")]
    InvalidImage {
        /// The pool's model type.
        pool: String,
        /// The first id that doesn't fit.
        id: ModelId,
        /// Why it doesn't.
        reason: String,
    },
}
