//! What the supervisor tells: to the machine that reads, to the dashboard, to the person at the terminal.

use keel_builder::{BuildFailure, Diagnostic, Level};
use keel_resolver::ReadError;

use super::Supervisor;
use crate::event::{Event, Stage, code_name};
use crate::protocol::{BuildState, ToEngine};
use crate::refusal::{build_code, read_code, with_causes};

/// So many lines of what the last seconds have become the dashboard's log has room for: the numbers, and two values as they
/// were and as they are.
const OUTCOME_LINES: usize = 5;

impl Supervisor {
    /// Tells what happens here: to the machine that reads, and to the dashboard, which the engine draws.
    pub(super) fn tell(&mut self, event: Event) {
        let (level, message) = match &event {
            Event::Log { level, message, .. } => (level.clone(), message.clone()),
            Event::Rejected { .. } | Event::Crash(_) => ("error".to_owned(), event.text()),
            Event::Resumed { .. } => ("warn".to_owned(), event.text()),
            _ => ("info".to_owned(), event.text()),
        };
        if let Err(error) = self.output.event(&event) {
            keel::log::warn!("the output is gone: {error}");
        }
        // What only helps to find out how something came about is for whoever reads along, not for who plays.
        if self.output.is_screen() && level != "debug" {
            let message = for_dashboard(&event, &message);
            self.send(&ToEngine::Log { level, message });
        }
    }

    pub(super) fn log(&mut self, level: &str, message: String) {
        self.tell(Event::log(level, message));
    }

    pub(super) fn tell_build_failure(&mut self, modules: &[String], failure: &BuildFailure) {
        // Warnings would bury the error; cargo tells them again once the module builds.
        let diagnostics: Vec<_> =
            failure.diagnostics().iter().filter(|diagnostic| diagnostic.level == Level::Error).collect();
        let join = |text: fn(&Diagnostic) -> &str| {
            diagnostics.iter().map(|diagnostic| text(diagnostic)).collect::<Vec<_>>().join("\n")
        };
        let (plain, colored) = if diagnostics.is_empty() {
            (with_causes(failure), with_causes(failure))
        } else {
            (join(|it| &it.plain), join(|it| &it.colored))
        };
        self.send(&ToEngine::Build(BuildState::Failed { modules: modules.to_vec(), rendered: colored }));
        self.tell(Event::Rejected {
            module: modules.join("+"),
            stage: Stage::Build,
            code: code_name(build_code(failure)),
            message: plain,
            request: None,
            failure: None,
        });
    }

    pub(super) fn tell_conflicts(&mut self, error: &ReadError) {
        // With what cargo said: only that names the manifest.
        self.tell(Event::Rejected {
            module: String::new(),
            stage: Stage::Resolve,
            code: code_name(read_code(error)),
            message: with_causes(error),
            request: None,
            failure: None,
        });
    }
}

/// As much of a message as the dashboard's log has room for. The compiler's is shown in full elsewhere.
fn for_dashboard(event: &Event, message: &str) -> String {
    let most = if matches!(event, Event::Replayed(_)) { OUTCOME_LINES } else { 1 };
    message.lines().take(most).collect::<Vec<_>>().join("\n")
}
