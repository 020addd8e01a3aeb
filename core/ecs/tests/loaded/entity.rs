//! The calls of the entity view.

use keel::ecs::{ComponentValue, EntityView, ModelTypeInfo, Sources, Targets, relation};

use crate::{Position, at, new_world, position, refuses, saved, stale, velocity, view};

fn entities() -> &'static dyn EntityView {
    view::<dyn EntityView>()
}

#[test]
fn entities_come_and_go() {
    let mut world = new_world();
    let empty = entities().spawn_empty(&mut world);
    let ship = entities().spawn(&mut world, &[position(1.0), velocity(2.0)]).unwrap();
    let fleet = entities().spawn_batch(&mut world, &[vec![position(3.0)], vec![]]).unwrap();
    assert_eq!(entities().count(&world), 4);
    assert_eq!(entities().all(&world), [empty, fleet[1], ship, fleet[0]]);
    assert_eq!(entities().components(&world, ship).unwrap(), ["Position", "Velocity"]);
    assert_eq!(entities().at_index(&world, ship.index()), Some(ship));
    assert_eq!(entities().at_index(&world, 99), None);

    let copy = entities().clone_entity(&mut world, ship).unwrap();
    assert_eq!(*world.get::<Position>(copy).unwrap(), at(1.0));
    entities().despawn(&mut world, copy).unwrap();
    assert!(!entities().contains(&world, copy) && entities().contains(&world, ship));
    assert_eq!(entities().despawn_many(&mut world, &[fleet[0], fleet[1], fleet[0], copy]), 2);

    let says = format!("entity {copy} does not live");
    refuses(entities().despawn(&mut world, copy), &says);
    refuses(entities().clone_entity(&mut world, copy), &says);
    refuses(entities().components(&world, copy), &says);
    let wrong = ComponentValue::new("Position", saved(&1_u8));
    refuses(entities().spawn(&mut world, std::slice::from_ref(&wrong)), "the value is no `Position`");
    refuses(entities().spawn(&mut world, &[ComponentValue::new("Sail", saved(&1_u8))]), "not registered");
    refuses(entities().spawn_batch(&mut world, &[vec![position(1.0)], vec![wrong]]), "no `Position`");
    assert_eq!(entities().count(&world), 2, "a refused call spawned something");
}

#[test]
fn entities_have_names() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0),));
    entities().set_name(&mut world, ship, Some("Argo")).unwrap();
    assert_eq!(entities().find(&world, "Argo"), Some(ship));
    assert_eq!(entities().name(&world, ship).unwrap().as_deref(), Some("Argo"));
    entities().set_name(&mut world, ship, Some("Fram")).unwrap();
    assert_eq!(entities().find(&world, "Argo"), None);
    assert_eq!(entities().find(&world, "Fram"), Some(ship));
    entities().set_name(&mut world, ship, None).unwrap();
    entities().set_name(&mut world, ship, None).unwrap();
    assert_eq!(entities().name(&world, ship).unwrap(), None);

    let gone = stale(&mut world);
    refuses(entities().set_name(&mut world, gone, Some("Argo")), "does not live");
    refuses(entities().name(&world, gone), "does not live");
}

#[test]
fn entities_have_families() {
    let mut world = new_world();
    let [a, b, c, d] = [0.0, 1.0, 2.0, 3.0].map(|x| world.spawn((at(x),)));
    for (child, parent) in [(b, a), (c, b), (d, a)] {
        entities().set_parent(&mut world, child, Some(parent)).unwrap();
    }
    assert_eq!(entities().parent(&world, c).unwrap(), Some(b));
    assert_eq!(entities().parent(&world, a).unwrap(), None);
    assert_eq!(entities().children(&world, a).unwrap(), [b, d]);
    assert_eq!(entities().ancestors(&world, c).unwrap(), [b, a]);
    assert_eq!(entities().descendants(&world, a).unwrap(), [b, d, c]);
    assert_eq!(entities().roots(&world), [a]);

    let says = format!("{c} can't be the parent of {a}");
    refuses(entities().set_parent(&mut world, a, Some(c)), &says);
    refuses(entities().set_parent(&mut world, a, Some(a)), "can't be the parent");
    let gone = stale(&mut world);
    refuses(entities().set_parent(&mut world, a, Some(gone)), "does not live");
    refuses(entities().set_parent(&mut world, gone, None), "does not live");
    refuses(entities().parent(&world, gone), "does not live");
    refuses(entities().children(&world, gone), "does not live");
    refuses(entities().ancestors(&world, gone), "does not live");
    refuses(entities().descendants(&world, gone), "does not live");

    entities().set_parent(&mut world, b, None).unwrap();
    assert_eq!(entities().children(&world, a).unwrap(), [d]);
    entities().despawn(&mut world, b).unwrap();
    assert!(!world.contains(c), "despawning goes down the family");
    entities().despawn(&mut world, a).unwrap();
    assert!(world.is_empty());
    assert!(entities().roots(&world).is_empty());
}

#[relation]
struct Follows;

#[test]
fn entities_are_related_by_name() {
    let mut world = new_world();
    let [a, b] = [0.0, 1.0].map(|x| world.spawn((at(x),)));
    refuses(entities().relate(&mut world, "Follows", a, b), "type `Follows` is not registered");
    refuses(entities().targets(&world, "Follows", a), "not registered");
    world.register(ModelTypeInfo::component::<Targets<Follows>>()).unwrap();
    world.register(ModelTypeInfo::component::<Sources<Follows>>()).unwrap();
    entities().relate(&mut world, "Follows", a, b).unwrap();
    entities().relate(&mut world, "Follows", b, b).unwrap();
    assert_eq!(entities().targets(&world, "Follows", a).unwrap(), [b]);
    assert_eq!(entities().sources(&world, "Follows", b).unwrap(), [a, b]);
    assert!(entities().unrelate(&mut world, "Follows", b, b).unwrap());
    assert!(!entities().unrelate(&mut world, "Follows", b, b).unwrap());
    let gone = stale(&mut world);
    refuses(entities().relate(&mut world, "Follows", a, gone), "does not live");
    refuses(entities().unrelate(&mut world, "Follows", gone, a), "does not live");
    refuses(entities().targets(&world, "Follows", gone), "does not live");
    refuses(entities().sources(&world, "Follows", gone), "does not live");
    entities().despawn(&mut world, b).unwrap();
    assert_eq!(entities().targets(&world, "Follows", a).unwrap(), []);
}
