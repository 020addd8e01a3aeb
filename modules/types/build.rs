//! Writes the fingerprint of the engine: all that a host and a module must have in common before the one may call
//! the other. Sources are hashed, never libraries: those differ between target directories.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates that are compiled into the facade, from this crate's folder. What Cargo.lock says of the others is
/// hashed by a macro: see `locked_hash`.
const FACADE_SOURCES: [&str; 4] = ["../../core", "../binding", "../keel", "../types"];

fn main() {
    let mut files = Vec::new();
    for source in FACADE_SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for file in &files {
        hash = fnv1a(hash, file.to_string_lossy().as_bytes());
        hash = fnv1a(hash, &fs::read(file).unwrap_or_default());
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().replace('\u{1f}', " ");
    let set = |key: &str, value: &str| println!("cargo::rustc-env=KEEL_{key}={value}");
    set("RUSTC", &compiler());
    set("TARGET", &env::var("TARGET").unwrap_or_default());
    set("PROFILE", &profile());
    set("FLAGS", &flags);
    set("FACADE", &format!("{hash:016x}"));
}

/// The compiler's version and commit: two builds of one version may differ.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// What of the profile changes layouts or calls. cargo tells build scripts only the profile's root and these.
fn profile() -> String {
    let of = |key: &str| env::var(key).unwrap_or_default();
    let assertions = if env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some() { "on" } else { "off" };
    let panic = of("CARGO_CFG_PANIC");
    format!("{} opt-level={} debug-assertions={assertions} panic={panic}", of("PROFILE"), of("OPT_LEVEL"))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten().map(|entry| entry.path()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_source = entry.is_dir() && name != "target" && name != "tests" && name != "benches";
        if is_source || name.ends_with(".rs") || name == "Cargo.toml" {
            collect(&entry, files);
        }
    }
}

fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
