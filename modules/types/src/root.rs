//! The root of a module: the table that the loader asks for after the descriptor has matched.

use abi_stable::StableAbi;
use abi_stable::type_layout::TypeLayout;
use keel_core_types::Provided;
use keel_ecs::ModelTypeInfo;

use crate::{ModuleDescriptor, PooledTypeInfo, ViewModel};

/// A function of a module's root. Host and module are of one compiler and one facade, so it has Rust's own ABI.
pub type EntryPoint<T> = fn() -> T;

/// What a module exports, as functions. Its fields are checked one by one against the host's idea of them before
/// any is called.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ModuleRoot {
    /// What the module says of itself; the same bytes that were read from the file.
    pub descriptor: ModuleDescriptor,
    /// [`facade_address`](crate::facade_address) as the module sees it.
    #[sabi(unsafe_opaque_field)]
    pub facade: EntryPoint<usize>,
    /// The types of components, resources and events that the module exports or was compiled with.
    #[sabi(unsafe_opaque_field)]
    pub types: EntryPoint<Vec<ModelTypeInfo>>,
    /// The types of models in pools that the module exports or was compiled with. Only a Model module brings the pools
    /// of these; a view-model module brings those that it declares in its [`Setup`](crate::Setup).
    #[sabi(unsafe_opaque_field)]
    pub pools: EntryPoint<Vec<PooledTypeInfo>>,
    /// The views of a View module.
    #[sabi(unsafe_opaque_field)]
    pub views: EntryPoint<Vec<Provided>>,
    /// The behaviour of a view-model module.
    #[sabi(unsafe_opaque_field)]
    pub view_model: EntryPoint<Option<Box<dyn ViewModel>>>,
}

/// What these model crates export. A module asks for it here, so that it compiles nothing that handles lists of types.
pub fn types_of(models: &[EntryPoint<Vec<ModelTypeInfo>>]) -> Vec<ModelTypeInfo> {
    models.iter().flat_map(|types| types()).collect()
}

/// The types of models in pools of these model crates; see [`types_of`].
pub fn pools_of(models: &[EntryPoint<Vec<PooledTypeInfo>>]) -> Vec<PooledTypeInfo> {
    models.iter().flat_map(|pools| pools()).collect()
}

static ROOT_LAYOUT: &TypeLayout = ModuleRoot::LAYOUT;

/// The layout of [`ModuleRoot`] as this facade knows it. It lies in the facade, so that the checker, which
/// remembers layouts, never remembers one that was unmapped.
pub fn root_layout() -> &'static TypeLayout {
    ROOT_LAYOUT
}
