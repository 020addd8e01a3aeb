//! Deferred calls, from any thread.

use keel_ecs::component;
use keel_engine::{Frame, ModuleTag};

use crate::{Diary, STEP, engine};

#[test]
fn calls_from_other_threads_run_at_the_start_of_the_next_step() {
    let (mut engine, module, diary) = (engine(), ModuleTag::new("post"), Diary::default());
    let noted = diary.clone();
    let receive =
        move |_: &mut Frame<'_>, letter: (u32, u32)| noted.note(format!("{} {}", letter.0, letter.1));
    engine.add_handler(&module, "receive", receive).unwrap();
    let caller = engine.run_as(&module, |frame| Ok(frame.calls.clone())).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let caller = caller.clone();
            threads
                .spawn(move || (0..100).for_each(|count| caller.call("receive", &(thread, count)).unwrap()));
        }
    });
    assert!(engine.has_pending_work());
    assert_eq!(diary.take().len(), 0);
    engine.update(STEP);
    let lines = diary.take();
    assert_eq!(lines.len(), 400);
    for thread in 0..4 {
        let own = lines.iter().filter(|line| line.starts_with(&format!("{thread} ")));
        let expected: Vec<_> = (0..100).map(|count| format!("{thread} {count}")).collect();
        assert_eq!(own.cloned().collect::<Vec<_>>(), expected, "each thread's calls keep their order");
    }
    engine.update(STEP);
    assert_eq!(diary.take().len(), 0, "a call runs once");
    assert!(!engine.has_pending_work());
}

#[test]
fn a_call_made_by_a_call_waits_for_the_next_step() {
    let (mut engine, module, diary) = (engine(), ModuleTag::new("post"), Diary::default());
    let noted = diary.clone();
    let count_down = move |frame: &mut Frame<'_>, left: u32| {
        noted.note(format!("{left} in step {}", frame.time.step));
        if left > 0 {
            frame.calls.call("count_down", &(left - 1)).unwrap();
        }
    };
    engine.add_handler(&module, "count_down", count_down).unwrap();
    let call = |frame: &mut Frame<'_>| frame.calls.call("count_down", &2_u32).map_err(|it| it.to_string());
    engine.run_as(&module, call).unwrap();
    engine.update(STEP * 3);
    assert_eq!(diary.take(), ["2 in step 1", "1 in step 2", "0 in step 3"]);
}

#[component(crate = keel_ecs)]
struct Letter {
    text: String,
}

#[test]
fn a_call_that_nobody_can_take_is_a_fault_that_says_so() {
    let (mut engine, module) = (engine(), ModuleTag::new("post"));
    engine.add_handler(&module, "receive", |_: &mut Frame<'_>, _: u32| ()).unwrap();
    let refused = engine.add_handler(&module, "receive", |_: &mut Frame<'_>, _: u32| ()).unwrap_err();
    assert!(refused.to_string().contains("module `post` registers handler `receive` twice"), "{refused}");
    let caller = engine.run_as(&module, |frame| Ok(frame.calls.clone())).unwrap();
    caller.call("recieve", &1_u32).unwrap();
    caller.call("receive", &Letter { text: "ahoy".into() }).unwrap();
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert_eq!(faults[0].message, "there is no handler `recieve`; register it, or stop calling it");
    assert_eq!(faults[1].system, "call receive");
    assert!(faults.iter().all(|fault| !fault.suspended && fault.module == "post"));
    assert!(!engine.is_suspended(module.id()));
    assert!(engine.take_faults().is_empty());
}
