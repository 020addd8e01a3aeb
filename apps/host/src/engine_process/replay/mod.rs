//! A recording run again, as fast as it goes, with the modules as they are now.

mod divergence;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::Receiver;
use keel::engine::EngineConfig;
use keel::types::ViewId;
use keel_registry::{Code, Consent, Rejection};

use super::driver::Driver;
use super::link::Link;
use super::record::library_hash;
use super::swapper::check_all;
use crate::cli::{EngineArgs, RING};
use crate::event::{DivergenceLine, Event, FailureLine, ReplayedLine, Stage, code_name};
use crate::protocol::{FromEngine, Library, ToEngine};
use crate::recording::{
    Change, Game, Parts, Record, RecordedModule, Recording, built_with, differing, take_up,
};
use crate::refusal::unread_game;

/// What Keel itself goes by, among modules.
const KEEL: &str = "keel";

/// A game of which is known that it is as recorded is kept after so many frames, to look closely from there.
const FRAMES_BETWEEN_CHECKPOINTS: u64 = 120;

/// Replays the recording in `file`, tells what came of it, and ends.
pub(super) fn run(
    args: &EngineArgs,
    file: &Path,
    link: &Link,
    orders: &Receiver<ToEngine>,
) -> anyhow::Result<()> {
    let Some((modules, views)) = wait_for_modules(orders)? else { return Ok(()) };
    let tell = |event| link.send(&FromEngine::Event(event));
    let settings = Settings { threads: args.threads, until: args.until.unwrap_or(u64::MAX) };
    let replayed = read(file).and_then(|recording| {
        let mut replay = Replay::begin(settings, &recording, modules, &views, &tell)?;
        replay.run(&recording)
    });
    let refused = replayed.is_err();
    tell(match replayed {
        Ok(line) => Event::Replayed(Box::new(line)),
        Err(rejection) => rejected(rejection),
    });
    link.send(&FromEngine::Done { failed: false, refused });
    Ok(())
}

/// The modules, and the views that the workspace has; none if this was not to be after all.
fn wait_for_modules(orders: &Receiver<ToEngine>) -> anyhow::Result<Option<(Vec<Library>, Vec<String>)>> {
    let mut planned = Vec::new();
    loop {
        match orders.recv().context("the supervisor has gone")? {
            ToEngine::Load { modules, .. } => return Ok(Some((modules, planned))),
            ToEngine::Plan { views } => planned = views,
            ToEngine::Stop => return Ok(None),
            _ => {}
        }
    }
}

fn read(file: &Path) -> Result<Recording, Rejection> {
    let unread = |error| Rejection::new("", Code::NoSnapshot, unread_game(file, &error));
    let bytes = std::fs::read(file).map_err(unread)?;
    Recording::parse(&bytes).map_err(|error| {
        Rejection::new("", Code::RestoreFailed, format!("{} can't be replayed: {error}", file.display()))
    })
}

/// A path beside that of a library which nobody else uses: a path is opened once.
fn copy_beside(library: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = library.file_stem().unwrap_or_default().to_string_lossy();
    let copy = library.with_file_name(format!("{name}-replay-{}-{number}", std::process::id()));
    library.extension().map_or(copy.clone(), |extension| copy.with_extension(extension))
}

fn rejected(Rejection { module, code, message, panicked }: Rejection) -> Event {
    Event::Rejected {
        module,
        stage: Stage::Check,
        code: code_name(code),
        message,
        request: None,
        failure: panicked.map(|panicked| FailureLine::panic(*panicked, 0)),
    }
}

/// How a recording is run again.
#[derive(Clone, Copy)]
struct Settings {
    /// How many threads systems run on; 0 for as many as is fastest.
    threads: usize,
    /// The last frame, as the game counts them.
    until: u64,
}

/// A recording that is being run again.
struct Replay<'t> {
    driver: Driver,
    /// Takes what happens on the way.
    tell: &'t dyn Fn(Event),
    /// The modules as they are now, by name.
    libraries: BTreeMap<String, Library>,
    /// Modules whose libraries are others than those that were recorded, and maybe Keel itself.
    changed: BTreeSet<String>,
    /// Modules that were recorded, and are not there any more.
    missing: BTreeSet<String>,
    until: u64,
    frames: u64,
    hashes: u64,
    /// The hashes as recorded, all of them.
    recorded: Parts,
    checkpoint: Checkpoint,
    /// The end as recorded.
    end: Option<Game>,
}

