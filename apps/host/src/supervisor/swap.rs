//! Swaps asked of the engine, and the user's consent to those that lose data, and to rollbacks that do.

use std::time::{Duration, UNIX_EPOCH};

use keel_builder::BuiltBy;

use super::Supervisor;
use super::consent::Refused;
use super::edits::Edit;
use crate::event::Event;
use crate::protocol::{Library, RollbackRequest, SwapRequest, ToEngine};

impl Supervisor {
    /// Swaps libraries: how long they took to build and by what, if they were built, and for an edit if there was one.
    pub(super) fn swap(
        &mut self,
        modules: Vec<Library>,
        build: Option<(Duration, BuiltBy)>,
        edit: Option<Edit>,
    ) {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let since_epoch = edit.map(|edit| edit.saved_at.duration_since(UNIX_EPOCH).unwrap_or_default());
        let modules = self.with_stated(modules);
        self.ask(SwapRequest {
            id: 0,
            modules,
            saved_at_us: since_epoch.map(|since| since.as_micros() as u64),
            detect_ms: ms(edit.map(|edit| edit.detect()).unwrap_or_default()),
            build_ms: ms(build.map(|(elapsed, _)| elapsed).unwrap_or_default()),
            built_by: build.map(|(_, by)| by),
            trial_ms: 0.0,
            accept_loss: self.args.accept_loss,
        });
    }

    pub(super) fn ask(&mut self, request: SwapRequest) {
        let request = self.trials.join(request);
        let request = self.consents.ask(request);
        self.show_notice();
        self.try_out(request);
        self.tidy_copies();
    }

    /// Removes the copies of libraries that are of no use any more.
    pub(super) fn tidy_copies(&mut self) {
        let under_way = self.consents.libraries().chain(self.trials.libraries());
        let under_way = under_way.map(|library| library.path.as_path());
        self.staging.tidy(&self.recovery.wanted().chain(under_way).collect::<Vec<_>>());
    }

    /// Has the engine exchange what is known to be fit for it.
    pub(super) fn swap_in(&mut self, request: SwapRequest) {
        self.recovery.note_asked(request.id, &request.modules);
        self.send(&ToEngine::Swap(request));
    }

    pub(super) fn accept_loss(&mut self) {
        match self.consents.take() {
            None => self.log("info", "nothing waits for your consent".to_owned()),
            Some(Refused::Swap(request)) => self.accept_swap(request),
            Some(Refused::Rollback(request, _)) => {
                self.show_notice();
                self.send(&ToEngine::Rollback(request));
            }
        }
    }

    fn accept_swap(&mut self, request: SwapRequest) {
        match self.staging.restage(&request.modules) {
            Ok(modules) => {
                let modules = self.with_stated(modules);
                self.ask(SwapRequest { modules, accept_loss: true, saved_at_us: None, ..request });
            }
            Err(error) => self.log("error", format!("{error:#}")),
        }
    }

    /// Remembers a swap that only the user's consent is missing to.
    pub(super) fn note_refusal(&mut self, event: &Event) {
        if let Event::Rejected { code, request: Some(request), .. } = event
            && matches!(code.as_str(), "data-loss" | "save-failed")
        {
            self.consents.refuse(*request);
            self.show_notice();
        }
    }

    /// Remembers a rollback that only the user's consent is missing to.
    pub(super) fn note_refused_rollback(&mut self, rollback: RollbackRequest, modules: Vec<String>) {
        self.consents.refuse_rollback(rollback, modules);
        self.show_notice();
    }

    /// What runs now is not what a rollback was refused for.
    pub(super) fn note_rolled_back(&mut self, event: &Event) {
        if let Event::RolledBack(line) = event {
            let modules: Vec<_> = line.modules.iter().map(|module| module.name.clone()).collect();
            self.consents.forget_rollbacks(&modules);
            self.show_notice();
        }
    }

    /// Takes back the question whether a swap of any of `modules` may lose data, and says what it was about.
    pub(super) fn forget_refused(&mut self, modules: &[String]) -> Vec<String> {
        let forgotten = self.consents.forget(modules);
        self.show_notice();
        forgotten
    }

    fn show_notice(&mut self) {
        let text = self.consents.notice();
        self.send(&ToEngine::Notice { text });
    }
}
