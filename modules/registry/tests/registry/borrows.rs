//! Borrows of a module that exclude each other: what is told of them, and that nothing is left of them.

use keel_registry::Consent;

use crate::rig::Rig;
use crate::sources::{Swim, model, types, user};

/// Components in columns and in a set, and a module that borrows both of the entity called `ship`.
const SHIPS: &str = "use keel::prelude::*;
    #[component] #[derive(Default)] pub struct Hull { pub planks: u32 }
    #[component(sparse)] #[derive(Default)] pub struct Fire { pub heat: u32 }
    keel::model! { components: [Hull, Fire] }";

/// What is told of a module that borrows in a way that excludes itself; `SHIP` stands for the entity.
#[track_caller]
fn check_borrow(update: &str, expected: &str) {
    let types = types(SHIPS);
    let mut rig = Rig::new();
    let find = "let world = &*frame.world; let ship = world.find(\"ship\").unwrap(); ";
    let yard = user("yard", &types, &format!("{find}{update}"));
    let swim = Swim::new("v1").build();
    rig.load_together(&[model(&types), yard, swim], Consent::Lossless).unwrap();
    let world = rig.engine.world_mut();
    world.spawn_named(&[("Fire", &[]), ("Hull", &[])]).unwrap();
    let ship = world.spawn_named(&[("Fire", &[]), ("Hull", &[])]).unwrap();
    world.set_name(ship, Some("ship")).unwrap();
    rig.steps(2);
    let faults = rig.engine.take_faults();
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!((fault.module.as_str(), fault.system.as_str(), fault.suspended), ("yard", "update", true));
    assert_eq!(fault.message, format!("panicked: {}", expected.replace("SHIP", &ship.to_string())));
    assert_eq!(rig.mark("v1"), 2, "others go on");

    // Once it is mended, nothing is held any more.
    let mended = "let ship = frame.world.find(\"ship\").unwrap();
        frame.world.get_mut::<Hull>(ship)?.planks += 1; frame.world.get_mut::<Fire>(ship)?.heat += 1;";
    rig.load(&user("yard", &types, mended)).unwrap();
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.engine.world().read_path::<u32>(ship, "Hull.planks").unwrap(), 1);
    assert_eq!(rig.engine.world().read_path::<u32>(ship, "Fire.heat").unwrap(), 1);
}

#[test]
fn a_borrow_that_excludes_itself_names_entity_component_system_and_module() {
    let next = "is in use elsewhere in this call; end that borrow first";
    check_borrow(
        "let _held = world.get_mut::<Hull>(ship)?; let _ = world.get::<Hull>(ship)?.planks;",
        &format!("`Hull` of entity `SHIP` {next}"),
    );
    check_borrow(
        "let _held = world.get::<Fire>(ship)?; world.get_mut::<Fire>(ship)?.heat += 1;",
        &format!("`Fire` of entity `SHIP` {next}"),
    );
    check_borrow(
        "world.query::<&Hull>().for_each(|_| { world.query_one::<&mut Hull, _>(ship, |_| ()).unwrap(); });",
        &format!("`Hull` of entity `SHIP` {next}"),
    );
    check_borrow(
        "world.query::<(&mut Fire, &Hull)>().for_each(|_| { world.query::<&Fire>(); });",
        &format!("`Fire` {next}"),
    );
}

#[test]
fn a_panic_after_a_borrows_that_was_caught_is_told_in_its_own_words() {
    let types = types(SHIPS);
    let mut rig = Rig::new();
    let update = "let world = &*frame.world; let ship = world.find(\"ship\").unwrap();
        let twice = || { let _held = world.get_mut::<Hull>(ship); drop(world.get::<Hull>(ship)); };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(twice)).is_err());
        panic!(\"the keel is broken\");";
    rig.load_together(&[model(&types), user("yard", &types, update)], Consent::Lossless).unwrap();
    let world = rig.engine.world_mut();
    let ship = world.spawn_named(&[("Hull", &[])]).unwrap();
    world.set_name(ship, Some("ship")).unwrap();
    rig.steps(1);
    let faults = rig.engine.take_faults();
    assert!(faults.len() == 1 && faults[0].message.contains("the keel is broken"), "{faults:?}");
}
