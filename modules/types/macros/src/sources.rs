//! The hash of the sources of the crate that is being compiled.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::{Error, Result};

/// A 64-bit FNV-1a hash over the names and contents of the crate's manifest and all files below its `src`, or below its
/// root where it has no `src`.
///
/// The compiler expands macros anew whenever it compiles the crate, and it does so whenever one of these files has
/// changed, so the hash is never stale.
pub(crate) fn hash(span: Span) -> Result<u64> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = root.ok_or_else(|| Error::new(span, "CARGO_MANIFEST_DIR is not set; build with cargo"))?;
    let mut files = vec![root.join("Cargo.toml")];
    let src = root.join("src");
    collect(if src.is_dir() { &src } else { &root }, &mut files)
        .map_err(|error| Error::new(span, format!("the crate's sources can't be read: {error}")))?;
    files.sort();
    let mut hash = FNV_OFFSET;
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        hash = fnv1a(hash, name.as_bytes());
        hash = fnv1a(hash, &fs::read(&file).unwrap_or_default());
    }
    Ok(hash)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // Build output; within `src`, nothing is called so by cargo.
            if !path.ends_with("target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The start of a 64-bit FNV-1a hash.
pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Hashes on.
pub(crate) fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
