//! Timers: exact to the nanosecond in simulation time, in the order in which they are due.

use std::time::Duration;

use keel_engine::{Engine, EngineSnapshot, Frame, ModuleTag, SystemDescriptor};

use crate::{Diary, STEP, add, engine};

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

/// An engine whose module `clock` notes when its handler `ring` is called, and with what.
fn clock(diary: &Diary) -> (Engine, ModuleTag) {
    let (mut engine, module) = (engine(), ModuleTag::new("clock"));
    let diary = diary.clone();
    let ring = move |frame: &mut Frame<'_>, name: String| {
        diary.note(format!("{name} at {}", frame.time.now.as_nanos() / 1000));
    };
    engine.add_handler(&module, "ring", ring).unwrap();
    (engine, module)
}

fn start(engine: &mut Engine, module: &ModuleTag, delay: Duration, name: &str) -> u64 {
    let started =
        engine.run_as(module, |frame| Ok(frame.timers.once(delay, "ring", &name.to_owned()).unwrap()));
    started.unwrap()
}

fn start_repeating(engine: &mut Engine, module: &ModuleTag, period: Duration, name: &str) -> u64 {
    let name = name.to_owned();
    engine.run_as(module, |frame| Ok(frame.timers.every(period, "ring", &name).unwrap())).unwrap()
}

#[test]
fn timers_ring_when_they_are_due_and_not_when_the_step_ends() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    add(&mut engine, &diary, "sea", SystemDescriptor::new("flow"));
    for (delay, name) in
        [(us(12_000), "d"), (us(3_001), "c"), (us(3_000), "a"), (us(3_000), "b"), (STEP, "end")]
    {
        start(&mut engine, &module, delay, name);
    }
    start(&mut engine, &module, Duration::ZERO, "now");
    engine.update(STEP - us(1));
    assert_eq!(diary.take(), Vec::<String>::new(), "no step, no time");
    engine.update(us(1));
    assert_eq!(diary.take(), ["now at 0", "a at 3000", "b at 3000", "c at 3001", "end at 10000", "sea/flow"]);
    engine.update(STEP);
    assert_eq!(diary.take(), ["d at 12000", "sea/flow"]);
    assert_eq!(engine.time().now, STEP * 2);
}

#[test]
fn repeating_timers_do_not_drift() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    start_repeating(&mut engine, &module, us(3_333), "tick");
    for _ in 0..10 {
        engine.update(STEP);
    }
    let expected: Vec<_> = (1..=30).map(|count| format!("tick at {}", count * 3_333)).collect();
    assert_eq!(diary.take(), expected);

    // A period of nothing would never let the step end; it counts as a millisecond.
    let (mut engine, module) = clock(&diary);
    start_repeating(&mut engine, &module, Duration::ZERO, "tick");
    engine.update(STEP);
    assert_eq!(diary.take().len(), 10);
}

#[test]
fn two_timers_in_one_step_take_turns() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    start_repeating(&mut engine, &module, us(4_000), "four");
    start_repeating(&mut engine, &module, us(3_000), "three");
    engine.update(STEP);
    let expected = ["three at 3000", "four at 4000", "three at 6000", "four at 8000", "three at 9000"];
    assert_eq!(diary.take(), expected);
}

#[test]
fn a_timer_starts_others_at_its_own_time() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    let again = |frame: &mut Frame<'_>, left: u32| {
        if left > 0 {
            frame.timers.once(us(2_000), "again", &(left - 1)).unwrap();
        }
        frame.timers.once(us(500), "ring", &format!("{left}")).unwrap();
    };
    engine.add_handler(&module, "again", again).unwrap();
    engine.run_as(&module, |frame| Ok(frame.timers.once(us(1_000), "again", &2_u32).unwrap())).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["2 at 1500", "1 at 3500", "0 at 5500"]);
}

/// Lets module `name` have a timer that starts itself again so many times without a delay.
fn restart(engine: &mut Engine, name: &str, times: u32) -> ModuleTag {
    let module = ModuleTag::new(name);
    let again = |frame: &mut Frame<'_>, left: u32| {
        if left > 0 {
            frame.timers.once(Duration::ZERO, "again", &(left - 1)).unwrap();
        }
    };
    engine.add_handler(&module, "again", again).unwrap();
    start_chain(engine, &module, times);
    module
}

