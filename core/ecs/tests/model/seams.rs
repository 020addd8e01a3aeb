//! Where two parts of the world meet.

use std::sync::Arc;

use keel_ecs::{
    Added, Changed, Children, Component, Entity, Event, ModelTypeInfo, Occasion, Parent, Sources, World,
    component, resource,
};

use crate::changes::{Fire, Hull};
use crate::relations::{CarriedBy, DockedAt, Likes, sides};
use crate::{Eaten, save, types};

/// How many of the crew live, kept by hooks.
#[resource(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Crew {
    count: i64,
}

fn came(world: &World, _: Entity) {
    world.resource_mut::<Crew>().unwrap().count += 1;
}

fn went(world: &World, _: Entity) {
    world.resource_mut::<Crew>().unwrap().count -= 1;
}

#[component(crate = keel_ecs, sparse, on_insert = came, on_replace = went, on_remove = went)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Sailor {
    pay: u32,
}

fn all_types() -> Vec<Arc<ModelTypeInfo>> {
    let own = [
        ModelTypeInfo::component::<Hull>(),
        ModelTypeInfo::component::<Fire>(),
        ModelTypeInfo::component::<Sailor>(),
        ModelTypeInfo::resource::<Crew>(),
    ];
    let relations = [sides::<Likes>(), sides::<DockedAt>(), sides::<CarriedBy>()].into_iter().flatten();
    types().into_iter().chain(own).chain(relations).map(Arc::new).collect()
}

fn new_world() -> World {
    let mut world = World::new();
    all_types().into_iter().try_for_each(|info| world.register(info)).unwrap();
    world.insert_resource(Crew::default()).unwrap();
    world
}

/// Whether hooks, relations and ticks are there.
#[track_caller]
fn check_whole(world: &mut World) {
    world.insert_resource(Crew::default()).unwrap();
    let [ship, rat] = [1, 2].map(|pay| world.spawn((Sailor { pay }, Fire { heat: pay })));
    assert_eq!(world.resource::<Crew>().unwrap().count, 2, "hooks are called");
    world.clear_changes();
    world.get_mut::<Fire>(rat).unwrap().heat += 1;
    assert_eq!(world.query_filtered::<Entity, Changed<Fire>>().entities(), [rat], "ticks are kept");
    world.relate::<Likes>(ship, rat).unwrap();
    world.despawn(rat).unwrap();
    assert_eq!(world.targets::<Likes>(ship), [], "no id dangles");
    assert_eq!(world.removals::<Fire>().iter().last(), Some(rat));
    let flea = world.spawn(());
    world.relate::<CarriedBy>(flea, ship).unwrap();
    world.despawn(ship).unwrap();
    assert!(!world.contains(flea), "relations cascade");
    assert_eq!(world.resource::<Crew>().unwrap().count, 0);
}

#[test]
fn worlds_alike_have_hooks_relations_and_ticks() {
    let mut first = new_world();
    check_whole(&mut first);
    check_whole(&mut first.alike());
    check_whole(&mut first.alike_from(&save(&first), false).unwrap().0);
    keel_core_types::Model::reset(&mut first);
    check_whole(&mut first);
    let mut told = World::new();
    let mut too = told.alike();
    let shared = keel_ecs::SharedTypes::new(all_types());
    [&mut told, &mut too].into_iter().for_each(|world| world.register_shared(&shared).unwrap());
    check_whole(&mut told);
    check_whole(&mut too);
}

#[test]
fn ticks_that_are_saved_come_back_in_a_world_alike() {
    let mut world = new_world();
    let [old, new] = [1, 2].map(|heat| world.spawn((Fire { heat }, Hull { planks: heat })));
    world.clear_changes();
    world.get_mut::<Fire>(new).unwrap().heat = 9;
    world.remove::<(Hull,)>(old).unwrap();
    let (restored, _) = world.alike_from(&save(&world), false).unwrap();
    assert_eq!(restored.query_filtered::<Entity, Changed<Fire>>().entities(), [new]);
    assert_eq!(restored.removals::<Hull>().iter().collect::<Vec<_>>(), [old]);
}

fn fail(world: &mut World, change: impl FnOnce(&mut World)) {
    let failed = world.transaction(|world| {
        change(world);
        Err::<(), ()>(())
    });
    assert_eq!(failed, Err(()));
}

#[test]
fn what_came_in_a_failed_transaction_is_added_when_it_comes_again() {
    let mut world = new_world();
    world.remove_resource::<Crew>().unwrap();
    let ship = world.spawn(());
    fail(&mut world, |world| {
        world.insert(ship, (Fire { heat: 1 }, Hull { planks: 1 })).unwrap();
        world.insert_resource(Crew { count: 1 }).unwrap();
    });
    world.clear_changes();
    world.insert(ship, (Fire { heat: 1 }, Hull { planks: 1 })).unwrap();
    world.insert_resource(Crew { count: 1 }).unwrap();
    assert_eq!(world.query_filtered::<Entity, (Added<Fire>, Added<Hull>)>().entities(), [ship]);
    assert!(world.resource::<Crew>().unwrap().is_added());
    let bare = world.spawn(());
    fail(&mut world, |world| world.insert(bare, (Fire { heat: 1 },)).unwrap());
    world.despawn(bare).unwrap();
    assert!(world.removals::<Fire>().is_empty(), "it has had none to lose");
}

