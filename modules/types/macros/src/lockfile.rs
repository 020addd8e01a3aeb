//! The hash of what Cargo.lock says of one package and all that it is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::{Error, LitStr, Result};

use crate::sources::{FNV_OFFSET, fnv1a};

/// 16 hex digits that change when `package`, or a package below it, is locked to another version or source.
///
/// A build script would do as well, but cargo rebuilds all that depends on one whenever it runs, and Cargo.lock
/// changes each time a module is added. This runs when the crate is compiled, and that is when one of the packages
/// has changed.
pub(crate) fn hash(package: &LitStr) -> Result<String> {
    let failed = |message: String| Error::new(Span::call_site(), message);
    let start = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let path = start.ancestors().map(|folder| folder.join("Cargo.lock")).find(|path| path.is_file());
    let path = path.ok_or_else(|| failed(format!("there is no Cargo.lock above {}", start.display())))?;
    let text = read(&path).map_err(failed)?;
    let packages = parse(&text);
    let mut hash = FNV_OFFSET;
    for block in closure(&packages, &package.value()) {
        hash = fnv1a(hash, block.as_bytes());
    }
    Ok(format!("{hash:016x}"))
}

fn read(path: &Path) -> std::result::Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}

/// The `[[package]]` blocks, by name; several versions of one package are one entry each.
fn parse(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut packages = BTreeMap::<&str, Vec<&str>>::new();
    for block in text.split("[[package]]").skip(1) {
        let name = block.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default();
        packages.entry(name.trim_matches('"')).or_default().push(block.trim());
    }
    packages
}

/// The blocks of `package` and of all that it depends on, by name.
fn closure<'t>(packages: &BTreeMap<&'t str, Vec<&'t str>>, package: &str) -> BTreeSet<&'t str> {
    let mut found = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for block in packages.get(name.as_str()).into_iter().flatten() {
            found.insert(*block);
            let dependencies = block.split_once("dependencies = [").map_or("", |(_, list)| list);
            // An entry is `"name"`, or `"name version"` where several versions are locked.
            let entries = dependencies.split('"').skip(1).step_by(2);
            open.extend(entries.filter_map(|entry| entry.split(' ').next()).map(str::to_owned));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "facade"
version = "1.0.0"
dependencies = [
 "codec",
]

[[package]]
name = "codec"
version = "2.0.0"

[[package]]
name = "game"
version = "1.0.0"
dependencies = [
 "facade",
]
"#;

    fn of_facade(lock: &str) -> Vec<String> {
        closure(&parse(lock), "facade").into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_built_in_counts_and_what_builds_on_it_does_not() {
        let before = of_facade(LOCK);
        assert_eq!(before.len(), 2);
        assert_eq!(of_facade(&LOCK.replace(r#"name = "game""#, r#"name = "other""#)), before);
        assert_ne!(of_facade(&LOCK.replace("2.0.0", "2.0.1")), before);
    }
}
