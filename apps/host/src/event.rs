//! What a running game tells: the objects that `--json` prints, one a line. The guide's chapter "What machines read"
//! documents each field.

mod crash;
mod failure;
mod recording;

use keel::engine::Fault;
use keel_builder::BuiltBy;
use keel_registry::Code;
use serde::{Deserialize, Serialize};

pub(crate) use crash::{CrashLine, ENGINE, HangLine};
pub(crate) use failure::FailureLine;
pub(crate) use recording::{CountLine, DivergenceLine, OutcomeLine, ReplayedLine, RewoundLine};

/// The level of a [`Event::Log`] that a module has written to the console.
pub(crate) const LEVEL_OUTPUT: &str = "output";

/// One line of `keel run --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The modules are live and the first frame is about to run.
    Ready {
        modules: Vec<ModuleLine>,
        /// Types of the game that nobody knows; their values are kept aside.
        #[serde(default)]
        kept: Vec<String>,
        /// Systems in no order that anybody said, though it matters.
        #[serde(default)]
        ambiguities: Vec<AmbiguityLine>,
    },
    /// Once a second, and at the end.
    Stats {
        frame: u64,
        step: u64,
        fps: f64,
        frame_ms: f64,
        entities: usize,
        /// 16 hex digits; absent unless it was asked for.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        world_hash: Option<String>,
        rss_kib: u64,
        libraries: u64,
        libraries_kept: u64,
        libraries_kept_bytes: u64,
    },
    /// New code has run its first frame.
    Swap(Box<SwapLine>),
    /// A new generation was refused; the old one goes on.
    Rejected {
        module: String,
        stage: Stage,
        code: String,
        message: String,
        /// Which of the supervisor's requests; absent if none was.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        request: Option<u64>,
        /// What it did when it was run; absent if it was not refused for that.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        failure: Option<FailureLine>,
    },
    /// A recording was run again.
    Replayed(Box<ReplayedLine>),
    /// The game has gone back.
    Rewound(RewoundLine),
    /// A module runs again what it ran before.
    RolledBack(Box<RollbackLine>),
    /// The engine process was started again.
    Restarted { reason: String, restart_ms: f64 },
    /// The engine process had ended by itself, and the game goes on in another one.
    Resumed {
        /// How it had ended.
        why: String,
        /// The modules that are other than before.
        put_back: Vec<PutBack>,
        /// The frame of the game that it goes on from.
        frame: u64,
        /// How many frames had run after that one.
        frames_lost: u64,
        /// From the end of one process to the end of the other's first frame.
        resume_ms: f64,
    },
    /// A module's code failed.
    Fault {
        module: String,
        system: String,
        message: String,
        /// The module's calls, one a line, the innermost first; absent if there is none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        backtrace: Option<String>,
        frame: u64,
        suspended: bool,
    },
    /// A fault that no process can contain in itself has ended the engine.
    Crash(Box<CrashLine>),
    /// Code of a module does not return.
    Hang(HangLine),
    /// It has returned after all.
    HangEnded(HangLine),
    /// Something else worth a line.
    Log {
        level: String,
        message: String,
        /// The module that has logged it, and which generation of it; absent if none has.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        module: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        generation: Option<u64>,
    },
}

