//! Random games: what was recorded comes of it again, on any number of threads, and after going back.

use std::path::PathBuf;

use keel::console::Key;
use keel_fixture::{Fixture, Scratch};

use super::*;
use crate::engine_process::input::FrameInput;
use crate::recording::{Head, RecordingWriter};

const TYPES: &str = r#"
use keel::prelude::*;
#[component] #[derive(Debug, Default)] pub struct Depth { pub at: u64 }
#[component(tracked)] #[derive(Debug, Default)] pub struct Heat { pub of: u64 }
#[event] #[derive(Debug)] pub struct Wave { pub height: u64 }
#[resource] #[derive(Debug, Default)] pub struct Pressed { pub keys: u64 }
#[model(limit = 8)] #[derive(Clone, Debug, Default)] pub struct Chart { pub noted: u64 }
keel::model! { components: [Depth, Heat], resources: [Pressed], events: [Wave], models: [Chart] }
"#;

/// Uses all that must come back. `sink` and `warm` may run side by side. What is added to a heat changes nothing else, if it
/// is a multiple of 11.
const POND: &str = r#"
use keel::console::Terminal;
use keel::prelude::*;
use pond_types::*;

#[data] #[derive(Default)] pub struct Pond { pub updates: u64 }
#[data] #[derive(Default)] pub struct Count { pub runs: u64 }

fn sink(mut depths: Query<(Entity, &mut Depth)>, mut waves: EventWriter<Wave>) {
    for (entity, depth) in depths.iter_mut() {
        depth.at = depth.at.wrapping_mul(31) ^ u64::from(entity.index());
        if depth.at % 7 == 0 { waves.send(Wave { height: depth.at }); }
    }
}

fn warm(mut heats: Query<&mut Heat>, time: Time) {
    heats.iter_mut().for_each(|mut heat| heat.of = heat.of.wrapping_mul(17) + time.step);
}

fn bear(mut count: Local<Count>, mut waves: EventReader<Wave>, mut random: ResMut<Random>, commands: &mut Commands) {
    for wave in waves.read() {
        count.runs += 1;
        if random.one_in(3) { commands.spawn((Depth { at: wave.height + count.runs }, Heat { of: random.bits() })); }
    }
}

fn thin(changed: Query<(Entity, &Heat), Changed<Heat>>, commands: &mut Commands) {
    changed.iter().filter(|(_, heat)| heat.of % 11 == 0).for_each(|(entity, _)| { commands.despawn(entity); });
}

fn keys(frame: &mut Frame<'_>) -> ModuleResult {
    loop {
        let key = frame.models::<Terminal>()?.get_mut(Terminal::MAIN)?.next_pressed();
        let Some(key) = key else { return Ok(()) };
        let mut pressed = frame.world.resource_mut::<Pressed>()?;
        pressed.keys = pressed.keys.wrapping_mul(13) + if key == Key::Up { 1 } else { 2 };
    }
}

use keel::console::Key;

#[view_model]
impl ViewModel for Pond {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("sink", sink);
        setup.system("warm", warm);
        setup.system_with(SystemDescriptor::new("bear").after("sink"), bear);
        setup.system_with(SystemDescriptor::new("thin").after("bear"), thin);
        setup.system_with(SystemDescriptor::new("keys").stage(Stage::Frame), keys);
        setup.handler("ring", |frame: &mut Frame<'_>, by: u64| {
            frame.world.spawn((Depth { at: by },));
        });
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Pressed::default())?;
        for number in 0..40 { frame.world.spawn((Depth { at: number }, Heat { of: number * 3 })); }
        frame.timers.every(std::time::Duration::from_millis(70), "ring", &5_u64)?;
        frame.models::<Chart>()?.take()?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.updates += 1;
        let pressed = frame.world.resource::<Pressed>()?.keys;
        frame.models::<Chart>()?.get_mut(ModelId::new(0, 0))?.noted = self.updates ^ pressed;
        Ok(())
    }
}

keel::export_module! { view_model: Pond, models: [pond_types] }
// LABEL
"#;

/// Where chance comes from: the same for the same seed. Constants of Knuth's MMIX.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A frame of up to four steps, now and then with keys or in a game that stands still.
    fn frame(&mut self) -> Record {
        let keys = (0..self.below(8).saturating_sub(5))
            .map(|_| if self.below(2) == 0 { Key::Up } else { Key::Down });
        let keys = keys.collect();
        let paused = self.below(10) == 0;
        let dt = if paused { Duration::ZERO } else { Duration::from_micros(self.below(40_000)) };
        Record::Frame(FrameInput { dt, paused, keys, ..FrameInput::default() })
    }
}

/// The two modules. The second one is built in generations that do the same: as new sources, and optimised, as a release is.
struct Libraries {
    model: PathBuf,
    ponds: [PathBuf; 3],
    scratch: Scratch,
}

