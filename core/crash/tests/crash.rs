//! Processes that end by a fault, and threads that do not return. Each fault is that of a child: this program again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use keel_crash::{Hang, Mark, News, Thread, Watch, wait_beside};

/// The module and system that this thread runs.
fn running() -> Option<(&'static str, &'static str)> {
    Thread::current().running().map(|it| (it.module.as_str(), it.system.as_str()))
}

#[test]
fn marks_nest_and_a_panic_leaves_them() {
    let (outer, inner) = (Mark::of("tide", "rise"), Mark::of("swim", "turn"));
    assert_eq!(running(), None);
    let entered = Thread::current().enter(outer);
    assert_eq!(running(), Some(("tide", "rise")));
    let called = std::panic::catch_unwind(|| {
        let _running = Thread::current().enter(inner);
        assert_eq!(running(), Some(("swim", "turn")));
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(called.is_err());
    assert_eq!(running(), Some(("tide", "rise")));
    spawn(|| assert_eq!(running(), None)).join().unwrap();
    drop(entered);
    assert_eq!(running(), None);
}

#[test]
fn a_mark_is_known_by_its_names() {
    assert_eq!(Mark::of("swim", "turn"), Mark::of("swim", "turn"));
    assert_ne!(Mark::of("swim", "turn"), Mark::of("swim", "dive"));
    assert_ne!(Mark::of("swim", "turn"), Mark::beside("swim", "turn"));
    assert_eq!(Mark::of("swim", "two\nlines").marked().unwrap().system, "two lines");
}

/// A thread that runs what it is sent a mark for, until it is sent the next message.
struct Worker {
    orders: Sender<Option<Mark>>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start() -> Self {
        let (orders, received) = channel();
        let (sender, done) = channel();
        let thread = spawn(move || {
            let mut running = Vec::new();
            while let Ok(order) = received.recv() {
                match order {
                    Some(mark) => running.push(Thread::current().enter(mark)),
                    None => drop(running.pop()),
                }
                sender.send(()).unwrap();
            }
        });
        Self { orders, done, thread }
    }

    fn order(&self, order: Option<Mark>) {
        self.orders.send(order).unwrap();
        self.done.recv().unwrap();
    }

    fn end(self) {
        drop(self.orders);
        self.thread.join().unwrap();
    }
}

/// What is seen of a module by name: other tests have threads of their own.
fn look(watch: &mut Watch, module: &str, ms: u64) -> Vec<(&'static str, String, u128)> {
    let told = |news: News| match news {
        News::Hangs(Hang { module, system, is_awaited, lasted, .. }) => {
            (if is_awaited { "hangs" } else { "hangs beside" }, module, system, lasted.as_millis())
        }
        News::GoesOn(Hang { module, system, lasted, .. }) => ("goes on", module, system, lasted.as_millis()),
    };
    let news = watch.look(Duration::from_millis(ms)).into_iter().map(told);
    news.filter(|news| news.1 == module).map(|(what, _, system, lasted)| (what, system, lasted)).collect()
}

#[test]
fn what_does_not_return_is_told_once_and_once_more_when_it_has() {
    let (worker, mut watch) = (Worker::start(), Watch::new(Duration::from_secs(1)));
    worker.order(Some(Mark::of("reef", "grow")));
    assert_eq!(look(&mut watch, "reef", 900), [], "how long it ran before is not known");
    assert_eq!(look(&mut watch, "reef", 900), []);
    assert_eq!(look(&mut watch, "reef", 100), [("hangs", "grow".to_owned(), 1000)]);
    assert_eq!(look(&mut watch, "reef", 5000), [], "once");
    worker.order(None);
    assert_eq!(look(&mut watch, "reef", 100), [("goes on", "grow".to_owned(), 6000)]);
    assert_eq!(look(&mut watch, "reef", 5000), []);
    worker.end();
}

#[test]
fn what_returns_and_runs_again_does_not_hang() {
    let (worker, mut watch) = (Worker::start(), Watch::new(Duration::from_secs(1)));
    for _ in 0..3 {
        worker.order(Some(Mark::of("kelp", "sway")));
        assert_eq!(look(&mut watch, "kelp", 800), []);
        assert_eq!(look(&mut watch, "kelp", 800), []);
        worker.order(None);
    }
    worker.end();
}

#[test]
fn a_system_that_calls_others_without_end_hangs_and_the_call_is_named() {
    let (worker, mut watch) = (Worker::start(), Watch::new(Duration::from_secs(1)));
    let (outer, inner) = (Mark::of("crab", "walk"), Mark::of("crab", "call step"));
    worker.order(Some(outer));
    look(&mut watch, "crab", 0);
    for _ in 0..9 {
        worker.order(Some(inner));
        assert_eq!(look(&mut watch, "crab", 100), []);
        worker.order(None);
    }
    worker.order(Some(inner));
    assert_eq!(look(&mut watch, "crab", 100), [("hangs", "call step".to_owned(), 1000)]);
    worker.order(None);
    worker.order(None);
    assert_eq!(look(&mut watch, "crab", 0), [("goes on", "call step".to_owned(), 1000)]);
    worker.end();
}

#[test]
fn what_runs_beside_the_game_has_ten_times_as_long_until_the_game_waits_for_it() {
    let (worker, mut watch) = (Worker::start(), Watch::new(Duration::from_secs(1)));
    let system = || "task fly".to_owned();
    worker.order(Some(Mark::beside("gull", "task fly")));
    look(&mut watch, "gull", 0);
    assert_eq!(look(&mut watch, "gull", 9000), []);
    assert_eq!(look(&mut watch, "gull", 1000), [("hangs beside", system(), 10_000)]);
    assert_eq!(look(&mut watch, "gull", 5000), [], "once");
    let waiting = wait_beside();
    assert_eq!(look(&mut watch, "gull", 900), [], "what went before is not what the game has waited");
    assert_eq!(look(&mut watch, "gull", 100), [("hangs", system(), 16_000)], "once more, as it stands now");
    assert_eq!(look(&mut watch, "gull", 5000), []);
    worker.order(None);
    assert_eq!(look(&mut watch, "gull", 0), [("goes on", system(), 21_000)]);

    worker.order(Some(Mark::beside("gull", "task fly")));
    look(&mut watch, "gull", 0);
    assert_eq!(look(&mut watch, "gull", 900), []);
    drop(waiting);
    assert_eq!(look(&mut watch, "gull", 1000), [], "nobody waits any more");
    worker.order(None);
    assert_eq!(look(&mut watch, "gull", 0), [], "it was not told");
    worker.end();
}

#[test]
fn a_thread_that_has_ended_makes_room_for_the_next() {
    // More than there are places for at a time.
    for _ in 0..1000 {
        spawn(|| {
            let _running = Thread::current().enter(Mark::of("plankton", "drift"));
            assert_eq!(running(), Some(("plankton", "drift")));
        })
        .join()
        .unwrap();
    }
}

#[cfg(target_os = "linux")]
mod faults {
    use std::fs::File;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};

    use keel_crash::{CrashKind, CrashReport, Watchdog, forget_panic, install, maps, note_panic, set_frame};

    use super::*;

    const WHAT: &str = "KEEL_CRASH_WHAT";
    const WHERE: &str = "KEEL_CRASH_REPORT";

    /// What a child does. Without the variables this is no child.
    #[test]
    fn child() {
        let (Some(report), Ok(what)) = (std::env::var_os(WHERE), std::env::var(WHAT)) else { return };
        install(File::create(report).unwrap()).unwrap();
        set_frame(7);
        let thread = std::thread::Builder::new().name("reef-thread".to_owned());
        let end = move || {
            let _running = Thread::current().enter(Mark::of("swim", "turn"));
            match what.as_str() {
                "return" => {}
                "abort" => std::process::abort(),
                "exit" => std::process::exit(3),
                "recursion" => drop(std::hint::black_box(deeper(0))),
                "panic" => {
                    note_panic("there is\nno water");
                    std::process::abort()
                }
                "panics" => {
                    note_panic("panicked: no water");
                    note_panic("panicked: no air");
                    std::process::abort()
                }
                "caught" => {
                    note_panic("there is no water");
                    forget_panic();
                    std::process::abort()
                }
                signal => signal_self(signal),
            }
        };
        thread.spawn(end).unwrap().join().unwrap();
    }

    #[inline(never)]
    fn deeper(depth: u64) -> u64 {
        let ground = std::hint::black_box([depth; 64]);
        if depth == u64::MAX { 0 } else { deeper(depth + 1) + ground[7] }
    }

    fn signal_self(name: &str) {
        let pid = std::process::id().to_string();
        Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        std::thread::park();
    }

    fn fail_by(what: &str) -> (Option<CrashReport>, ExitStatus) {
        let report = std::env::temp_dir().join(format!("keel-crash-{}-{what}", std::process::id()));
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "faults::child", "--nocapture"]).env(WHAT, what).env(WHERE, &report);
        let output = child.output().unwrap();
        let text = std::fs::read_to_string(&report).unwrap();
        std::fs::remove_file(report).unwrap();
        (CrashReport::parse(&text), output.status)
    }

    #[track_caller]
    fn check(what: &str, kind: CrashKind, signal: i32) -> CrashReport {
        let (report, status) = fail_by(what);
        assert_eq!(status.signal(), Some(signal), "it ends as it would have without: {status}");
        let report = report.unwrap();
        assert_eq!((report.kind, report.signal), (kind, Some(signal)));
        assert_eq!(report.frame, 7);
        assert!(report.maps.contains("/crash-"), "this program is mapped: {}", report.maps);
        report
    }

    /// Whether a call is code of this program.
    fn is_own(report: &CrashReport, call: u64) -> bool {
        let own = std::env::current_exe().unwrap().display().to_string();
        let mut ranges = report.maps.lines().filter(|line| line.ends_with(&own));
        ranges.any(|line| {
            let (begin, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let hex = |text| u64::from_str_radix(text, 16).unwrap();
            (hex(begin)..hex(end)).contains(&call)
        })
    }

    #[test]
    fn an_abort_is_told_with_what_was_running_and_its_calls() {
        let report = check("abort", CrashKind::Abort, 6);
        assert_eq!(report.running, Some(("swim".to_owned(), "turn".to_owned())));
        assert_eq!((report.thread.as_str(), report.address, &report.panic), ("reef-thread", None, &None));
        assert!(report.calls.iter().any(|call| is_own(&report, *call)), "{:x?}", report.calls);
    }

    #[test]
    fn an_overflow_of_a_stack_is_told_from_a_wrong_address() {
        let report = check("recursion", CrashKind::StackOverflow, 11);
        assert_eq!(report.running, Some(("swim".to_owned(), "turn".to_owned())));
        assert!(report.calls.len() > 100, "{}", report.calls.len());
        assert!(report.calls.iter().all(|call| is_own(&report, *call)), "{:x?}", report.calls);
        assert!(report.address.is_some());
    }

    #[test]
    fn an_exit_within_a_modules_code_is_told_and_its_status_stays() {
        let (report, status) = fail_by("exit");
        assert_eq!(status.code(), Some(3));
        let report = report.unwrap();
        assert_eq!((report.kind, report.signal), (CrashKind::Exit, None));
        assert_eq!(report.running, Some(("swim".to_owned(), "turn".to_owned())));
        assert!(report.calls.iter().any(|call| is_own(&report, *call)), "{:x?}", report.calls);
    }

    #[test]
    fn a_panic_that_nobody_caught_is_told_and_one_that_was_is_not() {
        assert_eq!(check("panic", CrashKind::Abort, 6).panic.unwrap().trim_end(), "there is no water");
        let both = check("panics", CrashKind::Abort, 6).panic.unwrap();
        assert_eq!(both.trim_end(), "panicked: no water; then it panicked: no air");
        assert_eq!(check("caught", CrashKind::Abort, 6).panic, None);
    }

    #[test]
    fn signals_of_others_are_told_by_their_kind() {
        for (name, kind, signal) in [
            ("SEGV", CrashKind::SegmentationFault, 11),
            ("BUS", CrashKind::BusError, 7),
            ("ILL", CrashKind::IllegalInstruction, 4),
            ("FPE", CrashKind::ArithmeticError, 8),
        ] {
            let report = check(name, kind, signal);
            assert_eq!(report.address, None, "it was sent");
        }
    }

    #[test]
    fn a_process_that_ends_well_leaves_no_report() {
        let (report, status) = fail_by("return");
        assert!(status.success() && report.is_none(), "{status}: {report:?}");
    }

    /// In this process, which no other test ends by a fault.
    #[test]
    fn the_calls_of_what_hangs_are_told() {
        let report = std::env::temp_dir().join(format!("keel-crash-{}-hang", std::process::id()));
        install(File::create(&report).unwrap()).unwrap();
        std::fs::remove_file(report).unwrap();
        let worker = Worker::start();
        worker.order(Some(Mark::of("whale", "sleep")));
        let (sender, news) = channel();
        let watchdog = Watchdog::start(Duration::from_millis(40), move |news| sender.send(news).unwrap());
        let hangs = |news: &News| matches!(news, News::Hangs(hang) if hang.module == "whale");
        let Some(News::Hangs(hang)) = news.iter().find(hangs) else { panic!("the watchdog has ended") };
        assert_eq!(hang.system, "sleep");
        let maps = maps();
        assert!(hang.calls.len() > 3 && maps.lines().count() > 3, "{:x?}", hang.calls);
        worker.order(None);
        let goes_on = |news: &News| matches!(news, News::GoesOn(hang) if hang.module == "whale");
        assert!(news.iter().any(|news| goes_on(&news)));
        drop(watchdog);
        worker.end();
    }
}
