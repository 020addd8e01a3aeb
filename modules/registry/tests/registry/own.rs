//! Systems and handlers that are functions of the view model itself, and what it does after a swap.

use keel::engine::{ModuleTag, PreparedCall};
use keel_registry::{Code, RegistryConfig, State};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const FIELDS: &str = "pub hunted: u64, #[keel(skip)] pub cache: Vec<u64>,";
const OWN: &str = "impl Swim {
    fn hunt(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.hunted += self.steps;
        frame.world.spawn((Name::new(format!(\"hunted at {}\", self.hunted)),));
        Ok(())
    }
    fn bloom(&mut self, frame: &mut Frame<'_>, patches: u64) {
        self.hunted += 1000 * patches;
        frame.world.spawn((Name::new(format!(\"bloomed at {}\", self.hunted)),));
    }
}";
const REGISTER: &str = "setup.system_of(\"hunt\", Self::hunt); setup.handler_of(\"bloom\", Self::bloom);";

fn hunter(label: &str) -> Swim {
    Swim::new(label).fields(FIELDS).at("REGISTER", REGISTER)
}

#[test]
fn own_systems_and_handlers_reach_the_fields_and_the_fields_survive_a_swap() {
    let start = "frame.timers.once(std::time::Duration::from_millis(90), \"bloom\", &2_u64)?;";
    let mut rig = Rig::new();
    rig.load(&hunter("v1").at("ITEMS", OWN).at("START", start).build()).unwrap();
    assert_eq!(rig.engine.systems(), ["swim/update", "swim/v1", "swim/hunt"]);
    rig.steps(3);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.mark("hunted"), 1 + 2 + 3, "it sees what `update` has done in the same step");

    rig.load(&hunter("v2").at("ITEMS", OWN).build()).unwrap();
    rig.steps(1);
    assert_eq!(rig.mark("hunted"), 6 + 4, "and goes on with the fields of the generation before");
    rig.steps(4);
    assert_eq!(rig.engine.take_faults(), []);
    assert!(rig.mark("bloomed") > 2000, "the timer of the old code calls the handler of the new");
    assert!(rig.mark("hunted") > 2000, "which has changed the fields");
}

#[test]
fn an_own_function_reaches_the_fields_of_each_generation() {
    let scoring = |label: &str, each: u64| {
        let score = format!(
            "impl Swim {{ fn score(&mut self, _: &mut Frame<'_>, of: u64) -> u64 {{
                self.hunted += of * {each};
                self.hunted
            }} }}"
        );
        let register = "setup.function_of(\"score\", Self::score);";
        Swim::new(label).fields(FIELDS).at("REGISTER", register).at("ITEMS", &score)
    };
    let again = "self.cache.push(u64::from(frame.call(\"swim/score\", &[1.into()]).is_err()));
        frame.world.spawn((Name::new(format!(\"refused at {}\", self.cache.len())),));";
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let mut score = PreparedCall::new("swim/score");
    let mut call = |rig: &mut Rig| {
        rig.engine.run_as(&ModuleTag::new("caller"), |frame| {
            score.call_as::<u64>(frame, &[2.into()]).map_err(|error| error.to_string())
        })
    };
    rig.load(&scoring("v1", 1).at("UPDATE", again).build()).unwrap();
    assert_eq!(call(&mut rig), Ok(2));
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.mark("refused"), 1, "`update` has the view model, and is not kept waiting for itself");

    rig.load(&scoring("v2", 100).build()).unwrap();
    rig.registry.tidy();
    assert_eq!(call(&mut rig), Ok(2 + 200), "the new code, on the fields of the old");
    assert_eq!(rig.mapped(), 1, "which nothing holds");
}

#[test]
fn a_panic_in_an_own_system_suspends_the_module_and_its_state_is_saved_all_the_same() {
    let bad = OWN.replace(
        "self.hunted += self.steps;",
        "if self.steps == 3 { panic!(\"boom {}\", 1) } self.hunted += 1;",
    );
    let mut rig = Rig::new();
    rig.load(&hunter("bad").at("ITEMS", &bad).build()).unwrap();
    rig.steps(5);
    let faults = rig.engine.take_faults();
    assert_eq!(
        (faults.len(), faults[0].system.as_str(), faults[0].suspended),
        (1, "hunt", true),
        "{faults:?}"
    );
    rig.registry.note_faults(&faults);
    rig.load(&hunter("v2").at("ITEMS", OWN).build()).unwrap();
    rig.steps(1);
    assert_eq!((rig.mark("hunted"), rig.state("swim")), (2 + 4, Some(State::Live)));
}

#[test]
fn a_system_of_another_type_is_refused() {
    let other = "#[data] #[derive(Default)] pub struct Other {}
        #[view_model] impl ViewModel for Other { fn register(&mut self, _: &mut Setup) -> ModuleResult { Ok(()) } }
        impl Other { fn hunt(&mut self, _: &mut Frame<'_>) {} }";
    let swim = Swim::new("v1").at("ITEMS", other).at("REGISTER", "setup.system_of(\"hunt\", Other::hunt);");
    let mut rig = Rig::new();
    check_refused(rig.load(&swim.build()), Code::LoadFailed, "`hunt` is registered for another type");
    rig.check_runs_nothing();
}

const RESUMED: &str = "fn resumed(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.cache = vec![self.steps; 3];
        frame.world.spawn((Name::new(format!(\"LABEL resumed at {}\", self.steps)),));
        //RESUMED
        Ok(())
    }

    fn save_state";

fn resuming(label: &str) -> Swim {
    Swim::new(label).fields("#[keel(skip)] pub cache: Vec<u64>,").replace("fn save_state", RESUMED)
}

#[test]
fn a_swapped_module_goes_on_before_its_first_update() {
    let seen = "frame.world.spawn((Name::new(format!(\"cached at {}\", self.cache.len())),));";
    let mut rig = Rig::new();
    rig.load(&resuming("v1").build()).unwrap();
    rig.steps(3);
    assert_eq!(rig.mark("v1 resumed"), 0, "a module that starts does not go on");
    rig.load(&resuming("v2").at("UPDATE", seen).build()).unwrap();
    assert_eq!((rig.mark("v2 resumed"), rig.mark("v2")), (3, 0));
    rig.steps(1);
    assert_eq!((rig.mark("cached"), rig.mark("v2")), (3, 4));

    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let mut rig = Rig::new();
    let copy = rig.scratch.copy(&resuming("v3").build());
    let candidate = rig.registry.checker().check(&copy, 0).unwrap();
    rig.registry.resume_game(&mut rig.engine, vec![candidate], &game, Default::default()).unwrap();
    assert_eq!(rig.mark("v3 resumed"), 4, "a saved game goes on, too");
}

#[test]
fn a_failure_to_go_on_is_a_fault_and_no_rollback() {
    for (code, suspended) in
        [("panic!(\"boom {}\", 1);", true), ("return Err(ModuleError::new(\"boom 1\"));", false)]
    {
        let mut rig = Rig::new();
        rig.load(&Swim::new("v1").build()).unwrap();
        rig.steps(2);
        rig.load(&resuming("v2").replace("//RESUMED", code).build()).unwrap();
        let faults = rig.engine.take_faults();
        assert_eq!((faults[0].system.as_str(), faults[0].suspended), ("resumed", suspended), "{faults:?}");
        assert!(faults[0].message.contains("boom 1"), "{faults:?}");
        assert_eq!(rig.generations(), [("swim".to_owned(), 1)]);
        rig.steps(1);
        assert_eq!(rig.mark("v2"), if suspended { 0 } else { 3 });
    }
}
