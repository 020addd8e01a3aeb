//! The dashboard as a person sees it: its bytes go through a terminal emulator, and the screen is compared.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod rig;

use std::sync::Mutex;
use std::time::Duration;

use keel::console::{
    Build, ConsoleView, Dashboard, Key, LogLevel, Picture, PictureView, Terminal, TerminalKind,
};
use keel::prelude::*;
use rig::{FRAME, Fish, Rig, compiler_message, fail_build, fill_in};

/// The sizes at which everything is shown.
const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];

const ESCAPE: u8 = 0x1b;

/// A rig in the middle of its work.
fn busy(columns: u16, rows: u16) -> Rig {
    let mut rig = Rig::new(columns, rows);
    rig.bind(Fish);
    fill_in(&mut rig);
    rig.frame();
    rig
}

#[test]
fn modules_are_listed_with_their_state() {
    for (columns, rows) in SIZES {
        let rig = busy(columns, rows);
        rig.check(&["MODULES", "swim", "v7", "building", "suspended", "shoal-model", "live"]);
        assert_ne!(rig.color_of("suspended"), rig.color_of("building"));
        assert_ne!(rig.color_of("building"), rig.color_of("live"));
    }
    let line = |rig: &Rig| rig.text().lines().find(|line| line.contains("building")).unwrap().to_owned();
    assert!(line(&busy(80, 24)).contains("swim         VM   v7  building"), "{}", busy(80, 24).text());
    assert!(line(&busy(130, 40)).contains("VM   0.1.0   v7  building"), "{}", busy(130, 40).text());
    assert!(line(&busy(160, 50)).contains("view-model   0.1.0   v7  building"), "{}", busy(160, 50).text());
    busy(160, 50).check(&["keel.PictureView"]);
}

#[test]
fn figures_frame_times_and_swaps_are_shown() {
    for (columns, rows) in SIZES {
        let rig = busy(columns, rows);
        let report = "swim v7 live in 255 ms: detect 9, build 241, check 4, swap 0.6;";
        rig.check(&[
            "34.2 MB",
            "libraries mapped",
            "entities",
            "FRAME",
            "longest 7",
            report,
            "10,000 carried",
        ]);
        assert!(rig.text().contains(['▄', '▅', '▆', '▇', '█']), "no sparkline:\n{}", rig.text());
    }
    busy(160, 50).check(&["LAST SWAP", "detect 9  build 241  check 4  swap 0.6"]);
    busy(160, 50).check(&["fps"]);
}

#[test]
fn libraries_that_stay_mapped_for_good_are_counted_where_there_are_any() {
    for (columns, rows) in SIZES {
        let mut rig = busy(columns, rows);
        assert!(!rig.text().contains("kept"), "{}", rig.text());
        rig.dashboard(|dashboard| {
            (dashboard.libraries_kept, dashboard.libraries_kept_bytes) = (2, 12_345_678);
        });
        rig.frame();
        rig.check(&["libraries ", " 9, 2 kept (12.3 MB)"]);
    }
}

#[test]
fn the_world_is_drawn_live() {
    for (columns, rows) in SIZES {
        let mut rig = busy(columns, rows);
        rig.check(&["Shoal: f feeds the fish", "0 fish"]);
        rig.engine.world_mut().spawn((Name::new("wanda"),));
        rig.frame();
        rig.check(&["1 fish"]);
    }
    assert_eq!(busy(80, 24).color_of("0 fish"), vt100::Color::Rgb(255, 255, 255));
}

#[test]
fn without_a_game_it_says_what_to_do() {
    for (columns, rows) in [(80, 24), (160, 50), (40, 10)] {
        let mut rig = Rig::new(columns, rows);
        rig.frame();
        rig.check(&["No game to be seen yet", "keel.PictureView"]);
        rig.bind(Fish);
        rig.frame();
        rig.check(&["0 fish"]);
        rig.check_lacks(&["No game"]);
    }
}

/// Reads the message from its first row to its last, one row at a time.
fn read_message(rig: &mut Rig) -> String {
    let rows = |rig: &Rig| rig.text().lines().map(str::to_owned).collect::<Vec<_>>();
    let mut seen = rows(rig).join("\n");
    for _ in compiler_message().lines() {
        rig.press([Key::Down]);
        seen += &rows(rig).join("\n");
    }
    seen
}

