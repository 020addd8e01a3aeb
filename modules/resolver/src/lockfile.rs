//! Whether a change of `Cargo.lock` reaches the running host.
//!
//! Cargo rewrites the file whenever a module is added, and that must not restart anything; only the packages
//! that the host and the facade are built from count. The format is TOML that cargo writes line by line.

use std::collections::{BTreeMap, BTreeSet};

use crate::{RestartReason, Workspace};

impl Workspace {
    /// Why going from the lockfile `before` to `after` takes a restart, if it does: a package changed that
    /// the facade or the host is built from, their tests included.
    pub fn lockfile_restart(&self, before: &str, after: &str) -> Option<RestartReason> {
        let (before, after) = (self.locked(before), self.locked(after));
        let changed = before.symmetric_difference(&after);
        let packages: BTreeSet<String> = changed.map(|package| package.name.to_owned()).collect();
        let packages: Vec<_> = packages.into_iter().collect();
        (!packages.is_empty()).then_some(RestartReason::Lockfile { packages })
    }

    fn locked<'a>(&self, text: &'a str) -> BTreeSet<Locked<'a>> {
        let packages = parse(text);
        let fixed = self.fixed.iter().map(|index| self.packages[*index].name.as_str());
        let mut open: Vec<&str> = fixed.collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = open.pop() {
            for (package, dependencies) in packages.iter().filter(|(package, _)| package.is(name)) {
                if reached.insert(package.clone()) {
                    open.extend(dependencies);
                }
            }
        }
        reached
    }
}

/// One `[[package]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    source: &'a str,
    checksum: &'a str,
}

impl Locked<'_> {
    /// Whether a dependency written as `name`, `name version` or `name version (source)` means this package.
    fn is(&self, dependency: &str) -> bool {
        let mut words = dependency.split(' ');
        words.next() == Some(self.name) && words.next().is_none_or(|version| version == self.version)
    }
}

fn parse(text: &str) -> BTreeMap<Locked<'_>, Vec<&str>> {
    text.split("[[package]]").skip(1).map(parse_package).collect()
}

fn parse_package(block: &str) -> (Locked<'_>, Vec<&str>) {
    let (mut package, mut dependencies) = (Locked::default(), Vec::new());
    for line in block.lines().map(str::trim) {
        match line.split_once(" = ").map(|(key, value)| (key, value.trim_matches('"'))) {
            Some(("name", value)) => package.name = value,
            Some(("version", value)) => package.version = value,
            Some(("source", value)) => package.source = value,
            Some(("checksum", value)) => package.checksum = value,
            _ if line.starts_with('"') => dependencies.push(line.trim_matches(['"', ','])),
            _ => {}
        }
    }
    (package, dependencies)
}
