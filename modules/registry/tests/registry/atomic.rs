//! Atomic systems of real libraries: what fails leaves no trace, also of code that is gone then.

use keel_registry::RegistryConfig;

use crate::rig::Rig;
use crate::sources::Swim;

const ITEMS: &str = "#[data] #[derive(Default)] pub struct Count { pub runs: u64 }
    fn count(mut count: Local<Count>, mut names: Query<Entity, With<Name>>, commands: &mut Commands) {
        count.runs += 1;
        names.for_each(|entity| commands.despawn(entity));
        commands.spawn((Name::new(format!(\"counted at {}\", count.runs)),));
        FAIL
    }";
const REGISTER: &str =
    "setup.system_with(SystemDescriptor::new(\"count\").stage(Stage::Frame).atomic(), count);";

fn counting(label: &str, fail: &str) -> Swim {
    Swim::new(label).at("ITEMS", &ITEMS.replace("FAIL", fail)).at("REGISTER", REGISTER)
}

#[test]
fn a_panic_in_an_atomic_system_changes_nothing_and_the_next_generation_goes_on() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load(&counting("v1", "").build()).unwrap();
    rig.steps(2);
    assert_eq!((rig.engine.take_faults(), rig.mark("counted"), rig.engine.world().len()), (vec![], 2, 1));

    // It panics in what it has put off.
    let fails = "commands.add(|world| { world.spawn((Name::new(\"lost\"),)); panic!(\"the tide is out\") });";
    rig.load(&counting("v2", fails).build()).unwrap();
    rig.steps(1);
    let faults = rig.engine.take_faults();
    assert_eq!((faults.len(), faults[0].suspended), (1, true));
    assert!(faults[0].message.contains("the tide is out"), "{faults:?}");
    rig.registry.note_faults(&faults);
    assert!(!rig.has("lost") && rig.has("v2 at 3"));
    assert_eq!((rig.mark("counted"), rig.engine.world().len()), (2, 2));

    rig.load(&counting("v3", "").build()).unwrap();
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(
        (rig.mark("counted"), rig.engine.world().len()),
        (3, 1),
        "its local is that of before the panic"
    );
    assert_eq!(rig.registry.tidy().kept, Vec::<String>::new());
    assert_eq!(rig.mapped(), 1);
}
