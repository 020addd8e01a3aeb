//! Functions by name: called with checked arguments, contained, exchanged with their module.

use keel_ecs::{Entity, ModelTypeInfo, component};
use keel_engine::{
    CALL_DEPTH_MAX, CallError, Engine, Frame, FunctionDescriptor, IntoFunction, ModuleCode, ModuleTag,
    PreparedCall,
};
use keel_module_macros::data;
use keel_state::{Value, ValueRef};

use crate::{STEP, engine};

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Health {
    left: f32,
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Blow {
    force: f32,
    #[keel(default = 2)]
    times: u8,
}

/// Takes health from an entity; what is left.
fn damage(frame: &mut Frame<'_>, who: Entity, amount: f32) -> Result<f32, String> {
    let mut health = frame.world.get_mut::<Health>(who).map_err(|error| error.to_string())?;
    health.left -= amount;
    Ok(health.left)
}

fn hunt() -> ModuleTag {
    ModuleTag::new("hunt")
}

/// With `hunt`'s functions, and a ship.
fn with_functions() -> (Engine, Entity) {
    let mut engine = engine();
    engine.world_mut().register(ModelTypeInfo::component::<Health>()).unwrap();
    let descriptor =
        FunctionDescriptor::new("damage").parameters(&["who", "amount"]).doc("Takes health from an entity.");
    engine.add_function(&hunt(), descriptor, damage).unwrap();
    add(&mut engine, "strike", |_: &mut Frame<'_>, blow: Blow| Blow {
        force: blow.force * f32::from(blow.times),
        times: 1,
    });
    add(&mut engine, "panic", |_: &mut Frame<'_>| -> u32 { panic!("of a function") });
    add(&mut engine, "spawn", |frame: &mut Frame<'_>, left: f32| {
        frame.commands.spawn((Health { left },));
        let _ = frame.timers.once(STEP, "later", &());
    });
    add(&mut engine, "again", |frame: &mut Frame<'_>, depth: u32| -> Result<u32, CallError> {
        let deeper = frame.call("hunt/again", &[(depth + 1).into()])?;
        Ok(if let Value::Unsigned(depth) = deeper { depth as u32 } else { 0 })
    });
    let ship = engine.world_mut().spawn((Health { left: 10.0 },));
    (engine, ship)
}

fn add<M>(engine: &mut Engine, name: &str, function: impl IntoFunction<M>) {
    engine.add_function(&hunt(), FunctionDescriptor::new(name), function).unwrap();
}

/// Calls as another module does.
fn call(engine: &mut Engine, path: &str, arguments: &[ValueRef<'_>]) -> Result<Value, String> {
    engine.run_as(&ModuleTag::new("other"), |frame| {
        frame.call(path, arguments).map_err(|error| error.to_string())
    })
}

#[test]
fn a_function_is_called_with_converted_arguments() {
    let (mut engine, ship) = with_functions();
    assert_eq!(call(&mut engine, "hunt/damage", &[ship.into(), 3.into()]), Ok(7.0_f32.into()));
    let text = ship.to_string();
    assert_eq!(call(&mut engine, "hunt/damage", &[text.as_str().into(), 1.5.into()]), Ok(5.5_f32.into()));
    assert_eq!(engine.world().get::<Health>(ship).unwrap().left, 5.5);
    let blow = Value::named([("force", 3.into())]);
    let result = call(&mut engine, "hunt/strike", &[(&blow).into()]).unwrap();
    assert_eq!(result.to_string(), "Blow { force: 6.0, times: 1 }");
}

#[test]
fn what_does_not_fit_is_refused_and_the_function_not_called() {
    let (mut engine, ship) = with_functions();
    let mut check = |path: &str, arguments: &[ValueRef<'_>], expected: &str| {
        let error = call(&mut engine, path, arguments).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    };
    check(
        "hunt/damage",
        &[ship.into(), "much".into()],
        "`hunt/damage`: amount is f32; found text \"much\"; write a number",
    );
    check(
        "hunt/damage",
        &[ship.into(), 16_777_217.into()],
        "`hunt/damage`: amount is f32; 16777217 does not fit",
    );
    check(
        "hunt/damage",
        &[ship.into()],
        "`hunt/damage` takes 2 arguments, 1 were given; it is hunt/damage(who: Entity, amount: f32) -> f32",
    );
    check(
        "hunt/strike",
        &[1.into()],
        "`hunt/strike`: argument 1 is Blow; found 1; write values by the names",
    );
    check(
        "hunt/heal",
        &[],
        "there is no function `hunt/heal`; there are: hunt/again, hunt/damage, hunt/panic, hunt/spawn, hunt/strike",
    );
    check("hunt/damage", &[Entity::DANGLING.into(), 1.into()], "`hunt/damage` failed: entity");
    assert_eq!(engine.world().get::<Health>(ship).unwrap().left, 10.0);
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn a_result_is_checked_too() {
    let (mut engine, ship) = with_functions();
    let result = engine.run_as(&ModuleTag::new("other"), |frame| {
        let mut damage = PreparedCall::new("hunt/damage");
        assert_eq!(damage.call_as::<f64>(frame, &[ship.into(), 1.into()]), Ok(9.0));
        damage.call_as::<u8>(frame, &[ship.into(), 0.5.into()]).map_err(|error| error.to_string())
    });
    assert_eq!(result.unwrap_err(), "`hunt/damage`: the result is f32; 8.5 is no u8; read it as f32");
}

#[test]
fn functions_are_told() {
    let (engine, _) = with_functions();
    let functions = engine.functions();
    let told: Vec<_> = functions.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "hunt/again(argument 1: u32) -> u32",
            "hunt/damage(who: Entity, amount: f32) -> f32",
            "hunt/panic() -> u32",
            "hunt/spawn(argument 1: f32) -> ()",
            "hunt/strike(argument 1: Blow) -> Blow",
        ]
    );
    assert_eq!(functions[1].doc, "Takes health from an entity.");
}

