//! The shape of the game's data changes while it runs. `shoal-model` is linked by all modules of the game, so that
//! all of them swap together.

use crate::game::{Game, Swap, list, message};

pub(crate) const FISH: &str = "systems/shoal-model/src/fish.rs";
const AGE: &str = "    /// Steps since the newest of them.\n    pub age: u8,\n";
const MADE: &str = ", age: 0 }\n    }";

/// All that link the model.
pub(crate) const DEPENDENTS: [&str; 5] =
    ["shoal-hunt", "shoal-model-module", "shoal-swim", "shoal-tide", "shoal-view"];

/// `Trail` with one more field after `age`.
pub(crate) fn trail_with(field: &str, made: &str) -> impl Fn(&str) -> String + use<> {
    let (field, made) = (format!("{AGE}    {field},\n"), format!(", age: 0, {made} }}\n    }}"));
    move |text| {
        assert!(text.contains(AGE) && text.contains(MADE), "fish.rs declares `Trail` otherwise");
        text.replace(AGE, &field).replace(MADE, &made)
    }
}

#[track_caller]
pub(crate) fn wait_all(game: &mut Game) -> Swap {
    let swap = game.wait_swap("shoal-model-module");
    let mut modules: Vec<_> = swap.line["module"].as_str().unwrap().split('+').collect();
    modules.sort_unstable();
    assert_eq!(modules, DEPENDENTS, "all of them in one swap");
    swap
}

#[test]
fn a_field_comes_changes_its_type_and_name_and_goes_and_all_else_stays() {
    let mut game = Game::start();
    game.assert_goes_on();
    let original = game.workspace.read(FISH);
    game.pause();
    let at_first = game.still();
    assert_eq!(at_first.values.of_component("Trail").len(), 17, "twelve leaders and five sharks");

    // It comes, and takes its default.
    let doc = "/// How worn it is.\n    ";
    let wear = format!("{doc}#[keel(default = 0.5)]\n    pub wear: f32");
    game.workspace.write(FISH, &trail_with(&wear, "wear: 0.0")(&original));
    let swap = wait_all(&mut game).line;
    assert_eq!(list(&swap["defaulted"]), ["Trail.wear"]);
    assert!(swap["rebuilt"] == true && list(&swap["dropped"]).is_empty(), "{swap}");
    assert_eq!(swap["converted"], 17, "{swap}");
    let with_wear = game.still();
    let added = |value: &str| format!("{}, wear: 0.5 }}", value.trim_end_matches(" }"));
    with_wear.values.assert_same(&at_first.values.with("Trail", added));
    assert_eq!(with_wear.entities, at_first.entities);

    // It is widened: the values stay, though the default is another one now.
    let wear = format!("{doc}#[keel(default = 9.0)]\n    pub wear: f64");
    game.workspace.write(FISH, &trail_with(&wear, "wear: 0.0")(&original));
    let swap = wait_all(&mut game).line;
    assert_eq!(list(&swap["changed"]), ["`Trail.wear` is converted from f32 to f64"]);
    game.still().values.assert_same(&with_wear.values);

    // It is renamed.
    let tatters = format!("{doc}#[keel(renamed_from = \"wear\", default = 9.0)]\n    pub tatters: f64");
    game.workspace.write(FISH, &trail_with(&tatters, "tatters: 0.0")(&original));
    let swap = wait_all(&mut game).line;
    assert_eq!(list(&swap["changed"]), ["`Trail.tatters` was called `wear`"]);
    let renamed = |value: &str| value.replace("wear:", "tatters:");
    game.still().values.assert_same(&with_wear.values.with("Trail", renamed));

    // It goes: only with consent.
    game.workspace.put_back(FISH);
    let rejected = game.wait_rejected("shoal-hunt");
    assert_eq!((&rejected["stage"], &rejected["code"]), (&"swap".into(), &"data-loss".into()));
    assert!(message(&rejected).contains("`Trail.tatters` of type f64 is gone"), "{rejected}");
    game.still().values.assert_same(&with_wear.values.with("Trail", renamed));
    game.command("accept");
    let swap = wait_all(&mut game).line;
    assert_eq!(list(&swap["dropped"]), ["Trail.tatters"]);
    let at_last = game.still();
    assert_eq!((&at_last.hash, at_last.entities), (&at_first.hash, at_first.entities));
    at_last.values.assert_same(&at_first.values);

    game.command("accept");
    game.wait_log("nothing waits for your consent");
    game.pause();
    game.assert_goes_on();
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}

