//! One system in the schedule, and its run.

use std::time::Duration;

use keel_crash::Mark;
use parking_lot::Mutex;

use super::visit_conditions;
use crate::fault::{Panic, catch};
use crate::param::{ParamUses, SystemContext, VisitKept};
use crate::system::{CodeKind, Condition};
use crate::{EngineError, ModuleTag, SystemCode, SystemDescriptor, SystemId, SystemSummary, SystemTimes};

/// One system in the schedule.
pub(crate) struct System {
    pub(crate) module: ModuleTag,
    pub(crate) descriptor: SystemDescriptor,
    pub(crate) id: SystemId,
    /// What a thread that runs it is marked with.
    pub(crate) mark: Mark,
    /// How many systems were registered before it.
    pub(crate) turn: u64,
    pub(crate) enabled: bool,
    /// What its code and its conditions use.
    pub(crate) uses: ParamUses,
    pub(crate) is_exclusive: bool,
    /// The sets with conditions that it is in, by number.
    pub(crate) gates: Vec<usize>,
    /// Locked by whoever runs it or looks at what it keeps.
    pub(crate) work: Mutex<Work>,
}

/// What is changed by a run.
pub(crate) struct Work {
    pub(crate) code: SystemCode,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) times: SystemTimes,
    pub(crate) outcome: Outcome,
}

/// What has come of a run, until it is taken up in the order of the schedule.
#[derive(Default)]
pub(crate) enum Outcome {
    #[default]
    NotRun,
    Done,
    Failed(String),
    Panicked(Panic),
}

impl From<Result<Result<(), String>, Panic>> for Outcome {
    fn from(result: Result<Result<(), String>, Panic>) -> Self {
        match result {
            Ok(Ok(())) => Self::Done,
            Ok(Err(message)) => Self::Failed(message),
            Err(panic) => Self::Panicked(panic),
        }
    }
}

impl System {
    /// # Errors
    /// [`EngineError::ParameterConflict`], [`EngineError::ParameterUsesTwice`], [`EngineError::ConditionWrites`]
    pub(crate) fn new(
        module: &ModuleTag,
        mut descriptor: SystemDescriptor,
        code: SystemCode,
    ) -> Result<Self, EngineError> {
        let path = path_of(module, &descriptor);
        let conditions = std::mem::take(&mut descriptor.conditions);
        code.uses.check(&path)?;
        check_conditions(&conditions, &format!("system `{path}`"))?;
        let mut uses = code.uses.clone();
        conditions.iter().for_each(|condition| uses.extend(&condition.uses));
        Ok(Self {
            module: module.clone(),
            id: SystemId::of(module.name(), &descriptor.name),
            mark: Mark::of(module.name(), &descriptor.name),
            descriptor,
            turn: 0,
            enabled: true,
            uses,
            is_exclusive: matches!(code.kind, CodeKind::OfFrame(_)),
            gates: Vec::new(),
            work: Mutex::new(Work::new(code, conditions)),
        })
    }

    /// What it was made of.
    pub(crate) fn into_parts(self) -> (ModuleTag, SystemDescriptor, SystemCode) {
        let Self { module, mut descriptor, work, .. } = self;
        let Work { code, conditions, .. } = work.into_inner();
        descriptor.conditions = conditions;
        (module, descriptor, code)
    }

    pub(crate) fn summary(&self) -> SystemSummary {
        let work = self.work.lock();
        let order = &self.descriptor.order;
        SystemSummary {
            id: self.id,
            name: self.path(),
            module: self.module.name().to_owned(),
            stage: self.descriptor.stage,
            before: order.before.clone(),
            after: order.after.clone(),
            sets: self.descriptor.sets.clone(),
            access: work.code.access(),
            is_enabled: self.enabled,
            times: work.times,
        }
    }

    pub(crate) fn path(&self) -> String {
        path_of(&self.module, &self.descriptor)
    }
}

fn path_of(module: &ModuleTag, descriptor: &SystemDescriptor) -> String {
    format!("{}/{}", module.name(), descriptor.name)
}

/// Conditions only read, so that it does not matter which of them are asked.
pub(crate) fn check_conditions(conditions: &[Condition], of: &str) -> Result<(), EngineError> {
    let writing = conditions.iter().find_map(|condition| condition.uses.writing_param());
    match writing {
        Some(param) => Err(EngineError::ConditionWrites { of: of.to_owned(), parameter: param.to_owned() }),
        None => Ok(()),
    }
}

impl Work {
    pub(crate) fn new(code: SystemCode, conditions: Vec<Condition>) -> Self {
        Self { code, conditions, times: SystemTimes::default(), outcome: Outcome::NotRun }
    }

    /// Runs it if its conditions hold; what comes of it is kept in `outcome`.
    #[inline]
    pub(crate) fn run(&mut self, context: &SystemContext<'_>) {
        match self.holds(context) {
            Ok(true) => {}
            Ok(false) => return,
            Err(outcome) => {
                self.outcome = outcome;
                return;
            }
        }
        let SystemCode { kind, last_run, .. } = &mut self.code;
        if let CodeKind::OfParams(code) = kind {
            self.outcome = catch(|| code.run(context, last_run)).into();
        }
    }

    /// Whether its conditions hold.
    #[inline]
    pub(crate) fn holds(&mut self, context: &SystemContext<'_>) -> Result<bool, Outcome> {
        for condition in &mut self.conditions {
            match catch(|| condition.holds(context)) {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Ok(false),
                Ok(Err(message)) => return Err(Outcome::Failed(format!("a condition of it: {message}"))),
                Err(panic) => return Err(Outcome::Panicked(panic)),
            }
        }
        Ok(true)
    }

    pub(crate) fn visit_kept(&mut self, visit: &mut VisitKept<'_>) {
        self.code.visit_kept(visit);
        visit_conditions(&self.conditions, visit);
    }
}

impl SystemTimes {
    pub(crate) fn add(&mut self, time: Duration) {
        self.runs += 1;
        self.last = time;
        self.longest = self.longest.max(time);
        self.total += time;
    }

    /// Adds to the last run what it had put off.
    pub(crate) fn add_deferred(&mut self, time: Duration) {
        self.last += time;
        self.longest = self.longest.max(self.last);
        self.total += time;
    }
}
