//! Models in pools: whose the pools are, and what becomes of the models when the code changes.

use std::path::{Path, PathBuf};

use keel::binding::{AnyPool, PoolError};
use keel::prelude::*;
use keel::types::ModelType;
use keel_fixture::Fixture;
use keel_registry::{Code, Consent, RegistryConfig};

use crate::rig::{Rig, check_refused};
use crate::sources::{model, types, user};

const CHART: ModelType = ModelType::of("Chart");

/// A chart, with these fields.
fn chart(fields: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         #[model(limit = 16)] #[derive(Clone, Debug, Default)] pub struct Chart {{ {fields} }}
         keel::model! {{ models: [Chart] }}"
    ))
}

/// Three charts are taken, the second is released; the first counts the steps.
const BEGIN: &str = "if self.steps == 1 {
    let charts = frame.models::<Chart>()?;
    let ids = [charts.take()?, charts.take()?, charts.take()?];
    charts.release(ids[1])?;
    charts.get_mut(ids[2])?.depth = 7;
}";

const COUNT: &str = "{
    let charts = frame.models::<Chart>()?;
    let mut chart = charts.get_mut(ModelId::new(0, 0))?;
    frame.world.spawn((Name::new(\"charted\"),));
    chart.depth += 1;
}";

const FIRST: ModelId = ModelId::new(0, 0);
const RELEASED: ModelId = ModelId::new(1, 0);
const THIRD: ModelId = ModelId::new(2, 0);

fn both(types: &Path, update: &str) -> [PathBuf; 2] {
    [model(types), user("game-user", types, update)]
}

/// A rig in which the charts have lived for five steps.
fn begun() -> Rig {
    begun_with(RegistryConfig::default(), "pub depth: u32,")
}

fn begun_with(config: RegistryConfig, fields: &str) -> Rig {
    let mut rig = Rig::with(config);
    rig.load_together(&both(&chart(fields), &[BEGIN, COUNT].concat()), Consent::Lossless).unwrap();
    rig.steps(5);
    assert_eq!(rig.engine.take_faults(), []);
    rig
}

/// What the charts hold, as a saved game tells it: the test was not compiled with their type.
fn charts(rig: &mut Rig) -> Vec<String> {
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let file = keel::state::Snapshot::parse(&bytes).unwrap();
    let models = keel_registry::describe_pools(&file).unwrap().into_iter();
    models.map(|(what, value)| format!("{} {value}", what.trim_start_matches("model Chart "))).collect()
}

fn with_pool<T>(rig: &Rig, call: impl FnOnce(&dyn AnyPool) -> T) -> T {
    call(rig.binding.pin().pool(CHART).unwrap())
}

#[track_caller]
fn check_charts(rig: &mut Rig, expected: &[&str]) {
    assert_eq!(charts(rig), expected);
    assert!(matches!(
        with_pool(rig, |pool| pool.get_model(RELEASED).map(drop)),
        Err(PoolError::Stale { .. })
    ));
}

#[test]
fn only_the_model_module_brings_the_pool() {
    let types = chart("pub depth: u32,");
    let mut rig = Rig::new();
    rig.load(&user("game-user", &types, "")).unwrap();
    assert!(rig.binding.pin().pool(CHART).is_none(), "its user was compiled with the type and has no pool");
    rig.load(&model(&types)).unwrap();
    rig.load(&user("other-user", &types, "")).unwrap();
    assert_eq!(with_pool(&rig, |pool| pool.live_ids()), []);
    let second = Fixture::module("second-model").source("keel::export_module! { model: game_types }");
    let outcome = rig.load(&second.with("game_types", &types).build());
    check_refused(outcome, Code::ViewsCollide, "the pool of `Chart` belongs to module `game-model`");
}

#[test]
fn without_the_model_module_there_is_no_pool_and_the_error_says_so() {
    let mut rig = Rig::new();
    rig.load(&user("game-user", &chart("pub depth: u32,"), COUNT)).unwrap();
    rig.steps(1);
    let faults = rig.engine.take_faults();
    assert!(faults[0].message.contains("no module has a pool of `Chart`"), "{faults:?}");
}

#[test]
fn models_survive_a_swap_with_their_ids() {
    let mut rig = begun();
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
    let report = rig.load_together(&both(&chart("pub depth: u32,"), COUNT), Consent::Lossless).unwrap();
    assert_eq!((report.pools.carried, report.pools.converted), (2, 0));
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
    rig.steps(1);
    check_charts(&mut rig, &["0v0 Chart { depth: 6 }", "2v0 Chart { depth: 7 }"]);
    assert_eq!(with_pool(&rig, |pool| pool.take()), Ok(ModelId::new(1, 1)), "the slot that was free");
    rig.load(&user("game-user", &chart("pub depth: u32,"), "")).unwrap();
    assert_eq!(with_pool(&rig, |pool| pool.live_ids().len()), 3, "a user's swap does not touch the pool");
}

#[test]
fn a_new_field_of_a_model_takes_its_default() {
    let mut rig = begun();
    let wider =
        chart("#[keel(renamed_from = \"depth\")] pub fathoms: u64, #[keel(default = 2)] pub scale: u8,");
    let report = rig.load_together(&both(&wider, ""), Consent::Lossless).unwrap();
    assert_eq!((report.pools.carried, report.pools.converted), (0, 2));
    assert!(
        report.pools.changes.iter().any(|it| it.to_string() == "`Chart.scale` is new and takes its default")
    );
    check_charts(&mut rig, &["0v0 Chart { fathoms: 5, scale: 2 }", "2v0 Chart { fathoms: 7, scale: 2 }"]);
}

#[test]
fn a_field_of_a_model_that_is_gone_needs_consent() {
    let mut rig = begun_with(RegistryConfig::default(), "pub depth: u32, pub reef: bool,");
    let before = charts(&mut rig);
    let narrow = both(&chart("pub depth: u32,"), COUNT);
    check_refused(rig.load_together(&narrow, Consent::Lossless), Code::DataLoss, "`Chart.reef`");
    assert_eq!(charts(&mut rig), before, "the old models are as they were");
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), [], "the old code goes on");
    let report = rig.load_together(&narrow, Consent::AcceptLoss).unwrap();
    assert_eq!(report.pools.converted, 2);
    check_charts(&mut rig, &["0v0 Chart { depth: 6 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn a_swap_that_fails_late_leaves_the_models_in_their_pool() {
    let mut rig = begun();
    let types = chart("pub depth: u32, #[keel(default = 1)] pub reef: u8,");
    // It collides with `keel.PictureView` of the module that stays, which is found only when all is bound.
    rig.load(&crate::sources::Swim::new("v1").build()).unwrap();
    let [model, user] = both(&types, COUNT);
    let thief = crate::sources::Swim::new("v2").build_as("thief");
    let outcome = rig.load_together(&[model, user, thief], Consent::Lossless);
    check_refused(outcome, Code::ViewsCollide, "keel.PictureView");
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    check_charts(&mut rig, &["0v0 Chart { depth: 6 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn a_model_in_use_refuses_the_swap() {
    let mut rig = begun();
    let picture = rig.binding.pin();
    let guard = picture.pool(CHART).unwrap().get_model(FIRST).unwrap();
    let again = both(&chart("pub depth: u32,"), "");
    check_refused(
        rig.load_together(&again, Consent::Lossless),
        Code::SaveFailed,
        "0v0 of pool `Chart` is borrowed",
    );
    drop(guard);
    drop(picture);
    rig.load_together(&again, Consent::Lossless).unwrap();
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn modules_that_disagree_on_a_model_are_never_live_together() {
    let mut rig = begun();
    for changed in ["pub depth: i32,", "pub depth: u64,", "pub depth: u32, pub reef: bool,"] {
        let outcome = rig.load(&model(&chart(changed)));
        check_refused(
            outcome,
            Code::TypesDisagree,
            "compiled from different sources of the model crate `game-types`",
        );
        let outcome = rig.load(&user("game-user", &chart(changed), ""));
        check_refused(outcome, Code::TypesDisagree, "build both again");
    }
    rig.steps(1);
    check_charts(&mut rig, &["0v0 Chart { depth: 6 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn a_reset_starts_the_pools_afresh() {
    let mut rig = begun();
    rig.registry.reset(&mut rig.engine).unwrap();
    assert_eq!(with_pool(&rig, |pool| pool.live_ids()), []);
    rig.steps(1);
    check_charts(&mut rig, &["0v0 Chart { depth: 1 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn models_of_a_module_that_was_removed_come_back_with_it() {
    let mut rig = begun();
    rig.registry.remove(&mut rig.engine, "game-user").unwrap();
    rig.registry.remove(&mut rig.engine, "game-model").unwrap();
    assert!(rig.binding.pin().pool(CHART).is_none());
    assert_eq!(charts(&mut rig).len(), 2, "they are still saved");
    let wider = chart("pub depth: u32, #[keel(default = 2)] pub scale: u8,");
    rig.load_together(&both(&wider, COUNT), Consent::Lossless).unwrap();
    check_charts(&mut rig, &["0v0 Chart { depth: 5, scale: 2 }", "2v0 Chart { depth: 7, scale: 2 }"]);
}

#[test]
fn a_type_that_leaves_the_list_keeps_its_models_aside() {
    let mut rig = begun();
    let without = types("keel::model! { models: [] }");
    let report = rig.load_together(&both(&without, ""), Consent::Lossless).unwrap();
    assert_eq!(report.pools.kept, ["Chart"]);
    assert!(rig.binding.pin().pool(CHART).is_none());
    rig.load_together(&both(&chart("pub depth: u32,"), COUNT), Consent::Lossless).unwrap();
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
}

#[test]
fn a_saved_game_has_the_models_and_their_ids() {
    let mut rig = begun();
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    assert_eq!(with_pool(&rig, |pool| pool.live_ids()), [FIRST, THIRD], "saving takes none away");

    let mut other = Rig::new();
    let wider = chart("pub depth: u32, #[keel(default = 2)] pub scale: u8,");
    let checker = other.registry.checker();
    let candidates: Vec<_> = both(&wider, COUNT)
        .iter()
        .map(|library| checker.check(&other.scratch.copy(library), 0).unwrap())
        .collect();
    let report =
        other.registry.resume_game(&mut other.engine, candidates, &bytes, Consent::Lossless).unwrap();
    assert_eq!(report.pools.converted, 2);
    check_charts(&mut other, &["0v0 Chart { depth: 5, scale: 2 }", "2v0 Chart { depth: 7, scale: 2 }"]);
    other.steps(1);
    assert_eq!(other.engine.take_faults(), []);
    check_charts(&mut other, &["0v0 Chart { depth: 6, scale: 2 }", "2v0 Chart { depth: 7, scale: 2 }"]);
}

#[test]
fn a_game_goes_on_in_pools_whose_module_is_live_or_nothing_changes() {
    let mut rig = begun();
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    rig.steps(3);
    let candidate =
        |rig: &Rig, library: &Path| rig.registry.checker().check(&rig.scratch.copy(library), 0).unwrap();
    let second = Fixture::module("second-model").source("keel::export_module! { model: game_types }");
    let thief = candidate(&rig, &second.with("game_types", &chart("pub depth: u32,")).build());
    let outcome = rig.registry.resume_game(&mut rig.engine, vec![thief], &bytes, Consent::Lossless);
    check_refused(outcome, Code::ViewsCollide, "the pool of `Chart`");
    check_charts(&mut rig, &["0v0 Chart { depth: 8 }", "2v0 Chart { depth: 7 }"]);

    let lone = candidate(&rig, &user("lone", &chart("pub depth: u32,"), ""));
    rig.registry.resume_game(&mut rig.engine, vec![lone], &bytes, Consent::Lossless).unwrap();
    check_charts(&mut rig, &["0v0 Chart { depth: 5 }", "2v0 Chart { depth: 7 }"]);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    check_charts(&mut rig, &["0v0 Chart { depth: 6 }", "2v0 Chart { depth: 7 }"]);
}

/// The saved game with the section `pool NAME` changed, its checksums right.
fn with_section(bytes: &[u8], name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let file = keel::state::Snapshot::parse(bytes).unwrap();
    let mut changed = keel::state::SnapshotWriter::new(Vec::new());
    for section in file.sections() {
        let mut bytes = section.bytes().to_vec();
        if (section.kind(), section.name()) == ("pool", name) {
            change(&mut bytes);
        }
        changed
            .section(section.kind(), section.name(), |out| {
                out.extend(&bytes);
                Ok(())
            })
            .unwrap();
    }
    changed.finish()
}

#[test]
fn a_saved_pool_that_contradicts_itself_is_refused_and_nothing_changes() {
    let mut rig = begun();
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    // Two objects, with the ids 0v0 and 2v0; the second becomes 0v0, or one far beyond the limit.
    let number = |number: u64| number.to_le_bytes();
    let ids = [number(2), number(0), number(2)].concat();
    let second_id = |id: u64| {
        with_section(&bytes, "Chart", |pool| {
            let at = pool.windows(ids.len()).position(|window| window == ids).unwrap();
            pool[at + 16..at + 24].copy_from_slice(&number(id));
        })
    };
    let cut = with_section(&bytes, "Chart", |pool| pool.truncate(pool.len() - 1));
    rig.steps(3);
    let cases =
        [(second_id(0), "its slot occurs twice"), (second_id(99), "beyond the last one"), (cut, "bytes")];
    for (damaged, part) in cases {
        let lone = user("lone", &chart("pub depth: u32,"), "");
        let lone = rig.registry.checker().check(&rig.scratch.copy(&lone), 0).unwrap();
        let outcome = rig.registry.resume_game(&mut rig.engine, vec![lone], &damaged, Consent::Lossless);
        check_refused(outcome, Code::RestoreFailed, part);
        check_charts(&mut rig, &["0v0 Chart { depth: 8 }", "2v0 Chart { depth: 7 }"]);

        let mut other = Rig::new();
        let libraries = both(&chart("pub depth: u32,"), COUNT);
        let checker = other.registry.checker();
        let candidates =
            libraries.iter().map(|it| checker.check(&other.scratch.copy(it), 0).unwrap()).collect();
        let outcome = other.registry.resume_game(&mut other.engine, candidates, &damaged, Consent::Lossless);
        check_refused(outcome, Code::RestoreFailed, part);
        other.check_runs_nothing();
    }
}

#[test]
fn the_hash_of_a_game_counts_its_models() {
    let mut rig = begun();
    let hash = |rig: &Rig| rig.registry.state_hash(&rig.engine).unwrap();
    let world = rig.engine.world().hash().unwrap();
    let before = hash(&rig);
    assert_ne!(before, world);
    let parts = rig.registry.state_hash_parts(&rig.engine).unwrap();
    assert_eq!(parts.values().copied().fold(0, u64::wrapping_add), before);
    assert_eq!(parts["pool Chart"], before.wrapping_sub(world));
    rig.load_together(&both(&chart("pub depth: u32,"), COUNT), Consent::Lossless).unwrap();
    assert_eq!(hash(&rig), before, "a swap changes nothing");
    with_pool(&rig, |pool| pool.get_model_mut(THIRD).unwrap().reset());
    let changed = hash(&rig);
    assert_ne!(changed, before);
    with_pool(&rig, |pool| pool.release(THIRD)).unwrap();
    assert_ne!(hash(&rig), changed);
    with_pool(&rig, |pool| pool.release(FIRST)).unwrap();
    assert_eq!(hash(&rig), world, "no model is left");
}

#[test]
fn a_module_that_fails_to_start_leaves_no_trace_in_the_pools() {
    let mut rig = begun();
    let before = charts(&mut rig);
    let source = "use keel::prelude::*; use game_types::*;
        #[data] #[derive(Default)] pub struct Late {}
        #[view_model] impl ViewModel for Late {
            fn register(&mut self, _: &mut Setup) -> ModuleResult { Ok(()) }
            async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
                let charts = frame.models::<Chart>()?;
                charts.take()?;
                charts.get_mut(ModelId::new(0, 0))?.depth = 1000;
                Err(ModuleError::new(\"too late\"))
            }
        }
        keel::export_module! { view_model: Late, models: [game_types] }";
    let late = Fixture::module("late").source(source);
    let report = rig.load(&late.with("game_types", &chart("pub depth: u32,")).build()).unwrap();
    assert_eq!(report.failed_starts.len(), 1);
    assert_eq!(charts(&mut rig), before);
}

#[test]
fn generations_with_models_are_unmapped_one_after_the_other() {
    let config = RegistryConfig { ring: 0, ..RegistryConfig::default() };
    let mut rig = begun_with(config, "pub depth: u32, pub text: String,");
    // The module's own text, in a model that another module brings.
    let write = "frame.models::<Chart>()?.get_mut(ModelId::new(0, 0))?.text = \"reef\".into();";
    for round in 0..4 {
        let types = chart("pub depth: u32, pub text: String,");
        match round % 2 {
            0 => rig.load_together(&both(&types, write), Consent::Lossless).unwrap(),
            _ => rig.load(&user("game-user", &types, "")).unwrap(),
        };
        rig.steps(2);
        assert_eq!(rig.engine.take_faults(), []);
        let retired = rig.registry.tidy();
        assert_eq!((retired.unmapped, retired.kept), (2 - round % 2, vec![]), "round {round}");
        assert_eq!(rig.mapped(), 2);
        check_charts(
            &mut rig,
            &["0v0 Chart { depth: 5, text: \"reef\" }", "2v0 Chart { depth: 7, text: \"\" }"],
        );
    }
}

#[test]
fn a_view_model_brings_the_pool_that_it_declares_and_keeps_it_when_it_fails() {
    let harbour = |label: &str, fields: &str, update: &str| {
        let source = format!(
            "use keel::prelude::*;
            #[model] #[derive(Default)] pub struct Chart {{ {fields} }}
            #[data] #[derive(Default)] pub struct Harbour {{ pub steps: u64 }}
            #[view_model] impl ViewModel for Harbour {{
                fn register(&mut self, setup: &mut Setup) -> ModuleResult {{
                    setup.pool::<Chart>();
                    setup.system(\"{label}\", |_: &mut Frame<'_>| {{}});
                    Ok(())
                }}
                fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {{
                    self.steps += 1;
                    {update}
                    Ok(())
                }}
            }}
            keel::export_module! {{ view_model: Harbour }}"
        );
        Fixture::module("harbour").source(source).build()
    };
    let mut rig = Rig::new();
    rig.load(&harbour("one", "pub depth: u32,", &[BEGIN, COUNT, "assert!(self.steps < 3);"].concat()))
        .unwrap();
    rig.steps(3);
    let faults = rig.engine.take_faults();
    assert!(faults[0].suspended);
    rig.registry.note_faults(&faults);
    check_charts(&mut rig, &["0v0 Chart { depth: 3 }", "2v0 Chart { depth: 7 }"]);
    rig.load(&harbour("two", "pub depth: u64,", COUNT)).unwrap();
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    check_charts(&mut rig, &["0v0 Chart { depth: 4 }", "2v0 Chart { depth: 7 }"]);
}