/// A module that was put back, or left out, because the engine process had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutBack {
    pub(crate) module: String,
    /// The generation that is live no more; `None` if it had not become live yet.
    pub(crate) from: Option<u64>,
    /// The one that is; `None` if the module is left out.
    pub(crate) to: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModuleLine {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) generation: u64,
    pub(crate) state: String,
    pub(crate) views: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SwapLine {
    /// The module whose source was saved; with several, joined by `+`.
    pub(crate) module: String,
    pub(crate) generation: u64,
    /// From the moment the file was closed to the end of the first frame in which a step of the new code ran; absent
    /// without a save.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) edit_to_running_ms: Option<f64>,
    /// Whether the game stands still, so that no step of the new code has run yet.
    #[serde(default)]
    pub(crate) paused: bool,
    pub(crate) stages_ms: StagesMs,
    /// None if nothing was built for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) built_by: Option<BuiltBy>,
    pub(crate) pause_ms: f64,
    pub(crate) carried: usize,
    pub(crate) converted: usize,
    pub(crate) defaulted: Vec<String>,
    pub(crate) dropped: Vec<String>,
    /// Every other change of a type, in words.
    pub(crate) changed: Vec<String>,
    /// Types that nobody knows any more; their values are kept aside.
    #[serde(default)]
    pub(crate) kept: Vec<String>,
    /// Systems in no order, which they were not before.
    #[serde(default)]
    pub(crate) ambiguities: Vec<AmbiguityLine>,
    /// Whether the world was built anew.
    pub(crate) rebuilt: bool,
    pub(crate) tasks_cancelled: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RollbackLine {
    /// The module that was asked for, or failed; those that went back with it are joined by `+`.
    pub(crate) module: String,
    pub(crate) modules: Vec<PutBackLine>,
    /// What failed, during its probation; absent if somebody has asked for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) fault: Option<String>,
    /// How many frames the game went back; 0 where it goes on as it is.
    pub(crate) frames_lost: u64,
    pub(crate) pause_ms: f64,
    pub(crate) carried: usize,
    pub(crate) converted: usize,
    pub(crate) defaulted: Vec<String>,
    pub(crate) dropped: Vec<String>,
    /// Every other change of a type, in words.
    pub(crate) changed: Vec<String>,
    /// Whether the world was built anew.
    pub(crate) rebuilt: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutBackLine {
    pub(crate) name: String,
    /// The generation that ran.
    pub(crate) from: u64,
    /// The generation in which the code that was put back went live first.
    pub(crate) to: u64,
    /// Its number now.
    pub(crate) generation: u64,
}

/// Two systems that use the same thing, one of them to write it, and that nobody has put in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AmbiguityLine {
    /// The one that runs first as it is, as `module/system`.
    pub(crate) first: String,
    pub(crate) second: String,
    /// The name of what both use.
    pub(crate) shared: String,
}

/// What is appended to a line for people; nothing where all is in order. The log has what to do about it.
fn in_no_order(ambiguities: &[AmbiguityLine]) -> String {
    let pairs = ambiguities
        .iter()
        .map(|AmbiguityLine { first, second, shared }| format!("{first} and {second} (both use {shared})"));
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() { String::new() } else { format!("; in no order: {}", pairs.join(", ")) }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StagesMs {
    pub(crate) detect: f64,
    pub(crate) build: f64,
    #[serde(default)]
    pub(crate) trial: f64,
    pub(crate) check: f64,
    pub(crate) swap: f64,
}

/// Where a new generation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Resolve,
    Build,
    Check,
    Trial,
    Swap,
}

/// The stable name of a reason, as `rejected` tells it.
pub(crate) fn code_name(code: Code) -> String {
    let name = serde_json::to_value(code).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A backtrace as it is shown below a line.
fn below(backtrace: Option<&str>) -> String {
    backtrace.into_iter().flat_map(str::lines).map(|call| format!("\n    in {call}")).collect()
}

impl Event {
    /// A line of nobody's in particular.
    pub(crate) fn log(level: &str, message: String) -> Self {
        Self::Log { level: level.to_owned(), message, module: None, generation: None }
    }

    /// The line for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Ready { modules, kept, ambiguities } => {
                let names: Vec<_> = modules.iter().map(|module| module.name.as_str()).collect();
                let mut text = format!("{} modules are live: {}", modules.len(), names.join(", "));
                if !kept.is_empty() {
                    text.push_str(&format!("; kept aside, as nobody knows their types: {}", kept.join(", ")));
                }
                text + &in_no_order(ambiguities)
            }
            Self::Stats { frame, fps, frame_ms, entities, .. } => {
                format!("frame {frame}: {fps:.0} fps, {frame_ms:.2} ms a frame, {entities} entities")
            }
            Self::Swap(swap) => swap.text(),
            Self::Rejected { module, stage, code, message, failure, .. } => {
                let stage = format!("{stage:?}").to_lowercase();
                let who = if module.is_empty() { "the workspace or the game" } else { module };
                let calls = below(failure.as_ref().and_then(|failure| failure.backtrace.as_deref()));
                format!("{who} was refused at {stage} [{code}]: {message}{calls}")
            }
            Self::Replayed(line) => line.text(),
            Self::Rewound(line) => line.text(),
            Self::RolledBack(line) => line.text(),
            Self::Restarted { reason, restart_ms } => {
                format!("the engine was started again in {restart_ms:.0} ms: {reason}")
            }
            Self::Resumed { why, put_back, frame, frames_lost, resume_ms } => {
                let put_back: String = put_back.iter().map(|it| format!("; {}", it.text())).collect();
                format!(
                    "the engine process ended: {why}. The game goes on at frame {frame}, {frames_lost} frames lost, \
                     after {resume_ms:.0} ms{put_back}"
                )
            }
            Self::Fault { module, system, message, backtrace, suspended, .. } => {
                let suspended = if *suspended { "; the module is suspended until its next swap" } else { "" };
                format!("{module}/{system} failed: {message}{suspended}{}", below(backtrace.as_deref()))
            }
            Self::Crash(crash) => crash.text(),
            Self::Hang(hang) => hang.text(),
            Self::HangEnded(hang) => hang.ended_text(),
            // As it was written.
            Self::Log { level, message, .. } if level == LEVEL_OUTPUT => message.clone(),
            Self::Log { level, message, .. } => format!("{level}: {message}"),
        }
    }
}

impl PutBack {
    fn text(&self) -> String {
        let Self { module, from, to } = self;
        match (from, to) {
            (Some(from), Some(to)) => {
                format!(
                    "{module} is v{to} again instead of v{from}; mend it and save, and it is swapped as ever"
                )
            }
            (None, Some(to)) => {
                format!(
                    "{module} stays v{to}, its new code was just being put in place; mend it and save, or reload it"
                )
            }
            (_, None) => {
                format!(
                    "{module} is left out, nothing of it was live before; mend it and save, and it comes back"
                )
            }
        }
    }
}

