//! Workspaces in memory, as cargo's metadata describes them.

use std::path::PathBuf;

use keel_resolver::cargo_metadata::{Metadata, MetadataCommand};
use keel_resolver::{ResolveErrors, Workspace};
use serde_json::{Value, json};

/// A workspace at `/game`.
#[derive(Default)]
pub(crate) struct Fixture {
    packages: Vec<Value>,
}

impl Fixture {
    /// Adds a package at `/game/<folder>` with its `package.metadata.keel` and path dependencies, each the
    /// folder of another package or `dev:` and the folder; one that begins with `/` is outside of the workspace.
    pub(crate) fn package(mut self, name: &str, folder: &str, keel: Value, dependencies: &[&str]) -> Self {
        let root = path(folder);
        let is_module = keel["kind"].as_str().is_some_and(|kind| !["types", "area"].contains(&kind));
        let kinds = if is_module { json!(["dylib", "rlib"]) } else { json!(["lib"]) };
        let target = |kinds: Value, name: &str, file: &str| {
            json!({ "name": name, "kind": kinds, "crate_types": kinds, "src_path": format!("{root}/{file}"),
                    "edition": "2024", "doc": true, "doctest": true, "test": true })
        };
        self.packages.push(json!({
            "name": name, "version": "0.1.0", "id": format!("path+file://{root}#{name}@0.1.0"),
            "dependencies": dependencies.iter().map(|it| dependency(it)).collect::<Vec<_>>(),
            "targets": [
                target(kinds, &name.replace('-', "_"), "src/lib.rs"),
                target(json!(["test"]), "all", "tests/all.rs"),
            ],
            "features": {}, "manifest_path": format!("{root}/Cargo.toml"),
            "metadata": { "keel": keel },
        }));
        if keel.is_null() {
            self.packages.last_mut().unwrap()["metadata"] = Value::Null;
        }
        self
    }

    /// Has a package say something else of itself.
    pub(crate) fn replace(mut self, name: &str, keel: Value) -> Self {
        let package = self.packages.iter_mut().find(|package| package["name"] == name).unwrap();
        package["metadata"]["keel"] = keel;
        self
    }

    /// Adds a view model that links nothing.
    pub(crate) fn module(self, name: &str, provides: Value, requires: Value) -> Self {
        let keel = json!({ "kind": "view-model", "provides": provides, "requires": requires });
        self.package(name, &format!("systems/{name}"), keel, &[])
    }

    pub(crate) fn metadata(&self) -> Metadata {
        let ids: Vec<_> = self.packages.iter().map(|package| &package["id"]).collect();
        let metadata = json!({
            "packages": self.packages, "workspace_members": ids, "resolve": null, "version": 1,
            "workspace_root": "/game", "target_directory": "/game/target",
        });
        MetadataCommand::parse(metadata.to_string()).unwrap()
    }

    pub(crate) fn workspace(&self) -> Result<Workspace, ResolveErrors> {
        Workspace::from_metadata(&self.metadata())
    }

    /// The conflicts, one a line.
    #[track_caller]
    pub(crate) fn report(&self) -> String {
        self.workspace().expect_err("the workspace has no conflict").to_string()
    }
}

fn path(folder: &str) -> String {
    match folder {
        "" => "/game".to_owned(),
        outside if outside.starts_with('/') => outside.to_owned(),
        folder => format!("/game/{folder}"),
    }
}

fn dependency(written: &str) -> Value {
    let (kind, folder) =
        written.split_once(':').map_or((Value::Null, written), |(kind, it)| (json!(kind), it));
    let name = folder.rsplit('/').next().unwrap();
    json!({ "name": name, "source": null, "req": "*", "kind": kind, "rename": null, "optional": false,
            "uses_default_features": true, "features": [], "target": null, "path": path(folder) })
}

/// View models that provide a view of their own name, from `"a -> b"` (a requires b's view) and `"a"`.
pub(crate) fn modules(requirements: &[&str]) -> Fixture {
    let mut needed = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for requirement in requirements {
        let (user, provider) = requirement.split_once(" -> ").unwrap_or((requirement, ""));
        needed.entry(user).or_default().extend((!provider.is_empty()).then_some(provider));
        if !provider.is_empty() {
            needed.entry(provider).or_default();
        }
    }
    let add = |fixture: Fixture, (name, requires): (&str, Vec<&str>)| {
        fixture.module(name, json!([name]), json!(requires))
    };
    needed.into_iter().fold(Fixture::default(), add)
}

/// A game with an engine below it: host, facade, an area, two types crates, and modules that link them.
pub(crate) fn game() -> Fixture {
    let kind = |kind: &str| json!({ "kind": kind });
    Fixture::default()
        .package("keel-host", "", Value::Null, &["modules/registry", "dev:apps/bench"])
        .package("registry", "modules/registry", Value::Null, &[])
        .package("keel", "modules/keel", Value::Null, &["core/ecs"])
        .package("ecs-area", "core/ecs", kind("area"), &[])
        .package("bench", "apps/bench", Value::Null, &["modules/keel"])
        .package("math", "systems/math", kind("types"), &["modules/keel"])
        .package("shoal-model", "systems/shoal-model", kind("types"), &["modules/keel", "systems/math"])
        .package("shoal", "systems/shoal-model/module", kind("model"), &["systems/shoal-model"])
        .package("swim", "systems/swim", kind("view-model"), &["systems/shoal-model", "modules/keel"])
        .package("wind", "systems/wind", kind("view-model"), &["modules/keel", "dev:systems/math"])
}

pub(crate) fn files(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}
