//! Observers and relations of the running game: exchanged with their module, gone with it, and kept through a change of
//! the model.

use crate::game::{Game, message};

const SWIM: &str = "systems/shoal-swim/src/lib.rs";
const MODEL: &str = "systems/shoal-model/src/lib.rs";
const FISH: &str = "systems/shoal-model/src/fish.rs";

const REGISTER: &str = "    fn register(&mut self, _: &mut Setup) -> ModuleResult {\n";
const PRELUDE: &str = "use keel::prelude::*;\n";

/// Registers an observer that tells of each bubble which is called after `word`, and a system that makes one in each step.
fn observing(word: &str) -> String {
    let code = r#"    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("blow", |commands: &mut Commands, time: Time| {
            commands.spawn((Name::new(format!("bubble {}", time.step)),));
        });
        setup.observer("see", |on: On<Insert, Name>, names: Query<&Name>| {
            if let Ok(name) = names.get(on.entity()) {
                keel::log::info!("WORD sees {name}");
            }
        });
"#;
    code.replace("WORD", word)
}

/// The bubbles that `word` has told of, in what the game has told so far.
fn seen(game: &Game, word: &str) -> Vec<u64> {
    let lines = game.history().iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let logs = lines.filter(|event| event["event"] == "log");
    let text = format!("{word} sees bubble ");
    // Several lines of one time may come together.
    let found = logs.flat_map(|event| {
        let bubbles = message(&event).split(&text).skip(1).map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        });
        bubbles.collect::<Vec<u64>>()
    });
    found.collect()
}

#[test]
fn an_edited_observer_is_called_from_then_on_and_one_that_is_gone_is_not() {
    let mut game = Game::start();
    game.edit(SWIM, REGISTER, &observing("the first"));
    game.wait_swap("shoal-swim");
    game.wait_log("the first sees bubble");
    game.edit(SWIM, "the first sees", "the second sees");
    game.wait_swap("shoal-swim");
    let before = seen(&game, "the first");
    game.wait_log("the second sees bubble");
    game.assert_goes_on();
    // The last line of the old code may have been read after that of the swap.
    let (first, second) = (seen(&game, "the first"), seen(&game, "the second"));
    assert!(!before.is_empty() && !second.is_empty());
    let all: Vec<_> = first.iter().chain(&second).copied().collect();
    assert!(all.is_sorted_by(|one, next| one < next), "each bubble is seen once, in order: {all:?}");
    assert_eq!(all.len() as u64, all[all.len() - 1] - all[0] + 1, "and none is missed: {all:?}");

    game.workspace.put_back(SWIM);
    game.wait_swap("shoal-swim");
    game.assert_goes_on();
    let told = seen(&game, "the second").len();
    game.assert_goes_on();
    game.assert_goes_on();
    assert_eq!(seen(&game, "the second").len(), told, "nobody is left who would tell");
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}

/// All leaders follow the first of them.
const FOLLOWING: &str = r#"    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("follow", |leaders: Query<Entity, With<Leader>>, commands: &mut Commands| {
            let first = leaders.iter().min();
            let others = leaders.iter().filter(|leader| Some(*leader) != first);
            others.for_each(|leader| first.into_iter().for_each(|it| commands.relate::<Follows>(leader, it)));
        });
"#;

#[test]
fn relations_survive_a_swap_that_changes_a_component() {
    const AGE: &str = "    /// Steps since the newest of them.\n    pub age: u8,\n";
    const MADE: &str = ", age: 0 }\n    }";
    let mut game = Game::start();
    game.pause();
    // All at once, or the modules would not fit together in between.
    let model = game.workspace.read(MODEL);
    let relation = "/// Who swims behind whom.\n#[keel::relation]\npub struct Follows;\n\nkeel::model! {\n    relations: [Follows],\n";
    game.workspace.write(MODEL, &model.replace("keel::model! {\n", relation));
    game.wait_swap("shoal-model-module");
    let swim = game.workspace.read(SWIM).replace(REGISTER, FOLLOWING);
    let import = "use keel::prelude::*;\nuse shoal_model::Follows;\n";
    game.workspace.write(SWIM, &swim.replacen(PRELUDE, import, 1));
    game.wait_swap("shoal-swim");
    game.pause();
    game.assert_goes_on();
    game.pause();
    let before = game.still();
    let targets = before.values.of_component("FollowsTargets");
    assert!(targets.len() > 5 && targets.iter().all(|it| *it == targets[0]), "{targets:?}");
    assert_eq!(before.values.of_component("FollowsSources").len(), 1);

    let fish = game.workspace.read(FISH);
    let wear = format!("{AGE}    /// How worn it is.\n    #[keel(default = 0.5)]\n    pub wear: f32,\n");
    let fish = fish.replace(AGE, &wear).replace(MADE, ", age: 0, wear: 0.0 }\n    }");
    game.workspace.write(FISH, &fish);
    let swap = game.wait_swap("shoal-model-module").line;
    assert_eq!(swap["rebuilt"], true, "{swap}");
    let after = game.still();
    let added = |value: &str| format!("{}, wear: 0.5 }}", value.trim_end_matches(" }"));
    after.values.assert_same(&before.values.with("Trail", added));
    game.pause();
    game.assert_goes_on();
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}
