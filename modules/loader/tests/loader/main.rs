//! The loader with real libraries: the rows of HAZARDS that concern loading, a test for each.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod damaged;
mod hazards;

use std::path::{Path, PathBuf};

use keel_fixture::{Fixture, Scratch};
use keel_loader::{LoadError, Loader, Module};

/// A view-model module; `items` are added to its lib.rs.
fn tide(items: &str) -> PathBuf {
    let source = r#"
use keel::prelude::*;

#[data]
#[derive(Default)]
pub struct Tide {
    pub level: u32,
}

#[view_model]
impl ViewModel for Tide {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("rise", |_: &mut Frame<'_>| {});
        Ok(())
    }
}

keel::export_module! { view_model: Tide }
"#;
    Fixture::module("tide").source(format!("{source}\n{items}")).build()
}

/// Opens a copy of the library.
fn open(scratch: &Scratch, library: &Path) -> Result<Module, LoadError> {
    Loader::new().open(&scratch.copy(library))
}

/// Whether code of this file is in this process.
fn is_mapped(file: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| line.contains(" r-xp ") && line.ends_with(&file.display().to_string()))
}

/// The library with another compiler in its descriptor.
fn with_other_fingerprint(library: &Path, scratch: &Scratch) -> PathBuf {
    let mut bytes = std::fs::read(library).unwrap();
    let magic = keel::module::ModuleDescriptor::MAGIC;
    let starts: Vec<_> = (0..bytes.len() - 16).filter(|at| bytes[*at..*at + 16] == magic).collect();
    assert!(!starts.is_empty());
    for start in starts {
        let text = b"rustc 1.";
        let compiler = bytes[start..].windows(text.len()).position(|window| window == text);
        // The root has a second copy, which the loader does not read from the file.
        let at = start + compiler.unwrap();
        bytes[at + text.len()] ^= 1;
    }
    scratch.write("other.so", &bytes)
}
