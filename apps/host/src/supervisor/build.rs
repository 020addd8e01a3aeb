//! From a saved file to built libraries: steps 1 to 4 of a saved line on its way.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use keel::types::ModuleId;
use keel_builder::{BuildEvent, BuildOutcome, BuildRequest, ChangeSet};

use super::edits::Edit;
use super::{Purpose, Supervisor};
use crate::cli::EXIT_FAILURE;
use crate::protocol::{BuildState, ToEngine};
use crate::workspace;

impl Supervisor {
    pub(super) fn take_change(&mut self, change: &ChangeSet) {
        let now = SystemTime::now();
        let detected = now.checked_sub(change.detected_at.elapsed()).unwrap_or(now);
        self.edits.begin(Edit { saved_at: change.saved_at, detected });
        self.build_for(change);
        self.edits.end();
        self.refusal_is_known();
    }

    fn build_for(&mut self, change: &ChangeSet) {
        let affected = self.workspace.affected(&change.files);
        if affected.manifest_changed || affected.lockfile_changed || !affected.new_folders.is_empty() {
            self.reread_workspace(affected.manifest_changed);
        }
        let of_lockfile = if affected.lockfile_changed { self.lockfile_restart() } else { None };
        if let Some(reason) = affected.restart.or(of_lockfile) {
            self.restart(reason.to_string(), change.saved_at);
            return;
        }
        let modules = affected.modules.iter().filter_map(|id| self.workspace.module(*id));
        let requests: Vec<_> = modules.map(workspace::request).collect();
        if !requests.is_empty() {
            // An engine that is still to be started needs all there is, whatever was saved.
            let is_swap = matches!(self.purpose, Purpose::Swap);
            let requests = if is_swap { requests } else { workspace::everything(&self.workspace) };
            let matters = |file: &&PathBuf| !affected.ignored.contains(file);
            let changed = change.files.iter().filter(matters).cloned().collect();
            self.submit_change(requests, changed, change.saved_at);
        }
    }

    /// Builds. What was refused with one of these modules is built with them, and asked for anew: the user consents to
    /// the newest code, or to none.
    pub(super) fn submit(&mut self, requests: Vec<BuildRequest>, saved_at: SystemTime) {
        self.submit_change(requests, Vec::new(), saved_at);
    }

    /// [`Supervisor::submit`], when it is known which files have changed.
    fn submit_change(
        &mut self,
        mut requests: Vec<BuildRequest>,
        changed: Vec<PathBuf>,
        saved_at: SystemTime,
    ) {
        self.hold_back(&mut requests);
        for module in self.forget_refused(&names(&requests)) {
            let request = self.workspace.module(ModuleId::of(&module)).map(workspace::request);
            requests.extend(request.filter(|request| !requests.contains(request)));
            self.staging.force(&module);
        }
        self.hold_back(&mut requests);
        if requests.is_empty() {
            return;
        }
        if matches!(self.purpose, Purpose::Swap) {
            self.prepare_trial();
        }
        let modules = names(&requests);
        self.send(&ToEngine::Build(BuildState::Building { modules }));
        self.edits.submitted();
        self.queue.submit(requests, changed, saved_at);
    }

    pub(super) fn take_build_event(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::Waiting { message } => self.log("info", message),
            BuildEvent::GoingOnline => self.log("info", "a crate is missing; cargo fetches it".to_owned()),
            BuildEvent::Compiling { package } if matches!(self.purpose, Purpose::Begin) => {
                // Only the first build takes long enough for anyone to wonder.
                if let Err(error) = self.output.status(&format!("compiling {package}")) {
                    keel::log::warn!("the output is gone: {error}");
                }
            }
            // The cleaned environment was told at the start, and diagnostics come with the outcome.
            _ => {}
        }
    }

    pub(super) fn take_outcome(&mut self, outcome: BuildOutcome) -> anyhow::Result<()> {
        let edit = self.edits.answered(outcome.saved_at);
        let mut report = match outcome.result {
            Ok(report) => report,
            Err(failure) => {
                if self.build_without_gone(&outcome.requests, outcome.saved_at, edit) {
                    return Ok(());
                }
                self.forget_trial();
                self.tell_build_failure(&names(&outcome.requests), &failure);
                // Nobody would see the mended source, or nobody is there to mend it.
                let is_left_alone = self.watcher.is_none() || self.args.frames.is_some();
                if is_left_alone && matches!(self.purpose, Purpose::Begin) {
                    self.exit = Some(ExitCode::from(EXIT_FAILURE));
                }
                return Ok(());
            }
        };
        self.note_inputs(&report);
        if matches!(self.purpose, Purpose::Swap) && self.staging.is_facade_new(&report) {
            // Without a watcher, or when somebody else has had it built, nobody has said so.
            self.restart("the facade was built anew".to_owned(), outcome.saved_at);
            return Ok(());
        }
        self.hold_back_built(&mut report);
        self.leave_out_gone(&mut report);
        let rebuilt = self.staging.to_be_staged(&report);
        self.send(&ToEngine::Build(BuildState::Done { rebuilt }));
        match std::mem::replace(&mut self.purpose, Purpose::Swap) {
            Purpose::Begin => {
                self.staging.adopt(&report)?;
                self.begin_game()?;
            }
            Purpose::Restart { reason, begun } => {
                self.staging.keep_for_restart(report);
                self.purpose = Purpose::Replace { reason, begun };
                self.send(&ToEngine::SaveGame { path: self.staging.restart_file() });
            }
            purpose @ Purpose::Replace { .. } => {
                self.staging.keep_for_restart(report);
                self.purpose = purpose;
            }
            Purpose::Swap => {
                let modules = self.staging.stage(&report)?;
                if modules.is_empty() {
                    self.forget_trial();
                } else {
                    self.swap(modules, Some((report.elapsed, report.built_by)), edit);
                }
            }
        }
        Ok(())
    }
}

fn names(requests: &[BuildRequest]) -> Vec<String> {
    requests.iter().map(|request| request.package.clone()).filter(|name| !workspace::is_host(name)).collect()
}
