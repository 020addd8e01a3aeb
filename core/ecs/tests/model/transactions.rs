//! Transactions: whole, or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{
    Added, Changed, Component, EcsError, Entity, EventCursor, ModelTypeInfo, Name, Occasion, Prefab,
    PreparedPath, PreparedQuery, World, WorldSnapshot, component, resource,
};

use crate::{Cargo, Eaten, Frozen, Position, Random, Smoke, Tide, Wet, at, new_world};

#[component(crate = keel_ecs, tracked)]
struct Glow {
    light: u32,
}

#[resource(crate = keel_ecs, tracked)]
struct Moon {
    phase: u32,
}

/// Why a transaction of the tests ends.
#[derive(Debug, PartialEq)]
struct Enough;

/// Everything in the world, as text.
fn values(world: &World) -> Vec<(String, String)> {
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).unwrap();
    snapshot.describe().unwrap().into_iter().collect()
}

fn any(random: &mut Random, entities: &[Entity]) -> Option<Entity> {
    (!entities.is_empty()).then(|| entities[random.below(entities.len() as u32) as usize])
}

/// Changes something. Errors of single calls, such as those of entities that lack a component, change nothing.
fn change(world: &mut World, random: &mut Random) {
    let entities = world.entities();
    let value = random.below(1000);
    let x = value as f32;
    match random.below(24) {
        0 => drop(world.spawn((at(x), Cargo { goods: vec![value.to_string()] }))),
        1 => drop(world.spawn((at(x), Wet { drops: value }, Smoke { text: value.to_string() }))),
        2 => drop(world.spawn_batch((0..value % 90).map(|index| (at(index as f32),)))),
        3 => drop(world.spawn(())),
        4 => world.send(Eaten { by: i64::from(value) }),
        5 => drop(world.insert_resource(Tide { level: i64::from(value) })),
        6 => drop(world.remove_resource::<Tide>()),
        7 => drop(world.resource_mut::<Tide>().map(|mut tide| tide.level += 1)),
        8 => world.query::<&mut Position>().for_each(|position| position.y += x),
        9 => world.query::<(&mut Wet, &Position)>().for_each(|(wet, _)| wet.drops += value),
        10 => {
            let mut query = PreparedQuery::<(&mut Position, Option<&mut Smoke>)>::new();
            query.query(world).for_each(|(position, smoke)| {
                position.x -= 1.0;
                if let Some(smoke) = smoke {
                    smoke.text.push('!');
                }
            });
        }
        11 if value.is_multiple_of(5) => drop(world.drain_events::<Eaten>()),
        12 if value.is_multiple_of(20) => world.clear_entities(),
        13 if value.is_multiple_of(5) => drop(world.clear_resources()),
        14 => drop(world.spawn_prefab("raft", (at(x),))),
        _ => {
            let (Some(one), Some(other)) = (any(random, &entities), any(random, &entities)) else { return };
            match random.below(14) {
                0 | 1 => drop(world.despawn(one)),
                2 => drop(world.insert(one, (at(x), Frozen))),
                3 => drop(world.insert(one, (Wet { drops: value }, Cargo::default()))),
                4 => drop(world.remove::<(Position,)>(one)),
                5 => drop(world.remove::<(Wet, Position)>(one)),
                6 => drop(world.exchange::<(Position,), _>(one, (Frozen, Cargo::default()))),
                7 => drop(world.get_mut::<Position>(one).map(|mut position| position.x = x)),
                8 => drop(world.get_mut::<Smoke>(one).map(|mut smoke| smoke.text.clear())),
                9 => drop(world.set_parent(one, Some(other))),
                10 => drop(world.set_parent(one, None)),
                11 => drop(PreparedPath::parse("Position.y").unwrap().write(world, one, x)),
                12 => drop(world.set_name(one, Some(&value.to_string()))),
                _ => drop(world.query_one::<&mut Position, _>(one, |position| position.y = -x)),
            }
        }
    }
}

