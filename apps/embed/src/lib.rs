//! A game in the process of whoever drives it: a window, a test, a benchmark, another engine's main loop.
//!
//! There is no supervisor and no terminal here, and no loop: [`Game::update`] runs one frame.
//!
//! ```no_run
//! use std::time::Duration;
//! use keel_embed::{BuiltModules, Game, GameConfig};
//!
//! let modules = BuiltModules::build(&std::env::current_dir()?)?;
//! let mut game = Game::new(GameConfig::default());
//! game.load(modules.libraries())?;
//! for _ in 0..60 {
//!     game.update(Duration::from_millis(16));
//! }
//! # Ok::<(), anyhow::Error>(())
//! ```

mod built;
mod game;

pub use built::BuiltModules;
pub use game::{Game, GameConfig};