#[test]
fn a_compile_error_is_shown_in_full() {
    for (columns, rows) in SIZES {
        let mut rig = busy(columns, rows);
        fail_build(&mut rig);
        rig.check(&[
            "swim was not built",
            "error[E0308]: mismatched types 1",
            "--> systems/swim/src/lib.rs:1:5",
            "esc close",
        ]);
        assert_eq!(rig.color_of("error[E0308]"), rig.color_of("swim was not built"));
        assert_ne!(rig.color_of("-->"), rig.color_of("systems/swim"));

        let seen = read_message(&mut rig);
        for number in 1..=12 {
            assert!(seen.contains(&format!("mismatched types {number}")), "{number} of {columns}x{rows}");
            assert!(seen.contains(&format!("lib.rs:{number}:5")), "{number} of {columns}x{rows}");
        }
        assert!(seen.contains("speed.x    int"));
        rig.check(&["due to 12 previous errors"]);

        rig.press([Key::Home]);
        rig.check(&["mismatched types 1"]);
        rig.press([Key::End]);
        rig.check(&["due to 12 previous errors"]);
        rig.press([Key::PageUp, Key::PageUp, Key::PageUp]);
        rig.check(&["mismatched types 1"]);
    }
}

#[test]
fn a_long_line_of_an_error_is_broken_and_not_cut() {
    let mut rig = busy(80, 24);
    let message = format!("error: {}end", "x".repeat(300));
    rig.dashboard(|dashboard| {
        dashboard.build = Build::Failed { modules: Vec::new(), message, at: Duration::ZERO };
    });
    rig.frame();
    assert_eq!(rig.text().matches('x').count(), 300, "{}", rig.text());
    rig.check(&["end"]);
}

#[test]
fn the_message_closes_opens_again_and_comes_with_every_failure() {
    let mut rig = busy(80, 24);
    fail_build(&mut rig);
    rig.press([Key::Escape]);
    rig.check_lacks(&["mismatched types"]);
    rig.check(&["enter shows why", "0 fish"]);
    rig.press([Key::Enter]);
    rig.check(&["mismatched types 1"]);
    rig.press([Key::Escape]);
    rig.dashboard(|dashboard| {
        dashboard.build = Build::Building { modules: vec!["swim".to_owned()], since: FRAME }
    });
    rig.frame();
    rig.check(&["building swim"]);
    fail_build(&mut rig);
    rig.check(&["mismatched types 1"]);
    rig.dashboard(|dashboard| dashboard.build = Build::Idle);
    rig.frame();
    rig.check_lacks(&["mismatched types"]);
    rig.check(&["watching"]);
}

#[test]
fn the_game_runs_on_behind_the_message() {
    let mut rig = busy(160, 50);
    fail_build(&mut rig);
    let step = rig.engine.time().step;
    rig.bind(Counted::default());
    rig.press([Key::Letter('f'), Key::Down]);
    assert!(rig.engine.time().step > step);
    rig.frame();
    rig.check(&["mismatched types 2", "keys: f"]);
}

/// A picture that shows the keys it was told of, and uses letters only.
#[derive(Default)]
struct Counted {
    keys: Mutex<String>,
}

impl PictureView for Counted {
    fn title(&self) -> String {
        format!("keys: {}", self.keys.lock().unwrap())
    }

    fn draw(&self, _: &World, _: &dyn ViewSource, _: f32, _: &mut Picture) {}

    fn key(&self, _: &World, _: &dyn ViewSource, key: Key) -> bool {
        let Key::Letter(letter) = key else { return false };
        self.keys.lock().unwrap().push(letter);
        true
    }
}

#[test]
fn keys_go_to_the_dashboard_then_the_game_then_whoever_reads() {
    let mut rig = busy(80, 24);
    rig.bind(Counted::default());
    rig.press([
        Key::Letter('a'),
        Key::Up,
        Key::Tab,
        Key::Up,
        Key::Letter('x'),
        Key::Tab,
        Key::Down,
        Key::Tab,
        Key::Left,
    ]);
    rig.frame();
    rig.check(&["keys: ax"]);
    assert_eq!(read(&mut rig), Some(Key::Up));
    assert_eq!(read(&mut rig), Some(Key::Left));
    assert_eq!(read(&mut rig), None);
}

fn read(rig: &mut Rig) -> Option<Key> {
    with_console(rig, |console, terminal| console.read(terminal))
}

