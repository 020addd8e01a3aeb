//! The modules of benchmarks: built and loaded as a game's modules are.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use keel::binding::Binding;
use keel_builder::{BuildRequest, Builder, BuilderConfig, CancelToken, Generations, RunDirectory};
use keel_registry::{LoadedBench, PreparedBench, Registry, RegistryConfig};
use keel_resolver::{ModuleManifest, WorkspaceCache};

use crate::ecs::contest::{Contestant, KEEL};
use crate::ecs::memory::bytes_in_use;
use crate::ecs::protocol::{Case, Storage};

/// The cases of all modules of benchmarks in a workspace.
pub(crate) struct BenchModules {
    benches: Vec<LoadedBench>,
}

impl BenchModules {
    /// Builds all of them, with what the host was built with, and opens copies.
    pub(crate) fn build(root: &Path) -> anyhow::Result<Self> {
        let workspace = WorkspaceCache::new(root).workspace()?;
        let config = BuilderConfig::new(root);
        let directory = RunDirectory::create(&config.target_dir.join("run"))?;
        let request = |module: &ModuleManifest| BuildRequest::library(&module.name, &module.library);
        let requests: Vec<_> = workspace.benches().iter().map(request).collect();
        if requests.is_empty() {
            return Ok(Self { benches: Vec::new() });
        }
        let built = Builder::new(config).build(&requests, &CancelToken::new()).inspect_err(|failure| {
            failure.diagnostics().iter().for_each(|diagnostic| eprintln!("{}", diagnostic.plain));
        })?;
        let registry = Registry::new(RegistryConfig::default(), Arc::new(Binding::new()));
        let mut copies = Generations::new(&directory);
        let mut benches = Vec::new();
        for library in &built.artifacts {
            let copy = copies.add(&library.package, 1, &library.path)?;
            benches.extend(registry.checker().check(&copy, 1)?.take_benches());
        }
        // The files are not needed once they are mapped.
        Ok(Self { benches })
    }

    pub(crate) fn into_contestants(self) -> anyhow::Result<Vec<Box<dyn Contestant>>> {
        let contestant = |bench: LoadedBench| -> Box<dyn Contestant> {
            Box::new(InModule { case: case_of(&bench), bench, prepared: None })
        };
        Ok(self.benches.into_iter().map(contestant).collect())
    }
}

fn case_of(bench: &LoadedBench) -> Case {
    let case = bench.case();
    Case {
        name: case.name().to_owned(),
        engine: KEEL.to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        variant: case.variant_name().map(str::to_owned),
        form: case.form_text().to_owned(),
        storage: Storage::Archetypes,
        operations: case.operations_per_iteration(),
        entities: case.entities_prepared(),
    }
}

/// A case of a module that is loaded into this process.
struct InModule {
    case: Case,
    // Before the library's last guard.
    prepared: Option<PreparedBench>,
    bench: LoadedBench,
}

impl InModule {
    fn prepared(&mut self) -> anyhow::Result<&mut PreparedBench> {
        self.prepared.as_mut().context("the case was not prepared")
    }

    fn failed(&self, message: &str) -> anyhow::Error {
        anyhow!("the case `{}` {message}", self.bench.case())
    }
}

impl Contestant for InModule {
    fn case(&self) -> &Case {
        &self.case
    }

    fn prepare(&mut self) -> anyhow::Result<Option<u64>> {
        let before = bytes_in_use();
        self.prepared = Some(self.bench.prepare().map_err(|message| self.failed(&message))?);
        Ok(before.zip(bytes_in_use()).map(|(before, now)| now.saturating_sub(before)))
    }

    fn run(&mut self, iterations: u64) -> anyhow::Result<f64> {
        let prepared = self.prepared()?;
        let begin = Instant::now();
        let ran = prepared.run(iterations);
        let elapsed = begin.elapsed();
        ran.map_err(|message| self.failed(&message))?;
        Ok(elapsed.as_secs_f64() * 1e9)
    }

    fn checksum(&mut self) -> anyhow::Result<Option<f64>> {
        self.prepared()?.checksum().map_err(|message| self.failed(&message))
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.prepared = None;
        Ok(())
    }
}