fn begun(random: &mut Random) -> World {
    let mut world = new_world();
    let sail = Prefab::new().with((Smoke { text: "white".to_owned() },));
    world.define_prefab("raft", &Prefab::new().with((at(1.0), Frozen)).child("sail", sail)).unwrap();
    (0..30).for_each(|_| change(&mut world, random));
    world
}

/// The ids that the world gives out next: one by one, in batches, and after some have gone.
fn next_ids(world: &mut World) -> Vec<Entity> {
    let mut ids = world.spawn_batch((0..40).map(|index| (at(index as f32),)));
    ids.extend((0..7).map(|_| world.spawn((Frozen,))));
    ids[..20].iter().step_by(3).for_each(|entity| world.despawn(*entity).unwrap());
    ids.extend(world.spawn_batch((0..200).map(|_| (Frozen,))));
    ids.extend((0..50).map(|_| world.spawn(())));
    ids
}

#[test]
fn whatever_a_failed_transaction_did_is_undone() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let mut world = begun(&mut random);
        let mut twin = world.duplicate().unwrap();
        let before = (world.hash().unwrap(), values(&world));
        let (count, panics) = (random.below(25), random.below(2) == 0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            world.transaction(|world| -> Result<(), Enough> {
                for _ in 0..count {
                    match random.below(12) {
                        // One within it, which is kept or undone by itself.
                        0 => {
                            let (inner, keeps) = (random.below(6), random.below(2) == 0);
                            let _ = world.transaction(|world| {
                                (0..inner).for_each(|_| change(world, &mut random));
                                if keeps { Ok(()) } else { Err(Enough) }
                            });
                        }
                        _ => change(world, &mut random),
                    }
                }
                assert!(!panics, "it panics");
                Err(Enough)
            })
        }));
        assert_eq!(outcome.is_err(), panics);
        assert!(!world.is_in_transaction());
        assert_eq!(values(&world), before.1, "seed {seed}");
        assert_eq!(world.hash().unwrap(), before.0, "seed {seed}");
        assert_eq!(next_ids(&mut world), next_ids(&mut twin), "seed {seed}");
        (0..20).for_each(|_| change(&mut world, &mut Random::new(seed)));
        (0..20).for_each(|_| change(&mut twin, &mut Random::new(seed)));
        assert_eq!(world.len(), twin.len(), "seed {seed}");
    }
}

#[test]
fn a_transaction_that_succeeds_does_what_its_calls_do() {
    for seed in 0..100 {
        let mut world = begun(&mut Random::new(seed));
        let mut twin = begun(&mut Random::new(seed));
        let changes = |world: &mut World, random: &mut Random| (0..25).for_each(|_| change(world, random));
        let mut random = Random::new(seed + 1000);
        let done = world.transaction(|world| {
            changes(world, &mut random);
            Ok::<usize, Enough>(world.len())
        });
        changes(&mut twin, &mut Random::new(seed + 1000));
        assert_eq!(done, Ok(twin.len()));
        assert_eq!(world.hash().unwrap(), twin.hash().unwrap(), "seed {seed}");
        assert_eq!(next_ids(&mut world), next_ids(&mut twin), "seed {seed}");
    }
}

