//! Background tasks: they end before their module is swapped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use keel_engine::{DrainReport, Engine, Frame, ModuleTag};

use crate::{Diary, STEP, engine};

const LONG: Duration = Duration::from_secs(60);

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn spawn(engine: &mut Engine, module: &ModuleTag, future: impl Future<Output = ()> + Send + 'static) {
    let spawn = |frame: &mut Frame<'_>| {
        frame.tasks.spawn("task", future);
        Ok(())
    };
    engine.run_as(module, spawn).unwrap();
}

#[test]
fn a_task_that_waits_for_ever_is_gone_when_drain_returns() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(Arc::clone(&dropped));
    spawn(&mut engine, &module, async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    assert!(engine.has_pending_work());
    assert_eq!(engine.run_as(&module, |frame| Ok(frame.tasks.running())), Ok(1));
    let report = engine.drain_tasks(module.id(), Duration::from_millis(10));
    assert_eq!(report, DrainReport { finished: 0, cancelled: 1 });
    assert!(dropped.load(Ordering::SeqCst), "the future's drop ran before drain returned");
    assert_eq!(engine.run_as(&module, |frame| Ok(frame.tasks.running())), Ok(0));
    assert!(!engine.has_pending_work());
}

#[test]
fn tasks_that_have_settled_have_all_had_a_turn() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    engine.settle_tasks(LONG);
    let turns = Arc::new(AtomicU32::new(0));
    for _ in 0..100 {
        let turns = Arc::clone(&turns);
        spawn(&mut engine, &module, async move {
            std::thread::sleep(Duration::from_micros(100));
            turns.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        });
    }
    engine.settle_tasks(LONG);
    assert_eq!(turns.load(Ordering::SeqCst), 100);
    // One that does not come to its end is not waited for longer than that.
    spawn(&mut engine, &module, async { std::thread::sleep(Duration::from_millis(50)) });
    engine.settle_tasks(Duration::ZERO);
}

#[test]
fn a_task_that_ends_in_time_is_waited_for() {
    let (mut engine, module, diary) = (engine(), ModuleTag::new("post"), Diary::default());
    let noted = diary.clone();
    engine
        .add_handler(&module, "receive", move |_: &mut Frame<'_>, letter: String| noted.note(letter))
        .unwrap();
    let caller = engine.run_as(&module, |frame| Ok(frame.calls.clone())).unwrap();
    // It goes on only when the drain has begun, or that is so near that it makes no difference.
    let (begin, begun) = async_channel::bounded::<()>(1);
    spawn(&mut engine, &module, async move {
        begun.recv().await.unwrap();
        keel_engine::sleep(Duration::from_millis(1)).await;
        caller.call("receive", &"ahoy".to_owned()).unwrap();
    });
    begin.send_blocking(()).unwrap();
    assert_eq!(engine.drain_tasks(module.id(), LONG), DrainReport { finished: 1, cancelled: 0 });
    engine.update(STEP);
    assert_eq!(diary.take(), ["ahoy"], "what a task handed over survives it");
}

#[test]
fn only_the_module_asked_for_is_drained() {
    let (mut engine, one, other) = (engine(), ModuleTag::new("one"), ModuleTag::new("other"));
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(Arc::clone(&dropped));
    spawn(&mut engine, &other, async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    assert_eq!(engine.drain_tasks(one.id(), LONG), DrainReport::default());
    assert!(!dropped.load(Ordering::SeqCst));
    drop(engine);
    assert!(dropped.load(Ordering::SeqCst), "an engine's end is the end of its tasks");
}

#[test]
fn a_panic_in_a_task_is_reported_and_ends_that_task_alone() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    spawn(&mut engine, &module, async { panic!("no wind") });
    spawn(&mut engine, &module, async move {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(engine.drain_tasks(module.id(), LONG).finished, 2);
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].system.as_str(), faults[0].message.as_str()), ("task task", "panicked: no wind"));
    assert_eq!((faults[0].frame, runs.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_panic_whose_payload_panics_in_its_drop_ends_its_task_alone() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    spawn(&mut engine, &module, async { std::panic::panic_any(crate::Thrown) });
    assert_eq!(engine.drain_tasks(module.id(), LONG).finished, 1);
    // Others run on the same thread.
    spawn(&mut engine, &module, async {});
    assert_eq!(engine.drain_tasks(module.id(), LONG).finished, 1);
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].message, "panicked: (no message)");
}

#[test]
fn a_cancelled_task_whose_drop_panics_ends_alone() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    spawn(&mut engine, &module, async {
        let _thrown = crate::Thrown;
        std::future::pending::<()>().await;
    });
    assert_eq!(engine.drain_tasks(module.id(), Duration::from_millis(10)).cancelled, 1);
    spawn(&mut engine, &module, async {});
    assert_eq!(engine.drain_tasks(module.id(), LONG).finished, 1);
}
