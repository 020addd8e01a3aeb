//! What a module says of itself in its `Cargo.toml`, with what cargo knows of it.

use std::fmt;
use std::path::PathBuf;

use cargo_metadata::PackageId;
use cargo_metadata::semver::{Version, VersionReq};
use keel_core_types::{ModuleId, ViewId};

/// Which part of MVVM a module plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModuleKind {
    /// Exports data types and makes model objects; loaded before all others.
    Model,
    /// Exports a contract together with what presents it.
    View,
    /// Exports systems and implementations of views.
    ViewModel,
}

impl ModuleKind {
    /// The kind as a manifest spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::View => "view",
            Self::ViewModel => "view-model",
        }
    }
}

impl fmt::Display for ModuleKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A view that a module provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvidedView {
    /// The contract's name.
    pub view: String,
    /// The version provided; the package's own where the manifest names none.
    pub version: Version,
}

impl ProvidedView {
    /// The contract's id.
    pub fn id(&self) -> ViewId {
        ViewId::of(&self.view)
    }
}

/// A view that a module or an area needs from another module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredView {
    /// The contract's name.
    pub view: String,
    /// The versions accepted; any where the manifest names none.
    pub version: Option<VersionReq>,
    /// The features its provider must offer.
    pub features: Vec<String>,
    /// Whether the module also works when nobody provides the view.
    pub optional: bool,
}

impl RequiredView {
    /// The contract's id.
    pub fn id(&self) -> ViewId {
        ViewId::of(&self.view)
    }
}

/// One module of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleManifest {
    /// The package's name.
    pub name: String,
    /// The hash of the name.
    pub id: ModuleId,
    /// The package as cargo names it in its messages.
    pub package_id: PackageId,
    /// The package's version.
    pub version: Version,
    /// The `Cargo.toml`.
    pub manifest_path: PathBuf,
    /// The folders its targets are compiled from, tests left out.
    pub source_dirs: Vec<PathBuf>,
    /// Which part of MVVM it plays.
    pub kind: ModuleKind,
    /// The views it provides.
    pub provides: Vec<ProvidedView>,
    /// The views it needs; in the manifest's order.
    pub requires: Vec<RequiredView>,
    /// The features it offers to those who require its views.
    pub features: Vec<String>,
    /// The type of model its views work on.
    pub model: Option<String>,
    /// The name of the dylib target, as in cargo's messages and in `lib<library>.so`.
    pub library: String,
    /// The packages with `kind = "types"` that it links, also through one another, sorted by name.
    pub model_crates: Vec<String>,
}
