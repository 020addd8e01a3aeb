//! Checking modules beside the game, and swapping them in between two frames.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, unbounded};
use keel::state::{Change, ChangeKind};
use keel_registry::{Candidate, Checker, Consent, Registry, Rejection, SwapReport};

use super::ambiguities::KnownAmbiguities;
use super::driver::Driver;
use crate::event::{Stage, StagesMs, SwapLine};
use crate::protocol::{Library, SwapRequest};

/// Modules that were checked together, and are to be swapped together.
pub(crate) struct Checked {
    /// How many checks had begun before.
    number: u64,
    request: SwapRequest,
    /// Of each module of the request, in its order.
    outcomes: Vec<Result<Candidate, Rejection>>,
    check: Duration,
}

impl Checked {
    /// What was asked for.
    pub(crate) fn request(&self) -> &SwapRequest {
        &self.request
    }
}

/// The swaps of one engine.
pub(crate) struct Swapper {
    checker: Checker,
    sender: Sender<Checked>,
    checked: Receiver<Checked>,
    /// How many checks have begun.
    begun: u64,
    /// Modules that were removed, each with how many checks had begun then.
    removed: BTreeMap<String, u64>,
    /// Swaps whose new code has not run yet, each with the time at which the edited file was closed.
    unreported: Vec<(SwapLine, Option<u64>)>,
    pub(crate) ambiguities: KnownAmbiguities,
}

impl Swapper {
    pub(crate) fn new(checker: Checker) -> Self {
        let (sender, checked) = unbounded();
        Self {
            checker,
            sender,
            checked,
            begun: 0,
            removed: BTreeMap::new(),
            unreported: Vec::new(),
            ambiguities: KnownAmbiguities::default(),
        }
    }

    /// Where checked modules come out.
    pub(crate) fn checked(&self) -> &Receiver<Checked> {
        &self.checked
    }

    /// Begins to check, on a thread of its own.
    pub(crate) fn check(&mut self, request: SwapRequest, registry: &Registry) {
        let number = self.begun;
        self.begun += 1;
        let (checker, sender) = (self.checker.clone(), self.sender.clone());
        let generations: Vec<_> =
            request.modules.iter().map(|library| registry.next_generation(&library.module)).collect();
        let spawned = thread::Builder::new().name("keel-check".to_owned()).spawn(move || {
            let begin = Instant::now();
            let modules = request.modules.clone();
            let checked = check_all(&checker, modules, |index| generations[index]);
            let outcomes = checked.into_iter().map(|(_, outcome)| outcome).collect();
            // The engine that would receive it may have ended.
            let _ = sender.send(Checked { number, request, outcomes, check: begin.elapsed() });
        });
        if let Err(error) = spawned {
            keel::log::error!("no thread to check modules could be started: {error}");
        }
    }

    /// Modules are removed: what is being checked of them is not to come any more.
    pub(crate) fn forget(&mut self, modules: &[String]) {
        self.removed.extend(modules.iter().map(|module| (module.clone(), self.begun)));
    }

    /// What was checked, without the modules that were removed since; `None` if nothing is left of it.
    pub(crate) fn still_wanted(&self, checked: Checked) -> Option<Checked> {
        let Checked { number, request, outcomes, check } = checked;
        let is_gone = |module: &str| self.removed.get(module).is_some_and(|begun| number < *begun);
        let names: Vec<_> = request.modules.iter().map(|library| library.module.clone()).collect();
        let outcomes = names.iter().zip(outcomes).filter(|(module, _)| !is_gone(module));
        let outcomes = outcomes.map(|(_, outcome)| outcome).collect();
        let gone: Vec<_> = names.into_iter().filter(|module| is_gone(module)).collect();
        Some(Checked { number, request: request.without(&gone)?, outcomes, check })
    }

    /// Puts checked modules in place.
    pub(crate) fn apply(
        &mut self,
        checked: Checked,
        driver: &mut Driver,
    ) -> Result<Vec<Rejection>, (Stage, Rejection)> {
        let Checked { request, outcomes, check, .. } = checked;
        let candidates = outcomes.into_iter().collect::<Result<_, _>>();
        let candidates = candidates.map_err(|rejection| (Stage::Check, rejection))?;
        let consent = if request.accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        let begin = Instant::now();
        let report = driver.swap(candidates, consent).map_err(|rejection| (Stage::Swap, rejection))?;
        let swap = begin.elapsed();
        let mut line = line(&request, &report, check, swap);
        line.ambiguities = self.ambiguities.news(driver.engine.schedule());
        self.unreported.push((line, request.saved_at_us));
        Ok(report.failed_starts)
    }

