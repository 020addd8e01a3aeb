//! Systems: which there are, in which order they run, and how long they take.

use keel::engine::{
    Ambiguity, EngineError, ModuleTag, Schedule, Stage, SystemCode, SystemDescriptor, SystemId,
    SystemSummary, SystemTimes, SystemView,
};

use crate::Ecs;

impl SystemView for Ecs {
    fn names(&self, schedule: &Schedule) -> Vec<String> {
        names(schedule.systems())
    }

    fn all(&self, schedule: &Schedule) -> Vec<SystemSummary> {
        schedule.systems()
    }

    fn count(&self, schedule: &Schedule) -> usize {
        schedule.systems().len()
    }

    fn contains(&self, schedule: &Schedule, system: &str) -> bool {
        schedule.system(system).is_ok()
    }

    fn info(&self, schedule: &Schedule, system: &str) -> Result<SystemSummary, EngineError> {
        schedule.system(system)
    }

    fn by_id(&self, schedule: &Schedule, system: SystemId) -> Option<SystemSummary> {
        schedule.system_by_id(system)
    }

    fn stage(&self, schedule: &Schedule, system: &str) -> Result<Stage, EngineError> {
        Ok(schedule.system(system)?.stage)
    }

    fn in_stage(&self, schedule: &Schedule, stage: Stage) -> Vec<String> {
        names(schedule.systems().into_iter().filter(|system| system.stage == stage))
    }

    fn of_module(&self, schedule: &Schedule, module: &str) -> Vec<String> {
        names(schedule.systems().into_iter().filter(|system| system.module == module))
    }

    fn in_set(&self, schedule: &Schedule, set: &str) -> Vec<String> {
        let is_in = |system: &SystemSummary| system.sets.iter().any(|own| own == set);
        names(schedule.systems().into_iter().filter(is_in))
    }

    fn ambiguities(&self, schedule: &Schedule) -> Vec<Ambiguity> {
        schedule.ambiguities()
    }

    fn before(&self, schedule: &Schedule, system: &str) -> Result<Vec<String>, EngineError> {
        let mut names = self.in_stage(schedule, self.stage(schedule, system)?);
        let place = names.iter().position(|name| name == system);
        names.truncate(place.unwrap_or_default());
        Ok(names)
    }

    fn after(&self, schedule: &Schedule, system: &str) -> Result<Vec<String>, EngineError> {
        let names = self.in_stage(schedule, self.stage(schedule, system)?).into_iter();
        Ok(names.skip_while(|name| name != system).skip(1).collect())
    }

    fn add(
        &self,
        schedule: &mut Schedule,
        module: &ModuleTag,
        descriptor: SystemDescriptor,
        code: SystemCode,
    ) -> Result<(), EngineError> {
        schedule.add_system(module, descriptor, code)
    }

    fn remove(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError> {
        schedule.remove_system(system)
    }

    fn enable(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError> {
        schedule.enable_system(system, true)
    }

    fn disable(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError> {
        schedule.enable_system(system, false)
    }

    fn is_enabled(&self, schedule: &Schedule, system: &str) -> Result<bool, EngineError> {
        Ok(schedule.system(system)?.is_enabled)
    }

    fn order(&self, schedule: &mut Schedule, first: &str, then: &str) -> Result<(), EngineError> {
        schedule.order_systems(first, then)
    }

    fn unorder(&self, schedule: &mut Schedule, first: &str, then: &str) -> bool {
        schedule.unorder_systems(first, then)
    }

    fn times(&self, schedule: &Schedule, system: &str) -> Result<SystemTimes, EngineError> {
        Ok(schedule.system(system)?.times)
    }

    fn reset_times(&self, schedule: &mut Schedule) {
        schedule.reset_times();
    }
}

fn names(systems: impl IntoIterator<Item = SystemSummary>) -> Vec<String> {
    systems.into_iter().map(|system| system.name).collect()
}
