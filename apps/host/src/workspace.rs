//! The workspace that the command was given in.

use std::path::PathBuf;

use anyhow::Context;
use keel_builder::{BuildRequest, Builder, BuilderConfig};
use keel_registry::Stated;
use keel_resolver::{ModuleManifest, RequiredView, Workspace, WorkspaceCache};

/// The root package of every Keel workspace, and its binary.
const HOST_PACKAGE: &str = "keel-host";
const HOST_BINARY: &str = "keel";

/// The folder in which the command was given.
pub(crate) fn current_folder() -> anyhow::Result<PathBuf> {
    std::env::current_dir().context("the current folder is gone; change to a Keel workspace")
}

/// Reads the workspace around the current folder.
pub(crate) fn read() -> anyhow::Result<(WorkspaceCache, Workspace)> {
    let mut cache = WorkspaceCache::new(current_folder()?);
    let workspace = cache.workspace()?;
    workspace.check_host(HOST_PACKAGE)?;
    Ok((cache, workspace))
}

/// What builds in this workspace.
pub(crate) fn builder(workspace: &Workspace) -> Builder {
    Builder::new(BuilderConfig::new(workspace.root()))
}

/// Asks for a module's library.
pub(crate) fn request(module: &ModuleManifest) -> BuildRequest {
    BuildRequest::library(&module.name, &module.library)
}

/// Where a module's library lies once it is built.
pub(crate) fn library(workspace: &Workspace, module: &ModuleManifest) -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let config = BuilderConfig::new(workspace.root());
    config.target_dir.join(config.profile).join(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", module.library))
}

/// What a module's manifest says, for whoever checks its library.
pub(crate) fn stated(module: &ModuleManifest) -> Stated {
    let required = |is_optional: bool| {
        let views = module.requires.iter().filter(move |view| view.optional == is_optional);
        views.map(|view: &RequiredView| view.view.clone()).collect()
    };
    Stated {
        kind: module.kind.name().to_owned(),
        provides: module.provides.iter().map(|view| view.view.clone()).collect(),
        requires: required(false),
        optional: required(true),
    }
}

/// The views that the modules of this workspace provide.
pub(crate) fn views(workspace: &Workspace) -> Vec<String> {
    let provided = workspace.modules().iter().flat_map(|module| &module.provides);
    provided.map(|view| view.view.clone()).collect()
}

/// Asks for all modules.
pub(crate) fn all_modules(workspace: &Workspace) -> Vec<BuildRequest> {
    workspace.modules().iter().map(request).collect()
}

/// Asks for all modules and the host itself.
pub(crate) fn everything(workspace: &Workspace) -> Vec<BuildRequest> {
    let host = BuildRequest::binary(HOST_PACKAGE, HOST_BINARY);
    std::iter::once(host).chain(all_modules(workspace)).collect()
}

/// Whether an artifact is the host.
pub(crate) fn is_host(package: &str) -> bool {
    package == HOST_PACKAGE
}