fn start_chain(engine: &mut Engine, module: &ModuleTag, times: u32) {
    let start = |frame: &mut Frame<'_>| Ok(frame.timers.once(us(1_000), "again", &times).unwrap());
    engine.run_as(module, start).unwrap();
}

#[test]
fn a_timer_that_starts_itself_again_without_end_suspends_its_module_and_the_step_ends() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    // None is without an end here, so that a step which lets it run comes to one.
    let endless = restart(&mut engine, "endless", 100_000);
    let long = restart(&mut engine, "long", 65_536);
    start(&mut engine, &module, us(1_000), "others ring");
    engine.update(STEP);
    let faults: Vec<_> = engine.take_faults();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(
        (fault.module.as_str(), fault.system.as_str(), fault.suspended),
        ("endless", "call again", true)
    );
    assert!(fault.message.contains("65536 times within one step"), "{}", fault.message);
    assert_eq!(diary.take(), ["others ring at 1000"]);
    assert_eq!(engine.time().now, STEP);
    let runs = |engine: &mut Engine, module: &ModuleTag| {
        engine.run_as(module, |frame| Ok(frame.timers.is_running("again"))).unwrap()
    };
    assert!(!runs(&mut engine, &endless) && !runs(&mut engine, &long), "nothing of it waits");

    // It counts for each step anew.
    start_chain(&mut engine, &long, 65_536);
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn timers_are_cancelled_by_their_own_module_alone() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    let once = start(&mut engine, &module, us(1_000), "once");
    let ticking = start_repeating(&mut engine, &module, us(6_000), "tick");
    let stranger = ModuleTag::new("stranger");
    assert!(!engine.run_as(&stranger, |frame| Ok(frame.timers.cancel(once))).unwrap());
    assert!(engine.run_as(&module, |frame| Ok(frame.timers.cancel(once))).unwrap());
    assert!(!engine.run_as(&module, |frame| Ok(frame.timers.cancel(once))).unwrap());
    engine.update(STEP);
    assert_eq!(diary.take(), ["tick at 6000"]);
    assert!(engine.run_as(&module, |frame| Ok(frame.timers.is_running("ring"))).unwrap());
    assert!(engine.run_as(&module, |frame| Ok(frame.timers.cancel(ticking))).unwrap());
    assert!(!engine.run_as(&module, |frame| Ok(frame.timers.is_running("ring"))).unwrap());
    engine.update(STEP);
    assert_eq!(diary.take(), Vec::<String>::new());
    start(&mut engine, &module, us(1_000), "late");
    engine.remove_module(&module);
    engine.update(STEP);
    assert_eq!(diary.take(), Vec::<String>::new(), "a removed module's timers end");
}

#[test]
fn timers_calls_and_time_survive_a_save() {
    let diary = Diary::default();
    let (mut engine, module) = clock(&diary);
    start_repeating(&mut engine, &module, us(6_000), "tick");
    engine.update(STEP + us(4_000));
    engine
        .run_as(&module, |frame| frame.calls.call("ring", &"call".to_owned()).map_err(|it| it.to_string()))
        .unwrap();
    let mut snapshot = EngineSnapshot::new();
    engine.save(&mut snapshot).unwrap();
    diary.take();
    engine.update(us(6_000));
    let expected = diary.take();
    assert_eq!(expected, ["call at 10000", "tick at 12000", "tick at 18000"]);

    let mut file = keel_state::SnapshotWriter::new(Vec::new());
    snapshot.write(&mut file).unwrap();
    let bytes = file.finish();
    let read = EngineSnapshot::read(&keel_state::Snapshot::parse(&bytes).unwrap()).unwrap();
    let (mut again, _) = clock(&diary);
    again.restore_clock(&read);
    assert_eq!((again.time().step, again.time().now), (1, STEP));
    again.update(us(6_000));
    assert_eq!(diary.take(), expected);
}
