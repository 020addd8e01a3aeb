//! States, what systems keep for themselves, and sparse components of the running game: each goes on where it was when
//! code is edited, and when a type is.
//!
//! All of what is looked at follows from the number of the step alone, so that a step which is lost or done twice shows.

use crate::game::{Game, Still, message};
use crate::workspace::Workspace;

const MODEL: &str = "systems/shoal-model/src/lib.rs";
const TIDE: &str = "systems/shoal-tide/src/lib.rs";

const TYPES: &str = "/// Changes in every step.
#[keel::resource]
#[derive(Debug, Default, PartialEq)]
pub enum Weather {
    /// In odd steps.
    #[default]
    Calm,
    /// In even ones.
    Storm,
}

/// What schools come to have and lose again.
#[keel::component(sparse)]
#[derive(Default)]
pub struct Wet {
    /// The step in which it came.
    pub since: u64,
    /// For so many steps.
    pub steps: u64,
}
";

const REGISTER: &str = "        setup.provide::<dyn TideView>(Box::new(Water));\n";
const SYSTEMS: &str = "        let system = SystemDescriptor::new;
        setup.system(\"turn\", turn).system(\"soak\", soak);
        setup.system_with(system(\"drip\").after(\"soak\"), drip);
        setup.system_with(system(\"clear\").on_exit(shoal_model::Weather::Storm), clear);
        setup.system_with(system(\"calm\").on_enter(shoal_model::Weather::Calm), calm);
        setup.system_with(system(\"storm\").on_enter(shoal_model::Weather::Storm), storm);
";
const EXPORT: &str = "keel::export_module! {";

const ITEMS: &str = r#"
use shoal_model::{School, Weather, Wet};

const LABEL: &str = "one";

fn turn(weather: Res<Weather>, mut next: NextState<Weather>) {
    next.set(if *weather == Weather::Calm { Weather::Storm } else { Weather::Calm });
}

fn clear(time: Time, mut times: Local<u64>) {
    *times += 1;
    keel::log::info!("{LABEL}: step {} clears {}", time.step, *times);
}

fn calm(time: Time, mut times: Local<u64>) {
    *times += 1;
    keel::log::info!("{LABEL}: step {} calm {}", time.step, *times);
}

fn storm(time: Time, mut times: Local<u64>) {
    *times += 1;
    keel::log::info!("{LABEL}: step {} storm {}", time.step, *times);
}

fn soak(schools: Query<(Entity, &School, Option<&Wet>)>, commands: &mut Commands, time: Time) {
    for (entity, school, wet) in &schools {
        if u64::from(school.number) != time.step % 12 {
            continue;
        }
        if wet.is_some() {
            commands.remove::<(Wet,)>(entity);
        } else {
            commands.insert(entity, (Wet { since: time.step, ..Wet::default() },));
        }
    }
}

fn drip(mut wet: Query<&mut Wet, With<School>>) {
    wet.for_each(|wet| wet.steps += 1);
}

"#;

/// What was told of changes, as `LABEL: step N WHAT TIMES`.
fn told(game: &Game) -> Vec<String> {
    let events =
        game.history().iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let logs: Vec<_> =
        events.filter(|event| event["event"] == "log").map(|it| message(&it).to_owned()).collect();
    let lines = logs.iter().flat_map(|message| message.lines());
    let found = lines.filter_map(|line| {
        let at = line.find("one: step ").or_else(|| line.find("two: step "))?;
        Some(line[at..].to_owned())
    });
    found.collect()
}

/// Checks that each step up to `last` has been told of, once, in its order, and by whom it should be.
#[track_caller]
fn check_told(game: &Game, edited_after: u64, last: u64) {
    let label = |step: u64| if step <= edited_after { "one" } else { "two" };
    let of_step = |step: u64| {
        let (label, times) = (label(step), step.div_ceil(2));
        match step % 2 {
            0 => vec![format!("{label}: step {step} storm {times}")],
            // A game does not leave a state when it begins with one.
            1 if step == 1 => vec![format!("{label}: step 1 calm 1")],
            _ => vec![
                format!("{label}: step {step} clears {}", step / 2),
                format!("{label}: step {step} calm {times}"),
            ],
        }
    };
    let expected: Vec<_> = (1..=last).flat_map(of_step).collect();
    let told = told(game);
    let differs = told.iter().zip(&expected).find(|(told, expected)| told != expected);
    assert_eq!((differs, told.len()), (None, expected.len()));
}

/// Checks which schools are wet, and since when. Those that became so up to step `without` have been given their third
/// field by a swap.
#[track_caller]
fn check_wet(still: &Still, without: Option<u64>) {
    let mut expected: Vec<_> = (0..12)
        .filter_map(|school| {
            let hits = (1..=still.step).filter(|step| step % 12 == school);
            let since = hits.clone().next_back().filter(|_| hits.count() % 2 == 1)?;
            let field = without.map(|without| format!(", depth: {}", if since <= without { 7 } else { 0 }));
            let steps = still.step - since + 1;
            Some(format!("Wet {{ since: {since}, steps: {steps}{} }}", field.unwrap_or_default()))
        })
        .collect();
    let mut found = still.values.of_component("Wet");
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "after step {}", still.step);
}

#[test]
fn states_locals_and_sparse_components_go_on_through_swaps_of_code_and_of_a_type() {
    let mut workspace = Workspace::take();
    let model = workspace.read(MODEL);
    let listed = "keel::model! {\n    components: [\n        Wet,\n";
    let model = model.replace("keel::model! {\n    components: [\n", &format!("{TYPES}\n{listed}"));
    workspace.write(MODEL, &model.replace("resources: [", "resources: [Weather, "));
    let tide = workspace.read(TIDE);
    assert!(tide.contains(REGISTER) && tide.contains(EXPORT), "shoal-tide is written otherwise");
    let tide = tide.replace(REGISTER, &(REGISTER.to_owned() + SYSTEMS));
    workspace.write(TIDE, &tide.replace(EXPORT, &(ITEMS.to_owned() + EXPORT)));
    let mut game = Game::start_in(workspace);
    while game.stats()["step"].as_u64().unwrap() < 40 {}

    game.pause();
    let before = game.still();
    assert!(before.values.of_component("Wet").len() > 2);
    check_wet(&before, None);
    // In every step a state is to be changed at the beginning of the next one.
    game.edit(TIDE, "LABEL: &str = \"one\"", "LABEL: &str = \"two\"");
    let swap = game.wait_swap("shoal-tide").line;
    assert!(swap["rebuilt"] == false && swap["defaulted"] == serde_json::json!([]), "{swap}");
    let after = game.still();
    after.values.assert_same(&before.values);
    assert_eq!((&after.hash, after.step), (&before.hash, before.step));
    game.pause();
    while game.stats()["step"].as_u64().unwrap() < before.step + 40 {}

    game.pause();
    let edited_after = before.step;
    let before = game.still();
    check_wet(&before, None);
    let steps = "    pub steps: u64,\n";
    let depth = "    /// Of the water.\n    #[keel(default = 7)]\n    pub depth: u8,\n";
    game.edit(MODEL, steps, &format!("{steps}{depth}"));
    let swap = game.wait_swap("shoal-model-module").line;
    assert_eq!((&swap["rebuilt"], &swap["defaulted"]), (&true.into(), &serde_json::json!(["Wet.depth"])));
    let after = game.still();
    let added = |value: &str| format!("{}, depth: 7 }}", value.trim_end_matches(" }"));
    after.values.assert_same(&before.values.with("Wet", added));
    game.pause();
    while game.stats()["step"].as_u64().unwrap() < before.step + 40 {}

    game.pause();
    let last = game.still();
    check_wet(&last, Some(before.step));
    check_told(&game, edited_after, last.step);
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}
