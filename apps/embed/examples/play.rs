//! Plays the game of the current workspace for so many frames, 60 by default, and prints the world's hash:
//! `cargo run -p keel-embed --example play -- 600`.

#![allow(clippy::print_stdout, reason = "standard output is what this program talks on")]

use keel_embed::{BuiltModules, Game, GameConfig};

fn main() -> anyhow::Result<()> {
    let frames = std::env::args().nth(1).map_or(Ok(60), |text| text.parse::<u64>())?;
    let modules = BuiltModules::build(&std::env::current_dir()?)?;
    let mut game = Game::new(GameConfig::default());
    game.load(modules.libraries())?;
    for _ in 0..frames {
        for fault in game.update(game.step()) {
            eprintln!("error: {}/{} failed: {}", fault.module, fault.system, fault.message);
        }
    }
    println!("{:016x}", game.registry().state_hash(game.engine())?);
    Ok(())
}
