//! The binary `keel-window`: a game of Keel in a window, and the window drives it. winit owns the loop and calls;
//! the engine owns none and is called.

mod canvas;
mod keys;
mod window;

use anyhow::Context;
use clap::Parser;
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

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let modules = BuiltModules::build(&std::env::current_dir()?)?;
    let mut game = Game::new(GameConfig { seed: arguments.seed, ..GameConfig::default() });
    game.load(modules.libraries())?;
    let mut window = Window::new(game, arguments.frames);
    let events = EventLoop::new().context("no window can be opened here; is there a display?")?;
    events.run_app(&mut window)?;
    window.end()
}