#[test]
fn what_a_function_orders_is_its_own_modules() {
    let (mut engine, _) = with_functions();
    engine
        .add_handler(&hunt(), "later", |frame: &mut Frame<'_>, ()| {
            frame.world.despawn(frame.world.entities()[0])
        })
        .unwrap();
    let count = engine.run_as(&ModuleTag::new("other"), |frame| {
        frame.call("hunt/spawn", &[1.into()]).map_err(|error| error.to_string())?;
        Ok(frame.world.len())
    });
    assert_eq!(count, Ok(2), "its commands are applied when it returns");
    engine.update(STEP * 2);
    assert_eq!((engine.world().len(), engine.take_faults()), (1, vec![]), "its timer is of its module");
}

#[test]
fn a_panic_suspends_the_module_of_the_function_and_not_the_caller() {
    let (mut engine, ship) = with_functions();
    let calls = move |frame: &mut Frame<'_>| {
        let error = frame.call("hunt/panic", &[]).unwrap_err();
        assert!(matches!(&error, CallError::Panicked { message, .. } if message.contains("of a function")));
        let error = frame.call("hunt/damage", &[ship.into(), 1.into()]).unwrap_err();
        assert_eq!(error, CallError::Suspended { path: "hunt/damage".to_owned() });
    };
    engine.add_system(&ModuleTag::new("other"), keel_engine::SystemDescriptor::new("calls"), calls).unwrap();
    engine.update(STEP);
    let faults = engine.take_faults();
    let told: Vec<_> = faults.iter().map(|it| (&*it.module, &*it.system, it.suspended)).collect();
    assert_eq!(told, [("hunt", "function panic", true)]);
    assert!(engine.is_suspended(hunt().id()) && !engine.is_suspended(ModuleTag::new("other").id()));
    engine.reset();
    assert!(!engine.is_suspended(hunt().id()));
    assert_eq!(
        call(&mut engine, "hunt/strike", &[(&Value::named([])).into()]).unwrap().to_string(),
        "Blow { force: 0.0, times: 1 }"
    );
}

#[test]
fn a_module_that_a_system_has_suspended_is_not_called() {
    let (mut engine, ship) = with_functions();
    engine.run_contained(&hunt(), "swim", |_| panic!("of a system"));
    let error = call(&mut engine, "hunt/damage", &[ship.into(), 1.into()]).unwrap_err();
    assert!(error.contains("a fault has suspended its module"), "{error}");
}

#[test]
fn recursion_has_an_end() {
    let (mut engine, _) = with_functions();
    let error = call(&mut engine, "hunt/again", &[0.into()]).unwrap_err();
    assert!(error.contains(&format!("{CALL_DEPTH_MAX} functions have called each other")), "{error}");
    assert!(!engine.is_suspended(hunt().id()));
}

#[test]
fn functions_are_exchanged_with_their_module_and_gone_with_it() {
    let (mut engine, _) = with_functions();
    let mut strike = PreparedCall::new("hunt/strike");
    let mut called = |engine: &mut Engine| {
        let blow = Value::named([("force", 3.into())]);
        engine.run_as(&ModuleTag::new("other"), |frame| {
            strike.call(frame, &[(&blow).into()]).map(|it| it.to_string()).map_err(|error| error.to_string())
        })
    };
    assert_eq!(called(&mut engine).unwrap(), "Blow { force: 6.0, times: 1 }");
    let mut new = ModuleCode::new(&hunt());
    let strikes = |_: &mut Frame<'_>, _: Blow| 5_u8;
    new.functions.push((FunctionDescriptor::new("strike"), strikes.into_function()));
    let old = engine.exchange(vec![new]).unwrap();
    assert_eq!(called(&mut engine).unwrap(), "5", "a prepared call finds the new one");
    assert_eq!(engine.functions().len(), 1);
    // Put back, as when a swap is unmade.
    let new = engine.exchange(old).unwrap();
    assert_eq!(called(&mut engine).unwrap(), "Blow { force: 6.0, times: 1 }");
    drop(new);
    engine.remove_module(&hunt());
    assert_eq!(called(&mut engine).unwrap_err(), "there is no function `hunt/strike`; there are: none");
}

#[test]
fn two_functions_of_one_name_are_refused() {
    let (mut engine, _) = with_functions();
    let one = || (FunctionDescriptor::new("one"), (|_: &mut Frame<'_>| 1_u8).into_function());
    let twice = ModuleCode { functions: vec![one(), one()], ..ModuleCode::new(&hunt()) };
    let error = engine.exchange(vec![twice]).err().unwrap().to_string();
    assert_eq!(error, "module `hunt` registers function `one` twice; give one of them another name");
    let added = engine.add_function(&hunt(), FunctionDescriptor::new("damage"), damage);
    assert!(added.is_err());
    assert_eq!(engine.functions().len(), 5, "nothing has changed");
}
