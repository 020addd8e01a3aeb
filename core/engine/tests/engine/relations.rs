//! Relations as a parameter, and through commands.

use keel_ecs::{Entity, ModelTypeInfo, Related, Sources, Targets, World, component, relation};
use keel_engine::{Despawn, ModuleTag, On, Query, Relations, Remove, SystemDescriptor};

use crate::{Diary, STEP, engine};

#[relation(crate = keel_ecs)]
struct Likes;

#[component(crate = keel_ecs)]
struct Fish {
    number: u32,
}

fn register(world: &mut World) {
    world.register(ModelTypeInfo::component::<Fish>()).unwrap();
    world.register(ModelTypeInfo::component::<Targets<Likes>>()).unwrap();
    world.register(ModelTypeInfo::component::<Sources<Likes>>()).unwrap();
}

#[test]
fn systems_read_relations_and_commands_change_them() {
    let (mut engine, sea, diary) = (engine(), ModuleTag::new("sea"), Diary::default());
    register(engine.world_mut());
    let fish: Vec<_> = (0..3).map(|number| engine.world_mut().spawn((Fish { number },))).collect();
    let like = |fish: Query<(Entity, &Fish)>, commands: &mut keel_ecs::Commands| {
        let first = fish.iter().find(|(_, fish)| fish.number == 0).map(|(entity, _)| entity);
        for (entity, _) in fish.iter().filter(|(_, fish)| fish.number > 0) {
            commands.relate::<Likes>(entity, first.unwrap());
        }
    };
    let noted = diary.clone();
    let look = move |likes: Relations<Likes>, lovers: Query<Entity, Related<Likes>>| {
        for entity in lovers.iter() {
            let target = likes.target(entity).unwrap();
            assert!(likes.is_related(entity, target) && likes.targets(entity) == [target]);
            noted.note(format!("{entity} likes {target}, liked by {}", likes.sources(target).len()));
        }
    };
    engine.add_system(&sea, SystemDescriptor::new("like"), like).unwrap();
    engine.add_system(&sea, SystemDescriptor::new("look").after("like"), look).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), ["1v1 likes 0v1, liked by 2", "2v1 likes 0v1, liked by 2"]);

    let noted = diary.clone();
    let lonely = move |on: On<Remove, Targets<Likes>>, likes: Relations<Likes>| {
        noted.note(format!("{} liked {:?}, now {:?}", on.entity(), on.old(), likes.targets(on.entity())));
    };
    engine.add_observer(&sea, "lonely", lonely).unwrap();
    engine.add_observer(&sea, "gone", |_: On<Despawn, Sources<Likes>>| ()).unwrap();
    engine.remove_system(sea.id(), "like");
    engine.world_mut().despawn(fish[0]).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), ["1v1 liked [0v1], now []", "2v1 liked [0v1], now []"]);
}

#[test]
fn a_relation_that_is_not_registered_is_told_of() {
    let (mut engine, sea) = (engine(), ModuleTag::new("sea"));
    engine.add_system(&sea, SystemDescriptor::new("look"), |_: Relations<Likes>| ()).unwrap();
    engine.update(STEP);
    let faults = engine.take_faults();
    assert!(faults[0].message.contains("`Relations<Likes>`"), "{}", faults[0].message);
    assert!(faults[0].message.contains("type `Likes` is not registered"), "{}", faults[0].message);
}
