//! What an area shows to others: models (data) and views (the calls on them).

use std::any::Any;
use std::sync::Arc;

use crate::{ModelType, ThreadSafe, ViewId};

/// Data that lives in a pool: a world, a terminal, the state of a window.
///
/// A model has no behaviour that a module could want to change; that is a view model's part.
pub trait Model: Any + ThreadSafe {
    /// The pool this object belongs to.
    fn model_type(&self) -> ModelType;

    /// Makes the object as good as new, before it is handed out again.
    fn reset(&mut self);
}

/// A model as a type, as [`Contract`] is a view as a type: what a pool and those who ask it for objects must
/// agree on. The `#[model]` attribute implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model, so there is no pool of it",
    note = "write `#[model]` above its declaration: it gives the type its name, its schema and its `reset`"
)]
pub trait TypedModel: Model + Sized {
    /// The type's declared name, unique in a workspace; [`TypedModel::TYPE`] is its hash.
    const NAME: &'static str;

    /// The fingerprint of the type's declaration, with the sources of its crate, and of its size and alignment. Two
    /// builds of one type have the same `TypeId`, whatever became of its fields, so that only this tells them apart.
    const LAYOUT: u64;

    /// The type's id.
    const TYPE: ModelType = ModelType::of(Self::NAME);

    /// How many objects its pool may have. Slots are made as they are needed, so that a high limit costs nothing.
    const LIMIT: u32 = 1 << 20;
}

/// [`TypedModel::LAYOUT`] of a type of this size and alignment, whose declaration has this hash.
#[doc(hidden)]
pub const fn layout_hash(declaration: u64, size: usize, align: usize) -> u64 {
    let hash = (declaration ^ size as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash.rotate_left(29) ^ align as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Calls on a model, provided by one module and used by others through `dyn`.
///
/// Implementations hold no model: each call takes the model it works on as a parameter.
pub trait View: Any + ThreadSafe {}

impl<T: Any + ThreadSafe> View for T {}

/// A view trait as a type: `dyn ConsoleView` is a contract. The `#[view]` attribute implements it.
pub trait Contract: View {
    /// The trait's name, unique in a workspace; [`Contract::ID`] is its hash.
    const NAME: &'static str;

    /// The hash of the sources of the crate that declares the trait. A provider and a user that were
    /// compiled with different hashes are never bound to each other.
    const HASH: u64;

    /// The contract's id.
    const ID: ViewId = ViewId::of(Self::NAME);

    /// The object without its contract.
    fn as_view(&self) -> &dyn View;
}

/// What a module says of a view that it provides or requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDeclaration {
    /// [`Contract::NAME`]
    pub name: String,
    /// [`Contract::HASH`]
    pub hash: u64,
}

impl ViewDeclaration {
    /// The declaration of contract `V`.
    pub fn of<V: Contract + ?Sized>() -> Self {
        Self { name: V::NAME.to_owned(), hash: V::HASH }
    }

    /// The contract's id.
    pub fn id(&self) -> ViewId {
        ViewId::of(&self.name)
    }
}

/// An object that fulfils a contract, on its way from the module that provides it into the binding.
pub struct Provided {
    declaration: ViewDeclaration,
    // A `Box<V>` with `V` a `dyn` contract: a box in a box, so that the contract's own type can be asked for.
    object: Box<dyn Any + Send + Sync>,
    as_view: for<'o> fn(&'o (dyn Any + Send + Sync)) -> Option<&'o dyn View>,
    // Dropped after the object, whose code lies in the library.
    library: Option<Arc<dyn Any + Send + Sync>>,
}

impl Provided {
    /// Offers `object` under contract `V`.
    pub fn new<V: Contract + ?Sized>(object: Box<V>) -> Self {
        Self {
            declaration: ViewDeclaration::of::<V>(),
            object: Box::new(object),
            as_view: |object| object.downcast_ref::<Box<V>>().map(|object| object.as_view()),
            library: None,
        }
    }

    /// The same object, which now keeps `library` mapped for as long as it lives.
    #[must_use]
    pub fn kept_by(mut self, library: Arc<dyn Any + Send + Sync>) -> Self {
        self.library = Some(library);
        self
    }

    /// Which contract the object fulfils, and the hash of the sources it was compiled with.
    pub fn declaration(&self) -> &ViewDeclaration {
        &self.declaration
    }

    /// The object without its contract.
    pub fn view(&self) -> Option<&dyn View> {
        (self.as_view)(&*self.object)
    }

    /// The object, if its contract is `V` and was compiled from the same sources.
    #[inline]
    pub fn get<V: Contract + ?Sized>(&self) -> Option<&V> {
        if self.declaration.hash != V::HASH {
            return None;
        }
        self.object.downcast_ref::<Box<V>>().map(|object| &**object)
    }
}

/// Why a view could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// No live module provides the view.
    #[error("no module provides the view `{view}`; add one that does, or start the suspended one again")]
    NotProvided {
        /// The contract's name.
        view: String,
    },
    /// The provider was compiled with other sources of the crate that declares the contract.
    #[error(
        "the view `{view}` was compiled from sources {found:016x}, its user from {expected:016x}; rebuild both"
    )]
    ContractMismatch {
        /// The contract's name.
        view: String,
        /// The hash the user was compiled with.
        expected: u64,
        /// The hash the provider was compiled with.
        found: u64,
    },
}

/// Where views, and the pools of the models that they work on, are looked up. The binding implements it; a frame
/// carries it.
pub trait ViewSource: Sync {
    /// What is bound to `id` now.
    fn provided(&self, id: ViewId) -> Option<&Provided>;

    /// The type of the models that the view works on, if it is bound and works on any.
    fn model_type(&self, id: ViewId) -> Option<ModelType> {
        let _ = id;
        None
    }

    /// The pool of `model_type`, as whoever keeps the pools knows it: what a pool is, this crate does not say.
    fn model_pool(&self, model_type: ModelType) -> Option<&dyn Any> {
        let _ = model_type;
        None
    }
}

impl dyn ViewSource + '_ {
    /// The view with contract `V`, borrowed for as long as the source: one frame at most.
    ///
    /// # Errors
    /// [`ViewError`] when nobody provides it, or a module compiled from other sources does.
    #[inline]
    pub fn get<V: Contract + ?Sized>(&self) -> Result<&V, ViewError> {
        // The errors are made elsewhere, so that the rest is small enough to be inlined: 4 ns instead of 11.
        match self.provided(V::ID) {
            Some(provided) => provided.get::<V>().ok_or_else(|| mismatch::<V>(provided)),
            None => Err(not_provided::<V>()),
        }
    }
}

#[cold]
fn not_provided<V: Contract + ?Sized>() -> ViewError {
    ViewError::NotProvided { view: V::NAME.to_owned() }
}

#[cold]
fn mismatch<V: Contract + ?Sized>(provided: &Provided) -> ViewError {
    ViewError::ContractMismatch {
        view: V::NAME.to_owned(),
        expected: V::HASH,
        found: provided.declaration().hash,
    }
}