/// A place in the recording at which the game is known to be as recorded.
#[derive(Clone, Default)]
struct Checkpoint {
    /// The records from here on come after it.
    record: usize,
    frame: u64,
    game: Vec<u8>,
    /// The last hashes that were equal: the records from here on come after them.
    equal: usize,
}

impl<'t> Replay<'t> {
    fn begin(
        settings: Settings,
        recording: &Recording,
        modules: Vec<Library>,
        views: &[String],
        tell: &'t dyn Fn(Event),
    ) -> Result<Self, Rejection> {
        let terminal = recording.records.iter().find_map(|record| match record {
            Record::Frame(input) => Some(input.terminal),
            _ => None,
        });
        let config = EngineConfig {
            step: recording.head.step,
            seed: recording.head.seed,
            threads: settings.threads,
            always_parallel: settings.threads > 1,
            ..EngineConfig::default()
        };
        let mut driver = Driver::new(config, None, RING, terminal.flatten(), false);
        driver.registry.plan_views(views.iter().map(|view| ViewId::of(view)));
        let libraries = modules.into_iter().map(|library| (library.module.clone(), library)).collect();
        let mut replay = Self {
            driver,
            tell,
            libraries,
            changed: BTreeSet::new(),
            missing: BTreeSet::new(),
            until: settings.until,
            frames: 0,
            hashes: 0,
            recorded: Parts::new(),
            checkpoint: Checkpoint::default(),
            end: None,
        };
        let Some(Record::Start(Game(game))) = recording.records.first() else { return Ok(replay) };
        if recording.head.keel != built_with() {
            replay.changed.insert(KEEL.to_owned());
        }
        let modules = replay.compare_modules(&recording.head.modules);
        replay
            .load(modules, |driver, candidates| driver.begin(candidates, Some(game), Consent::AcceptLoss))?;
        Ok(replay)
    }

    fn run(&mut self, recording: &Recording) -> Result<ReplayedLine, Rejection> {
        let begin = Instant::now();
        let mut divergence = None;
        self.keep_checkpoint(1)?;
        for (number, record) in recording.records.iter().enumerate().skip(1) {
            let is_over = self.driver.engine.time().frame >= self.until;
            if is_over && matches!(record, Record::Frame(_) | Record::Change(_) | Record::Start(_)) {
                break;
            }
            match record {
                Record::Hashes(news) => {
                    let differ = self.compare(news)?;
                    if !differ.is_empty() {
                        divergence = Some(self.diagnose(&recording.records, number, &differ));
                        break;
                    }
                    self.checkpoint.equal = number + 1;
                    let frames = self.driver.engine.time().frame.saturating_sub(self.checkpoint.frame);
                    if frames >= FRAMES_BETWEEN_CHECKPOINTS {
                        self.keep_checkpoint(number + 1)?;
                    }
                }
                record => self.take(record)?,
            }
        }
        let time = begin.elapsed().as_secs_f64();
        self.line(recording, divergence, time)
    }

