//! What a new module may be called.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};

const LENGTH_MAX: usize = 64;

/// Rust's keywords, those it keeps for later included: a crate can't be named in code by one.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// The crates that come with the compiler, and are there without being asked for.
const SYSROOT: &[&str] = &["alloc", "core", "proc_macro", "std", "test"];

/// Names that Windows gives to devices, in any folder, and those of folders that cargo makes beside what it builds.
const RESERVED: &[&str] =
    &["aux", "build", "com1", "con", "deps", "examples", "incremental", "lpt1", "nul", "prn"];

/// Types that the new crate's code uses: its own type would hide them.
const TEMPLATE_TYPES: &[&str] = &[
    "default",
    "duration",
    "engine",
    "engine_config",
    "frame",
    "module_result",
    "module_tag",
    "setup",
    "view_model",
];

/// Refuses what cargo, the compiler, the system or Keel would stumble over later. `packages` are the names in use.
pub(super) fn check(name: &str, packages: &BTreeSet<String>) -> anyhow::Result<()> {
    let krate = name.replace('-', "_");
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    let is_plain = name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
    ensure!(
        starts_well && is_plain && !name.ends_with('-') && !name.contains("--"),
        "`{name}` is no name for a module; use lower-case letters, digits and single dashes, a letter first"
    );
    let is_in = |names: &[&str]| names.contains(&krate.as_str());
    let reason = if name.len() > LENGTH_MAX {
        format!("is longer than {LENGTH_MAX} letters")
    } else if is_in(KEYWORDS) {
        "is a keyword of Rust".to_owned()
    } else if is_in(SYSROOT) {
        "is a crate that comes with the compiler".to_owned()
    } else if is_in(RESERVED) {
        "is reserved by Windows or cargo".to_owned()
    } else if is_in(TEMPLATE_TYPES) {
        "would hide a type of Keel's that the new crate uses".to_owned()
    } else if name == "keel" || name.starts_with("keel-") {
        "belongs to Keel's own crates".to_owned()
    } else if let Some(package) = packages.iter().find(|package| package.replace('-', "_") == krate) {
        format!("is taken by the package `{package}` in Cargo.lock")
    } else {
        return Ok(());
    };
    anyhow::bail!("`{name}` {reason}; choose another name, `my-{name}` for one")
}

/// The names of all packages in the workspace's `Cargo.lock`.
pub(super) fn packages(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let file = root.join("Cargo.lock");
    let text = std::fs::read_to_string(&file).with_context(|| format!("{} can't be read", file.display()))?;
    let names = text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(name: &str, part: &str) {
        let packages = ["serde", "proc-macro2", "shoal_model", "ecs"].map(str::to_owned).into();
        let error = check(name, &packages).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")) && error.contains(part), "{error}");
        assert!(error.contains("; choose another name") || error.contains("; use lower-case"), "{error}");
    }

    #[test]
    fn names_are_refused_with_a_reason_and_a_next_step() {
        for name in ["", "Fish", "a--b", "-a", "a-", "9a", "a_b", "a/b", "\u{e4}"] {
            refuses(name, "is no name for a module");
        }
        refuses("type", "is a keyword of Rust");
        refuses("fn", "is a keyword of Rust");
        for name in ["std", "core", "alloc", "test", "proc-macro"] {
            refuses(name, "comes with the compiler");
        }
        refuses("keel", "belongs to Keel");
        refuses("keel-ecs", "belongs to Keel");
        refuses("serde", "package `serde` in Cargo.lock");
        refuses("shoal-model", "package `shoal_model`");
        refuses("nul", "reserved");
        refuses("frame", "would hide");
        refuses("view-model", "would hide");
        refuses(&"a".repeat(65), "longer than 64");
    }

    #[test]
    fn other_names_are_fine() {
        for name in ["a", "night-watch", "keels", "types", "tests", "standard", "x2"] {
            check(name, &BTreeSet::from(["serde".to_owned()])).unwrap();
        }
    }
}
