//! What the engine does by itself, as the watchdog sees it. Alone in its process: other threads' marks count.
#![cfg(target_os = "linux")]

use std::sync::mpsc::channel;
use std::time::Duration;

use keel_crash::{Hang, Mark, News, Running, Thread, Watch};

fn look(watch: &mut Watch, ms: u64) -> Vec<(bool, String, String, u128)> {
    let told = |news: News| {
        let (hangs, Hang { module, system, lasted, .. }) = match news {
            News::Hangs(hang) => (true, hang),
            News::GoesOn(hang) => (false, hang),
        };
        (hangs, module, system, lasted.as_millis())
    };
    watch.look(Duration::from_millis(ms)).into_iter().map(told).collect()
}

fn enter(mark: Mark) -> Running {
    Thread::current().enter(mark)
}

/// Another thread that runs code of a module for as long as `during` takes.
fn beside<T>(mark: Mark, during: impl FnOnce() -> T) -> T {
    let ((began, begin), (end, ended)) = (channel(), channel::<()>());
    let thread = std::thread::spawn(move || {
        let _running = enter(mark);
        began.send(()).expect("it is waited for");
        let _ = ended.recv();
    });
    begin.recv().expect("it begins");
    let done = during();
    drop(end);
    thread.join().expect("it ends");
    done
}

#[test]
fn the_engines_own_work_hangs_by_itself_and_not_with_what_it_waits_for() {
    let mut watch = Watch::new(Duration::from_secs(1));
    let (frame, turn) = (Mark::engine("frame"), Mark::of("swim", "turn"));
    let told = |hangs, module: &str, system: &str, ms| (hangs, module.to_owned(), system.to_owned(), ms);

    let working = enter(frame);
    assert_eq!(Thread::current().running(), None, "no module's code");
    // Each piece between two systems is a turn of its own, and so is each system.
    for _ in 0..4 {
        assert_eq!(look(&mut watch, 800), []);
        let _running = enter(turn);
        assert_eq!(Thread::current().running().unwrap().system, "turn");
        assert_eq!(look(&mut watch, 800), []);
    }
    // Its own, without a system.
    look(&mut watch, 0);
    assert_eq!(look(&mut watch, 1000), [told(true, "", "frame", 1000)]);
    drop(working);
    assert_eq!(look(&mut watch, 0), [told(false, "", "frame", 1000)]);

    // A system within it.
    let working = enter(frame);
    let running = enter(turn);
    look(&mut watch, 0);
    assert_eq!(look(&mut watch, 1000), [told(true, "swim", "turn", 1000)]);
    drop(running);
    assert_eq!(look(&mut watch, 0), [told(false, "swim", "turn", 1000)]);

    // It waits for what other threads run.
    beside(turn, || {
        look(&mut watch, 0);
        assert_eq!(
            look(&mut watch, 1000),
            [told(true, "swim", "turn", 1000)],
            "that hangs, and not who waits"
        );
    });
    assert_eq!(look(&mut watch, 900), [told(false, "swim", "turn", 1000)]);
    assert_eq!(look(&mut watch, 100), [told(true, "", "frame", 1000)], "nobody is waited for any more");
    drop(working);

    // What runs beside the game is not waited for.
    let _working = enter(frame);
    beside(Mark::beside("swim", "task listen"), || {
        look(&mut watch, 0);
        let news = look(&mut watch, 1000);
        assert!(news.contains(&told(true, "", "frame", 1000)), "{news:?}");
    });
}
