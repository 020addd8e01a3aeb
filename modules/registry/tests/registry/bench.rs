//! Benchmark cases of a module that was opened.

use keel_fixture::Fixture;

use crate::rig::Rig;

const RACES: &str = r#"
use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;

#[data]
#[derive(Default)]
pub struct Races {}

#[view_model]
impl ViewModel for Races {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.bench(BenchCase::new("count").form("by ones").operations(10), || {
            CheckedRoutine::new(0_u64, |count| *count += 1, |count| *count as f64)
        });
        setup.bench(BenchCase::new("nothing").variant("empty").entities(3), || || ());
        setup.bench(BenchCase::new("unprepared"), || {
            if keel::module::FINGERPRINT.rustc.len() > 1 { panic!("no {}", "start") }
            || ()
        });
        setup.bench(BenchCase::new("broken"), || || panic!("no {}", "finish"));
        Ok(())
    }
}

keel::export_module! { view_model: Races }
"#;

#[test]
fn cases_are_prepared_and_run_and_their_panics_are_contained() {
    let rig = Rig::new();
    let library = Fixture::module("races").source(RACES).build();
    let checked = rig.registry.checker().check(&rig.scratch.copy(&library), 1);
    let mut candidate = checked.unwrap();
    let benches = candidate.take_benches();
    assert!(candidate.take_benches().is_empty(), "they are taken once");
    drop(candidate);

    let names: Vec<_> = benches.iter().map(|bench| bench.case().to_string()).collect();
    assert_eq!(names, ["count", "nothing (empty)", "unprepared", "broken"]);
    let case = benches[0].case();
    assert_eq!((case.form_text(), case.operations_per_iteration()), ("by ones", 10));
    assert_eq!((benches[1].case().entities_prepared(), case.entities_prepared()), (Some(3), None));

    let mut count = benches[0].prepare().unwrap();
    assert_eq!(count.run(3), Ok(()));
    assert_eq!(count.run(4), Ok(()));
    assert_eq!(count.checksum(), Ok(Some(7.0)), "a case keeps what it has done");
    assert_eq!(benches[0].prepare().unwrap().checksum(), Ok(Some(0.0)), "and starts afresh when prepared");
    let mut nothing = benches[1].prepare().unwrap();
    assert_eq!((nothing.run(5), nothing.checksum()), (Ok(()), Ok(None)));

    let unprepared = benches[2].prepare().err().unwrap();
    assert!(unprepared.contains("no start"), "{unprepared}");
    let broken = benches[3].prepare().unwrap().run(1).unwrap_err();
    assert!(broken.contains("no finish"), "{broken}");
}

#[test]
fn a_game_that_loads_the_module_keeps_none_of_its_cases() {
    let mut rig = Rig::new();
    let library = Fixture::module("races").source(RACES).build();
    rig.load(&library).unwrap();
    rig.steps(2);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.engine.systems(), ["races/update"]);
}
