//! Checks that the workspace's modules fit together, by the rules the host loads them with: what doesn't,
//! fails `cargo build` with every conflict at once.

use std::path::{Path, PathBuf};

use keel_resolver::{Workspace, cargo_metadata::Metadata};

fn main() {
    // Asked when it runs: the workspace may have been moved since this was compiled.
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    match Workspace::read(&root) {
        Ok(metadata) => {
            rerun_with_manifests(&metadata, &root);
            report(&metadata);
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            fail(&format!("{error}\n{cause}"));
        }
    }
}

// Manifests and nothing else: a changed source file must not run this again, for then the host would be built
// again too. Cargo writes `Cargo.lock` when a member is added or removed, before it looks at these lines.
fn rerun_with_manifests(metadata: &Metadata, root: &Path) {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.as_std_path();
        println!("cargo::rerun-if-changed={}", manifest.strip_prefix(root).unwrap_or(manifest).display());
    }
}

fn report(metadata: &Metadata) {
    if let Err(errors) = Workspace::from_metadata(metadata) {
        for conflict in errors.conflicts() {
            fail(&conflict.to_string());
        }
    }
}

// Cargo shows these as errors of its own and fails the build; an exit code would add the script's output.
fn fail(message: &str) {
    for line in message.lines().filter(|line| !line.is_empty()) {
        println!("cargo::error={line}");
    }
}
