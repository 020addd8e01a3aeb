//! The calls of the event view.

use keel::ecs::{EventPosition, EventView, ModelTypeKind};

use crate::{Eaten, Tide, at, new_world, refuses, saved, view};

fn events() -> &'static dyn EventView {
    view::<dyn EventView>()
}

fn eaten(by: u64) -> keel::state::SavedValue {
    saved(&Eaten { by })
}

#[test]
fn events_are_described_and_sent() {
    let world = new_world();
    assert_eq!(events().names(&world), ["Called", "Eaten"]);
    assert_eq!(events().info(&world, "Eaten").unwrap().kind, ModelTypeKind::Event);
    events().send(&world, "Eaten", &eaten(1)).unwrap();
    events().send_many(&world, "Eaten", &[eaten(2), eaten(3)]).unwrap();
    events().send_default(&world, "Eaten").unwrap();
    assert_eq!(events().count(&world, "Eaten").unwrap(), 4);
    assert_eq!(events().count_all(&world).unwrap(), 4);
    assert_eq!(events().sent(&world, "Eaten").unwrap(), 4);
    assert_eq!(world.events::<Eaten>().iter().map(|it| it.by).collect::<Vec<_>>(), [1, 2, 3, 0]);

    refuses(events().info(&world, "Tide"), "`Tide` is a resource, an event was expected");
    refuses(events().count(&world, "Sail"), "type `Sail` is not registered");
    refuses(events().sent(&world, "Sail"), "not registered");
    refuses(events().send(&world, "Position", &saved(&at(1.0))), "`Position` is a component");
    refuses(events().send(&world, "Eaten", &saved(&Tide { level: 1.0 })), "the value is no `Eaten`");
    refuses(events().send_many(&world, "Eaten", &[eaten(5), saved(&1_u8)]), "the value is no `Eaten`");
    refuses(events().send_default(&world, "Called"), "`Called` has no default");
    let reading = world.events::<Eaten>();
    refuses(events().send(&world, "Eaten", &eaten(1)), "`Eaten` is in use elsewhere");
    drop(reading);
    assert_eq!(events().sent(&world, "Eaten").unwrap(), 4, "a refused call sent something");
}

#[test]
fn readers_are_independent() {
    let mut world = new_world();
    let mut first = events().oldest(&world, "Eaten").unwrap();
    events().send_many(&world, "Eaten", &[eaten(1), eaten(2)]).unwrap();
    let mut second = events().newest(&world, "Eaten").unwrap();
    events().send(&world, "Eaten", &eaten(3)).unwrap();

    assert_eq!(events().waiting(&world, "Eaten", first).unwrap(), 3);
    assert_eq!(events().peek(&world, "Eaten", first).unwrap(), Some(eaten(1)));
    assert_eq!(events().read(&world, "Eaten", &mut first).unwrap(), [eaten(1), eaten(2), eaten(3)]);
    assert_eq!(events().read(&world, "Eaten", &mut first).unwrap(), []);
    let shown = events().read_values(&world, "Eaten", &mut second).unwrap();
    assert_eq!(shown.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Eaten { by: 3 }"]);
    assert_eq!(events().peek(&world, "Eaten", second).unwrap(), None);

    assert_eq!(events().get(&world, "Eaten", 1).unwrap(), Some(eaten(2)));
    assert_eq!(events().get(&world, "Eaten", 9).unwrap(), None);
    assert_eq!(events().last(&world, "Eaten").unwrap(), Some(eaten(3)));
    assert_eq!(events().last(&world, "Called").unwrap(), None);

    events().end_step(&mut world);
    events().send(&world, "Eaten", &eaten(4)).unwrap();
    events().end_step(&mut world);
    let late = EventPosition::default();
    assert_eq!(events().missed(&world, "Eaten", late).unwrap(), 3);
    assert_eq!(events().oldest(&world, "Eaten").unwrap(), EventPosition { next: 3 });
    assert_eq!(events().get(&world, "Eaten", 1).unwrap(), None);
    assert_eq!(events().waiting(&world, "Eaten", EventPosition { next: u64::MAX }).unwrap(), 0);
    let mut ahead = EventPosition { next: u64::MAX };
    assert_eq!(events().read(&world, "Eaten", &mut ahead).unwrap(), []);

    for refused in [
        events().read(&world, "Sail", &mut first).err(),
        events().read_values(&world, "Sail", &mut first).err(),
        events().peek(&world, "Sail", first).err(),
        events().get(&world, "Sail", 0).err(),
        events().last(&world, "Sail").err(),
        events().waiting(&world, "Sail", first).err(),
        events().missed(&world, "Sail", first).err(),
        events().oldest(&world, "Sail").err(),
        events().newest(&world, "Sail").err(),
    ] {
        refuses(refused.map_or(Ok(()), Err), "type `Sail` is not registered");
    }
}

#[test]
fn events_are_dropped() {
    let mut world = new_world();
    events().send_many(&world, "Eaten", &[eaten(1), eaten(2)]).unwrap();
    assert_eq!(events().drain(&mut world, "Eaten").unwrap(), [eaten(1), eaten(2)]);
    assert_eq!((count(&world), events().sent(&world, "Eaten").unwrap()), (0, 2));
    events().send(&world, "Eaten", &eaten(3)).unwrap();
    events().clear(&mut world, "Eaten").unwrap();
    assert_eq!(count(&world), 0);
    events().send(&world, "Eaten", &eaten(4)).unwrap();
    events().clear_all(&mut world);
    assert_eq!(count(&world), 0);

    refuses(events().drain(&mut world, "Tide"), "`Tide` is a resource");
    refuses(events().clear(&mut world, "Sail"), "not registered");
}

fn count(world: &keel::ecs::World) -> usize {
    events().count_all(world).unwrap()
}
