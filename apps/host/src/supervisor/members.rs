//! What the supervisor knows of the workspace: members that come and go, and the files that they are made from.

use std::collections::BTreeSet;
use std::time::SystemTime;

use keel::types::ModuleId;
use keel_builder::{BuildReport, BuildRequest, PackageInputs, WatchScope};
use keel_resolver::{RestartReason, Workspace};

use super::Supervisor;
use super::edits::Edit;
use crate::protocol::{BuildState, Library, ToEngine};
use crate::workspace;

impl Supervisor {
    /// Whether Cargo.lock says something new of a crate that the host or the facade is built from.
    pub(super) fn lockfile_restart(&mut self) -> Option<RestartReason> {
        let after = read_lockfile(&self.workspace);
        let before = std::mem::replace(&mut self.lockfile, after);
        self.workspace.lockfile_restart(&before, &self.lockfile)
    }

    /// Takes up new and removed modules where no watcher tells of them.
    pub(super) fn reread_unwatched(&mut self) {
        if self.watcher.is_none() {
            self.reread_workspace(true);
        }
    }

    /// Takes up new and removed modules. Why it can't is told, once only if nobody `is_asking`.
    pub(super) fn reread_workspace(&mut self, is_asking: bool) {
        let newer = match self.cache.workspace() {
            Ok(newer) => newer,
            Err(error) => return self.refuse_workspace(&error, is_asking),
        };
        let diff = self.workspace.diff(&newer);
        let removed: Vec<_> = diff
            .removed
            .iter()
            .filter_map(|id| self.workspace.module(*id))
            .map(|it| it.name.clone())
            .collect();
        self.workspace = newer;
        for (manifest, files) in &self.inputs {
            self.workspace.add_inputs_of(manifest, files.iter().cloned());
        }
        self.watch();
        self.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let again = self.take_out(removed);
        let held = self.release_held();
        let again = held.iter().chain(&again).map(|name| ModuleId::of(name));
        let come: BTreeSet<_> = diff.added.into_iter().chain(diff.changed).chain(again).collect();
        let requests: Vec<_> =
            come.iter().filter_map(|id| self.workspace.module(*id)).map(workspace::request).collect();
        if !requests.is_empty() {
            self.submit(requests, SystemTime::now());
        }
    }

    /// Takes modules that are gone out of all that is under way. Returns those that are to be built again: they have waited
    /// for the user's consent together with one of them.
    fn take_out(&mut self, removed: Vec<String>) -> Vec<String> {
        if removed.is_empty() {
            return Vec::new();
        }
        for module in &removed {
            self.log("info", format!("module `{module}` was removed from the workspace"));
            self.staging.forget(module);
        }
        self.recovery.note_removed(&removed);
        self.consents.leave_out(&removed);
        let mut again = self.forget_refused(&removed);
        again.retain(|module| !removed.contains(module));
        again.iter().for_each(|module| self.staging.force(module));
        self.send(&ToEngine::Remove { modules: removed.clone() });
        self.try_without(&removed);
        again
    }

    /// Leaves out of a build what is gone since it was asked for.
    pub(super) fn leave_out_gone(&self, report: &mut BuildReport) {
        report.artifacts.retain(|artifact| !self.is_gone(&artifact.package));
    }

    /// A build has failed. If one of its modules is gone since, that may be why, and the others are built without it; false
    /// if none is.
    pub(super) fn build_without_gone(
        &mut self,
        requests: &[BuildRequest],
        saved_at: SystemTime,
        edit: Option<Edit>,
    ) -> bool {
        let left: Vec<_> = requests.iter().filter(|it| !self.is_gone(&it.package)).cloned().collect();
        if left.len() == requests.len() {
            return false;
        }
        if left.is_empty() {
            self.forget_trial();
            self.send(&ToEngine::Build(BuildState::Done { rebuilt: Vec::new() }));
        } else {
            edit.into_iter().for_each(|edit| self.edits.begin(edit));
            self.submit(left, saved_at);
            self.edits.end();
        }
        true
    }

    fn is_gone(&self, package: &str) -> bool {
        !workspace::is_host(package) && self.workspace.module(ModuleId::of(package)).is_none()
    }

    /// Takes up what a build has read outside of the source folders.
    pub(super) fn note_inputs(&mut self, report: &BuildReport) {
        let mut is_any_new = false;
        for PackageInputs { manifest, files } in &report.inputs {
            is_any_new |= self.workspace.add_inputs_of(manifest, files.iter().cloned());
            self.inputs.insert(manifest.clone(), files.clone());
        }
        if is_any_new {
            self.watch();
        }
    }

    /// Watches the inputs of the workspace as it is known now.
    fn watch(&mut self) {
        if let Some(watcher) = &self.watcher
            && let Err(error) = watcher.watch(WatchScope::of(&self.workspace))
        {
            self.log("warn", error.to_string());
        }
    }

    /// Each with what its manifest says of it.
    pub(super) fn with_stated(&self, mut modules: Vec<Library>) -> Vec<Library> {
        for library in &mut modules {
            let manifest = self.workspace.module(ModuleId::of(&library.module));
            library.stated = manifest.map(workspace::stated);
        }
        modules
    }

    /// Providers before those who require them: modules are started in this order.
    pub(super) fn in_load_order(&self, mut modules: Vec<Library>) -> Vec<Library> {
        let order: Vec<_> = self.workspace.in_load_order().map(|module| module.name.as_str()).collect();
        modules.sort_by_key(|library| order.iter().position(|name| *name == library.module));
        modules
    }
}

pub(super) fn read_lockfile(workspace: &Workspace) -> String {
    // Without one, cargo is about to write it.
    std::fs::read_to_string(workspace.root().join("Cargo.lock")).unwrap_or_default()
}
