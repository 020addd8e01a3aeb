//! The facade stays one: whatever is built with it, its crates have the same features, so that the host and all
//! modules, built together or one by one, share one facade file. See docs/ARCHITECTURE.md, "The facade stays one".

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};

/// What cargo compiles into the facade, and what that is compiled with: the features of each crate by the way that
/// leads to it from the facade.
type Closure = BTreeMap<Vec<String>, String>;

/// What a build without tests compiles, and what one with tests does.
const EDGES: [&str; 2] = ["normal,build", "normal,build,dev"];

#[test]
fn the_facade_has_the_same_features_in_every_build() {
    let unused = unused_edges();
    let alone = closure(&["-p", "keel"], EDGES[0], &unused);
    assert!(alone.len() > 100, "the facade's closure has {} crates; was it read?", alone.len());
    let mut differences = BTreeSet::new();
    for selection in selections() {
        let selection: Vec<_> = selection.iter().map(String::as_str).collect();
        for edges in EDGES {
            let found = closure(&selection, edges, &unused);
            if found.is_empty() {
                // Built with other flags only: `cargo keel-static` has a facade of its own.
                assert_eq!(selection, ["-p", "keel-static"], "cargo tree has no facade there");
                continue;
            }
            let is_with_tests = edges.contains("dev");
            differences.extend(differences_of(&alone, &found, is_with_tests, &selection.join(" ")));
        }
    }
    let differences: Vec<_> = differences.into_iter().collect();
    assert!(
        differences.is_empty(),
        "the facade would be another one:\n{}\nNext step: name the crate in modules/keel/Cargo.toml with all of \
         these features, as the ones beside it are.",
        differences.join("\n")
    );
}

/// With its default features hecs keeps, in each world, prepared queries that hold code of whoever asked first: after
/// that module is unmapped, the end of the world would call into nothing.
#[test]
fn hecs_has_no_query_cache() {
    let metadata = metadata();
    let nodes = metadata.resolve.unwrap().nodes;
    let hecs =
        |id: &cargo_metadata::PackageId| metadata.packages.iter().any(|it| it.id == *id && it.name == "hecs");
    let hecs: Vec<_> = nodes.iter().filter(|node| hecs(&node.id)).collect();
    assert_eq!(hecs.len(), 1, "one hecs");
    let features: Vec<_> = hecs[0].features.iter().map(ToString::to_string).collect();
    assert_eq!(
        features,
        Vec::<String>::new(),
        "of all that the workspace asks for, dev-dependencies included"
    );
}

#[test]
fn a_missing_pin_is_seen() {
    let closure = |features: &str| {
        let way = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Closure::from([(way(&["keel"]), String::new()), (way(&["keel", "libc v0.2"]), features.to_owned())])
    };
    let check = |one: &str, other: &str| differences_of(&closure(one), &closure(other), false, "--workspace");
    assert_eq!(check("std", "std"), Vec::<String>::new());
    assert_eq!(
        check("std", "extra_traits,std"),
        [
            "libc v0.2 (by way of keel) has the features [extra_traits,std] in `--workspace` and [std] in `-p keel`"
        ]
    );
}

/// Every module alone, all of them, everything; with and without the host.
fn selections() -> Vec<Vec<String>> {
    let options = ["--offline".to_owned()];
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().other_options(options).exec().unwrap();
    let packages = metadata.workspace_packages();
    let links_facade = |package: &&&Package| {
        package.dependencies.iter().any(|it| it.name == "keel" && it.kind == DependencyKind::Normal)
    };
    let uses_facade = packages.iter().filter(links_facade);
    let alone = uses_facade.map(|package| vec!["-p".to_owned(), package.name.to_string()]);
    let selections: Vec<_> = alone.chain([vec!["--workspace".to_owned()]]).collect();
    assert!(selections.len() > 7, "only {selections:?} link the facade");
    selections
}

/// Of the crates for this system: those for others may never have been downloaded.
fn metadata() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let options = ["--offline", "--filter-platform", host].map(str::to_owned);
    MetadataCommand::new().current_dir(root()).other_options(options).exec().unwrap()
}

/// From a package to its build-dependencies, where it has no build script that could use them: `cargo tree` shows
/// them, and nothing compiles them. Packages are written as `name v1.2.3`, what they depend on by name alone.
fn unused_edges() -> BTreeSet<(String, String)> {
    let metadata = metadata();
    let has_script = |it: &Package| it.targets.iter().any(|target| target.is_kind(TargetKind::CustomBuild));
    let without = metadata.packages.iter().filter(|package| !has_script(package));
    let edges = without.flat_map(|package| {
        let from = format!("{} v{}", package.name, package.version);
        let built = package.dependencies.iter().filter(|it| it.kind == DependencyKind::Build);
        built.map(move |it| (from.clone(), it.name.clone()))
    });
    edges.collect()
}

fn closure(selection: &[&str], edges: &str, unused: &BTreeSet<(String, String)>) -> Closure {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--offline",
        "--no-dedupe",
        "--prefix",
        "depth",
        "--format",
        "|{p}|{f}",
        "-e",
        edges,
    ]);
    let output = cargo.args(selection).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let is_unused = |way: &[String]| {
        way.windows(2).any(|edge| {
            let to = edge[1].split(' ').next().unwrap_or_default();
            unused.contains(&(edge[0].clone(), to.to_owned()))
        })
    };
    let mut closure = read_closure(&String::from_utf8(output.stdout).unwrap());
    closure.retain(|way, _| !is_unused(way));
    closure
}

/// The first part of a tree that begins with the facade.
fn read_closure(tree: &str) -> Closure {
    let mut closure = Closure::new();
    let mut way: Vec<String> = Vec::new();
    let mut facade_depth = None;
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut parts = line.split('|');
        let (depth, package, features) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let depth: usize = depth.parse().unwrap();
        match facade_depth {
            None if package.starts_with("keel v") => facade_depth = Some(depth),
            None => continue,
            Some(start) if depth <= start => break,
            Some(_) => {}
        }
        way.truncate(depth - facade_depth.unwrap_or(depth));
        way.push(package.split(" (").next().unwrap().to_owned());
        closure.insert(way.clone(), features.to_owned());
    }
    closure
}

/// One line for each crate. A build with tests also compiles what only tests need; that is no part of the facade.
fn differences_of(alone: &Closure, found: &Closure, is_with_tests: bool, selection: &str) -> Vec<String> {
    let unknown = found.keys().filter(|way| !is_with_tests && !alone.contains_key(*way));
    let mut differences = BTreeMap::new();
    for way in alone.keys().chain(unknown) {
        let (here, there) = (alone.get(way), found.get(way));
        if here != there {
            let shown = |it: Option<&String>| {
                it.map_or("no place at all".to_owned(), |it| format!("the features [{it}]"))
            };
            let (name, before) = way.split_last().unwrap();
            let line = format!(
                "{name} (by way of {}) has {} in `{selection}` and {} in `-p keel`",
                before.join(" > "),
                shown(there),
                shown(here).trim_start_matches("the features ")
            );
            differences.entry(name.clone()).or_insert(line);
        }
    }
    differences.into_values().collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
