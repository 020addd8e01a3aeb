//! The rules that hold this workspace together and that no compiler checks: who may import whom, that lints
//! are inherited, that files say what they are, and where `unsafe` may stand.
//!
//! The table of arrows is the one place where the layering is written down; see docs/ARCHITECTURE.md.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What a crate is, by the folder it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    App,
    /// Measures crates by themselves, beside the game.
    Bench,
    /// The one app that links modules instead of loading them.
    Static,
    System,
    /// A game's data types: `kind = "types"` and no dylib.
    Types,
    Facade,
    Core,
    CoreTypes,
    Macros,
    ModuleTypes,
    Binding,
    Loader,
    Resolver,
    Builder,
    Registry,
    /// What only tests and measurements link.
    Fixture,
    /// Reads what nobody has written.
    Fuzz,
}

impl Layer {
    const ALL: [Self; 17] = {
        use Layer::*;
        [
            App,
            Bench,
            Static,
            System,
            Types,
            Facade,
            Core,
            CoreTypes,
            Macros,
            ModuleTypes,
            Binding,
            Loader,
            Resolver,
            Builder,
            Registry,
            Fixture,
            Fuzz,
        ]
    };

    /// The layers a crate of this one may depend on.
    fn may_import(self) -> &'static [Layer] {
        use Layer::*;
        match self {
            // Areas only through the facade: there is one of each, and modules share it.
            App => &[App, Facade, Registry, Loader, Resolver, Builder, Fixture, Types],
            Bench => {
                &[Facade, Registry, Loader, Resolver, Builder, Binding, Core, CoreTypes, ModuleTypes, Types]
            }
            Static => &[App, Facade, Resolver, System],
            // Never another system: those are loaded, not linked.
            System | Types => &[Facade, Types],
            Facade => &[Core, CoreTypes, ModuleTypes, Macros, Binding],
            Core => &[Core, CoreTypes, Macros],
            CoreTypes => &[Macros],
            Macros | Fixture => &[],
            ModuleTypes => &[Core, CoreTypes, Macros, Binding],
            Binding | Resolver => &[CoreTypes],
            Loader => &[ModuleTypes, CoreTypes],
            // It builds what the resolver has read; what becomes of the libraries is no matter of its own.
            Builder => &[Resolver],
            Fuzz => &[App, Facade, Registry, Loader, Resolver],
            Registry => &[Loader, Binding, Core, CoreTypes, ModuleTypes],
        }
    }
}

