//! Reads `[package.metadata.keel]`, and goes on after an error so that all of them are reported.

use std::path::PathBuf;

use cargo_metadata::semver::{Version, VersionReq};
use serde_json::{Map, Value};

use crate::{Conflict, ModuleKind, ProvidedView, RequiredView};

/// What a package is to Keel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PackageKind {
    Module(ModuleKind),
    /// A module that is measured, and that no game loads.
    Bench,
    /// An rlib with a game's data types, linked into its modules.
    Types,
    /// A crate of the engine that needs a view to be provided.
    Area,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    pub(crate) kind: PackageKind,
    pub(crate) provides: Vec<ProvidedView>,
    pub(crate) requires: Vec<RequiredView>,
    pub(crate) features: Vec<String>,
    pub(crate) model: Option<String>,
}

/// Reads one section; what is wrong with it is added to `conflicts`.
pub(crate) struct SectionReader<'a> {
    pub(crate) manifest: PathBuf,
    pub(crate) package_version: Version,
    pub(crate) conflicts: &'a mut Vec<Conflict>,
}

const ROOT: &str = "package.metadata.keel";

impl SectionReader<'_> {
    /// The section in `metadata`, if there is one and its kind can be read.
    pub(crate) fn read(&mut self, metadata: &Value) -> Option<Section> {
        let value = metadata.get("keel")?;
        let table = self.table(ROOT, value)?;
        self.known_keys(ROOT, table, &["kind", "provides", "requires", "features", "model"]);
        let kind = self.kind(table);
        let provides = self.each(table, "provides", Self::provided);
        let requires = self.each(table, "requires", Self::required);
        let features = self.each(table, "features", Self::string);
        let model = table.get("model").and_then(|value| self.string(&format!("{ROOT}.model"), value));
        let section = Section { kind: kind?, provides, requires, features, model };
        self.check_kind(&section);
        Some(section)
    }

    pub(crate) fn malformed(&mut self, key: &str, problem: impl Into<String>) {
        self.conflicts.push(Conflict::Malformed {
            manifest: self.manifest.clone(),
            key: key.to_owned(),
            problem: problem.into(),
        });
    }

    fn kind(&mut self, table: &Map<String, Value>) -> Option<PackageKind> {
        let key = format!("{ROOT}.kind");
        let Some(value) = table.get("kind") else {
            self.malformed(&key, "missing; add `kind = \"view-model\"` or another kind");
            return None;
        };
        match self.string(&key, value)?.as_str() {
            "model" => Some(PackageKind::Module(ModuleKind::Model)),
            "view" => Some(PackageKind::Module(ModuleKind::View)),
            "view-model" => Some(PackageKind::Module(ModuleKind::ViewModel)),
            "bench" => Some(PackageKind::Bench),
            "types" => Some(PackageKind::Types),
            "area" => Some(PackageKind::Area),
            found => {
                let manifest = self.manifest.clone();
                self.conflicts.push(Conflict::UnknownKind { manifest, found: found.to_owned() });
                None
            }
        }
    }

    fn check_kind(&mut self, section: &Section) {
        let is_model = section.kind == PackageKind::Module(ModuleKind::Model);
        if (is_model || section.kind == PackageKind::Types) && !section.requires.is_empty() {
            let problem =
                "data requires no views, it is loaded before those that provide them; remove the key";
            self.malformed(&format!("{ROOT}.requires"), problem);
        }
        if section.kind == PackageKind::Bench && !section.requires.is_empty() {
            let problem = "a module of benchmarks is loaded without the game's others; remove the key";
            self.malformed(&format!("{ROOT}.requires"), problem);
        }
        if !matches!(section.kind, PackageKind::Module(_)) && !section.provides.is_empty() {
            let problem = "only a module provides views; remove the key, or give the package a module's kind";
            self.malformed(&format!("{ROOT}.provides"), problem);
        }
    }

    fn each<T>(
        &mut self,
        table: &Map<String, Value>,
        name: &str,
        read: fn(&mut Self, &str, &Value) -> Option<T>,
    ) -> Vec<T> {
        let key = format!("{ROOT}.{name}");
        let Some(value) = table.get(name) else { return Vec::new() };
        let Some(values) = value.as_array() else {
            self.malformed(&key, format!("expected a list, found {}; put it in brackets", name_of(value)));
            return Vec::new();
        };
        let read_one = |(index, value)| read(self, &format!("{key}[{index}]"), value);
        values.iter().enumerate().filter_map(read_one).collect()
    }

    fn provided(&mut self, key: &str, value: &Value) -> Option<ProvidedView> {
        if let Some(view) = value.as_str() {
            return Some(ProvidedView { view: view.to_owned(), version: self.package_version.clone() });
        }
        let table = self.table(key, value)?;
        self.known_keys(key, table, &["view", "version"]);
        let view = self.view(key, table)?;
        let version = self.parsed::<Version>(key, table, "version", "a version such as \"0.1.0\"");
        Some(ProvidedView { view, version: version.unwrap_or_else(|| self.package_version.clone()) })
    }

    fn required(&mut self, key: &str, value: &Value) -> Option<RequiredView> {
        if let Some(view) = value.as_str() {
            return Some(RequiredView {
                view: view.to_owned(),
                version: None,
                features: Vec::new(),
                optional: false,
            });
        }
        let table = self.table(key, value)?;
        self.known_keys(key, table, &["view", "version", "features", "optional"]);
        Some(RequiredView {
            view: self.view(key, table)?,
            version: self.parsed::<VersionReq>(key, table, "version", "a version such as \"0.1\""),
            features: self.strings(key, table, "features"),
            optional: self.flag(key, table, "optional"),
        })
    }

    fn view(&mut self, key: &str, table: &Map<String, Value>) -> Option<String> {
        let Some(value) = table.get("view") else {
            self.malformed(
                &format!("{key}.view"),
                "missing; name the view, as in `view = \"keel.ConsoleView\"`",
            );
            return None;
        };
        self.string(&format!("{key}.view"), value)
    }

    fn parsed<T: std::str::FromStr<Err = cargo_metadata::semver::Error>>(
        &mut self,
        key: &str,
        table: &Map<String, Value>,
        name: &str,
        expected: &str,
    ) -> Option<T> {
        let key = format!("{key}.{name}");
        let text = table.get(name).and_then(|value| self.string(&key, value))?;
        text.parse()
            .map_err(|error| self.malformed(&key, format!("expected {expected}, found `{text}` ({error})")))
            .ok()
    }

    fn strings(&mut self, key: &str, table: &Map<String, Value>, name: &str) -> Vec<String> {
        let key = format!("{key}.{name}");
        match table.get(name) {
            None => Vec::new(),
            Some(Value::Array(values)) => {
                values.iter().filter_map(|value| self.string(&key, value)).collect()
            }
            Some(value) => {
                self.malformed(
                    &key,
                    format!("expected a list, found {}; put it in brackets", name_of(value)),
                );
                Vec::new()
            }
        }
    }

    fn flag(&mut self, key: &str, table: &Map<String, Value>, name: &str) -> bool {
        match table.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(value) => {
                let problem = format!("expected `true` or `false`, found {}", name_of(value));
                self.malformed(&format!("{key}.{name}"), problem);
                false
            }
        }
    }

    fn string(&mut self, key: &str, value: &Value) -> Option<String> {
        let text = value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.malformed(key, format!("expected a name in quotes, found {}", name_of(value)));
        }
        text.map(str::to_owned)
    }

    fn table<'v>(&mut self, key: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        if !value.is_object() {
            self.malformed(key, format!("expected a table, found {}", name_of(value)));
        }
        value.as_object()
    }

    fn known_keys(&mut self, key: &str, table: &Map<String, Value>, known: &[&str]) {
        for name in table.keys().filter(|name| !known.contains(&name.as_str())) {
            let problem = format!("not a key Keel knows; use {}, or remove it", known.join(", "));
            self.malformed(&format!("{key}.{name}"), problem);
        }
    }
}

fn name_of(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        value => format!("`{value}`"),
    }
}
