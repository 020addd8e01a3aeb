//! What systems keep for themselves, across swaps of the libraries that their code lies in.

use keel_registry::{Code, Consent, describe_locals};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const COUNT: &str = "#[data] #[derive(Default)] pub struct Count { pub runs: u64 }
    fn count(mut count: Local<Count>, commands: &mut Commands) {
        count.runs += 1;
        commands.spawn((Name::new(format!(\"counted at {}\", count.runs)),));
    }";
const REGISTER: &str = "setup.system(\"count\", count);";

fn counting(label: &str) -> Swim {
    Swim::new(label).at("ITEMS", COUNT).at("REGISTER", REGISTER)
}

#[test]
fn a_local_goes_on_in_the_new_library() {
    let mut rig = Rig::new();
    rig.load(&counting("v1").build()).unwrap();
    rig.steps(3);
    assert_eq!((rig.engine.take_faults(), rig.mark("counted")), (vec![], 3));
    let report = rig.load(&counting("v2").build()).unwrap();
    assert_eq!(report.modules[0].changes, []);
    rig.steps(1);
    assert_eq!(rig.mark("counted"), 4);

    // Its field is renamed, and one is added.
    let other = COUNT
        .replace(
            "pub runs: u64",
            "#[keel(renamed_from = \"runs\")] pub times: u64, #[keel(default = 100)] pub more: u64",
        )
        .replace("count.runs += 1", "count.times += count.more")
        .replace("count.runs", "count.times");
    let v3 = Swim::new("v3").at("ITEMS", &other).at("REGISTER", REGISTER);
    let report = rig.load(&v3.build()).unwrap();
    let changes: Vec<_> = report.modules[0].changes.iter().map(ToString::to_string).collect();
    let expected =
        ["`count: Count.times` was called `runs`", "`count: Count.more` is new and takes its default"];
    assert_eq!(changes, expected);
    rig.steps(1);
    assert_eq!((rig.engine.take_faults(), rig.mark("counted")), (vec![], 104));
}

#[test]
fn a_local_that_is_gone_needs_consent() {
    let mut rig = Rig::new();
    rig.load(&counting("v1").build()).unwrap();
    rig.steps(2);
    let without = Swim::new("v2").build();
    check_refused(rig.load(&without), Code::DataLoss, "`count: Local` of type Count is gone");
    rig.steps(1);
    assert_eq!(rig.mark("counted"), 3, "the old code goes on");
    rig.load_with(&without, Consent::AcceptLoss).unwrap();
    rig.steps(1);
    assert_eq!((rig.mark("counted"), rig.engine.take_faults()), (3, vec![]));
}

#[test]
fn a_saved_game_holds_the_locals_and_a_reset_drops_them() {
    let mut rig = Rig::new();
    rig.load(&counting("v1").build()).unwrap();
    rig.steps(5);
    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let file = keel::state::Snapshot::parse(&game).unwrap();
    let lines: Vec<_> = describe_locals(&file).unwrap().into_iter().collect();
    assert_eq!(lines, [("locals swim count: Local<Count>".to_owned(), "Count { runs: 5 }".to_owned())]);

    let mut other = Rig::new();
    let copy = other.scratch.copy(&counting("v2").build());
    let candidate = other.registry.checker().check(&copy, 0).unwrap();
    other.registry.resume_game(&mut other.engine, vec![candidate], &game, Consent::Lossless).unwrap();
    other.steps(1);
    assert_eq!((other.mark("counted"), other.engine.take_faults()), (6, vec![]));

    rig.registry.reset(&mut rig.engine).unwrap();
    rig.steps(1);
    assert_eq!(rig.mark("counted"), 1);
}

#[test]
fn parameters_that_exclude_each_other_refuse_the_module() {
    let items = "#[resource] pub struct Tide {} fn wet(_: ResMut<Tide>, _: Res<Tide>) {}";
    let swim = Swim::new("v1").at("ITEMS", items).at("REGISTER", "setup.system(\"wet\", wet);");
    let mut rig = Rig::new();
    let told =
        "system `swim/wet`: parameters `ResMut<Tide>` and `Res<Tide>` both use `Tide`, and one writes it";
    check_refused(rig.load(&swim.build()), Code::SystemsCollide, told);
    rig.check_runs_nothing();
}
