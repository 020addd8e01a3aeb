//! What is under way when a module is swapped: events, timers, deferred calls, tasks.

use crate::game::Game;

const SOURCE: &str = "systems/busy/src/lib.rs";

const MODULE: &str = r#"//! A module with much under way.

use std::time::Duration;

use keel::log::info;
use keel::prelude::*;
use shoal_model::FeedPlankton;

/// The module's own fields.
#[data]
#[derive(Default)]
pub struct Busy {
    steps: u64,
    feedings: EventCursor<FeedPlankton>,
}

/// The argument of a timer.
#[data]
pub(crate) struct Beat {
    strength: u32,
}

#[view_model]
impl ViewModel for Busy {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.handler("beat", beat);
        setup.handler("deferred", deferred);
        setup.handler("told", told);
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.timers.every(Duration::from_millis(200), "beat", &Beat { strength: 7 })?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        old_ways(self, frame)
    }
}

fn old_ways(busy: &mut Busy, frame: &mut Frame<'_>) -> ModuleResult {
    // Nobody of this generation reads or hears any of it.
    frame.world.send(FeedPlankton { patches: 0 });
    frame.calls.call("deferred", &busy.steps)?;
    if frame.tasks.running() == 0 {
        let calls = frame.calls.clone();
        frame.tasks.spawn("waits", async move {
            sleep(Duration::from_secs(100_000)).await;
            let _ = calls.call("told", &());
        });
        let calls = frame.calls.clone();
        frame.tasks.spawn("ends", async move {
            let _ = calls.call("told", &());
        });
        info!("a task waits");
    }
    Ok(())
}

fn beat(_frame: &mut Frame<'_>, beat: Beat) {
    info!("old beat of {}", beat.strength);
}

fn deferred(_frame: &mut Frame<'_>, step: u64) {
    if step == 5 {
        info!("old deferred call");
    }
}

fn told(_frame: &mut Frame<'_>, (): ()) {
    info!("old told");
}

keel::export_module! { view_model: Busy, models: [shoal_model] }
"#;

#[test]
fn events_timers_calls_and_fields_survive_and_a_cancelled_task_is_told() {
    let mut game = Game::start();
    game.workspace.new_system("busy");
    game.wait_swap("busy");
    std::fs::remove_dir_all(game.workspace.path("systems/busy/tests")).unwrap();
    let manifest = game.workspace.read("systems/busy/Cargo.toml");
    let with_model = "[dependencies]\nshoal-model = { path = \"../shoal-model\" }\n";
    game.workspace.write("systems/busy/Cargo.toml", &manifest.replace("[dependencies]\n", with_model));
    game.wait_swap("busy");
    game.workspace.write(SOURCE, MODULE);
    game.wait_swap("busy");
    // A module's timers begin in `start`, which runs at its first load and after a reset.
    game.command("reset");
    game.wait_log("the game was started afresh");
    game.wait_log("a task waits");
    game.wait_log("old beat of 7");
    game.pause();
    let before = game.still();
    assert!(
        before.values.0.keys().any(|what| what.starts_with("event FeedPlankton ")),
        "an event is in flight"
    );
    let steps = before.values.get("module busy").to_owned();

    let new = MODULE
        .replace("    old_ways(self, frame)\n", "    new_ways(self, frame)\n")
        .replace("fn old_ways", "#[expect(dead_code, reason = \"the old ways\")]\nfn old_ways")
        .replace("info!(\"old ", "info!(\"new ")
        .replace("step == 5", "step > 5")
        .replace("    strength: u32,\n", "    strength: u64,\n    #[keel(default = 3)]\n    count: u8,\n")
        .replace("&Beat { strength: 7 }", "&Beat { strength: 70, count: 1 }")
        .replace("of {}\", beat.strength", "of {} times {}\", beat.strength, beat.count")
        .replace("fn beat(", NEW_WAYS);
    game.workspace.write(SOURCE, &new);
    let swap = game.wait_swap("busy").line;
    assert_eq!(swap["tasks_cancelled"], 1, "the task that waits is ended, and that is told: {swap}");
    let after = game.still();
    assert_eq!((&after.hash, after.entities), (&before.hash, before.entities));
    assert_eq!(after.values.get("module busy"), steps);
    after.values.assert_same(&before.values);

    game.command("pause");
    game.wait_log("new deferred call");
    game.wait_log("events in flight: 1");
    game.wait_log("new beat of 7 times 3");
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}

/// Reads what the generation before has sent, and sends nothing.
const NEW_WAYS: &str = r#"fn new_ways(busy: &mut Busy, frame: &mut Frame<'_>) -> ModuleResult {
    let events = busy.feedings.read(&frame.world.events::<FeedPlankton>()).count();
    if events > 0 {
        info!("events in flight: {}", events.min(1));
    }
    Ok(())
}

fn beat("#;