/// Calls the console as another module would.
fn with_console<T>(rig: &mut Rig, call: impl FnOnce(&dyn ConsoleView, &mut Terminal) -> T) -> T {
    let module = keel::engine::ModuleTag::new("other");
    rig.engine
        .run_as(&module, |frame| {
            let console = frame.views.get::<dyn ConsoleView>().map_err(|error| error.to_string())?;
            let terminals = frame.models::<Terminal>().map_err(|error| error.to_string())?;
            let mut terminal = terminals.get_mut(Terminal::MAIN).map_err(|error| error.to_string())?;
            Ok(call(console, &mut terminal))
        })
        .unwrap()
}

#[test]
fn modules_write_into_the_log() {
    let mut rig = busy(80, 24);
    with_console(&mut rig, |console, terminal| {
        assert_eq!((console.kind(terminal), console.size(terminal)), (TerminalKind::Screen, (80, 24)));
        console.write(terminal, "half a ");
    });
    rig.frame();
    rig.check_lacks(&["half a"]);
    with_console(&mut rig, |console, terminal| console.write_line(terminal, "line \u{1b}[31mred\u{1b}[2J"));
    rig.frame();
    rig.check(&["half a line red", "MODULES"]);
    with_console(&mut rig, |console, terminal| console.clear(terminal));
    rig.frame();
    rig.check_lacks(&["half a line"]);
}

#[test]
fn without_a_terminal_nothing_is_presented() {
    let mut rig = Rig::new(80, 24);
    rig.terminals.release(Terminal::MAIN).unwrap();
    let now = rig.engine.time().now;
    rig.engine.update(FRAME);
    assert_eq!(rig.engine.take_faults(), []);
    assert!(rig.engine.time().now > now);
    let other = rig.terminals.take().unwrap();
    assert_ne!(other, Terminal::MAIN, "it is another terminal, and not drawn on");
    rig.engine.update(FRAME);
    assert_eq!(rig.engine.take_faults(), []);
    assert!(rig.terminals.get(other).unwrap().is_ready());
}

#[test]
fn the_log_scrolls_when_it_has_the_focus() {
    let mut rig = busy(80, 24);
    rig.dashboard(|dashboard| {
        (0..50).for_each(|line| dashboard.log(LogLevel::Info, &format!("line {line}.")));
    });
    rig.frame();
    rig.check(&["line 49."]);
    rig.press([Key::Tab, Key::Tab, Key::Up]);
    rig.check(&["line 48.", "1 below"]);
    rig.check_lacks(&["line 49."]);
    rig.press([Key::Home]);
    rig.check(&["5 modules loaded"]);
    rig.press([Key::Escape, Key::Down]);
    rig.check(&["5 modules loaded"]);
}

#[test]
fn more_modules_than_rows_scroll() {
    let mut rig = busy(80, 24);
    rig.dashboard(|dashboard| {
        let some = dashboard.modules[0].clone();
        let named = |number| keel::console::ModuleLine { name: format!("module-{number}"), ..some.clone() };
        dashboard.modules = (0..40).map(named).collect();
    });
    rig.frame();
    rig.check(&["module-0 ", "1–8 of 40", "FRAME", "libraries"]);
    rig.press([Key::Tab, Key::End]);
    rig.check(&["module-39", "33–40 of 40"]);
    rig.check_lacks(&["module-0 "]);
    rig.press([Key::PageUp]);
    rig.check(&["▸module-31", "32–39 of 40"]);
    rig.press([Key::PageUp, Key::Up]);
    rig.check(&["▸module-22", "23–30 of 40"]);
}

#[test]
fn the_marked_module_is_reloaded() {
    let mut rig = busy(80, 24);
    let wanted = |rig: &mut Rig| rig.dashboard(|dashboard| dashboard.reload.take());
    rig.check_lacks(&["▸", "m reload the marked"]);
    rig.press([Key::Letter('m')]);
    assert_eq!(wanted(&mut rig), None, "the letter is the game's");
    rig.press([Key::Tab]);
    rig.check(&["▸shoal-model "]);
    rig.press([Key::Down, Key::Down, Key::Letter('m')]);
    rig.check(&["▸console "]);
    assert_eq!(wanted(&mut rig).as_deref(), Some("console"));
    // Beyond the last one there is none.
    rig.press([Key::End, Key::Down, Key::Letter('m')]);
    rig.check(&["▸swim "]);
    assert_eq!(wanted(&mut rig).as_deref(), Some("swim"));
    rig.dashboard(|dashboard| dashboard.modules.clear());
    rig.press([Key::Letter('m')]);
    assert_eq!(wanted(&mut rig), None);

    let mut wide = busy(130, 40);
    wide.press([Key::Tab]);
    wide.check(&["m reload the marked"]);
}

