//! Opens the window on a screen that is only memory, and looks at it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};

/// What a desktop has and a server may lack: `apt-get install xvfb xdotool imagemagick`.
const PROGRAMS: [&str; 3] = ["Xvfb", "xdotool", "import"];

/// What a window asks for beside these: `apt-get install libxcursor1 libxi6 libxkbcommon-x11-0`.
const LIBRARIES: [&str; 3] = ["libXcursor.so.1", "libXi.so.6", "libxkbcommon-x11.so.0"];

const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn a_window_opens_shows_the_game_and_closes() {
    if !PROGRAMS.into_iter().all(keel_fixture::has_program)
        || !LIBRARIES.into_iter().all(keel_fixture::has_library)
    {
        return;
    }
    let window = build();
    let screen = Screen::start();
    let mut game = Ended(screen.command(&window).current_dir(root()).spawn().unwrap());
    let id = wait_for("a window", || {
        assert!(
            game.0.try_wait().unwrap().is_none(),
            "it ended before it opened a window; its error is above"
        );
        let found = screen.run("xdotool", &["search", "--onlyvisible", "--name", "."]);
        found.lines().next().map(str::to_owned)
    });
    let (first, second) = (folder().join("first.png"), folder().join("second.png"));
    // A dozen colours of sea and fish, and not one of an empty window.
    wait_for("a picture", || {
        screen.run("import", &["-window", &id, first.to_str()?]);
        (colours(&first) >= 12).then_some(())
    });
    // Frames advance.
    wait_for("another picture", || {
        screen.run("import", &["-window", &id, second.to_str()?]);
        (std::fs::read(&first).unwrap() != std::fs::read(&second).unwrap()).then_some(())
    });
    // A key goes to the game: by day the sky is light, by night it is dark.
    let day = brightness(&second);
    screen.run("xdotool", &["windowfocus", &id, "key", "n"]);
    wait_for("night", || {
        screen.run("import", &["-window", &id, second.to_str()?]);
        (brightness(&second) < day * 0.8).then_some(())
    });
    screen.close(id.parse().unwrap());
    let status = wait_for("the end", || game.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

/// Built as `cargo keel-window` does, with the profile and target directory that its modules are built with.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--profile", "live", "--target-dir", "target/live", "-p", "keel-window"]);
    cargo.args(["--bin", "keel-window"]).current_dir(root());
    assert!(cargo.status().unwrap().success());
    root().join("target/live/live/keel-window")
}

/// A screen in memory.
struct Screen {
    name: String,
    _server: Ended,
}

impl Screen {
    fn start() -> Self {
        // Xvfb finds a free number itself, and says which.
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let mut server = Ended(server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut name = String::new();
        let mut out = std::io::BufReader::new(server.0.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut name).unwrap();
        Self { name: format!(":{}", name.trim()), _server: server }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY");
        // Cargo sets it for tests, and it comes before a binary's own idea of where its libraries lie: the facade of
        // this test's profile is not the window's.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Screen {
    /// Asks the window to close, as a window manager does when its cross is clicked (ICCCM 4.2.8.1).
    fn close(&self, window: u32) {
        let (connection, _) = x11rb::connect(Some(&self.name)).unwrap();
        let atom = |name: &str| connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let message = [atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), message);
        connection.send_event(false, window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    }
}

/// A process that does not outlive the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let expiry = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < expiry, "no sign of {what} within {DEADLINE:?}");
        // What is waited for is another process; looking at it is a process, too.
        std::thread::yield_now();
    }
}

fn colours(picture: &Path) -> u64 {
    let output = Command::new("identify").args(["-format", "%k"]).arg(picture).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
}

/// 0 is black, 1 is white.
fn brightness(picture: &Path) -> f64 {
    let output =
        Command::new("convert").arg(picture).args(["-format", "%[fx:mean]", "info:"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