    /// After a frame: the reports of the swaps whose new code has just run for the first time. A frame may end before
    /// the next step is due; then nothing has run yet. A paused game has none, and its swaps say so.
    pub(crate) fn after_frame(&mut self, has_stepped: bool, paused: bool) -> Vec<SwapLine> {
        if !has_stepped && !paused {
            return Vec::new();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let report = |(mut line, saved_at_us): (SwapLine, Option<u64>)| {
            line.edit_to_running_ms =
                saved_at_us.map(|saved| now.saturating_sub(Duration::from_micros(saved)).as_secs_f64() * 1e3);
            line.paused = !has_stepped;
            line
        };
        self.unreported.drain(..).map(report).collect()
    }
}

/// Checks modules side by side: they are independent of each other until they are bound.
pub(crate) fn check_all(
    checker: &Checker,
    modules: Vec<Library>,
    generation: impl Fn(usize) -> u64 + Sync,
) -> Vec<(Library, Result<Candidate, Rejection>)> {
    let check = |index: usize, library: &Library| {
        let checked = match &library.stated {
            Some(stated) => checker.check_stated(&library.path, generation(index), stated),
            None => checker.check(&library.path, generation(index)),
        };
        checked.map_err(|mut rejection| {
            rejection.module.clone_from(&library.module);
            rejection
        })
    };
    if let [library] = modules.as_slice() {
        let outcome = check(0, library);
        return modules.into_iter().zip([outcome]).collect();
    }
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = modules
            .iter()
            .enumerate()
            .map(|(index, library)| scope.spawn(move || check(index, library)))
            .collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let outcomes = outcomes.into_iter().zip(&modules).map(|(outcome, library)| {
        outcome.unwrap_or_else(|_| {
            let message = format!(
                "checking `{}` panicked; this is a defect of the host, please report it",
                library.module
            );
            Err(Rejection::new(&library.module, keel_registry::Code::LoadFailed, message))
        })
    });
    let outcomes: Vec<_> = outcomes.collect();
    modules.into_iter().zip(outcomes).collect()
}

/// What of the data has changed its shape, as it is told.
pub(super) struct ToldChanges {
    pub(super) defaulted: Vec<String>,
    pub(super) dropped: Vec<String>,
    /// Every other change, in words.
    pub(super) changed: Vec<String>,
}

impl ToldChanges {
    pub(super) fn of(report: &SwapReport) -> Self {
        let of_modules = report.modules.iter().flat_map(|module| &module.changes);
        let changes: Vec<_> =
            report.world.changes.iter().chain(&report.pools.changes).chain(of_modules).collect();
        let of_kind = |is: fn(&ChangeKind) -> bool| {
            changes.iter().filter(|change| is(change.kind())).map(|change| change.path().to_owned()).collect()
        };
        let is_defaulted = |kind: &ChangeKind| matches!(kind, ChangeKind::Defaulted);
        let is_dropped =
            |kind: &ChangeKind| matches!(kind, ChangeKind::Dropped { .. } | ChangeKind::DroppedVariant);
        let others =
            changes.iter().filter(|change| !is_defaulted(change.kind()) && !is_dropped(change.kind()));
        let changed = others.map(|change: &&Change| change.to_string()).collect();
        Self { defaulted: of_kind(is_defaulted), dropped: of_kind(is_dropped), changed }
    }
}

fn line(request: &SwapRequest, report: &SwapReport, check: Duration, swap: Duration) -> SwapLine {
    let names: Vec<_> = report.modules.iter().map(|module| module.name.as_str()).collect();
    let ToldChanges { defaulted, dropped, changed } = ToldChanges::of(report);
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    SwapLine {
        module: names.join("+"),
        generation: report.modules.iter().map(|module| module.generation).max().unwrap_or(0),
        edit_to_running_ms: None,
        paused: false,
        stages_ms: StagesMs {
            detect: request.detect_ms,
            build: request.build_ms,
            trial: request.trial_ms,
            check: ms(check),
            swap: ms(swap),
        },
        built_by: request.built_by,
        pause_ms: ms(report.pause),
        carried: report.world.carried + report.pools.carried,
        converted: report.world.converted + report.pools.converted,
        defaulted,
        dropped,
        changed,
        kept: report.world.kept.clone(),
        ambiguities: Vec::new(),
        rebuilt: report.rebuilt,
        tasks_cancelled: report.modules.iter().map(|module| module.tasks.cancelled).sum(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keel_fixture::{Fixture, Scratch};
    use keel_registry::RegistryConfig;

    use super::*;

    fn request() -> SwapRequest {
        SwapRequest::of(0, Vec::new())
    }

    fn swapped(names: &[&str]) -> Swapper {
        let mut swapper = Swapper::new(Registry::new(RegistryConfig::default(), Arc::default()).checker());
        for name in names {
            let mut line = line(&request(), &SwapReport::default(), Duration::ZERO, Duration::ZERO);
            line.module = (*name).to_owned();
            swapper.unreported.push((line, Some(0)));
        }
        swapper
    }

    /// A module whose `load` waits until that of the other has begun. They meet in a folder that is named after their
    /// process.
    const WAITING: &str = r#"
        use keel::prelude::*;
        use std::time::Duration;

        #[data]
        #[derive(Default)]
        pub struct Waiting {}

        #[view_model]
        impl ViewModel for Waiting {
            async fn load(&mut self, _: &ModuleContext) -> ModuleResult {
                let folder = std::env::temp_dir().join(format!("keel-meeting-{}", std::process::id()));
                std::fs::write(folder.join("OWN"), "").map_err(|error| ModuleError::new(error.to_string()))?;
                while !folder.join("OTHER").exists() {
                    sleep(Duration::from_millis(1)).await;
                }
                Ok(())
            }

            fn register(&mut self, _: &mut Setup) -> ModuleResult {
                Ok(())
            }
        }

        keel::export_module! { view_model: Waiting }
    "#;

    #[test]
    fn independent_modules_are_checked_at_the_same_time() {
        let scratch = Scratch::new();
        let folder = std::env::temp_dir().join(format!("keel-meeting-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder to meet in");
        let names = ["ebb", "flow", "slack"];
        // Each waits for the next one, so that no order of one after the other can do.
        let library = |index: usize| {
            let (own, other) = (names[index], names[(index + 1) % names.len()]);
            let source = WAITING.replace("OWN", own).replace("OTHER", other);
            let path = scratch.copy(&Fixture::module(own).source(source).build());
            Library { module: own.to_owned(), path, generation: 0, stated: None }
        };
        let libraries = (0..names.len()).map(library).collect();
        // Longer than any machine needs to start some threads.
        let config = RegistryConfig { call_deadline: Duration::from_secs(20), ..RegistryConfig::default() };
        let checker = Registry::new(config, Arc::default()).checker();
        let checked = check_all(&checker, libraries, |_| 0);
        std::fs::remove_dir_all(folder).expect("the folder is there");
        for ((library, outcome), name) in checked.into_iter().zip(names) {
            assert_eq!(library.module, name);
            if let Err(rejection) = outcome {
                panic!("{name}: {rejection}");
            }
        }
    }

    #[test]
    fn a_swap_is_told_after_the_first_frame_with_a_step() {
        let mut swapper = swapped(&["swim", "tide"]);
        assert!(swapper.after_frame(false, false).is_empty(), "no step was due in this frame");
        let told = swapper.after_frame(true, false);
        assert_eq!(told.iter().map(|line| line.module.as_str()).collect::<Vec<_>>(), ["swim", "tide"]);
        assert!(told.iter().all(|line| !line.paused && line.edit_to_running_ms > Some(0.0)));
        assert!(swapper.after_frame(true, false).is_empty(), "once");
    }

    #[test]
    fn a_swap_of_a_paused_game_says_that_no_step_has_run() {
        let told = swapped(&["swim"]).after_frame(false, true);
        assert!(told[0].paused);
        let text = crate::event::Event::Swap(Box::new(told[0].clone())).text();
        assert!(text.ends_with("; its steps run when the game goes on"), "{text}");
    }

    #[test]
    fn types_that_nobody_knows_any_more_are_told() {
        let mut report = SwapReport::default();
        report.world.kept = vec!["Plankton".to_owned()];
        let line = line(&request(), &report, Duration::ZERO, Duration::ZERO);
        assert_eq!(line.kept, ["Plankton"]);
        let told = crate::event::Event::Swap(Box::new(line)).text();
        assert!(told.ends_with("; kept aside, as nobody knows their types: Plankton"), "{told}");
    }
}
