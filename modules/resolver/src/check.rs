//! The rules between packages: views, versions, features, names and who may link whom.

use std::collections::BTreeMap;
use std::path::Path;

use keel_core_types::IdTable;

use crate::package::{FACADE, Package, PathDependency, position};
use crate::section::PackageKind;
use crate::{Conflict, ModuleManifest, RequiredView};

/// Adds what is wrong between `modules`, and between them and the areas among `packages`.
pub(crate) fn check(packages: &[Package], modules: &[ModuleManifest], conflicts: &mut Vec<Conflict>) {
    check_names(modules, conflicts);
    check_links(packages, conflicts);
    let providers = providers_of(modules);
    check_providers(&providers, conflicts);
    let areas = packages.iter().filter(|package| package.kind() == Some(PackageKind::Area));
    for area in areas {
        let requires = area.section.as_ref().map_or(&[][..], |section| &section.requires);
        check_requires(
            Requirer { name: &area.name, manifest: &area.manifest },
            requires,
            &providers,
            conflicts,
        );
    }
    for module in modules {
        let requirer = Requirer { name: &module.name, manifest: &module.manifest_path };
        check_requires(requirer, &module.requires, &providers, conflicts);
    }
}

type Providers<'a> = BTreeMap<&'a str, Vec<&'a ModuleManifest>>;

#[derive(Clone, Copy)]
struct Requirer<'a> {
    name: &'a str,
    manifest: &'a Path,
}

fn providers_of(modules: &[ModuleManifest]) -> Providers<'_> {
    let mut providers = Providers::new();
    for module in modules {
        for provided in &module.provides {
            providers.entry(&provided.view).or_default().push(module);
        }
    }
    providers
}

fn check_providers(providers: &Providers<'_>, conflicts: &mut Vec<Conflict>) {
    for (view, modules) in providers.iter().filter(|(_, modules)| modules.len() > 1) {
        let providers = modules.iter().map(|module| module.name.clone()).collect();
        conflicts.push(Conflict::TwoProviders { view: (*view).to_owned(), providers });
    }
}

fn check_requires(
    requirer: Requirer<'_>,
    requires: &[RequiredView],
    providers: &Providers<'_>,
    conflicts: &mut Vec<Conflict>,
) {
    for required in requires {
        match providers.get(required.view.as_str()).and_then(|modules| modules.first()) {
            Some(provider) => check_provider(requirer, required, provider, conflicts),
            None if required.optional => {}
            None => conflicts.push(Conflict::MissingProvider {
                requirer: requirer.name.to_owned(),
                manifest: requirer.manifest.to_owned(),
                view: required.view.clone(),
            }),
        }
    }
}

fn check_provider(
    requirer: Requirer<'_>,
    required: &RequiredView,
    provider: &ModuleManifest,
    conflicts: &mut Vec<Conflict>,
) {
    let provided = provider.provides.iter().find(|provided| provided.view == required.view);
    if let (Some(version), Some(provided)) = (&required.version, provided)
        && !version.matches(&provided.version)
    {
        conflicts.push(Conflict::VersionMismatch {
            requirer: requirer.name.to_owned(),
            view: required.view.clone(),
            required: version.clone(),
            provider: provider.name.clone(),
            found: provided.version.clone(),
        });
    }
    for feature in required.features.iter().filter(|feature| !provider.features.contains(feature)) {
        conflicts.push(Conflict::FeatureNotOffered {
            requirer: requirer.name.to_owned(),
            view: required.view.clone(),
            feature: feature.clone(),
            provider: provider.name.clone(),
            offered: provider.features.clone(),
        });
    }
}

fn check_names(modules: &[ModuleManifest], conflicts: &mut Vec<Conflict>) {
    for pair in modules.windows(2).filter(|pair| pair[0].name == pair[1].name) {
        let manifests = [pair[0].manifest_path.clone(), pair[1].manifest_path.clone()];
        conflicts.push(Conflict::SameName { name: pair[0].name.clone(), manifests });
    }
    check_ids(modules.iter().map(|module| (module.id.bits(), module.name.as_str())), conflicts);
    let provided = modules.iter().flat_map(|module| &module.provides);
    check_ids(provided.map(|provided| (provided.id().bits(), provided.view.as_str())), conflicts);
}

fn check_ids<'a>(ids: impl Iterator<Item = (u64, &'a str)>, conflicts: &mut Vec<Conflict>) {
    let mut table = IdTable::default();
    let collisions = ids.filter_map(|(bits, name)| table.register(bits, name).err());
    conflicts.extend(collisions.map(Conflict::SameId));
}

fn check_links(packages: &[Package], conflicts: &mut Vec<Conflict>) {
    let is_linked_with_rules =
        |package: &&Package| package.is_module() || package.kind() == Some(PackageKind::Types);
    for package in packages.iter().filter(is_linked_with_rules) {
        let found = package.dependencies.iter().filter_map(|it| check_link(packages, package, it));
        conflicts.extend(found);
    }
}

// Dev-dependencies too: a test of a system that links another system gets a second copy of its statics.
fn check_link(packages: &[Package], package: &Package, dependency: &PathDependency) -> Option<Conflict> {
    // A crate from outside of the workspace is as good as one from a registry, whatever it is. Should it be a dylib,
    // the loader refuses whoever links it.
    let target = &packages[position(packages, &dependency.root)?];
    if dependency.name == FACADE || target.kind() == Some(PackageKind::Types) {
        return None;
    }
    let (name, manifest) = (package.name.clone(), package.manifest.clone());
    Some(if target.is_module() {
        Conflict::DependsOnModule { package: name, manifest, module: target.name.clone() }
    } else {
        Conflict::ForeignDependency { package: name, manifest, dependency: dependency.name.clone() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_collision_names_both() {
        let mut conflicts = Vec::new();
        check_ids([(1, "first"), (2, "other"), (1, "second"), (2, "other")].into_iter(), &mut conflicts);
        assert_eq!(conflicts.len(), 1);
        assert!(conflicts[0].to_string().contains("`first` and `second`"), "{}", conflicts[0]);
    }
}