/// Files outside of `modules/loader` that may say `unsafe`, each with the reason.
const UNSAFE_ALLOWED: &[(&str, &str)] = &[
    (
        "modules/types/src/export.rs",
        "what `export_module!` expands to: three statics that the loader finds by symbol",
    ),
    ("apps/bench/peers/src/memory.rs", "the C library is asked how much memory is in use"),
    ("core/crash/src/os/linux.rs", "signal handlers, their stacks and the unwinder are the system's"),
    ("core/ecs/src/model/bundle.rs", "hecs's trait for bundles is unsafe to implement"),
    ("core/ecs/src/model/operations.rs", "the type of a function that moves columns"),
    ("core/ecs/src/model/query/mod.rs", "the trait of what reads columns by pointers"),
    ("core/ecs/src/model/query/borrow.rs", "rows of borrowed columns are read by pointers"),
    ("core/ecs/src/model/query/changed.rs", "ticks are found by pointers"),
    ("core/ecs/src/model/query/column.rs", "rows of columns are read and written by pointers"),
    ("core/ecs/src/model/query/entity.rs", "rows of entities are read by pointers"),
    ("core/ecs/src/model/query/filter.rs", "sparse sets are asked by pointers"),
    ("core/ecs/src/model/query/found.rs", "rows of columns and sets are read by pointers"),
    ("core/ecs/src/model/query/iter.rs", "rows of columns and sets are read by pointers"),
    ("core/ecs/src/model/query/columns.rs", "pointers to columns are shared by threads"),
    ("core/ecs/src/model/query/locate.rs", "hecs's trait for queries is unsafe to implement"),
    (
        "core/ecs/src/model/query/pieces.rs",
        "rows of columns and sets are read by pointers, on several threads",
    ),
    ("core/ecs/src/model/query/prepared.rs", "columns are used without a borrow of each"),
    ("core/ecs/src/model/query/reference.rs", "rows of columns are read by pointers, and their ticks"),
    ("core/ecs/src/model/query/rows.rs", "rows of columns are read by pointers"),
    ("core/ecs/src/model/query/tuple.rs", "rows of columns are read by pointers"),
    ("core/ecs/src/model/reflect/query.rs", "values of columns are found by pointers"),
    ("core/ecs/src/model/sparse/cell.rs", "queries keep pointers to sparse sets"),
    ("core/ecs/src/model/sparse/rows.rs", "values of sparse sets are found by pointers"),
    ("core/ecs/src/model/sparse/set.rs", "queries write values through a shared set"),
    ("core/ecs/src/model/sparse/value.rs", "a borrowed value of a sparse set is read by its pointer"),
    ("core/ecs/src/model/snapshot/convert.rs", "values move from a world into the one that replaces it"),
    ("core/ecs/src/model/snapshot/exchange.rs", "fields move from a world into the one that replaces it"),
    ("core/ecs/src/model/snapshot/fill.rs", "values move from a world into the one that replaces it"),
    ("core/ecs/src/model/ticks/row.rs", "ticks are found by pointers, as rows are"),
    ("core/engine/src/param/query.rs", "systems use columns side by side, by what they declare"),
    ("core/state/src/movable.rs", "whoever lists the fields of a struct vouches for them"),
    ("core/state/src/plain.rs", "columns of plain data are copied as bytes"),
    ("core/state/src/reflect/memory.rs", "a path that was looked up leads to its field by address"),
    ("modules/types/macros/src/data.rs", "what `#[data]` expands to: it vouches for the fields of a struct"),
    ("tests/rogues/faults/arithmetic.rs", "the source of a module that is to crash"),
    ("tests/rogues/faults/illegal_instruction.rs", "the source of a module that is to crash"),
    ("tests/rogues/faults/segfault.rs", "the source of a module that is to crash"),
    ("tests/e2e/libraries.rs", "the source of a module that calls what nothing defines"),
];

#[test]
fn crates_import_only_what_their_layer_may() {
    let metadata = metadata();
    let arrows =
        metadata.workspace_packages().into_iter().flat_map(|package| wrong_arrows(&metadata, package));
    check("arrows", arrows);
}

#[test]
fn the_architecture_shows_the_same_arrows() {
    let text = read(&root().join("docs/ARCHITECTURE.md"));
    let table = text.split("| layer | folder | may import |").nth(1).unwrap_or_default();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let shown: Vec<_> = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>()).collect();
    let differs = |layer: &Layer| {
        let names: Vec<_> = layer.may_import().iter().map(|other| format!("{other:?}")).collect();
        let expected =
            if names.is_empty() { "nothing of the workspace".to_owned() } else { names.join(", ") };
        let row = shown.iter().find(|row| row[1] == format!("{layer:?}"));
        (row.is_none_or(|row| row[3] != expected)).then(|| format!("{layer:?}: {expected}"))
    };
    check("rows of docs/ARCHITECTURE.md, as they should be", Layer::ALL.iter().filter_map(differs));
    assert_eq!(shown.len(), Layer::ALL.len(), "docs/ARCHITECTURE.md has rows for layers there are not");
}

#[test]
fn the_documents_know_each_application_and_each_command() {
    let mut apps: Vec<_> = std::fs::read_dir(root().join("apps")).unwrap().map(Result::unwrap).collect();
    apps.sort_by_key(std::fs::DirEntry::file_name);
    assert!(apps.len() > 3, "apps are found");
    let config = read(&root().join(".cargo/config.toml"));
    let aliases = config.split("[alias]").nth(1).unwrap().lines();
    let aliases: Vec<_> = aliases.filter(|line| line.starts_with("keel")).collect();
    assert!(aliases.len() > 2, "aliases are found");
    let app_rows = apps.iter().map(|app| format!("| `apps/{}`", app.file_name().display()));
    let commands = aliases.iter().map(|line| format!("cargo {} ", line.split(' ').next().unwrap()));
    let missing = |document: &str, texts: Vec<String>| {
        let text = read(&root().join(document));
        let missing = texts.into_iter().filter(|row| !text.contains(row));
        missing.map(|row| format!("{row} is not in {document}")).collect::<Vec<_>>()
    };
    let rows: Vec<_> = app_rows.collect();
    let mut wrong = missing("docs/ARCHITECTURE.md", rows.clone());
    wrong.extend(missing("CONTRIBUTING.md", rows));
    wrong.extend(missing("README.md", commands.collect()));
    check("what the documents don't know", wrong);
}