#[test]
fn the_marked_module_is_taken_back() {
    let mut rig = busy(130, 40);
    let wanted = |rig: &mut Rig| rig.dashboard(|dashboard| dashboard.rollback.take());
    rig.check_lacks(&["b take the marked back"]);
    rig.press([Key::Letter('b')]);
    assert_eq!(wanted(&mut rig), None, "the letter is the game's");
    rig.press([Key::Tab, Key::Down, Key::Down, Key::Letter('b')]);
    rig.check(&["▸console ", "b take the marked back"]);
    assert_eq!(wanted(&mut rig).as_deref(), Some("console"));
    assert_eq!(rig.dashboard(|dashboard| dashboard.reload.take()), None);
}

#[test]
fn it_says_whether_sources_are_watched() {
    let mut rig = busy(100, 30);
    rig.check(&["● watching"]);
    rig.dashboard(|dashboard| dashboard.is_watching = false);
    rig.frame();
    rig.check(&["not watching: r reloads"]);
    rig.check_lacks(&["● watching"]);
}

#[test]
fn pause_and_notice_stand_out() {
    let mut rig = busy(80, 24);
    rig.dashboard(|dashboard| {
        dashboard.is_paused = true;
        dashboard.notice = "swim would lose `speed` of 10,000 fish: c accepts".to_owned();
    });
    rig.frame();
    rig.check(&["paused", "swim would lose `speed` of 10,000 fish: c accepts", "q quit", "tab focus"]);
}

#[test]
fn no_size_is_too_small() {
    let mut rig = busy(80, 24);
    fail_build(&mut rig);
    rig.dashboard(|dashboard| dashboard.notice = "a notice".to_owned());
    for is_failed in [true, false] {
        if !is_failed {
            rig.dashboard(|dashboard| dashboard.build = Build::Idle);
        }
        for columns in 1..60 {
            for rows in 1..30 {
                rig.attach(TerminalKind::Screen, columns, rows);
                assert!(!rig.frame().is_empty(), "{columns}x{rows}");
            }
        }
    }
    rig.attach(TerminalKind::Screen, 39, 20);
    rig.frame();
    rig.check(&["0 fish"]);
    rig.check_lacks(&["keel", "quit"]);
    rig.attach(TerminalKind::Screen, 0, 0);
    assert!(rig.frame().is_empty());
}

#[test]
fn only_what_changes_travels() {
    let mut rig = Rig::new(80, 24);
    rig.bind(Fish);
    // Until all frames that are kept were the same.
    let all = rig.frame().len();
    (0..300).for_each(|_| drop(rig.frame()));
    assert_eq!(rig.frame(), [], "nothing has changed");
    rig.engine.world_mut().spawn((Name::new("wanda"),));
    let changed = rig.frame().len();
    assert!((1..200).contains(&changed) && all > 5_000, "{changed} of {all} bytes");
    let text = rig.text();
    rig.terminal(Terminal::redraw);
    assert!(rig.frame().len() > 5_000);
    assert_eq!(rig.text(), text);
}

#[test]
fn another_size_is_drawn_in_full() {
    let mut rig = busy(80, 24);
    let clear = b"\x1b[2J";
    let clears = |output: &[u8]| output.windows(clear.len()).any(|part| part == clear);
    assert!(!clears(&rig.frame()));
    rig.attach(TerminalKind::Screen, 100, 30);
    assert!(clears(&rig.frame()));
    let mut fresh = busy(100, 30);
    fresh.frame();
    fresh.frame();
    assert_eq!(rig.text(), fresh.text());
}

#[test]
fn it_is_drawn_thirty_times_a_second_and_at_once_after_a_key() {
    let mut rig = busy(80, 24);
    let frame = Duration::from_millis(5);
    let drawn = (0..200).filter(|_| !rig.frame_after(frame).is_empty()).count();
    assert!((25..=30).contains(&drawn), "{drawn} drawings in a second");
    while rig.frame_after(frame).is_empty() {}
    rig.terminal(|terminal| terminal.press(Key::Tab));
    assert!(!rig.frame_after(frame).is_empty());
}

#[test]
fn nothing_is_drawn_while_bytes_wait() {
    let mut rig = busy(80, 24);
    rig.terminal(|terminal| terminal.write(b"waits"));
    rig.dashboard(|dashboard| dashboard.now += FRAME);
    rig.engine.update(FRAME);
    assert_eq!(rig.terminal(Terminal::take_output), b"waits");
    assert!(!rig.frame().is_empty());
}

