//! Paths and calls that are kept across swaps of real libraries, which are unmapped all the same.

use keel::ecs::{Entity, PreparedPath, World};
use keel::engine::{ModuleTag, PreparedCall};
use keel_registry::{Consent, RegistryConfig};

use crate::rig::Rig;
use crate::sources::{Swim, model, types};

/// One generation beside the live one is none.
fn without_ring() -> Rig {
    Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() })
}

/// `twice` is `factor` times, in this generation.
fn offering(label: &str, factor: u32) -> Swim {
    let offer = format!("setup.function(\"twice\", |_: &mut Frame<'_>, of: u32| of * {factor});");
    Swim::new(label).at("REGISTER", &offer)
}

fn call(rig: &mut Rig, twice: &mut PreparedCall) -> Result<u32, String> {
    rig.engine.run_as(&ModuleTag::new("caller"), |frame| {
        twice.call_as::<u32>(frame, &[21.into()]).map_err(|error| error.to_string())
    })
}

#[test]
fn a_prepared_call_finds_the_function_of_each_generation() {
    let mut rig = without_ring();
    let mut twice = PreparedCall::new("swim/twice");
    for factor in 2..7 {
        rig.load(&offering(&format!("v{factor}"), factor).build()).unwrap();
        rig.registry.tidy();
        assert_eq!((call(&mut rig, &mut twice), rig.mapped()), (Ok(21 * factor), 1));
    }
    rig.load(&Swim::new("none").build()).unwrap();
    rig.registry.tidy();
    let error = call(&mut rig, &mut twice).unwrap_err();
    assert_eq!(error, "there is no function `swim/twice`; there are: none");
    assert!(rig.load(&offering("v8", 2).at("RESTORE_STATE", "panic!(\"boom\");").build()).is_err());
    assert!(call(&mut rig, &mut twice).is_err(), "what was refused offers nothing");
    rig.load(&offering("v9", 2).build()).unwrap();
    assert_eq!(call(&mut rig, &mut twice), Ok(42));
}

#[test]
fn a_panic_in_a_function_of_a_library_suspends_it_until_its_next_swap() {
    let mut rig = Rig::new();
    let bad = "setup.function(\"twice\", |_: &mut Frame<'_>, of: u32| -> u32 { panic!(\"boom {of}\") });";
    rig.load(&Swim::new("bad").at("REGISTER", bad).build()).unwrap();
    let mut twice = PreparedCall::new("swim/twice");
    assert!(call(&mut rig, &mut twice).unwrap_err().contains("boom 21"));
    assert!(call(&mut rig, &mut twice).unwrap_err().contains("a fault has suspended its module"));
    let faults = rig.engine.take_faults();
    assert_eq!((faults.len(), faults[0].system.as_str()), (1, "function twice"));
    rig.registry.note_faults(&faults);
    rig.load(&offering("good", 2).build()).unwrap();
    assert_eq!(call(&mut rig, &mut twice), Ok(42));
}

fn place(world: &World) -> Entity {
    world.find("ship").unwrap()
}

/// The Model module of `Place`, with these fields and this comment.
fn places(rig: &mut Rig, fields: &str, comment: &str) {
    let types = types(&format!(
        "use keel::prelude::*;
         /// {comment}
         #[component] #[derive(Default)] pub struct Place {{ {fields} }}
         keel::model! {{ components: [Place] }}"
    ));
    rig.load_together(&[model(&types)], Consent::Lossless).unwrap();
    rig.registry.tidy();
}

#[test]
fn a_prepared_path_leads_to_its_field_in_each_generation() {
    let mut rig = without_ring();
    let mut depth = PreparedPath::parse("Place.depth").unwrap();
    places(&mut rig, "pub depth: f32, pub log: Vec<String>,", "Where a ship is.");
    let world = rig.engine.world_mut();
    let ship = world.spawn_named(&[("Place", &[("depth", 2.into())])]).unwrap();
    world.set_name(ship, Some("ship")).unwrap();
    assert_eq!(depth.read::<f32>(rig.engine.world(), ship).unwrap(), 2.0);

    // The same type from another build, with another comment: no value is converted.
    places(&mut rig, "pub depth: f32, pub log: Vec<String>,", "Where a ship was.");
    let world = rig.engine.world();
    assert_eq!(world.reflect("Place").unwrap().doc, "Where a ship was.");
    depth.write(world, place(world), 3).unwrap();
    assert_eq!(depth.read::<f32>(world, place(world)).unwrap(), 3.0);

    // At another offset, and of another type.
    places(&mut rig, "pub before: [u64; 4], pub log: Vec<String>, pub depth: f64,", "Where a ship is.");
    let world = rig.engine.world();
    assert_eq!(depth.read::<f64>(world, place(world)).unwrap(), 3.0);
    world.write_path(place(world), "Place.log", &keel::state::Value::from(vec!["far"])).unwrap();
    assert_eq!(world.read_path::<String>(place(world), "Place.log[0]").unwrap(), "far");

    // Gone: refused, and found again when it is back.
    places(
        &mut rig,
        "pub before: [u64; 4], pub log: Vec<String>, #[keel(renamed_from = \"depth\")] pub deep: f64,",
        "Away.",
    );
    let world = rig.engine.world();
    let error = depth.read::<f64>(world, place(world)).unwrap_err().to_string();
    assert_eq!(error, "`Place` (Place) has no field `depth`; there are before, log, deep");
    places(
        &mut rig,
        "pub log: Vec<String>, #[keel(renamed_from = \"deep\")] pub depth: f64, pub before: [u64; 4],",
        "Back.",
    );
    let world = rig.engine.world();
    assert_eq!(depth.read::<f64>(world, place(world)).unwrap(), 3.0);
}
