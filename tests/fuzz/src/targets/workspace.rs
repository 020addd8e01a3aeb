//! What cargo says of a workspace.

use std::collections::BTreeSet;

use keel_resolver::Workspace;
use keel_resolver::cargo_metadata::MetadataCommand;
use serde_json::{Value, json};

use crate::Target;
use crate::change::Change;

pub(crate) const TARGET: Target = Target { name: "workspace", whole, change, read };

/// The words that Keel looks for, and such as are next to them.
const WORDS: [&str; 16] = [
    "model",
    "view",
    "view-model",
    "bench",
    "types",
    "area",
    "",
    "keel",
    "pond.TideView",
    "dylib",
    "dev",
    "0.1",
    "^1",
    "/",
    "../..",
    "1.0.0-alpha",
];

fn whole() -> Vec<Vec<u8>> {
    let alone = metadata(&[package("keel-host", "", Value::Null, &[])]);
    vec![alone, game().to_string().into_bytes()]
}

/// A game: host, facade, types, a model, and view models that require each other's views.
pub(super) fn game() -> Value {
    let kind = |kind: &str| json!({ "kind": kind });
    let tide = json!({ "kind": "view-model", "provides": [{ "view": "pond.TideView", "version": "0.2.0" }],
                       "features": ["deep"], "model": "Chart" });
    let swim = json!({ "kind": "view-model", "provides": ["pond.SwimView"], "requires": [
        { "view": "pond.TideView", "version": "0.2", "features": ["deep"] },
        { "view": "keel.ConsoleView", "optional": true },
    ] });
    metadata_of(&[
        package("keel-host", "", Value::Null, &["modules/registry"]),
        package("registry", "modules/registry", Value::Null, &[]),
        package("keel", "modules/keel", Value::Null, &["core/ecs"]),
        package("ecs-area", "core/ecs", kind("area"), &[]),
        package("pond-model", "systems/pond-model", kind("types"), &["modules/keel"]),
        package("pond", "systems/pond-model/module", kind("model"), &["systems/pond-model"]),
        package("tide", "systems/tide", tide, &["systems/pond-model", "modules/keel"]),
        package("swim", "systems/swim", swim, &["modules/keel"]),
        package("hunt", "systems/hunt", json!({ "kind": "view-model", "requires": ["pond.SwimView"] }), &[]),
        package("cases", "bench/cases", kind("bench"), &["modules/keel"]),
    ])
}

fn metadata(packages: &[Value]) -> Vec<u8> {
    metadata_of(packages).to_string().into_bytes()
}

fn metadata_of(packages: &[Value]) -> Value {
    let ids: Vec<_> = packages.iter().map(|package| &package["id"]).collect();
    json!({ "packages": packages, "workspace_members": ids, "resolve": null, "version": 1,
            "workspace_root": "/game", "target_directory": "/game/target" })
}

/// A package at `/game/FOLDER` with dependencies at such places.
fn package(name: &str, folder: &str, keel: Value, dependencies: &[&str]) -> Value {
    let is_module = keel["kind"].as_str().is_some_and(|kind| !["types", "area"].contains(&kind));
    let kinds = if is_module { json!(["dylib", "rlib"]) } else { json!(["lib"]) };
    let target = |kinds: Value, name: &str, file: &str| {
        json!({ "name": name, "kind": kinds, "crate_types": kinds, "src_path": format!("/game/{folder}/{file}"),
                "edition": "2024", "doc": true, "doctest": true, "test": true })
    };
    let dependency = |folder: &&str| {
        json!({ "name": folder.rsplit('/').next(), "source": null, "req": "*", "kind": null, "rename": null,
                "optional": false, "uses_default_features": true, "features": [], "target": null,
                "path": format!("/game/{folder}") })
    };
    let metadata = if keel.is_null() { Value::Null } else { json!({ "keel": keel }) };
    json!({ "name": name, "version": "0.1.0", "id": format!("path+file:///game/{folder}#{name}@0.1.0"),
            "dependencies": dependencies.iter().map(dependency).collect::<Vec<_>>(),
            "targets": [target(kinds, &name.replace('-', "_"), "src/lib.rs"),
                        target(json!(["custom-build"]), "build", "build.rs")],
            "features": {}, "manifest_path": format!("/game/{folder}/Cargo.toml"), "metadata": metadata })
}

fn change(text: &mut Vec<u8>, change: &mut dyn Change) {
    let parsed = serde_json::from_slice::<Value>(text).ok().filter(|_| !change.once_in(16));
    let Some(mut value) = parsed else { return change.bytes(text) };
    let count = count(&value);
    let other = nth(&mut value, &mut change.below(count)).cloned().unwrap_or_default();
    if let Some(chosen) = nth(&mut value, &mut change.below(count)) {
        change_value(chosen, other, change);
    }
    let changed = value.to_string().into_bytes();
    if changed.len() <= crate::INPUT_BYTES_MAX {
        *text = changed;
    }
}

fn change_value(value: &mut Value, other: Value, change: &mut dyn Change) {
    match (change.below(8), value) {
        (0, value) => *value = Value::Null,
        (1, value) => *value = other,
        (2, value) => *value = Value::from(WORDS[change.below(WORDS.len())]),
        (3, value) => *value = json!([value.take()]),
        (_, Value::Array(elements)) if !elements.is_empty() => {
            let at = change.below(elements.len());
            match change.below(4) {
                0 => drop(elements.remove(at)),
                1 => elements.push(other),
                2 => elements.swap(at, 0),
                _ => elements.push(elements[at].clone()),
            }
        }
        (_, Value::Object(fields)) if !fields.is_empty() => {
            let name = fields.keys().nth(change.below(fields.len())).cloned().unwrap_or_default();
            let taken = fields.remove(&name).unwrap_or_default();
            match change.below(3) {
                0 => {}
                1 => drop(fields.insert(name, other)),
                _ => drop(fields.insert(WORDS[change.below(WORDS.len())].to_owned(), taken)),
            }
        }
        (_, Value::String(text)) => {
            let mut bytes = std::mem::take(text).into_bytes();
            change.bytes(&mut bytes);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        (number, value) => *value = Value::from(u64::MAX >> (number * 8)),
    }
}

/// How many values there are in `value`, itself among them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value that `left` others come before.
fn nth<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().find_map(|element| nth(element, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, left)),
        _ => None,
    }
}

fn read(bytes: &[u8]) -> bool {
    let Some(metadata) = std::str::from_utf8(bytes).ok().and_then(|text| MetadataCommand::parse(text).ok())
    else {
        return false;
    };
    let workspace = match Workspace::from_metadata(&metadata) {
        Ok(workspace) => workspace,
        Err(errors) => {
            assert!(!errors.to_string().is_empty());
            return false;
        }
    };
    let ordered: BTreeSet<_> = workspace.in_load_order().map(|module| module.id).collect();
    assert_eq!(ordered.len(), workspace.modules().len(), "each module has its turn");
    assert_eq!(workspace.load_order().iter().flatten().count(), ordered.len(), "and one of them only");
    assert_eq!(workspace.diff(&workspace), Default::default(), "a workspace does not differ from itself");
    for package in &metadata.packages {
        let source = package.targets.first().map(|target| target.src_path.clone().into_std_path_buf());
        let files: Vec<_> =
            source.into_iter().chain([package.manifest_path.clone().into_std_path_buf()]).collect();
        let _ = workspace.affected(&files);
    }
    true
}
