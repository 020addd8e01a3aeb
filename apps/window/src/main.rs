//! The binary `keel-window`: a game of Keel in a window, and the window drives it. winit owns the loop and calls;
//! the engine owns none and is called.

mod canvas;
mod keys;
mod window;

use anyhow::Context;
use clap::Parser;
use keel::engine::contain;
use keel_embed::{BuiltModules, Game, GameConfig};
use winit::event_loop::EventLoop;

use crate::window::Window;

/// The game of the current workspace in a window.
#[derive(Parser)]
#[command(name = "keel-window", version)]
struct Arguments {
    /// Closes the window after so many frames.
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// Where the game's random numbers start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[cfg(target_os = "linux")]
const NO_DISPLAY: &str = "no window can be opened here. It needs a display ($DISPLAY), and the libraries libX11, \
                          libX11-xcb, libXcursor, libXi, libxcb and libxkbcommon-x11; on Debian and Ubuntu: apt-get \
                          install libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0";
#[cfg(not(target_os = "linux"))]
const NO_DISPLAY: &str = "no window can be opened here; is there a display?";

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let modules = BuiltModules::build(&std::env::current_dir()?)?;
    let mut game = Game::new(GameConfig { seed: arguments.seed, ..GameConfig::default() });
    game.load(modules.libraries())?;
    let mut window = Window::new(game, arguments.frames);
    let events = open_display().context(NO_DISPLAY)?;
    events.run_app(&mut window)?;
    window.end()
}

/// winit tells of most that is missing with an error, and of libxkbcommon-x11 with a panic.
fn open_display() -> anyhow::Result<EventLoop<()>> {
    Ok(contain(EventLoop::new).map_err(anyhow::Error::msg)??)
}
