//! Functions by name that are functions of the view model itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::time::Duration;

use keel::engine::{CallError, Engine, EngineConfig, FunctionDescriptor, ModuleTag, PreparedCall};
use keel::prelude::*;
use keel::state::{Value, ValueRef};

#[data]
#[derive(Default)]
struct Score {
    points: u32,
    /// What came of the calls by name that its own code has made.
    refused: Vec<String>,
}

#[view_model]
impl ViewModel for Score {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup
            .function_of("add", Self::add)
            .function_of("points", |score: &mut Self, _: &mut Frame<'_>| score.points);
        let told = FunctionDescriptor::new("take").parameters(&["points"]).doc("Takes points.").atomic();
        setup.function_of_with(told, Self::take).function_of("again", Self::again);
        setup.function_of("refused", |score: &mut Self, _: &mut Frame<'_>| score.refused.join("; "));
        setup.function("free", |_: &mut Frame<'_>| 7_u32);
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        // What needs no fields can be called from here, too.
        assert_eq!(frame.call("score/free", &[])?, Value::from(7_u32));
        let refused = frame.call("score/points", &[]).unwrap_err();
        self.refused.push(refused.to_string());
        self.points += 100;
        Ok(())
    }
}

impl Score {
    fn add(&mut self, frame: &mut Frame<'_>, points: u32, note: String) -> u32 {
        assert!(note != "panic", "as it was asked to");
        frame.commands.spawn((Name::new(note),));
        self.points += points;
        self.points
    }

    fn take(&mut self, frame: &mut Frame<'_>, points: u32) -> Result<u32, String> {
        frame.world.spawn((Name::new("taken"),));
        self.points = self.points.checked_sub(points).ok_or_else(|| format!("there are {}", self.points))?;
        Ok(self.points)
    }

    fn again(&mut self, frame: &mut Frame<'_>) -> Result<u32, CallError> {
        PreparedCall::new("score/again").call_as(frame, &[])
    }
}

fn engine() -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let (mut setup, mut score) = (Setup::new(), Score::default());
    score.register(&mut setup).unwrap();
    setup.check_owner(&score).unwrap();
    engine.exchange(vec![setup.into_code_of(&ModuleTag::new("score"), Box::new(score))]).unwrap();
    engine
}

fn call(engine: &mut Engine, path: &str, arguments: &[ValueRef<'_>]) -> Result<Value, CallError> {
    let mut outcome = Ok(Value::Unit);
    let run = engine.run_as(&ModuleTag::new("other"), |frame| {
        outcome = frame.call(path, arguments);
        Ok(())
    });
    run.unwrap();
    outcome
}

#[test]
fn a_function_of_the_view_model_works_on_its_fields() {
    let mut engine = engine();
    assert_eq!(call(&mut engine, "score/add", &[2.into(), "two".into()]), Ok(Value::from(2_u32)));
    assert_eq!(call(&mut engine, "score/add", &[3.into(), "three".into()]), Ok(Value::from(5_u32)));
    assert_eq!(engine.world().len(), 2, "its commands were applied");
    assert_eq!(call(&mut engine, "score/points", &[]), Ok(Value::from(5_u32)));
    let mut points = PreparedCall::new("score/points");
    let read = engine.run_as(&ModuleTag::new("other"), |frame| {
        points.call_as::<u64>(frame, &[]).map_err(|error| error.to_string())
    });
    assert_eq!(read, Ok(5));
}

#[test]
fn it_is_shown_and_checked_as_any_function() {
    let mut engine = engine();
    let shown: Vec<_> = engine.functions().iter().map(ToString::to_string).collect();
    assert_eq!(shown[1], "score/again() -> u32", "{shown:?}");
    assert!(shown.contains(&"score/take(points: u32) -> u32".to_owned()), "{shown:?}");
    let refused = call(&mut engine, "score/add", &[(-1).into(), "less".into()]).unwrap_err();
    assert!(matches!(refused, CallError::WrongValue { .. }), "{refused}");
    let refused = call(&mut engine, "score/add", &[1.into()]).unwrap_err();
    assert!(matches!(refused, CallError::WrongCount { expected: 2, found: 1, .. }), "{refused}");
    assert_eq!(call(&mut engine, "score/points", &[]), Ok(Value::from(0_u32)), "nothing was run");
}

#[test]
fn an_error_of_an_atomic_one_takes_back_the_world() {
    let mut engine = engine();
    call(&mut engine, "score/add", &[2.into(), "two".into()]).unwrap();
    assert_eq!(call(&mut engine, "score/take", &[1.into()]), Ok(Value::from(1_u32)));
    assert_eq!(engine.world().len(), 2);
    let failed = call(&mut engine, "score/take", &[5.into()]).unwrap_err();
    assert_eq!(failed.to_string(), "`score/take` failed: there are 1");
    assert_eq!(engine.world().len(), 2, "what it had spawned is gone");
}

#[test]
fn a_call_that_comes_back_to_its_own_module_is_refused_and_does_not_wait() {
    let mut engine = engine();
    let refused = call(&mut engine, "score/again", &[]).unwrap_err().to_string();
    assert!(
        refused.contains("`again` is called while other code of its module has the view model"),
        "{refused}"
    );
    engine.update(EngineConfig::default().step + Duration::from_nanos(1));
    assert_eq!(engine.take_faults(), []);
    let told = call(&mut engine, "score/refused", &[]).unwrap();
    assert!(told.to_string().contains("call the method of `self` there"), "{told}");
    assert_eq!(call(&mut engine, "score/points", &[]), Ok(Value::from(100_u32)), "and `update` went on");
}

#[test]
fn a_panic_suspends_the_module_and_the_caller_goes_on() {
    let mut engine = engine();
    let failed = call(&mut engine, "score/add", &[1.into(), "panic".into()]).unwrap_err();
    assert!(matches!(failed, CallError::Panicked { .. }), "{failed}");
    let faults = engine.take_faults();
    assert_eq!((faults.len(), faults[0].system.as_str(), faults[0].suspended), (1, "function add", true));
    let refused = call(&mut engine, "score/points", &[]).unwrap_err();
    assert!(matches!(refused, CallError::Suspended { .. }), "{refused}");
}

#[data]
#[derive(Default)]
struct Other {}

#[view_model]
impl ViewModel for Other {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }
}

#[test]
fn one_of_another_type_and_one_that_is_lent_nothing_are_refused() {
    let declare = || {
        let mut setup = Setup::new();
        setup.function_of("points", |score: &mut Score, _: &mut Frame<'_>| score.points);
        setup
    };
    let refused = declare().check_owner(&Other::default()).unwrap_err().to_string();
    assert!(refused.contains("`points` is registered for another type"), "{refused}");
    let mut engine = Engine::new(EngineConfig::default());
    let tag = ModuleTag::new("score");
    engine.exchange(vec![declare().into_code_of(&tag, Box::new(Other::default()))]).unwrap();
    let failed = call(&mut engine, "score/points", &[]).unwrap_err().to_string();
    assert!(failed.contains("registered for another type"), "{failed}");
    engine.exchange(vec![declare().into_code(&tag)]).unwrap();
    let failed = call(&mut engine, "score/points", &[]).unwrap_err().to_string();
    assert!(
        failed.contains("`points` is lent its view model; make the code with `into_code_of`"),
        "{failed}"
    );
}