#[test]
fn every_crate_inherits_the_lints() {
    let metadata = metadata();
    let manifests = metadata.workspace_packages().into_iter().map(|package| &package.manifest_path);
    let wrong = manifests.filter(|manifest| !inherits_lints(&read(manifest.as_std_path())));
    let message =
        |manifest| format!("{manifest}: lints are not inherited; add `[lints]` with `workspace = true`");
    check("lints", wrong.map(message));
}

#[test]
fn every_file_says_what_it_is() {
    let wrong = rust_files().into_iter().filter(|file| !read(file).starts_with("//!"));
    let message =
        |file: PathBuf| format!("{}:1: start the file with a `//!` line that says what it is", shown(&file));
    check("file heads", wrong.map(message));
}

#[test]
fn unsafe_stands_only_where_it_is_allowed() {
    let files = rust_files();
    let is_allowed = |file: &Path| UNSAFE_ALLOWED.iter().any(|(allowed, _)| shown(file) == *allowed);
    let mut wrong = Vec::new();
    for file in
        files.iter().filter(|file| !file.starts_with(root().join("modules/loader")) && !is_allowed(file))
    {
        let text = read(file);
        let lines = text.lines().enumerate().filter(|(_, line)| says_unsafe(line));
        wrong.extend(lines.map(|(index, _)| {
            format!(
                "{}:{}: `unsafe` outside of modules/loader; do without it, or add the file to UNSAFE_ALLOWED in \
                 tests/architecture.rs with the reason",
                shown(file),
                index + 1
            )
        }));
    }
    for (file, _) in UNSAFE_ALLOWED {
        let needs_it =
            std::fs::read_to_string(root().join(file)).is_ok_and(|text| text.lines().any(says_unsafe));
        if !needs_it {
            wrong.push(format!("{file}: may say `unsafe` and doesn't; take it out of UNSAFE_ALLOWED"));
        }
    }
    check("unsafe", wrong);
}

#[test]
fn the_list_of_what_miri_covers_has_each_file_that_may_say_unsafe() {
    let file = "docs/decisions/0034-what-miri-runs-over.md";
    let text = read(&root().join(file));
    let is_listed = |name: &str| text.lines().any(|line| line.starts_with(&format!("| `{name}` | ")));
    let allowed = UNSAFE_ALLOWED.iter().map(|(file, _)| *file).chain(["modules/loader"]);
    let missing = allowed.filter(|name| !is_listed(name));
    check(
        "unsafe",
        missing.map(|name| format!("{name}: {file} does not say what of it runs under Miri, or why not")),
    );
    let listed = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let gone = listed.filter(|(name, _)| !root().join(name).exists());
    check("unsafe", gone.map(|(name, _)| format!("{name}: {file} lists it, and there is no such file")));
}

#[test]
fn the_checks_see_what_they_look_for() {
    assert!(says_unsafe("    unsafe { read(pointer) }"));
    assert!(!says_unsafe("#![forbid(unsafe_code)] // no unsafe here"));
    assert!(!says_unsafe(&["println!(", "unsafe", ")"].join("\"")));
    assert!(inherits_lints("[lints]\nworkspace = true\n"));
    assert!(!inherits_lints("[lints.rust]\nunsafe_code = \"allow\"\n[x]\nworkspace = true\n"));
    assert!(!Layer::Core.may_import().contains(&Layer::ModuleTypes));
    assert!(rust_files().len() > 10, "the walk found no files");
}

/// Fails with all violations at once.
#[track_caller]
fn check(rule: &str, violations: impl IntoIterator<Item = String>) {
    let violations: Vec<_> = violations.into_iter().collect();
    assert!(violations.is_empty(), "{rule}: {} violations\n{}", violations.len(), violations.join("\n"));
}