#[test]
fn a_swap_of_the_dashboard_keeps_what_was_scrolled_and_draws_all() {
    let mut rig = busy(80, 24);
    fail_build(&mut rig);
    rig.press([Key::Down, Key::Down, Key::Down]);
    rig.check_lacks(&["mismatched types 1 "]);
    // All but the first row, where the frames per second are.
    let body = |rig: &Rig| rig.text().lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let before = body(&rig);
    rig.swap_dashboard();
    let output = rig.frame_after(Duration::ZERO);
    assert!(output.windows(4).any(|part| part == b"\x1b[2J"));
    assert_eq!(body(&rig), before);
    rig.press([Key::Escape]);
    rig.swap_dashboard();
    rig.frame();
    rig.check_lacks(&["mismatched types"]);
}

#[test]
fn a_restored_world_is_drawn_on_the_same_terminal() {
    let mut rig = busy(80, 24);
    let copy = rig.engine.world().duplicate().unwrap();
    rig.engine.replace_world(copy);
    rig.terminal(Terminal::redraw);
    assert!(rig.frame().windows(4).any(|part| part == b"\x1b[2J"));
    rig.check(&["0 fish"]);
}

/// A picture whose code is broken.
struct Broken;

impl PictureView for Broken {
    fn title(&self) -> String {
        String::new()
    }

    fn draw(&self, _: &World, _: &dyn ViewSource, _: f32, _: &mut Picture) {
        panic!("no water");
    }

    fn key(&self, _: &World, _: &dyn ViewSource, _: Key) -> bool {
        panic!("no fins");
    }
}

#[test]
fn a_panic_in_the_picture_leaves_the_dashboard_running() {
    keel::engine::install_panic_hook(|| None);
    let mut rig = busy(80, 24);
    rig.bind(Broken);
    rig.frame();
    rig.check(&["The picture can't be drawn", "no water", "MODULES"]);
    rig.press([Key::Letter('x')]);
    rig.check(&["no water"]);
    rig.bind(Fish);
    rig.frame();
    rig.check(&["no water"]);
    rig.dashboard(|dashboard| dashboard.modules[3].generation += 1);
    rig.frame();
    rig.check(&["0 fish"]);
}

/// A picture full of letters that a cell can't hold.
struct Odd;

impl PictureView for Odd {
    fn title(&self) -> String {
        "o\u{1b}[31md\nd 魚".to_owned()
    }

    fn draw(&self, _: &World, _: &dyn ViewSource, _: f32, picture: &mut Picture) {
        let letters = ['\u{1b}', '\n', '魚', '\u{301}', '\u{0}', 'ñ', '\u{9b}', '\u{200b}'];
        for (column, letter) in (0..picture.columns()).zip(letters.into_iter().cycle()) {
            (0..picture.rows()).for_each(|row| {
                picture.letter(i32::from(column), i32::from(row), letter, keel::console::Color::WHITE)
            });
        }
    }

    fn key(&self, _: &World, _: &dyn ViewSource, _: Key) -> bool {
        false
    }
}

/// A picture that calls the console's view.
struct Caller;

impl PictureView for Caller {
    fn title(&self) -> String {
        "caller".to_owned()
    }

    fn draw(&self, _: &World, views: &dyn ViewSource, _: f32, picture: &mut Picture) {
        let terminal =
            views.models::<Terminal>().and_then(|terminals| terminals.get(Terminal::MAIN)).unwrap();
        let kind = views.get::<dyn ConsoleView>().map(|console| console.kind(&terminal));
        for (column, letter) in (0..).zip(format!("{kind:?}").chars()) {
            picture.letter(column, 0, letter, keel::console::Color::WHITE);
        }
    }

    fn key(&self, _: &World, views: &dyn ViewSource, _: Key) -> bool {
        let terminals = views.models::<Terminal>().unwrap();
        let mut terminal = terminals.get_mut(Terminal::MAIN).unwrap();
        views
            .get::<dyn ConsoleView>()
            .map(|console| console.write_line(&mut terminal, "a key was heard"))
            .is_ok()
    }
}

#[test]
fn a_picture_can_call_other_views() {
    let mut rig = busy(80, 24);
    rig.bind(Caller);
    rig.frame();
    rig.check(&["Ok(Screen)"]);
    rig.press([Key::Letter('x')]);
    // What a module writes is in the log with the next frame.
    rig.frame();
    rig.check(&["a key was heard"]);
}