#[test]
fn an_enum_gains_a_variant_and_its_variants_change_places() {
    let mut game = Game::start();
    // Somewhere in the first seconds, sharks frighten fish and fish find food.
    while game.stats()["step"].as_u64().unwrap() < 120 {}
    game.pause();
    let before = game.still();
    let moods = before.values.of_component("Mood");
    for mood in ["Calm", "Fleeing", "Feeding"] {
        assert!(moods.iter().any(|it| it.starts_with(mood)), "some fish is {mood}");
    }

    // The one place that names all variants is made ready first.
    const CALM: &str = "            Mood::Calm | Mood::Fleeing { .. } =>";
    game.edit("systems/shoal-swim/src/steering.rs", CALM, "            _ =>");
    game.wait_swap("shoal-swim");
    let text = game.workspace.read(FISH);
    let fleeing = text.find("    /// Swims for its life.").unwrap();
    let feeding = text.find("    /// Has found something.").unwrap();
    let end = feeding + text[feeding..].find("}\n").unwrap();
    let startled = "    /// Has seen something.\n    Startled {\n        /// For so long.\n        seconds: f32,\n    },\n";
    let reordered =
        [&text[..fleeing], &text[feeding..end], startled, &text[fleeing..feeding], &text[end..]].concat();
    game.workspace.write(FISH, &reordered);
    let swap = wait_all(&mut game).line;
    assert!(list(&swap["dropped"]).is_empty(), "{swap}");
    let after = game.still();
    after.values.assert_same(&before.values);
    assert_eq!(after.entities, before.entities);

    game.pause();
    game.assert_goes_on();
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}

#[test]
fn consent_is_not_asked_for_any_more_once_the_field_is_back() {
    const SOURCE: &str = "systems/keeper/src/lib.rs";
    const FIELD: &str = "    /// What must not be lost.\n    #[keel(default = 7)]\n    pub kept: u32,\n";
    let mut game = Game::start();
    game.workspace.new_system("keeper");
    game.wait_swap("keeper");
    let without = game.workspace.read(SOURCE);
    let with = without.replace("    pub steps: u64,\n", &format!("    pub steps: u64,\n{FIELD}"));
    game.workspace.write(SOURCE, &with);
    assert_eq!(list(&game.wait_swap("keeper").line["defaulted"]), ["Keeper.kept"]);

    game.workspace.write(SOURCE, &without);
    let rejected = game.wait_rejected("keeper");
    assert_eq!(rejected["code"], "data-loss");
    assert!(rejected["request"].as_u64() > Some(0), "{rejected}");
    game.workspace.write(SOURCE, &with);
    game.wait_swap("keeper");
    game.command("accept");
    game.wait_log("nothing waits for your consent");
    game.assert_goes_on();
    let (_, values) = game.save();
    assert!(values.get("module keeper").ends_with(", kept: 7 }"), "{}", values.get("module keeper"));

    // What is refused now can be accepted all the same.
    game.workspace.write(SOURCE, &without);
    let again = game.wait_rejected("keeper");
    assert!(again["request"].as_u64() > rejected["request"].as_u64());
    game.command("accept");
    assert_eq!(list(&game.wait_swap("keeper").line["dropped"]), ["Keeper.kept"]);
    game.quit();
}

/// What comes before it defines a component once, and gives it to somebody.
const UPDATE: &str = "        let skips = self.skips.read(";

const DEFINE: &str = r#"        if frame.world.definitions().next().is_none() {
            let barnacles = "struct Barnacles { count: u32, on: Vec<String> }";
            frame.world.define_component(&keel::ecs::ComponentDefinition::parse(barnacles)?)?;
            let fields = [("count", 3.into()), ("on", vec!["hull"].into())];
            frame.world.spawn_named(&[("Barnacles", &fields)])?;
        }
"#;

const BARNACLES: &str = "Barnacles { count: 3, on: [\"hull\"] }";

#[test]
fn a_component_that_is_defined_at_run_time_outlives_the_code_and_the_engine_that_defined_it() {
    let mut game = Game::start();
    game.assert_goes_on();
    game.edit("systems/shoal-tide/src/lib.rs", UPDATE, &format!("{DEFINE}{UPDATE}"));
    game.wait_swap("shoal-tide");
    game.assert_goes_on();
    game.workspace.put_back("systems/shoal-tide/src/lib.rs");
    game.wait_swap("shoal-tide");
    game.pause();
    let defined = game.still();
    assert_eq!(defined.values.of_component("Barnacles"), [BARNACLES]);

    // Another type changes its shape, for which the world is built anew.
    let original = game.workspace.read(FISH);
    game.workspace.write(FISH, &trail_with("pub wear: f32", "wear: 0.0")(&original));
    let swap = wait_all(&mut game).line;
    assert!(swap["rebuilt"] == true && list(&swap["kept"]).is_empty(), "{swap}");
    let rebuilt = game.still();
    assert_eq!(rebuilt.values.of_component("Barnacles"), [BARNACLES]);
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");

    // Another process, which knows it from the file alone.
    let file = defined.file;
    let mut again = Game::start_with(game.quit(), &["--from", file.to_str().unwrap()]);
    again.assert_goes_on();
    assert_eq!(again.save().1.of_component("Barnacles"), [BARNACLES]);
    let kept = |line: &String| line.contains("Barnacles") && line.contains("\"ready\"");
    assert!(!again.history().iter().any(kept), "nothing of it is kept aside");
    again.quit();
}
