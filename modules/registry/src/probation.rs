//! The time after a swap in which a panic puts the generation before back, together with the last good game.

use std::time::Duration;

use keel_core_types::ModuleId;
use keel_engine::{Engine, Fault};

use crate::lifecycle::{Event, Running};
use crate::lineage::Standing;
use crate::{Code, Registry, Rejection, RollbackReport};

/// A generation that failed in its probation, and what became of that.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenBack {
    /// What it did.
    pub fault: Fault,
    /// What was put back; or why nothing could be, and the module is suspended as after any other fault.
    pub outcome: Result<RollbackReport, Rejection>,
}

impl Registry {
    /// Takes in a frame that has ended, with the faults in it. The caller is between two frames.
    ///
    /// A module that the engine has suspended during its probation goes back to the generation before, with all that came
    /// with it, and the game to the last moment when all was well; whatever else has failed in this frame has not, then, and
    /// runs again. Any other module stays suspended until its next swap; so does one that nothing is known to be good of.
    pub fn after_frame(&mut self, engine: &mut Engine, faults: &[Fault]) -> Vec<TakenBack> {
        let ran = self.note_time(engine);
        let mut taken_back = Vec::new();
        for fault in faults.iter().filter(|fault| fault.suspended) {
            // An earlier fault may have taken it back already.
            if self.is_on_probation(&fault.module) && engine.is_suspended(ModuleId::of(&fault.module)) {
                let outcome = self.take_back(engine, &fault.module);
                taken_back.push(TakenBack { fault: fault.clone(), outcome });
            }
        }
        if taken_back.iter().any(|taken_back| taken_back.outcome.is_ok()) {
            // The game is now one in which none of this has happened yet: also what could not be taken back by itself runs.
            taken_back.retain(|taken_back| taken_back.outcome.is_ok());
            return taken_back;
        }
        self.note_faults(faults);
        self.count_down(ran);
        if !self.config.probation.is_zero() {
            self.keep_good_if_due(engine);
        }
        taken_back
    }

    /// Puts what was just swapped in on probation, if that is wanted, it has not proven itself yet, and there is something
    /// good to go back to.
    pub(crate) fn begin_probation(&mut self, module: ModuleId) -> Running {
        let is_wanted = !self.config.probation.is_zero() && self.last_good(module).is_some();
        let Some(slot) = self.slots.get_mut(&module) else { return Running::Nothing };
        let standing = slot.live.as_ref().map(|live| live.lineage.standing);
        if is_wanted && standing != Some(Standing::Proven) {
            slot.probation = Some(self.config.probation);
            self.judge(module, Standing::Unproven);
            return Running::Probation;
        }
        slot.probation = None;
        self.judge(module, Standing::Proven);
        Running::Live
    }

    /// Nothing puts the generation before of this module back by itself any more.
    pub(crate) fn end_probation(&mut self, module: ModuleId) {
        if let Some(slot) = self.slots.get_mut(&module) {
            slot.probation = None;
        }
    }

    /// Whether any of `modules` would be on probation after its swap.
    pub(crate) fn wants_point(&self, modules: &[String]) -> bool {
        let runs =
            |module: &String| self.slots.get(&ModuleId::of(module)).is_some_and(|slot| slot.live.is_some());
        !self.config.probation.is_zero() && modules.iter().any(runs)
    }

    fn take_back(&mut self, engine: &mut Engine, module: &str) -> Result<RollbackReport, Rejection> {
        let id = ModuleId::of(module);
        self.judge(id, Standing::Faulted);
        let origin = self.last_good(id).ok_or_else(|| nothing_good(module, "generation"))?;
        let targets = self.targets_of(module, Some(origin))?;
        let swap = self.undone_by(id, origin).into_iter().min().unwrap_or_default();
        let mut refused = nothing_good(module, "game");
        for game in self.good.before(swap) {
            match self.put_back_with(engine, &targets, &game) {
                Ok(report) => {
                    self.good.go_on_from(game, engine.time().now);
                    self.watched = engine.time().now;
                    return Ok(report);
                }
                Err(rejection) => refused = rejection,
            }
        }
        Err(refused)
    }

    /// How much was simulated since the last time. A game that went back begins anew.
    fn note_time(&mut self, engine: &Engine) -> Duration {
        let now = engine.time().now;
        now.saturating_sub(std::mem::replace(&mut self.watched, now))
    }

    fn is_on_probation(&self, module: &str) -> bool {
        self.slots.get(&ModuleId::of(module)).is_some_and(|slot| slot.probation.is_some())
    }

    fn count_down(&mut self, ran: Duration) {
        let mut proven = Vec::new();
        for slot in self.slots.values_mut() {
            let Some(left) = &mut slot.probation else { continue };
            *left = left.saturating_sub(ran);
            if left.is_zero() {
                slot.probation = None;
                proven.push(slot.tag.clone());
            }
        }
        for tag in proven {
            self.judge(tag.id(), Standing::Proven);
            self.note(tag.name(), Event::Proven);
        }
    }
}

fn nothing_good(module: &str, what: &str) -> Rejection {
    let message =
        format!("module `{module}` failed in its probation, and no {what} from before is kept to go back to");
    Rejection::new(module, Code::NoSuchModule, message)
}