#[test]
fn readers_of_events_never_hear_of_what_was_undone() {
    let mut world = new_world();
    let mut reader = EventCursor::<Eaten>::default();
    world.send(Eaten { by: 1 });
    let failed = world.transaction(|world| {
        world.send_batch([Eaten { by: 2 }, Eaten { by: 3 }]);
        Err::<(), Enough>(Enough)
    });
    assert_eq!(failed, Err(Enough));
    world.send(Eaten { by: 4 });
    let events = world.events::<Eaten>();
    assert_eq!(reader.read(&events).map(|event| event.by).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(events.sent(), 2);
}

#[test]
fn what_was_not_touched_keeps_even_what_is_not_saved() {
    #[keel_ecs::component(crate = keel_ecs)]
    struct Cached {
        value: u32,
        #[keel(skip)]
        cache: u32,
    }
    let mut world = new_world();
    world.register(keel_ecs::ModelTypeInfo::component::<Cached>()).unwrap();
    let [kept, written] = [1, 2].map(|value| world.spawn((Cached { value, cache: 7 }, at(1.0))));
    let _ = world.transaction(|world| {
        world.get_mut::<Position>(kept).unwrap().x = 2.0;
        world.insert(kept, (Name::new("kept"),)).unwrap();
        world.get_mut::<Cached>(written).unwrap().value = 9;
        Err::<(), Enough>(Enough)
    });
    let read = |entity| world.get::<Cached>(entity).map(|it| (it.value, it.cache)).unwrap();
    assert_eq!([kept, written].map(read), [(1, 7), (2, 0)]);
    assert_eq!((world.get::<Position>(kept).unwrap().x, world.name(kept)), (1.0, None));
}

#[test]
fn errors_of_the_world_end_a_transaction_by_the_question_mark() {
    let mut world = new_world();
    let gone = world.spawn(());
    world.despawn(gone).unwrap();
    let outcome = world.transaction(|world| {
        world.spawn((Frozen,));
        world.despawn(gone)?;
        Ok::<(), EcsError>(())
    });
    assert!(matches!(outcome, Err(EcsError::NoSuchEntity { .. })));
    assert!(world.is_empty());
    world.commit();
    world.begin_transaction();
    world.spawn(());
    world.commit();
    assert_eq!(world.len(), 1);
}

/// All that has ticks or is observed, and was changed, in a world that was just looked at.
fn news(world: &mut World) -> (Vec<Entity>, Vec<Entity>, Vec<Entity>, bool, usize) {
    (
        world.query_filtered::<&Glow, Added<Glow>>().entities(),
        world.query_filtered::<&Glow, Changed<Glow>>().entities(),
        world.removals::<Glow>().iter().collect(),
        world.resource::<Moon>().unwrap().is_changed(),
        world.waiting_occurrences(),
    )
}

#[test]
fn what_was_undone_is_no_news_and_is_told_to_no_observer() {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<Glow>()).unwrap();
    world.register(ModelTypeInfo::resource::<Moon>()).unwrap();
    world.insert_resource(Moon { phase: 1 }).unwrap();
    let lamps = [11, 12, 13, 14].map(|light| world.spawn((Glow { light }, at(0.0))));
    world.observe([(Occasion::Insert, Glow::ID), (Occasion::Remove, Glow::ID)]);
    world.clear_changes();
    let dim = |lamp: Entity, world: &mut World| world.get_mut::<Glow>(lamp).unwrap().light -= 1;
    dim(lamps[0], &mut world);
    world.insert(lamps[1], (Glow { light: 9 },)).unwrap();
    let before = news(&mut world);
    assert_eq!((before.1.clone(), before.3, before.4), (vec![lamps[0], lamps[1]], false, 1));
    let undone = world.transaction(|world| {
        dim(lamps[0], world);
        dim(lamps[2], world);
        world.query::<&mut Glow>().for_each(|mut glow| glow.light += 1);
        world.remove::<(Glow,)>(lamps[1]).unwrap();
        world.despawn(lamps[3]).unwrap();
        world.spawn((Glow { light: 5 },));
        world.resource_mut::<Moon>().unwrap().phase = 2;
        assert_ne!(news(world), before);
        Err::<(), _>(Enough)
    });
    assert_eq!(undone, Err(Enough));
    assert_eq!(news(&mut world), before);
    world.transaction(|world| world.despawn(lamps[3])).unwrap();
    assert_eq!((news(&mut world).2, world.waiting_occurrences()), (vec![lamps[3]], 2));
}