impl From<Fault> for Event {
    fn from(Fault { module, system, message, backtrace, frame, suspended }: Fault) -> Self {
        Self::Fault { module, system, message, backtrace, frame, suspended }
    }
}

impl SwapLine {
    fn text(&self) -> String {
        let StagesMs { detect, build, trial, check, swap } = self.stages_ms;
        let whole = self.edit_to_running_ms.map_or_else(String::new, |ms| format!(" in {ms:.0} ms"));
        let mut text = format!(
            "{} v{} is live{whole}: detect {detect:.0}, build {build:.0}, trial {trial:.0}, check {check:.1}, swap \
             {swap:.2}; paused {:.2} ms; {} values carried, {} converted",
            self.module, self.generation, self.pause_ms, self.carried, self.converted
        );
        if self.paused {
            text.push_str("; its steps run when the game goes on");
        }
        text.push_str(&lists([
            ("defaulted", &self.defaulted),
            ("dropped", &self.dropped),
            ("changed", &self.changed),
            ("kept aside, as nobody knows their types", &self.kept),
        ]));
        text + &in_no_order(&self.ambiguities)
    }
}

impl RollbackLine {
    /// The line for people.
    pub(crate) fn text(&self) -> String {
        let put_back = self.modules.iter().map(|PutBackLine { name, from, to, generation }| {
            format!("{name} v{from} is taken back: v{to} runs again, as v{generation}")
        });
        let mut text = put_back.collect::<Vec<_>>().join("; ");
        if let Some(fault) = &self.fault {
            let frames = if self.frames_lost == 1 { "frame" } else { "frames" };
            text.push_str(&format!(", after {fault}; the game went back {} {frames}", self.frames_lost));
        }
        text.push_str(&format!("; paused {:.2} ms", self.pause_ms));
        let told = [("defaulted", &self.defaulted), ("dropped", &self.dropped), ("changed", &self.changed)];
        text + &lists(told)
    }
}

/// What is appended to a line for people of each list that is not empty.
fn lists<const N: usize>(told: [(&str, &Vec<String>); N]) -> String {
    let lists = told.iter().filter(|(_, fields)| !fields.is_empty());
    lists.map(|(what, fields)| format!("; {what}: {}", fields.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_who_was_refused() {
        let text = |module: &str| {
            let (stage, code, message) = (Stage::Resolve, "conflict".to_owned(), "a cycle".to_owned());
            let module = module.to_owned();
            Event::Rejected { module, stage, code, message, request: None, failure: None }.text()
        };
        assert_eq!(text("swim"), "swim was refused at resolve [conflict]: a cycle");
        assert_eq!(text(""), "the workspace or the game was refused at resolve [conflict]: a cycle");
    }

    fn fault(backtrace: Option<&str>) -> Event {
        let (module, system) = ("swim".to_owned(), "update".to_owned());
        let (message, backtrace) =
            ("panicked at lib.rs:7: no water".to_owned(), backtrace.map(str::to_owned));
        Event::Fault { module, system, message, backtrace, frame: 3, suspended: true }
    }

    #[test]
    fn a_fault_shows_the_calls_that_led_to_it_below() {
        let line =
            "swim/update failed: panicked at lib.rs:7: no water; the module is suspended until its next swap";
        assert_eq!(fault(None).text(), line);
        let calls = "\n    in swim::turn at lib.rs:7\n    in swim::dive at lib.rs:3";
        let told = fault(Some("swim::turn at lib.rs:7\nswim::dive at lib.rs:3")).text();
        assert_eq!(told, format!("{line}{calls}"));
    }

    #[test]
    fn a_rollback_says_what_runs_again_and_why() {
        let put_back = PutBackLine { name: "swim".to_owned(), from: 7, to: 6, generation: 8 };
        let mut line = RollbackLine {
            module: "swim".to_owned(),
            modules: vec![put_back],
            fault: None,
            frames_lost: 0,
            pause_ms: 0.5,
            carried: 3,
            converted: 1,
            defaulted: Vec::new(),
            dropped: vec!["Swim.depth".to_owned()],
            changed: Vec::new(),
            rebuilt: false,
        };
        let asked = "swim v7 is taken back: v6 runs again, as v8; paused 0.50 ms; dropped: Swim.depth";
        assert_eq!(line.text(), asked);
        (line.fault, line.frames_lost) = (Some("swim/update panicked: no water".to_owned()), 1);
        line.dropped.clear();
        let failed = "swim v7 is taken back: v6 runs again, as v8, after swim/update panicked: no water; the game went \
                      back 1 frame; paused 0.50 ms";
        assert_eq!(line.text(), failed);
        let value = serde_json::to_value(Event::RolledBack(Box::new(line))).expect("an event");
        assert_eq!((&value["event"], &value["module"]), (&"rolled_back".into(), &"swim".into()));
    }

    #[test]
    fn a_fault_without_a_backtrace_has_no_such_key() {
        let value = serde_json::to_value(fault(None)).expect("an event");
        assert!(value.get("backtrace").is_none(), "{value}");
        let value = serde_json::to_value(fault(Some("swim::turn"))).expect("an event");
        assert_eq!(value["backtrace"], "swim::turn");
    }
}
