//! What the engine tells.

use std::time::{Duration, Instant};

use keel::engine::Fault;
use keel_registry::{ModuleStatus, Past, Rejection, State};

use super::Host;
use super::dashboard::DashboardLink;
use crate::event::{Event, FailureLine, ModuleLine, Stage, code_name};
use crate::os;
use crate::protocol::{Answer, FromEngine, Library};

/// Frames are told apart by it: shorter ones are not told each.
const FRAME_TOLD_EVERY: Duration = Duration::from_millis(10);

/// What the supervisor was told that it would need if this process ended.
#[derive(Default)]
pub(super) struct ToldLive {
    libraries: Vec<Library>,
    past: Past,
    /// When it was told of a frame last; `None` before the first one.
    frame_at: Option<Instant>,
}

impl Host {
    pub(super) fn tell(&mut self, event: Event) {
        DashboardLink::event(self.driver.engine.world(), &event);
        self.link.send(&FromEngine::Event(event));
    }

    /// Answers whoever waits for `id`, if anybody does.
    pub(super) fn answer(&self, id: Option<u64>, answer: Answer) {
        if let Some(id) = id {
            self.link.send(&FromEngine::Answered { id, answer });
        }
    }

    pub(super) fn tell_log(&mut self, level: &str, message: String) {
        self.tell(Event::log(level, message));
    }

    pub(super) fn tell_statics(&mut self) {
        let news = self.told_statics.news(&self.driver.registry.modules());
        news.into_iter().for_each(|line| self.tell_log("warn", line));
    }

    pub(super) fn tell_rejection(&mut self, stage: Stage, rejection: Rejection, request: Option<u64>) {
        let code = code_name(rejection.code);
        let Rejection { module, message, panicked, .. } = rejection;
        let frame = self.driver.engine.time().frame;
        let failure = panicked.map(|panicked| FailureLine::panic(*panicked, frame));
        self.tell(Event::Rejected { module, stage, code, message, request, failure });
    }

    pub(super) fn tell_fault(&mut self, fault: Fault) {
        self.tell(fault.into());
    }

    pub(super) fn tell_stats(&mut self) {
        let world_hash =
            self.args.hash.then(|| self.driver.registry.state_hash(&self.driver.engine)).and_then(Result::ok);
        let (fps, frame_ms) = self.figures.take(Instant::now());
        let census = self.driver.registry.census();
        let time = self.driver.engine.time();
        self.tell(Event::Stats {
            frame: time.frame,
            step: time.step,
            fps,
            frame_ms,
            entities: self.driver.engine.world().len(),
            world_hash: world_hash.map(|hash| format!("{hash:016x}")),
            rss_kib: os::resident_kib(),
            libraries: census.mapped(),
            libraries_kept: census.kept,
            libraries_kept_bytes: census.kept_bytes,
        });
        self.show_modules();
    }

    pub(super) fn module_lines(&self) -> Vec<ModuleLine> {
        let modules = self.driver.registry.modules().into_iter();
        let lines = modules.map(|status| ModuleLine {
            name: status.name,
            kind: status.kind.name().to_owned(),
            version: status.version,
            generation: status.generation,
            state: state_name(status.state).to_owned(),
            views: status.views.len(),
        });
        lines.collect()
    }

    /// The library of each live module, those that are linked in left out.
    pub(super) fn live_libraries(&self) -> Vec<Library> {
        let modules = self.driver.registry.modules().into_iter();
        let files = modules.filter(|status| !status.library.as_os_str().is_empty());
        let library = |ModuleStatus { name, library, generation, .. }| Library {
            module: name,
            path: library,
            generation,
            stated: None,
        };
        files.map(library).collect()
    }

    /// Tells which libraries are live and can be gone back to, if these are others than before.
    pub(super) fn tell_live(&mut self) {
        let (libraries, past) = (self.live_libraries(), self.driver.registry.past());
        if (&libraries, &past) != (&self.told_live.libraries, &self.told_live.past) {
            self.told_live.libraries.clone_from(&libraries);
            self.told_live.past.clone_from(&past);
            self.link.send(&FromEngine::Live { libraries, past });
        }
    }

    /// Tells of a frame that began at this time.
    pub(super) fn tell_frame(&mut self, begin: Instant) {
        let last = self.told_live.frame_at;
        if last.is_none() {
            self.link.send(&FromEngine::GoneOn);
        }
        if last.is_none_or(|last| begin - last >= FRAME_TOLD_EVERY) {
            self.told_live.frame_at = Some(begin);
            self.link.send(&FromEngine::Frame { frame: self.driver.engine.time().frame });
        }
    }

    pub(super) fn show_modules(&mut self) {
        self.tell_live();
        let (modules, census) = (self.driver.registry.modules(), self.driver.registry.census());
        DashboardLink::modules(self.driver.engine.world(), modules, census, os::resident_kib());
    }
}

/// The state as people and machines read it.
fn state_name(state: State) -> &'static str {
    match state {
        State::Watching => "watching",
        State::Building => "building",
        State::Checking => "checking",
        State::Trial => "trial",
        State::Swapping => "swapping",
        State::Probation => "probation",
        State::Live => "live",
        State::Rejected => "rejected",
        State::Suspended => "suspended",
    }
}
