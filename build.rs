//! Checks that the workspace's modules fit together, by the rules the host loads them with: what doesn't,
//! fails `cargo build` with every conflict at once.

use std::path::Path;

use keel_resolver::{Workspace, cargo_metadata::Metadata};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match Workspace::read(root) {
        Ok(metadata) => {
            rerun_with_manifests(&metadata);
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
fn rerun_with_manifests(metadata: &Metadata) {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    for package in metadata.workspace_packages() {
        println!("cargo::rerun-if-changed={}", package.manifest_path);
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
