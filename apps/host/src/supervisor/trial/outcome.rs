//! What comes of a trial: new code goes into the game, or is refused.

use keel_registry::Code;

use super::failure::Failure;
use super::names;
use crate::event::{Event, FailureLine, Stage, code_name};
use crate::protocol::{BuildState, SwapRequest, ToEngine, TrialOutcome};
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Has code run in the game at once, because there is nothing to try it on. That is not its doing.
    pub(super) fn go_untried(&mut self, request: SwapRequest, why: &str) {
        self.log("warn", format!("the new code runs without a trial: {why}"));
        self.swap_in(request);
    }

    pub(super) fn take_outcome_of_trial(&mut self, request: SwapRequest, outcome: TrialOutcome) {
        match outcome {
            TrialOutcome::Fits => self.swap_in(request),
            TrialOutcome::NotMade => {
                self.go_untried(request, "no copy of the game could be made of its newest snapshot");
            }
            TrialOutcome::Refused { stage, module, code, message, failure } => {
                self.refuse(&request, module, stage, code, message, failure);
            }
            TrialOutcome::Panicked { module, system, message, backtrace, frame } => {
                let failure = FailureLine {
                    kind: "panic".to_owned(),
                    signal: None,
                    system: Some(system.clone()),
                    frame,
                    backtrace,
                };
                let message = format!("{module}/{system} failed: {message}");
                let failure = Failure { code: Code::TrialPanic, module: Some(module), message, failure };
                self.refuse_tried(&request, failure);
            }
        }
    }

    pub(super) fn refuse_tried(&mut self, request: &SwapRequest, failure: Failure) {
        let Failure { code, module, message, failure } = failure;
        let module = module.unwrap_or_else(|| names(&request.modules));
        let message = format!(
            "{message}. It did so on a copy of the game, in a process of its own; the game runs on with the code before. \
             Correct it, and save"
        );
        self.refuse(request, module, Stage::Trial, code, message, Some(failure));
    }

    /// Tells that what was asked for will not come.
    fn refuse(
        &mut self,
        request: &SwapRequest,
        module: String,
        stage: Stage,
        code: Code,
        message: String,
        failure: Option<FailureLine>,
    ) {
        let modules = request.modules.iter().map(|library| library.module.clone()).collect();
        self.send(&ToEngine::Build(BuildState::Refused { modules }));
        let (code, request) = (code_name(code), Some(request.id));
        let event = Event::Rejected { module, stage, code, message, request, failure };
        self.note_refusal(&event);
        self.tell(event);
    }
}
