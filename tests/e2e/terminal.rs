//! A real terminal, by tmux: it is taken, and left as it was found.

use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::game::{child_of, poll, signal};
use crate::workspace::{Workspace, text};

/// A terminal with a shell in it, on a tmux server of its own.
struct Terminal {
    socket: String,
    workspace: Workspace,
}

impl Terminal {
    /// `None` where there is no tmux.
    fn open() -> Option<Self> {
        if !keel_fixture::has_program("tmux") {
            return None;
        }
        let workspace = Workspace::take();
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let opened = OPENED.fetch_add(1, Relaxed);
        let socket = format!("keel-e2e-{}-{opened}", std::process::id());
        let mut tmux = workspace.command("tmux");
        tmux.args(["-L", &socket, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36"]);
        let output = tmux.args(["env", "PS1=$ ", "sh"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        Some(Self { socket, workspace })
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(arguments).output().unwrap();
        assert!(output.status.success(), "tmux {arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Whether the second screen is shown, and whether the cursor is.
    fn modes(&self) -> String {
        self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim().to_owned()
    }

    /// Starts the game, waits for its dashboard, and returns the supervisor's id.
    fn play(&self) -> u32 {
        self.play_with("")
    }

    fn play_with(&self, arguments: &str) -> u32 {
        self.type_line(&format!(
            "{} run --no-watch {arguments}; echo ended with $?",
            env!("CARGO_BIN_EXE_keel")
        ));
        poll("the game's screen", || (self.modes() == "1 0").then_some(()));
        poll("the dashboard", || self.screen().contains("shoal-swim").then_some(()));
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]).trim().parse().unwrap();
        child_of(shell, "run").unwrap()
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn wait_shown(&self, part: &str) {
        poll(part, || self.screen().contains(part).then_some(()));
    }

    /// Waits for the end of the game, and looks at what it leaves.
    #[track_caller]
    fn check_left_clean(&self, code: i32) -> String {
        let end = format!("ended with {code}");
        // The command line says it too; only the shell's answer begins a line.
        let screen = poll(&end, || Some(self.screen()).filter(|screen| screen.contains("\nended with ")));
        assert!(screen.contains(&end), "{screen}");
        assert_eq!(self.modes(), "0 1", "the first screen with its cursor");
        self.type_line(
            "stty -a | tr ';' '\\n' | grep -c -w -e '-echo' -e '-icanon' -e '-isig'; echo modes read",
        );
        let screen = poll("stty", || Some(self.screen()).filter(|it| it.contains("\nmodes read")));
        assert!(screen.contains("\n0\nmodes read"), "echo, icanon and isig are on: {screen}");
        self.tmux(&["send-keys", "-R"]);
        self.tmux(&["clear-history"]);
        self.type_line("clear");
        poll("a clear screen", || (!self.screen().contains("modes read")).then_some(()));
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

#[test]
fn every_end_of_a_run_leaves_the_terminal_clean() {
    let Some(terminal) = Terminal::open() else { return };
    for name in ["INT", "TERM"] {
        signal(terminal.play(), name);
        terminal.check_left_clean(0);
    }
    terminal.play();
    terminal.tmux(&["send-keys", "q"]);
    terminal.check_left_clean(0);
    terminal.play();
    terminal.tmux(&["send-keys", "C-c"]);
    terminal.check_left_clean(0);

    let supervisor = terminal.play_with("--snapshots off");
    signal(child_of(supervisor, "engine").unwrap(), "KILL");
    let screen = terminal.check_left_clean(4);
    assert!(screen.contains("the engine process ended: signal 9 (killed)"), "{screen}");
    let runs = std::fs::read_dir(terminal.workspace.path("target/live/run")).unwrap();
    let names = runs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| name.starts_with("run-")).collect();
    assert!(left.is_empty(), "each run removes its folder: {left:?}");
}

#[test]
fn the_screen_and_the_keys_go_on_when_the_engine_has_ended() {
    let Some(terminal) = Terminal::open() else { return };
    let supervisor = terminal.play();
    for _ in 0..2 {
        let engine = child_of(supervisor, "engine").unwrap();
        signal(engine, "KILL");
        poll("another engine", || child_of(supervisor, "engine").filter(|it| *it != engine));
        poll("what was told of it", || terminal.screen().contains("signal 9 (killed)").then_some(()));
        assert_eq!(terminal.modes(), "1 0", "the terminal is still the game's");
        poll("the dashboard", || terminal.screen().contains("shoal-swim").then_some(()));
        terminal.tmux(&["send-keys", "p"]);
        poll("a pause", || terminal.screen().contains("paused").then_some(()));
        terminal.tmux(&["send-keys", "p"]);
        poll("the game to go on", || (!terminal.screen().contains("paused")).then_some(()));
    }
    terminal.tmux(&["send-keys", "q"]);
    terminal.check_left_clean(0);
}

#[test]
fn the_keys_do_what_they_say() {
    let Some(mut terminal) = Terminal::open() else { return };
    terminal.play();
    terminal.wait_shown("not watching: r reloads");
    terminal.press("p");
    terminal.wait_shown("paused");
    terminal.press("p");
    poll("the game to go on", || (!terminal.screen().contains("paused")).then_some(()));
    terminal.press("c");
    terminal.wait_shown("▪ info: nothing waits for your consent");
    terminal.press("R");
    terminal.wait_shown("the game was started afresh");
    terminal.workspace.edit(
        "systems/shoal-swim/src/lib.rs",
        "const SPEED: f32 = 12.0;",
        "const SPEED: f32 = 11.0;",
    );
    terminal.press("r");
    terminal.wait_shown("shoal-swim v1 live in ");

    // The marked module alone.
    terminal.press("Tab");
    terminal.wait_shown("m reload the marked");
    // The first row is marked; each key moves the mark once.
    let rows = ["console", "ecs", "shoal-hunt", "shoal-model-modu", "shoal-swim", "shoal-tide"];
    for row in &rows[1..] {
        terminal.press("Down");
        terminal.wait_shown(&format!("▸{row}"));
    }
    terminal.press("m");
    terminal.wait_shown("shoal-tide v1 live in ");
    assert!(!terminal.screen().contains("shoal-swim v2"), "nothing else: {}", terminal.screen());
    terminal.press("b");
    terminal.wait_shown("shoal-tide v1 is taken back: v0 runs again, as v2");
    terminal.press("<");
    terminal.wait_shown("went back ");
    terminal.press("q");
    terminal.check_left_clean(0);
}

#[test]
fn the_last_seconds_with_new_code_are_shown_with_both_outcomes() {
    let Some(mut terminal) = Terminal::open() else { return };
    terminal.play();
    // All of the last seconds have run with the code before.
    terminal.press("p");
    terminal.wait_shown("paused");
    terminal.workspace.edit(
        "systems/shoal-swim/src/lib.rs",
        "const SPEED: f32 = 12.0;",
        "const SPEED: f32 = 11.0;",
    );
    terminal.press("r");
    terminal.wait_shown("shoal-swim v1 live in ");
    terminal.press(">");
    terminal.wait_shown(" frames again, ");
    for sign in ["- entity ", "+ entity "] {
        terminal.wait_shown(sign);
    }
    assert!(terminal.screen().contains(" frames again, "), "all of it: {}", terminal.screen());
    terminal.press("q");
    terminal.check_left_clean(0);
}

#[test]
fn a_key_that_was_pressed_reaches_new_code_in_its_trial() {
    let Some(mut terminal) = Terminal::open() else { return };
    terminal.play();
    terminal.tmux(&["send-keys", "x"]);
    let begin = "fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {\n";
    let panics = "        use keel::console::{Key, Terminal};
        let pressed = frame.models::<Terminal>()?.get_mut(Terminal::MAIN)?.next_pressed();
        assert!(pressed != Some(Key::Letter('x')), \"it was x\");\n";
    terminal.workspace.edit("systems/shoal-swim/src/lib.rs", begin, &format!("{begin}{panics}"));
    terminal.tmux(&["send-keys", "r"]);
    poll("a refusal", || terminal.screen().contains("[trial-panic]").then_some(()));
    terminal.tmux(&["send-keys", "q"]);
    terminal.check_left_clean(0);
}

#[test]
fn while_the_engine_hangs_the_screen_says_so_and_keys_still_work() {
    const NOTICE: &str = " shoal-swim/update has not returned for";
    const CHOICE: &str = "wait, or press R to go on with the code before, q to quit";
    let Some(mut terminal) = Terminal::open() else { return };
    let go_on = terminal.workspace.scratch("go-on");
    let begin = "fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {\n";
    let wait = format!(
        "        while frame.time.step > 100 && !std::path::Path::new({:?}).exists() {{}}\n",
        go_on.display().to_string()
    );
    terminal.workspace.edit("systems/shoal-swim/src/lib.rs", begin, &format!("{begin}{wait}"));
    terminal.play();
    let hangs = || poll("the notice", || terminal.screen().trim_end().ends_with(CHOICE).then_some(()));
    hangs();
    let screen = terminal.screen();
    assert!(screen.lines().last().unwrap().starts_with(NOTICE), "{screen}");
    std::fs::write(&go_on, "").unwrap();
    poll("the dashboard", || (!terminal.screen().contains(CHOICE)).then_some(()));
    poll("its log", || terminal.screen().contains("shoal-swim/update has returned after").then_some(()));
    std::fs::remove_file(&go_on).unwrap();
    hangs();
    terminal.tmux(&["send-keys", "q"]);
    terminal.check_left_clean(0);

    terminal.play_with("--snapshots off");
    hangs();
    terminal.tmux(&["send-keys", "R"]);
    let screen = terminal.check_left_clean(4);
    assert!(screen.contains("it was ended, as shoal-swim/update has not returned for"), "{screen}");
}