#[test]
fn no_letter_of_a_picture_can_break_the_screen() {
    let mut rig = busy(80, 24);
    rig.bind(Odd);
    rig.frame();
    let text = rig.text();
    let row = text.lines().nth(3).unwrap();
    assert!(row.starts_with("     ñ       ñ"), "{text}");
    rig.check(&["MODULES", "q quit"]);
}

#[test]
fn a_pipe_gets_lines_without_escape_codes() {
    let mut rig = Rig::with(TerminalKind::Lines, 0, 0);
    rig.bind(Fish);
    fill_in(&mut rig);
    let mut output = rig.frame();
    fail_build(&mut rig);
    rig.dashboard(|dashboard| dashboard.log(LogLevel::Warning, "now \u{1b}[1mbold"));
    for _ in 0..60 {
        output.extend(rig.frame());
    }
    assert!(!output.contains(&ESCAPE));
    let text = String::from_utf8(output).unwrap();
    let count = |part: &str| text.matches(part).count();
    assert_eq!((count("swim v7 live in 255 ms: detect 9"), count("warning: now bold")), (1, 1), "{text}");
    assert_eq!((count("simulated 1 s: "), count("simulated 2 s: ")), (1, 1), "{text}");
    assert!(text.lines().all(|line| line == line.trim_end() && !line.is_empty()), "{text}");
}

#[test]
fn a_host_that_prints_its_own_lines_gets_those_of_modules() {
    let mut rig = Rig::with(TerminalKind::Lines, 0, 0);
    fill_in(&mut rig);
    rig.dashboard(|dashboard| dashboard.is_told_elsewhere = true);
    fail_build(&mut rig);
    with_console(&mut rig, |console, terminal| {
        assert_eq!((console.kind(terminal), console.size(terminal)), (TerminalKind::Lines, (0, 0)));
        console.write_line(terminal, "land \u{1b}[31mahoy\u{1b}[0m\u{7}");
    });
    let mut output = rig.frame();
    for _ in 0..60 {
        output.extend(rig.frame());
    }
    assert_eq!(String::from_utf8(output).unwrap(), "land ahoy\n");
}

#[test]
fn a_pipe_gets_the_compilers_message_once() {
    let mut rig = Rig::with(TerminalKind::Lines, 80, 24);
    let mut output = rig.frame();
    rig.dashboard(|dashboard| {
        let modules = vec!["swim".to_owned()];
        dashboard.build = Build::Failed { modules, message: compiler_message(), at: FRAME };
    });
    output.extend(rig.frame());
    rig.swap_dashboard();
    output.extend(rig.frame());
    let text = String::from_utf8(output).unwrap();
    assert_eq!(
        (text.matches("mismatched types 12").count(), text.matches("swim was not built").count()),
        (1, 1),
        "{text}"
    );
}

#[test]
fn the_module_starts_a_world_that_lacks_its_models() {
    let mut engine = keel::engine::Engine::new(keel::engine::EngineConfig::default());
    let module = keel::engine::ModuleTag::new("console");
    let started = engine.run_as(&module, |frame| {
        let mut console = console::Console::default();
        let mut start = console.start(frame);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match start.as_mut().poll(&mut context) {
            std::task::Poll::Ready(result) => result.map_err(|error| error.to_string()),
            std::task::Poll::Pending => Err("it waits".to_owned()),
        }
    });
    assert_eq!(started, Ok(()));
    assert!(engine.world().has_resource::<Dashboard>());
}

/// Writes screens for a person to look at, where `KEEL_SCREENS` names a folder.
#[test]
fn screens_can_be_looked_at() {
    for (columns, rows) in [(80, 24), (160, 50), (200, 60), (60, 20)] {
        let mut rig = busy(columns, rows);
        rig.frame();
        save(&rig, &format!("busy-{columns}x{rows}"));
        fail_build(&mut rig);
        save(&rig, &format!("failed-{columns}x{rows}"));
        let mut rig = Rig::new(columns, rows);
        rig.frame();
        save(&rig, &format!("empty-{columns}x{rows}"));
    }
}

fn save(rig: &Rig, name: &str) {
    assert!(!rig.picture().is_empty());
    if let Some(folder) = std::env::var_os("KEEL_SCREENS") {
        let path = std::path::Path::new(&folder).join(name);
        std::fs::write(path.with_extension("txt"), rig.text()).unwrap();
        std::fs::write(path.with_extension("ansi"), rig.picture()).unwrap();
    }
}