impl Libraries {
    fn build() -> Self {
        let types = Fixture::types("pond-types").source(TYPES).build();
        let model = Fixture::module("pond-model").source("keel::export_module! { model: pond_types }");
        let model = model.with("pond_types", &types).build();
        let pond = |label: &str, optimised: &str| {
            let source = POND.replace("LABEL", label);
            let pond = Fixture::module("pond").source(source).with("pond_types", &types);
            pond.flag(format!("-Copt-level={optimised}")).build()
        };
        Self {
            model,
            ponds: [pond("one", "0"), pond("two", "0"), pond("three", "3")],
            scratch: Scratch::new(),
        }
    }

    fn all(&self, pond: usize) -> Vec<Library> {
        [("pond-model", &self.model), ("pond", &self.ponds[pond])].map(|it| self.copied(it)).to_vec()
    }

    fn copied(&self, (module, path): (&str, &PathBuf)) -> Library {
        Library { module: module.to_owned(), path: self.scratch.copy(path), generation: 0, stated: None }
    }
}

fn recorded(libraries: &[Library]) -> Vec<RecordedModule> {
    let recorded = libraries.iter().map(|library| RecordedModule {
        name: library.module.clone(),
        version: "1.0.0".to_owned(),
        library: library_hash(Some(&library.path)),
    });
    recorded.collect()
}

/// A game that is played at random.
struct Played<'l> {
    libraries: &'l Libraries,
    driver: Driver,
    chance: Chance,
    writer: RecordingWriter,
    pond: usize,
}

const STEP: Duration = Duration::from_millis(10);

impl<'l> Played<'l> {
    fn begin(libraries: &'l Libraries, seed: u64) -> Self {
        let config = EngineConfig { step: STEP, seed, threads: 1, ..EngineConfig::default() };
        let driver = Driver::new(config, None, crate::cli::RING, None, false);
        let mut played =
            Self { libraries, driver, chance: Chance(seed), writer: RecordingWriter::default(), pond: 0 };
        let all = libraries.all(0);
        let modules = recorded(&all);
        let candidates = played.candidates(all);
        played.driver.begin(candidates, None, Consent::Lossless).unwrap();
        played.write(&Record::Head(Head { keel: built_with(), step: STEP, seed, modules }));
        played.write_start();
        played
    }

    fn candidates(&self, libraries: Vec<Library>) -> Vec<keel_registry::Candidate> {
        let checked = check_all(&self.driver.registry.checker(), libraries, |_| 0);
        checked.into_iter().map(|(_, outcome)| outcome.unwrap()).collect()
    }

    fn write(&mut self, record: &Record) {
        self.writer.add(record).unwrap();
    }

    fn write_start(&mut self) {
        let game = self.driver.save(Vec::new()).unwrap();
        self.write(&Record::Start(Game(game)));
        self.write_hashes();
    }

    fn write_hashes(&mut self) {
        let parts = self.driver.registry.state_hash_parts(&self.driver.engine).unwrap();
        self.write(&Record::Hashes(parts));
    }

    fn frame(&mut self) -> Record {
        let record = self.chance.frame();
        self.write(&record);
        self.run(&record);
        self.write_hashes();
        record
    }

    fn run(&mut self, record: &Record) {
        let Record::Frame(input) = record else { panic!("{record:?}") };
        let framed = self.driver.frame(input, Duration::ZERO);
        assert_eq!(framed.faults, []);
        self.driver.registry.tidy();
    }

    /// A swap that changes nothing.
    fn swap(&mut self) {
        self.pond = (self.pond + 1) % self.libraries.ponds.len();
        let library = self.libraries.copied(("pond", &self.libraries.ponds[self.pond]));
        let modules = recorded(std::slice::from_ref(&library));
        let candidates = self.candidates(vec![library]);
        self.driver.swap(candidates, Consent::Lossless).unwrap();
        self.write(&Record::Change(Change::Swap { modules, accept_loss: false }));
    }

    fn reset(&mut self) {
        self.driver.reset().unwrap();
        self.write(&Record::Change(Change::Reset));
    }

    /// Goes back some frames, runs them again, and must be where it was.
    fn back_and_again(&mut self) {
        let before = self.driver.save(Vec::new()).unwrap();
        let frames: Vec<_> = (0..self.chance.below(12)).map(|_| self.frame()).collect();
        let after = self.driver.save(Vec::new()).unwrap();
        self.driver.rewind(&before, Consent::Lossless).unwrap();
        self.write_start();
        for record in &frames {
            self.write(record);
            self.run(record);
            self.write_hashes();
        }
        assert!(self.driver.save(Vec::new()).unwrap() == after, "to the byte, with all that is in no hash");
    }

    fn play(&mut self, actions: u32) {
        for _ in 0..actions {
            match self.chance.below(20) {
                0 => self.swap(),
                1 => self.reset(),
                2 => self.back_and_again(),
                _ => drop(self.frame()),
            }
        }
    }

    fn end(&mut self) -> (Vec<u8>, String) {
        let game = self.driver.save(Vec::new()).unwrap();
        self.write(&Record::End(Game(game)));
        let hash = self.driver.registry.state_hash(&self.driver.engine).unwrap();
        (self.writer.take(), format!("{hash:016x}"))
    }
}

