//! The modules of a workspace, built and copied to where no build changes them.

use std::path::{Path, PathBuf};

use keel_builder::{BuildRequest, Builder, BuilderConfig, CancelToken, Generations, RunDirectory};
use keel_resolver::Workspace;

/// The libraries of all modules, in a folder of their own that is removed when this is dropped.
pub struct BuiltModules {
    libraries: Vec<PathBuf>,
    _directory: RunDirectory,
}

impl BuiltModules {
    /// Builds all modules of the workspace around `folder`, as `keel run` does.
    ///
    /// # Errors
    /// When the workspace can't be read, a module does not compile, or its library can't be copied.
    pub fn build(folder: &Path) -> anyhow::Result<Self> {
        let workspace = Workspace::from_metadata(&Workspace::read(folder)?)?;
        let builder = Builder::new(BuilderConfig::new(workspace.root()));
        let request =
            |module: &keel_resolver::ModuleManifest| BuildRequest::library(&module.name, &module.library);
        let requests: Vec<_> = workspace.modules().iter().map(request).collect();
        let report = builder.build(&requests, &CancelToken::new())?;
        let directory = RunDirectory::create(&builder.config().target_dir.join("run"))?;
        let mut generations = Generations::new(&directory);
        // In the order in which the host loads them, so that both play the same game.
        let built = |name: &str| report.artifacts.iter().find(|artifact| artifact.package == name);
        let artifacts = workspace.in_load_order().filter_map(|module| built(&module.name));
        let copies = artifacts.map(|artifact| generations.add(&artifact.package, 0, &artifact.path));
        Ok(Self { libraries: copies.collect::<Result<_, _>>()?, _directory: directory })
    }

    /// The libraries, in the order in which their modules are to be started.
    pub fn libraries(&self) -> &[PathBuf] {
        &self.libraries
    }
}
