//! Going back to what a module ran before: because somebody asks for it, or because it failed soon after its swap.

use std::time::Duration;

use keel::engine::Fault;
use keel::types::ModuleId;
use keel_registry::{Code, Consent, Rejection, RollbackReport, TakenBack};

use super::Host;
use super::swapper::ToldChanges;
use crate::event::{Event, PutBackLine, RollbackLine, Stage, code_name};
use crate::protocol::{Answer, FromEngine, RollbackRequest};

impl Host {
    /// Tells what failed in a frame, and what was put back for it.
    pub(super) fn end_frame(&mut self, faults: Vec<Fault>, taken_back: Vec<TakenBack>) {
        for mut fault in faults {
            // What was taken back, or has not happened any more, is not.
            fault.suspended &= self.driver.engine.is_suspended(ModuleId::of(&fault.module));
            self.tell_fault(fault);
        }
        taken_back.into_iter().for_each(|taken_back| self.tell_taken_back(taken_back));
    }

    fn tell_taken_back(&mut self, TakenBack { fault, outcome }: TakenBack) {
        match outcome {
            Ok(report) => self.tell_rolled_back(&report, Some(&fault)),
            Err(Rejection { message, .. }) => {
                let module = &fault.module;
                self.tell_log(
                    "error",
                    format!("`{module}` could not be taken back, and is suspended: {message}"),
                );
            }
        }
    }

    /// Goes back by hand.
    pub(super) fn roll_back(&mut self, request: &RollbackRequest) {
        let RollbackRequest { id, module, to, accept_loss } = request;
        let consent = if *accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        let outcome = self.driver.roll_back(module, *to, consent);
        let answer = match outcome {
            Ok(report) => {
                let line = line(&report, None);
                let message = line.text();
                self.tell_rolled_back(&report, None);
                Answer::Done { message }
            }
            Err(mut rejection) => {
                let wants_consent = matches!(rejection.code, Code::DataLoss | Code::SaveFailed);
                if wants_consent {
                    rejection.message.push_str(&hint(module, *to));
                }
                let (code, message) = (code_name(rejection.code), rejection.message.clone());
                self.tell_rejection(Stage::Swap, rejection, None);
                if wants_consent {
                    self.want_consent(module, *to);
                }
                Answer::Refused { code, message }
            }
        };
        self.answer(*id, answer);
    }

    /// Tells what was refused. Consent is given to that, and not to what might be before the module by then.
    fn want_consent(&self, module: &str, to: Option<u64>) {
        if let Ok((modules, origin)) = self.driver.registry.would_put_back(module, to) {
            let module = module.to_owned();
            let rollback = RollbackRequest { id: None, module, to: Some(origin), accept_loss: true };
            self.link.send(&FromEngine::WantsConsent { rollback, modules });
        }
    }

    fn tell_rolled_back(&mut self, report: &RollbackReport, fault: Option<&Fault>) {
        for rejection in &report.swap.failed_starts {
            self.tell_rejection(Stage::Swap, rejection.clone(), None);
        }
        self.swapper.ambiguities.news(self.driver.engine.schedule());
        self.tell(Event::RolledBack(Box::new(line(report, fault))));
        self.show_modules();
        self.pace.hurry();
    }
}

/// The next step where only consent is missing.
fn hint(module: &str, to: Option<u64>) -> String {
    let to = to.map_or_else(String::new, |to| format!(" --to {to}"));
    format!("; `accept`, or `keel rollback {module}{to} --accept-loss`, goes back nevertheless")
}

fn line(report: &RollbackReport, fault: Option<&Fault>) -> RollbackLine {
    let names: Vec<_> = report.modules.iter().map(|module| module.name.as_str()).collect();
    let modules = report.modules.iter().map(|module| PutBackLine {
        name: module.name.clone(),
        from: module.from,
        to: module.to,
        generation: module.generation,
    });
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let ToldChanges { defaulted, dropped, changed } = ToldChanges::of(&report.swap);
    RollbackLine {
        module: names.join("+"),
        modules: modules.collect(),
        fault: fault.map(|fault| format!("{}/{} {}", fault.module, fault.system, fault.message)),
        frames_lost: report.frames_lost,
        pause_ms: ms(report.swap.pause),
        carried: report.swap.world.carried + report.swap.pools.carried,
        converted: report.swap.world.converted + report.swap.pools.converted,
        defaulted,
        dropped,
        changed,
        rebuilt: report.swap.rebuilt,
    }
}
