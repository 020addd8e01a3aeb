//! Lists the workspace's modules for `main.rs`, in the order in which the host loads them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keel_resolver::Workspace;
use keel_resolver::cargo_metadata::Metadata;

const PACKAGE: &str = "keel-static";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(keel_static)");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_KEEL_STATIC").is_some()
        && let Err(message) = write_modules()
    {
        message.lines().for_each(|line| println!("cargo::error={line}"));
    }
}

/// Asked when this runs: the workspace may have been moved since it was compiled.
fn manifest_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
}

fn write_modules() -> Result<(), String> {
    let metadata = Workspace::read(&manifest_dir()).map_err(|error| error.to_string())?;
    for package in metadata.workspace_packages() {
        // Named from this folder, for the same reason.
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root);
        let manifest = manifest.map(|manifest| Path::new("../..").join(manifest));
        println!(
            "cargo::rerun-if-changed={}",
            manifest.unwrap_or(package.manifest_path.clone().into()).display()
        );
    }
    let workspace = Workspace::from_metadata(&metadata).map_err(|errors| errors.to_string())?;
    let linked = dependencies(&metadata);
    let modules: Vec<_> = workspace.in_load_order().collect();
    if let Some(missing) = modules.iter().find(|module| !linked.contains(&module.name)) {
        return Err(format!(
            "the module `{0}` is not linked in; add `{0} = {{ path = \"...\" }}` to the dependencies in \
             apps/static/Cargo.toml",
            missing.name
        ));
    }
    let roots: Vec<_> =
        modules.iter().map(|module| format!("    &{}::KEEL_MODULE,\n", module.library)).collect();
    let text = format!("&[\n{}]\n", roots.concat());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    std::fs::write(out.join("modules.rs"), text).map_err(|error| error.to_string())
}

fn dependencies(metadata: &Metadata) -> BTreeSet<String> {
    let own = metadata.packages.iter().filter(|package| package.name.as_str() == PACKAGE);
    own.flat_map(|package| &package.dependencies).map(|dependency| dependency.name.clone()).collect()
}