fn replayed(file: &[u8], libraries: Vec<Library>, threads: usize) -> ReplayedLine {
    let recording = Recording::parse(file).unwrap();
    let settings = Settings { threads, until: u64::MAX };
    let tell = |event: Event| panic!("{}", event.text());
    let mut replay = Replay::begin(settings, &recording, libraries, &[], &tell).unwrap();
    replay.run(&recording).unwrap()
}

#[test]
fn a_random_game_comes_out_the_same_on_any_number_of_threads() {
    let libraries = Libraries::build();
    for seed in 1..=6 {
        let mut played = Played::begin(&libraries, seed);
        played.play(60);
        let (file, hash) = played.end();
        for (threads, pond) in [(1, 0), (2, 1), (4, 2)] {
            let line = replayed(&file, libraries.all(pond), threads);
            assert_eq!(
                (&line.divergence, &line.world_hash),
                (&None, &hash),
                "seed {seed}, {threads} threads"
            );
            // With what is in no hash: the fields of modules, and what systems keep.
            let outcome = line.outcome.clone().unwrap();
            assert_eq!((outcome.differ, &outcome.world_hash_before), (vec![], &hash), "seed {seed}");
            assert!(line.hashes > 40 && line.frames > 40, "seed {seed}: {line:?}");
            assert_eq!((line.missing, line.left_out), (vec![], vec![]));
        }
    }
}

#[test]
fn no_frame_of_a_damaged_recording_ends_the_process() {
    let libraries = Libraries::build();
    let mut played = Played::begin(&libraries, 5);
    let keys = vec![Key::Letter('\u{10ffff}'); 300];
    for terminal in [None, Some((0, 0)), Some((u16::MAX, u16::MAX))] {
        let (dt, now) = (Duration::MAX, Duration::MAX);
        let input = FrameInput { dt, now, terminal, keys: keys.clone(), ..FrameInput::default() };
        played.write(&Record::Frame(input));
    }
    played.write(&Record::Hashes(Parts::from([("nothing".to_owned(), 0), (String::new(), 7)])));
    let file = played.writer.take();
    let line = replayed(&file, libraries.all(0), 1);
    assert_eq!((line.frames, line.divergence.map(|found| found.frame)), (3, Some(3)));

    let mut played = Played::begin(&libraries, 5);
    played.write(&Record::Start(Game(vec![1, 2, 3])));
    let file = played.writer.take();
    let recording = Recording::parse(&file).unwrap();
    let settings = Settings { threads: 1, until: u64::MAX };
    let mut replay = Replay::begin(settings, &recording, libraries.all(0), &[], &|_| {}).unwrap();
    assert_eq!(replay.run(&recording).unwrap_err().code, Code::RestoreFailed);
}

#[test]
fn other_code_parts_from_the_recording_in_the_frame_in_which_it_does_something_else() {
    let libraries = Libraries::build();
    let mut played = Played::begin(&libraries, 9);
    (0..30).for_each(|_| drop(played.frame()));
    let steps = played.driver.engine.time().step;
    (0..200).for_each(|_| drop(played.frame()));
    let (file, _) = played.end();
    let other =
        POND.replace("+ time.step", &format!("+ time.step + 11 * u64::from(time.step == {})", steps + 1));
    let types = Fixture::types("pond-types").source(TYPES).build();
    let other = Fixture::module("pond").source(other).with("pond_types", &types).build();
    let mut all = libraries.all(0);
    all[1] = libraries.copied(("pond", &other));
    let found = replayed(&file, all.clone(), 2).divergence.unwrap();
    assert_eq!(
        (found.system.as_deref(), &found.components[..]),
        (Some("pond/warm"), &["Heat".to_owned()][..])
    );
    assert_eq!((found.repeats, found.message.contains("built anew since: pond")), (Some(true), true));
    // In the frame in which the next step was run.
    let recording = Recording::parse(&file).unwrap();
    let settings = |until| Settings { threads: 1, until };
    for (until, differs) in [(found.frame - 1, false), (found.frame, true)] {
        let mut replay = Replay::begin(settings(until), &recording, all.clone(), &[], &|_| {}).unwrap();
        assert_eq!(replay.run(&recording).unwrap().divergence.is_some(), differs, "until {until}");
        assert_eq!(replay.driver.engine.time().step > steps, differs, "until {until}");
    }
}

#[test]
fn a_module_that_is_gone_or_new_is_named() {
    let libraries = Libraries::build();
    let mut played = Played::begin(&libraries, 3);
    (0..5).for_each(|_| drop(played.frame()));
    let (file, _) = played.end();
    let [model, pond] = <[_; 2]>::try_from(libraries.all(0)).unwrap();
    let stranger = Library { module: "stranger".to_owned(), ..pond };
    let line = replayed(&file, vec![model, stranger], 1);
    assert_eq!((line.missing, line.left_out), (vec!["pond".to_owned()], vec!["stranger".to_owned()]));
    assert!(line.divergence.is_some());
}