#[test]
fn hooks_that_write_are_undone_with_what_they_were_called_for() {
    let mut world = new_world();
    let ann = world.spawn((Sailor { pay: 1 },));
    let crate_ = world.spawn((Sailor { pay: 2 },));
    world.relate::<CarriedBy>(crate_, ann).unwrap();
    let before = world.hash().unwrap();
    fail(&mut world, |world| {
        world.spawn((Sailor { pay: 3 },));
        world.insert(crate_, (Sailor { pay: 4 },)).unwrap();
        world.despawn(ann).unwrap();
        assert_eq!((world.len(), world.resource::<Crew>().unwrap().count), (1, 1));
    });
    assert_eq!(world.hash().unwrap(), before);
    assert_eq!(
        (world.resource::<Crew>().unwrap().count, world.sources::<CarriedBy>(ann)),
        (2, &[crate_][..])
    );
}

#[test]
fn a_transaction_in_which_the_world_is_rebuilt_is_undone_whole() {
    let mut world = new_world();
    let [ann, bob] = [1, 2].map(|pay| world.spawn((Sailor { pay }, Fire { heat: pay })));
    world.relate::<Likes>(ann, bob).unwrap();
    let mut twin = world.duplicate().unwrap();
    fail(&mut world, |world| {
        world.spawn((Hull { planks: 1 },));
        world.compact().unwrap();
        assert!(world.is_in_transaction());
        world.relate::<Likes>(bob, ann).unwrap();
        world.rebuild().unwrap();
        world.despawn(bob).unwrap();
    });
    assert_eq!(world.hash().unwrap(), twin.hash().unwrap());
    assert_eq!(world.spawn(()), twin.spawn(()), "future ids come out the same");
    let _ = world.transaction(|world| world.rebuild());
    assert!(!world.is_in_transaction());
}

#[test]
fn observers_hear_of_events_that_were_sent_before_and_after_a_failed_transaction() {
    let mut world = new_world();
    world.observe([(Occasion::Sent, Eaten::ID), (Occasion::Insert, Fire::ID)]);
    world.send(Eaten { by: 1 });
    fail(&mut world, |world| {
        world.send_batch([Eaten { by: 2 }, Eaten { by: 3 }]);
        world.spawn((Fire { heat: 1 },));
        // Whoever changes something for another cause counts the events that were sent until then.
        world.set_cause(7);
        world.set_cause(0);
    });
    world.send(Eaten { by: 4 });
    let mut heard = Vec::new();
    while let Some(it) = world.next_occurrence() {
        heard.push(world.sent_event::<Eaten>(&it).unwrap().by);
    }
    assert_eq!(heard, [1, 4]);
}

/// What is told of a component's lists of ids.
fn told<C: Component>(
    world: &mut World,
    change: impl FnOnce(&mut World),
    ids: impl Fn(&C) -> Vec<Entity>,
) -> Vec<(Occasion, Vec<Entity>)> {
    world.observe(
        [Occasion::Insert, Occasion::Replace, Occasion::Remove, Occasion::Despawn].map(|it| (it, C::ID)),
    );
    change(world);
    let mut lines = Vec::new();
    while let Some(it) = world.next_occurrence() {
        let old = world.old_value::<C>(&it).map(|old| ids(&old)).unwrap_or_default();
        lines.push((it.occasion(), old));
    }
    lines
}

#[test]
fn who_is_related_to_itself_goes_once() {
    let mut world = new_world();
    let [ann, bob] = [(); 2].map(|()| world.spawn(()));
    [ann, bob].into_iter().for_each(|source| world.relate::<Likes>(source, ann).unwrap());
    let gone = told::<Sources<Likes>>(&mut world, |world| world.despawn(ann).unwrap(), |it| it.to_vec());
    assert_eq!(gone, [Occasion::Despawn, Occasion::Remove].map(|it| (it, vec![ann, bob])));
    assert_eq!(world.targets::<Likes>(bob), []);
}

#[test]
fn a_parent_that_loses_its_last_child_is_told_with_it() {
    let mut world = new_world();
    let [ship, mast] = [(); 2].map(|()| world.spawn(()));
    world.set_parent(mast, Some(ship)).unwrap();
    let lost = |world: &mut World| world.set_parent(mast, None).unwrap();
    let gone = told::<Children>(&mut world, lost, |it| it.entities().to_vec());
    assert_eq!(gone, [(Occasion::Remove, vec![mast])]);
    assert_eq!((world.children(ship), world.has::<Parent>(mast)), (vec![], false));
    assert!(!world.has::<Children>(ship));
}
