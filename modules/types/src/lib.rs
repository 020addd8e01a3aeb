//! What a module is: the [`ViewModel`] trait, the [`ModuleDescriptor`] that is read before anything of it runs, and
//! [`export_module!`], the one line that makes a crate a module.
//!
//! Ids, [`Model`] and [`View`] are those of `keel-core-types`, because the areas of core need them too and core does
//! not import modules; a module's author finds all of them here.

#[allow(unused_extern_crates, reason = "the attributes' output names this crate from inside")]
extern crate self as keel_module_types;

mod bench;
mod descriptor;
mod export;
mod fingerprint;
mod models;
mod own;
mod pooled;
mod root;
mod setup;
mod view_model;

pub use bench::{BenchCase, BenchRoutine, CheckedRoutine, DeclaredBench};
pub use descriptor::{Declared, DescriptorError, ModuleDescriptor, ModuleKind, ViewEntry};
pub use fingerprint::{FINGERPRINT, Fingerprint, facade_address};
pub use keel_core_types::{
    ComponentId, Contract, Model, ModelId, ModelType, ModuleId, Provided, View, ViewDeclaration, ViewId,
};
pub use keel_ecs::ModelTypeInfo;
pub use keel_module_macros::{model, view, view_model};
pub use models::{Models, Worlds};
pub use own::{IntoObserverOf, IntoSystemOf, Lender, ViewModelAccess};
pub use pooled::{PooledTypeInfo, SavedPool, hash_of_model};
pub use root::{EntryPoint, ModuleRoot, root_layout};
pub use setup::Setup;
pub use view_model::{ModuleContext, ModuleError, ModuleResult, ViewModel};

/// What the macros expand to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use abi_stable::type_layout::TypeLayout;
    pub use async_trait::async_trait;
    pub use keel_core_types::{Contract, Model, ModelType, Provided, TypedModel, View, ViewId, layout_hash};
    pub use keel_ecs::{ModelTypeInfo, Sources, Targets};
    pub use keel_engine::__private::*;
    pub use keel_state::{Change, SavedValue, StateError};

    pub use crate::root::{pools_of, types_of};
    pub use crate::{PooledTypeInfo, ViewModel};
}