fn wrong_arrows(metadata: &Metadata, package: &Package) -> Vec<String> {
    let Some(layer) = layer_of(package) else {
        return vec![format!("{}: no layer; add its folder to tests/architecture.rs", package.manifest_path)];
    };
    // A test may link what it tests against, but a test of a system that links another system gets two
    // copies of their statics.
    let tests_count = matches!(layer, Layer::System | Layer::Types);
    let counted =
        package.dependencies.iter().filter(|it| tests_count || it.kind != DependencyKind::Development);
    let targets = counted.filter_map(|it| member_at(metadata, it.path.as_ref()?));
    let wrong = targets.filter(|target| layer_of(target).is_some_and(|it| !layer.may_import().contains(&it)));
    let message = |target: &Package| {
        format!(
            "{}: {layer:?} `{}` imports `{}` ({}); it may import {:?}: take the dependency out, or move what it \
             needs into one of those",
            package.manifest_path,
            package.name,
            target.name,
            layer_of(target).map_or_else(String::new, |layer| format!("{layer:?}")),
            layer.may_import()
        )
    };
    wrong.map(message).collect()
}

fn member_at<'a>(metadata: &'a Metadata, folder: &cargo_metadata::camino::Utf8Path) -> Option<&'a Package> {
    metadata.packages.iter().find(|package| package.manifest_path.parent() == Some(folder))
}

fn layer_of(package: &Package) -> Option<Layer> {
    let folder = package.manifest_path.parent()?.as_std_path();
    let parts = shown(folder);
    Some(match parts.split('/').collect::<Vec<_>>()[..] {
        ["apps", "bench"] => Layer::Bench,
        ["apps", "static"] => Layer::Static,
        [""] | ["apps", _] => Layer::App,
        ["core", "types"] => Layer::CoreTypes,
        ["core", _] => Layer::Core,
        ["modules", "types", "macros"] => Layer::Macros,
        ["modules", "types"] => Layer::ModuleTypes,
        ["modules", "keel"] => Layer::Facade,
        ["modules", "binding"] => Layer::Binding,
        ["modules", "loader"] => Layer::Loader,
        ["modules", "resolver"] => Layer::Resolver,
        ["modules", "builder"] => Layer::Builder,
        ["modules", "registry"] => Layer::Registry,
        ["tests", "fixture"] => Layer::Fixture,
        ["tests", "fuzz"] => Layer::Fuzz,
        ["systems", _]
        | ["systems", _, "module"]
        | ["apps", "bench", "shapes"]
        | ["apps", "bench", "soak", _]
        | ["apps", "bench", "suite", "types"]
            if is_types(package) =>
        {
            Layer::Types
        }
        ["systems", _]
        | ["systems", _, "module"]
        | ["apps", "bench", "probe"]
        | ["apps", "bench", "suite"]
        | ["apps", "bench", "soak", _] => Layer::System,
        _ => return None,
    })
}

fn is_types(package: &Package) -> bool {
    let is_dylib = package.targets.iter().any(|target| target.is_kind(cargo_metadata::TargetKind::DyLib));
    package.metadata["keel"]["kind"] == "types" && !is_dylib
}

fn inherits_lints(manifest: &str) -> bool {
    let section = manifest.split_once("\n[lints]").or_else(|| manifest.split_once("[lints]"));
    let own = section.map(|(_, rest)| rest.split("\n[").next().unwrap_or_default());
    own.is_some_and(|own| own.lines().any(|line| line.replace(' ', "") == "workspace=true"))
}

/// Whether the line's code has the word; comments and strings don't count. A string that spans lines does:
/// write such a file another way.
fn says_unsafe(line: &str) -> bool {
    let code: String = line.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let code = code.split("//").next().unwrap_or_default();
    code.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == "unsafe")
}

fn metadata() -> Metadata {
    let options = ["--offline".to_owned()];
    MetadataCommand::new().current_dir(root()).no_deps().other_options(options).exec().unwrap()
}

/// The workspace's own sources, sorted; `target` is in none of these folders.
fn rust_files() -> Vec<PathBuf> {
    let mut files = vec![root().join("build.rs")];
    let mut folders: Vec<_> =
        ["apps", "core", "modules", "systems", "tests"].map(|it| root().join(it)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The path from the workspace's root, with `/` on every platform.
fn shown(path: &Path) -> String {
    let parts = path.strip_prefix(root()).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
