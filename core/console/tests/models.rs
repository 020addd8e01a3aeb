//! Terminal and dashboard as data: what is kept, what is not, and what is no part of the game's state.

use std::time::Duration;

use keel_console::{
    Dashboard, FrameTimes, Grouped, Key, Log, LogLevel, StageTime, SwapReport, Terminal, TerminalKind,
    install,
};
use keel_core_types::{Model, ModelType};
use keel_ecs::{EcsError, World};

fn busy_world() -> Result<World, EcsError> {
    let mut world = World::new();
    install(&mut world)?;
    world.resource_mut::<Dashboard>()?.log(LogLevel::Info, "something");
    Ok(world)
}

#[test]
fn the_outside_is_no_part_of_the_state() -> Result<(), EcsError> {
    let mut quiet = World::new();
    install(&mut quiet)?;
    let busy = busy_world()?;
    assert_eq!(busy.hash()?, quiet.hash()?);

    let restored = busy.duplicate()?;
    assert_eq!(*restored.resource::<Dashboard>()?, Dashboard::default());
    Ok(())
}

#[test]
fn a_terminal_that_is_handed_out_again_is_as_new() {
    let mut terminal = Terminal::new(TerminalKind::Lines, 80, 24);
    terminal.press(Key::Enter);
    terminal.show(b"drawn");
    terminal.write_text("a line\nhalf a");
    terminal.clear_text();
    terminal.reset();
    assert_eq!(terminal, Terminal::default());
    assert_eq!(terminal.model_type(), ModelType::of("keel.Terminal"));
}

#[test]
fn another_size_calls_for_a_redraw_and_the_same_does_not() {
    let mut terminal = Terminal::new(TerminalKind::Screen, 80, 24);
    terminal.show(b"x");
    terminal.attach(TerminalKind::Screen, 80, 24);
    assert!(!terminal.needs_redraw());
    terminal.attach(TerminalKind::Screen, u16::MAX, u16::MAX);
    assert!(terminal.needs_redraw());
    assert_eq!((terminal.columns(), terminal.rows()), (Terminal::COLUMNS_MAX, Terminal::ROWS_MAX));
    assert_eq!((terminal.take_output(), terminal.take_output()), (b"x".to_vec(), Vec::new()));
}

#[test]
fn the_oldest_keys_go_first() {
    let mut terminal = Terminal::default();
    let letters = ('a'..='z').cycle().take(Terminal::KEYS_MAX + 2);
    letters.for_each(|letter| terminal.press(Key::Letter(letter)));
    assert_eq!(terminal.next_pressed(), Some(Key::Letter('c')));
    assert_eq!(terminal.next_unused(), None);
}

#[test]
fn text_becomes_lines() {
    let mut terminal = Terminal::default();
    let mut check = |text: &str, expected: &[&str]| {
        terminal.write_text(text);
        assert_eq!(terminal.take_lines(), expected);
    };
    check("one", &[]);
    check(" fish\r\ntwo\nthree", &["one fish", "two"]);
    check("\n\n", &["three", ""]);
    terminal.write_text(&"x".repeat(Terminal::LINE_BYTES_MAX + 1));
    assert_eq!(terminal.take_lines().len(), 1);
    terminal.write_text(&"line\n".repeat(Terminal::LINES_MAX + 1));
    assert_eq!(terminal.take_lines().len(), Terminal::LINES_MAX);
}

#[test]
fn what_is_written_after_a_clear_is_shown() {
    let mut terminal = Terminal::default();
    terminal.write_text("before\n");
    terminal.clear_text();
    terminal.write_text("after\n");
    assert_eq!((terminal.take_cleared(), terminal.take_cleared()), (true, false));
    assert_eq!(terminal.take_lines(), ["after"]);
}

#[test]
fn a_log_keeps_the_last_lines_and_counts_all() {
    let mut log = Log::default();
    (0..Log::LINES_MAX + 3).for_each(|line| log.add(Duration::ZERO, LogLevel::Info, &line.to_string()));
    assert_eq!((log.iter().len(), log.added()), (Log::LINES_MAX, 203));
    assert_eq!(log.iter().next().map(|line| line.text.as_str()), Some("3"));
    assert_eq!(log.unwritten().count(), Log::LINES_MAX);
    log.mark_written();
    assert_eq!(log.unwritten().count(), 0);
    log.add(Duration::ZERO, LogLevel::Info, "one line");
    log.clear();
    log.add(Duration::ZERO, LogLevel::Info, "two\nlines");
    assert_eq!(log.unwritten().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["two", "lines"]);
    assert_eq!(log.added(), 206);
}

#[test]
fn frames_per_second_are_those_of_the_last_second() {
    let mut frames = FrameTimes::default();
    assert_eq!((frames.per_second(), frames.mean_ms(), frames.worst_ms()), (0.0, 0.0, 0.0));
    (0..100_u64).for_each(|frame| frames.record(Duration::from_millis(frame * 100), 50.0));
    (0..120_u64).for_each(|frame| frames.record(Duration::from_millis(10_000 + frame * 20), 3.0));
    assert!((frames.per_second() - 50.0).abs() < 0.5, "{}", frames.per_second());
    assert_eq!((frames.mean_ms(), frames.worst_ms()), (3.0, 50.0));
    (0..240_u64).for_each(|frame| frames.record(Duration::from_millis(20_000 + frame), 1.0));
    assert_eq!((frames.work_ms().len(), frames.recorded(), frames.worst_ms()), (240, 460, 1.0));
}

#[track_caller]
fn check(report: &SwapReport, expected: &str) {
    assert_eq!(report.to_string(), expected);
}

#[test]
fn a_report_says_what_became_of_the_state() {
    let stage = |stage: &str, us| StageTime { stage: stage.to_owned(), time: Duration::from_micros(us) };
    let mut report = SwapReport { module: "swim".to_owned(), generation: 2, ..SwapReport::default() };
    check(&report, "swim v2 live in 0 ms");
    report.stages = vec![stage("build", 1_234_567), stage("swap", 449), stage("trial", 9_960)];
    check(&report, "swim v2 live in 1,245 ms: build 1,235, swap 0.4, trial 10");
    (report.converted, report.dropped) = (1_000_000, 1);
    check(
        &report,
        "swim v2 live in 1,245 ms: build 1,235, swap 0.4, trial 10; 1,000,000 converted, 1 dropped",
    );
}

#[test]
fn numbers_are_grouped() {
    let shown = [0, 999, 1_000, 1_000_001].map(|number| Grouped(number).to_string());
    assert_eq!(shown, ["0", "999", "1,000", "1,000,001"]);
}