    /// Runs a frame, or makes a change.
    fn take(&mut self, record: &Record) -> Result<(), Rejection> {
        match record {
            Record::Frame(input) => {
                self.frames += 1;
                let framed = self.driver.frame(input, Duration::ZERO);
                self.driver.registry.tidy();
                for fault in framed.faults {
                    (self.tell)(fault.into());
                }
            }
            Record::Change(change) => self.change(change)?,
            Record::Start(Game(game)) => {
                self.driver.rewind(game, Consent::AcceptLoss)?;
                self.recorded.clear();
            }
            Record::End(game) => self.end = Some(game.clone()),
            Record::Hashes(_) | Record::Head(_) => {}
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<(), Rejection> {
        match change {
            Change::Swap { modules, .. } => {
                let modules = self.compare_modules(modules);
                self.load(modules, |driver, candidates| driver.swap(candidates, Consent::AcceptLoss))
            }
            Change::Remove { modules } => {
                let live = self.driver.registry.modules();
                let is_live = |module: &&String| live.iter().any(|status| status.name == **module);
                let modules: Vec<_> = modules.iter().filter(is_live).map(String::as_str).collect();
                self.driver.remove(&modules)
            }
            Change::Reset => self.driver.reset().map(|failed| self.tell_all(failed)),
        }
    }

    /// Those of the recorded modules that are there, as they are now. Notes which have changed, or are gone.
    fn compare_modules(&mut self, recorded: &[RecordedModule]) -> Vec<Library> {
        let mut there = Vec::new();
        for module in recorded {
            let Some(library) = self.libraries.get(&module.name) else {
                self.missing.insert(module.name.clone());
                continue;
            };
            // 0 where it was not asked.
            if module.library != 0 && library_hash(Some(&library.path)) != module.library {
                self.changed.insert(module.name.clone());
            }
            there.push(library.clone());
        }
        there
    }

    /// Has `put` put these modules in place, each from a copy of its own. The order is that of the workspace.
    fn load(
        &mut self,
        mut modules: Vec<Library>,
        put: impl FnOnce(
            &mut Driver,
            Vec<keel_registry::Candidate>,
        ) -> Result<keel_registry::SwapReport, Rejection>,
    ) -> Result<(), Rejection> {
        for library in &mut modules {
            let copy = copy_beside(&library.path);
            std::fs::copy(&library.path, &copy).map_err(|error| {
                let message = format!("{} can't be copied: {error}; is there room?", library.path.display());
                Rejection::new(&library.module, Code::NotOpened, message)
            })?;
            library.path = copy;
        }
        let registry = &self.driver.registry;
        let generations: Vec<_> =
            modules.iter().map(|library| registry.next_generation(&library.module)).collect();
        let checked = check_all(&registry.checker(), modules, |index| generations[index]);
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        for (_, outcome) in checked {
            match outcome {
                Ok(candidate) => candidates.push(candidate),
                Err(rejection) => refused.push(rejection),
            }
        }
        self.tell_all(refused);
        let report = put(&mut self.driver, candidates)?;
        self.tell_all(report.failed_starts);
        Ok(())
    }

    fn tell_all(&self, refused: Vec<Rejection>) {
        refused.into_iter().for_each(|rejection| (self.tell)(rejected(rejection)));
    }

    /// What of the state has other hashes than those recorded.
    fn compare(&mut self, news: &Parts) -> Result<Parts, Rejection> {
        take_up(&mut self.recorded, news);
        self.hashes += 1;
        let now = self.driver.registry.state_hash_parts(&self.driver.engine)?;
        Ok(differing(&self.recorded, &now))
    }

    fn keep_checkpoint(&mut self, record: usize) -> Result<(), Rejection> {
        let game = self.driver.save(std::mem::take(&mut self.checkpoint.game))?;
        let frame = self.driver.engine.time().frame;
        self.checkpoint = Checkpoint { record, frame, game, equal: record };
        Ok(())
    }

    fn line(
        &mut self,
        recording: &Recording,
        divergence: Option<DivergenceLine>,
        time: f64,
    ) -> Result<ReplayedLine, Rejection> {
        let live = self.driver.registry.modules();
        let is_left_out = |name: &&String| !live.iter().any(|status| status.name == **name);
        let left_out = self.libraries.keys().filter(is_left_out).cloned().collect();
        let (frame, entities) = (self.driver.engine.time().frame, self.driver.engine.world().len());
        let hash = self.driver.registry.state_hash(&self.driver.engine)?;
        let outcome = self.end.take().map(|end| self.outcome(&end)).transpose()?;
        Ok(ReplayedLine {
            frames: self.frames,
            frame,
            fps: self.frames as f64 / time.max(1e-9),
            torn_bytes: recording.torn_bytes,
            hashes: self.hashes,
            entities,
            world_hash: format!("{hash:016x}"),
            changed: self.changed.iter().cloned().collect(),
            missing: self.missing.iter().cloned().collect(),
            left_out,
            divergence,
            outcome,
        })
    }
}
