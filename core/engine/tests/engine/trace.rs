//! A frame looked at call by call.

use keel_ecs::{Commands, ModelTypeInfo, Name, component, event, resource};
use keel_engine::{
    Engine, EngineConfig, EventWriter, Frame, Insert, ModuleTag, On, Query, ResMut, SystemDescriptor,
    TracedCall,
};

use crate::STEP;

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Default)]
struct Depth(f32);

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Tide {
    level: i32,
    seen: u32,
}

#[event(crate = keel_ecs)]
struct Wave {}

fn sea(threads: usize) -> Engine {
    let config =
        EngineConfig { step: STEP, threads, always_parallel: threads > 1, ..EngineConfig::default() };
    let mut engine = Engine::new(config);
    let world = engine.world_mut();
    world.register(ModelTypeInfo::component::<Depth>()).unwrap();
    world.register(ModelTypeInfo::resource::<Tide>()).unwrap();
    world.register(ModelTypeInfo::event::<Wave>()).unwrap();
    world.insert_resource(Tide::default()).unwrap();
    world.spawn((Depth(1.0),));
    let tag = ModuleTag::new("sea");
    let flow = |mut tide: ResMut<Tide>| tide.level += 1;
    let sink = |mut depths: Query<&mut Depth>| depths.iter_mut().for_each(|depth| depth.0 += 1.0);
    let bear = |commands: &mut Commands| {
        commands.spawn((Name::new("fish"),));
    };
    engine.add_system(&tag, SystemDescriptor::new("flow"), flow).unwrap();
    engine.add_system(&tag, SystemDescriptor::new("look").after("flow"), |_: Query<&Depth>| {}).unwrap();
    engine.add_system(&tag, SystemDescriptor::new("sink").after("look"), sink).unwrap();
    engine.add_system(&tag, SystemDescriptor::new("bear").after("sink"), bear).unwrap();
    let whole = |frame: &mut Frame<'_>| frame.world.resource_mut::<Tide>().unwrap().level += 1;
    engine.add_system(&tag, SystemDescriptor::new("whole").after("bear"), whole).unwrap();
    let foam = |mut waves: EventWriter<Wave>| waves.send(Wave {});
    engine.add_system(&tag, SystemDescriptor::new("foam").after("whole"), foam).unwrap();
    let notice = |_: On<Insert, Name>, mut tide: ResMut<Tide>| tide.seen += 1;
    engine.add_observer(&tag, "notice", notice).unwrap();
    engine
}

fn shown(calls: &[TracedCall]) -> Vec<String> {
    let names = |call: &TracedCall| call.changed.keys().cloned().collect::<Vec<_>>().join(", ");
    calls.iter().map(|call| format!("{}: {}", call.path, names(call))).collect()
}

#[test]
fn each_call_is_shown_with_what_it_changed() {
    let mut engine = sea(1);
    for _ in 0..2 {
        let calls = engine.update_traced(STEP);
        let expected = [
            "sea/flow: Tide",
            "sea/sink: Depth",
            "sea/bear: Name, entities",
            "sea/observer notice: Tide",
            "sea/whole: Tide",
            "sea/foam: Wave",
        ];
        assert_eq!(shown(&calls), expected);
        let now = engine.world().hash_parts().unwrap();
        assert_eq!(calls[4].changed["Tide"], now["Tide"], "the last that changed it");
        assert_eq!((calls[1].changed["Depth"], engine.take_faults()), (now["Depth"], vec![]));
    }
}

#[test]
fn a_traced_frame_makes_the_same_world() {
    for threads in [1, 4] {
        let (mut traced, mut plain) = (sea(threads), sea(threads));
        for _ in 0..3 {
            traced.update_traced(STEP);
            plain.update(STEP);
            assert_eq!(traced.world().hash().unwrap(), plain.world().hash().unwrap());
        }
    }
}
