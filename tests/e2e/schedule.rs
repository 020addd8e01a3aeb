//! What a game tells of its schedule.

use serde_json::{Value, json};

use crate::game::Game;
use crate::workspace::{Workspace, text};

const SWIM: &str = "systems/shoal-swim/src/lib.rs";
const REGISTER: &str = "    fn register(&mut self, _: &mut Setup) -> ModuleResult {\n";

/// Two systems that write positions, without a word of which comes first.
const AMBIGUOUS: &str = r#"    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("shove", |_: Query<&mut Position>| {});
        setup.system_with(SystemDescriptor::new("pull"), |_: Query<&mut Position>| {});
"#;
const ORDER: &str = "SystemDescriptor::new(\"pull\")";
const ORDERED: &str = "SystemDescriptor::new(\"pull\").after(\"shove\")";

/// The pairs of the two that an event tells: other modules use positions, too.
fn told(event: &Value) -> Vec<Value> {
    let all = event["ambiguities"].as_array().unwrap_or_else(|| panic!("{event}"));
    let is_own = |pair: &&Value| pair["first"] == "shoal-swim/shove" && pair["second"] == "shoal-swim/pull";
    all.iter().filter(is_own).cloned().collect()
}

#[test]
fn systems_in_no_order_are_told_at_the_start_and_by_the_edit_that_makes_them_so() {
    let pair = json!({
        "first": "shoal-swim/shove",
        "second": "shoal-swim/pull",
        "shared": "Position",
    });
    let mut game = Game::start();
    game.edit(SWIM, REGISTER, AMBIGUOUS);
    let swap = game.wait_swap("shoal-swim").line;
    assert_eq!(told(&swap), std::slice::from_ref(&pair), "{swap}");
    // What is so already is no news.
    game.edit(SWIM, "const SPEED: f32 = 12.0;", "const SPEED: f32 = 13.0;");
    let swap = game.wait_swap("shoal-swim").line;
    assert_eq!(swap["ambiguities"], json!([]), "{swap}");
    game.edit(SWIM, ORDER, ORDERED);
    let swap = game.wait_swap("shoal-swim").line;
    assert_eq!(swap["ambiguities"], json!([]), "{swap}");
    game.edit(SWIM, ORDERED, ORDER);
    let swap = game.wait_swap("shoal-swim").line;
    assert_eq!(told(&swap), std::slice::from_ref(&pair), "{swap}");

    // A game that ends before its first frame says what `check` can't know.
    let workspace: Workspace = game.quit();
    let run =
        |mode: &str| workspace.keel(&["run", "--headless", "--frames", "0", "--no-watch", mode, "--fps=0"]);
    let output = run("--json");
    let lines = text(&output);
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ready = events.into_iter().find(|event| event["event"] == "ready");
    let ready = ready.unwrap_or_else(|| panic!("{lines}"));
    assert_eq!(told(&ready), [pair], "{ready}");
    let lines = text(&run("--seed=1"));
    let is_told = "shoal-swim/shove and shoal-swim/pull (both use Position)";
    assert!(lines.contains("in no order: ") && lines.contains(is_told), "{lines}");
    // Nothing of the modules is run by it.
    let check = workspace.keel(&["check", "--json"]);
    assert!(check.status.success() && !text(&check).contains("shove"), "{}", text(&check));
}
