//! What is new to a system stays known while the game is edited.

use crate::game::{Game, message};
use crate::workspace::Workspace;

const FISH: &str = "systems/shoal-model/src/fish.rs";
const SCHOOL: (&str, &str) = (
    "/// A school. Its leader is its child.\n#[component]",
    "/// A school. Its leader is its child.\n#[component(tracked)]",
);
const AGE: &str = "    /// Steps since the newest of them.\n    pub age: u8,\n";

const TIDE: &str = "systems/shoal-tide/src/lib.rs";
const REGISTER: &str = "        setup.provide::<dyn TideView>(Box::new(Water));\n";
const SYSTEMS: &str = "        setup.system(\"watch\", watch);
        setup.system_with(SystemDescriptor::new(\"stir\").after(\"watch\"), stirred);\n";
const EXPORT: &str = "keel::export_module! {";

/// Logs each school that is new to it, by this label. With `stir`, one school is changed after that, once.
fn watching(tide: &str, label: &str, stir: bool) -> String {
    let stir = if stir { "stir(schools, done);" } else { "drop((schools, done));" };
    let items = format!(
        "fn watch(schools: Query<(Entity, Ref<shoal_model::School>), Changed<shoal_model::School>>) {{
    for (_, school) in &schools {{
        let what = if school.is_added() {{ \"added\" }} else {{ \"changed\" }};
        keel::log::info!(\"{label}: school {{}} is {{what}}\", school.number);
    }}
}}

fn stirred(schools: Query<&mut shoal_model::School>, done: Local<u32>) {{
    {stir}
}}

#[allow(dead_code, reason = \"one of two generations calls it\")]
fn stir(mut schools: Query<&mut shoal_model::School>, mut done: Local<u32>) {{
    if *done == 0 {{
        *done = 1;
        let third = schools.iter_mut().find(|school| school.number == 3);
        third.expect(\"there are twelve\").breadth += 1.0;
    }}
}}

"
    );
    assert!(tide.contains(REGISTER) && tide.contains(EXPORT), "shoal-tide is written otherwise");
    tide.replace(REGISTER, &(REGISTER.to_owned() + SYSTEMS)).replace(EXPORT, &(items + EXPORT))
}

/// What was logged with this label, sorted.
fn logged(game: &Game, label: &str) -> Vec<String> {
    let events =
        game.history().iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let messages = events.filter(|event| event["event"] == "log").map(|event| message(&event).to_owned());
    let mut found: Vec<_> = messages
        .filter_map(|message| Some(message.split_once(&format!("{label}: "))?.1.to_owned()))
        .collect();
    found.sort();
    found
}

#[test]
fn ticks_go_on_through_swaps_of_a_system_and_of_a_type() {
    let mut workspace = Workspace::take();
    let tide = workspace.read(TIDE);
    workspace.edit(FISH, SCHOOL.0, SCHOOL.1);
    workspace.write(TIDE, &watching(&tide, "one", false));
    let mut game = Game::start_in(workspace);
    game.wait_log("one: school 11 is added");
    game.assert_goes_on();
    assert_eq!(logged(&game, "one").len(), 12, "each is new once");

    game.workspace.write(TIDE, &watching(&tide, "two", true));
    game.wait_swap("shoal-tide");
    game.wait_log("two: school 3 is changed");
    game.assert_goes_on();
    assert_eq!(logged(&game, "two"), ["school 3 is changed"], "nothing is new again");

    // Another component gets a field: the world is converted, and all modules are exchanged.
    let worn = format!("{AGE}    /// How worn it is.\n    #[keel(default = 0.5)]\n    pub wear: f32,\n");
    let fish = game.workspace.read(FISH);
    assert!(fish.contains(AGE) && fish.contains(", age: 0 }\n    }"), "fish.rs declares `Trail` otherwise");
    let fish = fish.replace(AGE, &worn).replace(", age: 0 }\n    }", ", age: 0, wear: 0.0 }\n    }");
    game.workspace.write(FISH, &fish);
    assert_eq!(game.wait_swap("shoal-tide").line["rebuilt"], true);
    game.assert_goes_on();
    assert_eq!(logged(&game, "two"), ["school 3 is changed"], "the new world knows what was seen");
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}
