//! Runs the game without a terminal.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use keel::module::ModuleRoot;
use keel_embed::{Game, GameConfig};

/// All modules of the workspace, in the order in which they are started.
static MODULES: &[&ModuleRoot] = include!(concat!(env!("OUT_DIR"), "/modules.rs"));

/// A game of Keel as one binary.
#[derive(Parser)]
#[command(name = "keel-static", version)]
struct Arguments {
    /// Ends after so many frames.
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// Frames a second; 0 for as many as go. Each simulates 1/N of a second, or 1/60 for 0.
    #[arg(long, value_name = "N", default_value_t = 60)]
    fps: u32,
    /// Where the game's random numbers start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// One JSON object a line on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let steps_per_second = if arguments.fps == 0 { 60 } else { arguments.fps };
    let mut game = Game::new(GameConfig { steps_per_second, seed: arguments.seed });
    game.link(MODULES)?;
    let begin = Instant::now();
    while arguments.frames.is_none_or(|frames| game.engine().time().frame < frames) {
        let frame_begin = Instant::now();
        for fault in game.update(game.step()) {
            eprintln!("error: {}/{} failed: {}", fault.module, fault.system, fault.message);
        }
        if arguments.fps > 0 {
            thread::sleep(game.step().saturating_sub(frame_begin.elapsed()));
        }
    }
    tell(&game, begin.elapsed(), arguments.json)
}

/// The last line of `keel run`, with the same names.
fn tell(game: &Game, elapsed: Duration, json: bool) -> anyhow::Result<()> {
    let (time, world) = (game.engine().time(), game.engine().world());
    let hash = format!("{:016x}", game.registry().state_hash(game.engine())?);
    let frame_ms = elapsed.as_secs_f64() * 1e3 / time.frame.max(1) as f64;
    let mut out = std::io::stdout().lock();
    if json {
        let stats = serde_json::json!({
            "event": "stats",
            "frame": time.frame,
            "step": time.step,
            "frame_ms": frame_ms,
            "entities": world.len(),
            "world_hash": hash,
        });
        writeln!(out, "{stats}")?;
    } else {
        let (frame, entities) = (time.frame, world.len());
        writeln!(out, "frame {frame}: {frame_ms:.2} ms a frame, {entities} entities, world {hash}")?;
    }
    Ok(())
}
