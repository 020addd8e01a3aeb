//! Relations: both sides agree whatever happens, against a plain model too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keel_ecs::{
    Cascade, Commands, Component, EcsError, Entity, ModelTypeInfo, Occasion, PreparedQuery, Related,
    Relation, Sources, Targets, With, World, WorldConversion, component, relation,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{at, save, through_a_file, types};

/// Anybody may like any number.
#[relation(crate = keel_ecs)]
pub(crate) struct Likes;

/// Everybody docks at one place.
#[relation(crate = keel_ecs, exclusive)]
pub(crate) struct DockedAt;

/// Who is carried goes down with the ship.
#[relation(crate = keel_ecs, exclusive, cascade = despawn)]
pub(crate) struct CarriedBy;

/// What is made of several is gone with any of them.
#[relation(crate = keel_ecs, name = "Made", cascade = despawn)]
struct MadeOf;

pub(crate) fn sides<R: Relation>() -> [ModelTypeInfo; 2] {
    [ModelTypeInfo::component::<Targets<R>>(), ModelTypeInfo::component::<Sources<R>>()]
}

fn all_types() -> Vec<Arc<ModelTypeInfo>> {
    let relations = [sides::<Likes>(), sides::<DockedAt>(), sides::<CarriedBy>(), sides::<MadeOf>()];
    types().into_iter().chain(relations.into_iter().flatten()).map(Arc::new).collect()
}

fn new_world() -> World {
    let mut world = World::new();
    all_types().into_iter().try_for_each(|info| world.register(info)).unwrap();
    world
}

fn with_entities<const N: usize>() -> (World, [Entity; N]) {
    let mut world = new_world();
    let entities = [(); N].map(|()| world.spawn((at(0.0),)));
    (world, entities)
}

#[test]
fn many_targets_keep_their_order_in_both_directions() {
    let (mut world, [ann, bob, cid]) = with_entities();
    world.relate::<Likes>(ann, cid).unwrap();
    world.relate::<Likes>(ann, bob).unwrap();
    world.relate::<Likes>(bob, cid).unwrap();
    world.relate::<Likes>(ann, cid).unwrap();
    world.relate::<Likes>(ann, ann).unwrap();
    assert_eq!(world.targets::<Likes>(ann), [cid, bob, ann], "once each, and oneself if one must");
    assert_eq!(world.sources::<Likes>(cid), [ann, bob]);
    assert!(world.is_related::<Likes>(bob, cid) && !world.is_related::<Likes>(cid, bob));
    assert!(world.unrelate::<Likes>(ann, cid).unwrap() && !world.unrelate::<Likes>(ann, cid).unwrap());
    assert_eq!((world.targets::<Likes>(ann), world.sources::<Likes>(cid)), (&[bob, ann][..], &[bob][..]));
    assert_eq!(world.unrelate_all::<Likes>(ann).unwrap(), 2);
    assert!(!world.has::<Targets<Likes>>(ann) && !world.has::<Sources<Likes>>(bob));
    assert_eq!(world.targets::<DockedAt>(ann), []);
}

#[test]
fn an_exclusive_relation_has_one_target() {
    let (mut world, [ship, first, second]) = with_entities();
    world.relate::<DockedAt>(ship, first).unwrap();
    world.relate::<DockedAt>(ship, second).unwrap();
    assert_eq!((world.target::<DockedAt>(ship), world.sources::<DockedAt>(first)), (Some(second), &[][..]));
    assert_eq!(world.sources::<DockedAt>(second), [ship]);
}

#[test]
fn no_id_dangles_after_a_despawn() {
    let (mut world, [ann, bob, cid]) = with_entities();
    for (source, target) in [(ann, bob), (bob, ann), (cid, bob), (bob, bob)] {
        world.relate::<Likes>(source, target).unwrap();
    }
    world.despawn(bob).unwrap();
    assert_eq!(world.len(), 2, "who is liked goes alone");
    for entity in [ann, bob, cid] {
        assert_eq!((world.targets::<Likes>(entity), world.sources::<Likes>(entity)), (&[][..], &[][..]));
    }
    let again = world.spawn(());
    assert_eq!(again.index(), bob.index(), "its place is taken");
    assert_eq!(world.sources::<Likes>(again), []);
    world.relate::<Likes>(ann, again).unwrap();
    world.clear_entities();
    assert_eq!(world.targets::<Likes>(ann), []);
}

#[test]
fn sources_go_with_their_target_where_the_relation_says_so() {
    let (mut world, [ship, crate_, rat, flea, shore]) = with_entities();
    world.relate::<CarriedBy>(crate_, ship).unwrap();
    world.relate::<CarriedBy>(rat, crate_).unwrap();
    // Of the rat's family, which is no part of the crate's.
    world.set_parent(flea, Some(rat)).unwrap();
    world.set_parent(crate_, Some(shore)).unwrap();
    world.relate::<Likes>(shore, rat).unwrap();
    world.despawn(ship).unwrap();
    assert_eq!(world.entities(), [shore]);
    assert_eq!((world.children(shore), world.targets::<Likes>(shore)), (vec![], &[][..]));

    let (mut world, [first, second, third]) = with_entities();
    for (source, target) in [(first, second), (second, third), (third, first), (third, third)] {
        world.relate::<MadeOf>(source, target).unwrap();
    }
    world.despawn(second).unwrap();
    assert!(world.is_empty(), "a round comes to its end");
    assert_eq!((MadeOf::RULES.cascade, Likes::RULES.cascade), (Cascade::Despawn, Cascade::Unrelate));
}

#[test]
fn what_is_stale_or_unknown_is_refused_by_name() {
    let (mut world, [ann, bob]) = with_entities();
    world.despawn(bob).unwrap();
    for refused in [world.relate::<Likes>(ann, bob), world.relate::<Likes>(bob, ann)] {
        assert!(matches!(refused, Err(EcsError::NoSuchEntity { entity }) if entity == bob));
    }
    assert!(
        matches!(world.unrelate::<Likes>(bob, ann), Err(EcsError::NoSuchEntity { entity }) if entity == bob)
    );
    assert_eq!(world.targets::<Likes>(ann), []);
    let mut plain = World::new();
    let ann = plain.spawn(());
    let unknown = plain.relate::<Likes>(ann, ann).unwrap_err().to_string();
    assert!(unknown.starts_with("type `Likes` is not registered; list it"), "{unknown}");
    assert!(plain.relate_named("Likes", ann, ann).is_err());

    let (mut world, [ann, bob]) = with_entities();
    world.relate_named("Made", ann, bob).unwrap();
    assert_eq!(world.targets_named("Made", ann).unwrap(), [bob]);
    assert_eq!(world.sources_named("Made", bob).unwrap(), [ann]);
    assert!(world.unrelate_named("Made", ann, bob).unwrap());
    world.relate::<Likes>(ann, bob).unwrap();
    let refused = world.remove_value(ann, "LikesTargets").unwrap_err();
    assert!(matches!(refused, EcsError::KeptByWorld { .. }), "the world alone writes both sides");
    assert!(matches!(world.remove::<(Targets<Likes>,)>(ann), Err(EcsError::KeptByWorld { .. })));
}

#[test]
fn queries_know_who_is_related() {
    let (mut world, [ann, bob, cid]) = with_entities();
    let mut commands = Commands::new();
    commands.relate::<Likes>(ann, bob);
    commands.relate::<Likes>(cid, bob);
    commands.relate::<Likes>(cid, ann);
    commands.unrelate::<Likes>(ann, cid);
    assert!(commands.apply(&mut world).is_empty());
    assert_eq!(world.query_filtered::<Entity, Related<Likes>>().entities(), [ann, cid]);
    assert_eq!(world.query_filtered::<Entity, With<Sources<Likes>>>().entities(), [ann, bob]);
    let mut prepared = PreparedQuery::<(Entity, &Targets<Likes>)>::new();
    let query = prepared.query(&mut world);
    let found: Vec<_> = query.iter().map(|(entity, targets)| (entity, targets.to_vec())).collect();
    assert_eq!(found, [(ann, vec![bob]), (cid, vec![bob, ann])]);
    let terms = "LikesSources, !LikesTargets".parse().unwrap();
    assert_eq!(world.entities_matching(&terms).unwrap(), [bob]);
}

#[test]
fn changes_of_links_are_told() {
    let (mut world, [ann, bob]) = with_entities();
    let occasions = [Occasion::Insert, Occasion::Replace, Occasion::Remove];
    world.observe(occasions.map(|occasion| (occasion, Targets::<Likes>::ID)));
    world.relate::<Likes>(ann, bob).unwrap();
    world.relate::<Likes>(ann, ann).unwrap();
    world.unrelate::<Likes>(ann, bob).unwrap();
    world.despawn(ann).unwrap();
    let mut told = Vec::new();
    while let Some(it) = world.next_occurrence() {
        let old = world.old_value::<Targets<Likes>>(&it).map(|old| old.to_vec()).unwrap_or_default();
        assert_eq!(it.entity(), ann);
        told.push((it.occasion(), old));
    }
    use Occasion::{Insert, Remove, Replace};
    let expected = [
        (Insert, vec![]),
        (Replace, vec![bob]),
        (Insert, vec![]),
        (Replace, vec![bob, ann]),
        (Insert, vec![]),
        (Remove, vec![ann]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_copy_likes_whom_the_original_likes() {
    let (mut world, [ann, bob]) = with_entities();
    world.relate::<Likes>(ann, bob).unwrap();
    world.relate::<Likes>(ann, ann).unwrap();
    world.relate::<Likes>(bob, ann).unwrap();
    let copy = world.clone_entity(ann).unwrap();
    assert_eq!((world.targets::<Likes>(copy), world.sources::<Likes>(copy)), (&[bob, copy][..], &[copy][..]));
    assert_eq!(
        (world.sources::<Likes>(bob), world.sources::<Likes>(ann)),
        (&[ann, copy][..], &[ann, bob][..])
    );

    let mut other = new_world();
    other.spawn(());
    let moved: BTreeMap<_, _> = other.merge(&world).unwrap().into_iter().collect();
    for entity in [ann, bob, copy] {
        let map = |links: &[Entity]| links.iter().map(|link| moved[link]).collect::<Vec<_>>();
        assert_eq!(other.targets::<Likes>(moved[&entity]), map(world.targets::<Likes>(entity)));
        assert_eq!(other.sources::<Likes>(moved[&entity]), map(world.sources::<Likes>(entity)));
    }
}

/// Goes on with `types` as a swap does.
fn converted(
    world: World,
    types: Vec<Arc<ModelTypeInfo>>,
    accept_loss: bool,
) -> Result<World, Box<(EcsError, World)>> {
    let mut conversion = WorldConversion::of(world);
    match conversion.make(types, accept_loss) {
        Ok(_) => Ok(conversion.accept().0),
        Err(error) => Err(Box::new((error, conversion.undo()))),
    }
}

#[test]
fn a_relation_that_nobody_knows_is_kept_aside_and_comes_back_without_the_dead() {
    let (mut world, [ann, bob, cid]) = with_entities();
    for (source, target) in [(ann, bob), (ann, cid), (cid, ann), (bob, bob)] {
        world.relate::<Likes>(source, target).unwrap();
    }
    let without = types().into_iter().map(Arc::new).collect();
    let mut world = converted(world, without, false).map_err(|refused| refused.0).unwrap();
    assert!(world.relate::<Likes>(ann, bob).is_err(), "nobody knows it");
    world.despawn(bob).unwrap();
    let newcomer = world.spawn(());
    assert_eq!(newcomer.index(), bob.index());
    let mut world = converted(world, all_types(), false).map_err(|refused| refused.0).unwrap();
    assert_eq!((world.targets::<Likes>(ann), world.sources::<Likes>(cid)), (&[cid][..], &[ann][..]));
    assert_eq!((world.sources::<Likes>(newcomer), world.targets::<Likes>(newcomer)), (&[][..], &[][..]));
    assert_eq!(world.targets::<Likes>(cid), [ann]);
    world.despawn(ann).unwrap();
    assert!(!world.has::<Targets<Likes>>(cid));
}

mod stricter {
    use super::*;

    #[relation(crate = keel_ecs, exclusive)]
    pub(super) struct Likes;
}

fn stricter_types() -> Vec<Arc<ModelTypeInfo>> {
    types().into_iter().chain(sides::<stricter::Likes>()).map(Arc::new).collect()
}

#[test]
fn a_relation_that_becomes_exclusive_asks_before_it_drops_targets() {
    let (mut world, [ann, bob, cid]) = with_entities();
    for (source, target) in [(ann, bob), (ann, cid), (bob, cid)] {
        world.relate::<Likes>(source, target).unwrap();
    }
    let before = world.hash().unwrap();
    let (error, world) = *converted(world, stricter_types(), false).err().unwrap();
    assert!(error.to_string().contains("`Likes` is exclusive now, and entity 0v1 has 2 targets"), "{error}");
    assert_eq!(world.hash().unwrap(), before, "what is refused changes nothing");
    let world = converted(world, stricter_types(), true).map_err(|refused| refused.0).unwrap();
    assert_eq!(world.targets::<stricter::Likes>(ann), [cid]);
    assert_eq!(world.sources::<stricter::Likes>(cid), [ann, bob]);
    assert_eq!(world.sources::<stricter::Likes>(bob), []);

    let world = converted(world, all_types(), false).map_err(|refused| refused.0).unwrap();
    assert_eq!(world.sources::<Likes>(cid), [ann, bob], "to become less strict loses nothing");
}

mod wider {
    use super::*;

    #[component(crate = keel_ecs)]
    pub(super) struct Position {
        pub(super) x: f64,
        pub(super) y: f64,
    }
}

#[test]
fn relations_go_on_where_another_component_changes() {
    let (mut world, [ann, bob, cid]) = with_entities();
    for (source, target) in [(ann, bob), (ann, cid), (cid, bob)] {
        world.relate::<Likes>(source, target).unwrap();
    }
    let mut changed = all_types();
    changed.retain(|info| info.name() != "Position");
    changed.push(Arc::new(ModelTypeInfo::component::<wider::Position>()));
    let mut world = converted(world, changed, false).map_err(|refused| refused.0).unwrap();
    assert!(
        world.get::<wider::Position>(ann).unwrap().x + world.get::<wider::Position>(ann).unwrap().y < 1.0
    );
    assert_eq!(
        (world.targets::<Likes>(ann), world.sources::<Likes>(bob)),
        (&[bob, cid][..], &[ann, cid][..])
    );
    world.despawn(bob).unwrap();
    assert_eq!((world.targets::<Likes>(ann), world.targets::<Likes>(cid)), (&[cid][..], &[][..]));
}

/// A number stands for an entity that ever lived.
#[derive(Clone, Debug)]
enum Change {
    Spawn,
    Despawn(usize),
    Like(usize, usize),
    Unlike(usize, usize),
    UnlikeAll(usize),
    Dock(usize, usize),
    Carry(usize, usize),
    SetParent(usize, usize),
    Insert(usize),
    Clone(usize),
    Restore,
    Duplicate,
    Rebuild,
    Forget,
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let (one, two) = (any::<usize>(), (any::<usize>(), any::<usize>()));
    prop_oneof![
        4 => Just(Change::Spawn),
        2 => one.prop_map(Change::Despawn),
        8 => two.prop_map(|(source, target)| Change::Like(source, target)),
        3 => two.prop_map(|(source, target)| Change::Unlike(source, target)),
        1 => one.prop_map(Change::UnlikeAll),
        4 => two.prop_map(|(source, target)| Change::Dock(source, target)),
        3 => two.prop_map(|(source, target)| Change::Carry(source, target)),
        2 => two.prop_map(|(child, parent)| Change::SetParent(child, parent)),
        1 => one.prop_map(Change::Insert),
        1 => one.prop_map(Change::Clone),
        1 => Just(Change::Restore),
        1 => Just(Change::Duplicate),
        1 => Just(Change::Rebuild),
        1 => Just(Change::Forget),
        1 => Just(Change::Clear),
    ]
}

/// Pairs in the order in which they came.
#[derive(Default)]
struct Plain {
    living: BTreeSet<Entity>,
    likes: Vec<(Entity, Entity)>,
    docked: Vec<(Entity, Entity)>,
    carried: Vec<(Entity, Entity)>,
    parents: BTreeMap<Entity, Entity>,
}

fn targets(pairs: &[(Entity, Entity)], of: Entity) -> Vec<Entity> {
    pairs.iter().filter(|(source, _)| *source == of).map(|(_, target)| *target).collect()
}

fn sources(pairs: &[(Entity, Entity)], of: Entity) -> Vec<Entity> {
    pairs.iter().filter(|(_, target)| *target == of).map(|(source, _)| *source).collect()
}

fn relate(pairs: &mut Vec<(Entity, Entity)>, pair: (Entity, Entity), is_exclusive: bool) {
    if !pairs.contains(&pair) {
        pairs.retain(|(source, _)| !is_exclusive || *source != pair.0);
        pairs.push(pair);
    }
}

impl Plain {
    fn despawn(&mut self, entity: Entity) {
        let mut going = vec![entity];
        while let Some(next) = going.pop() {
            if self.living.remove(&next) {
                going.extend(sources(&self.carried, next));
                going.extend(
                    self.parents.iter().filter(|(_, parent)| **parent == next).map(|(child, _)| *child),
                );
            }
        }
        let Self { living, likes, docked, carried, parents } = self;
        for pairs in [likes, docked, carried] {
            pairs.retain(|(source, target)| living.contains(source) && living.contains(target));
        }
        parents.retain(|child, parent| living.contains(child) && living.contains(parent));
    }
}

struct History {
    world: World,
    plain: Plain,
    ids: Vec<Entity>,
}

impl History {
    fn id(&self, number: usize) -> Entity {
        number.checked_rem(self.ids.len()).map_or(Entity::DANGLING, |place| self.ids[place])
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Spawn => {
                let entity = self.world.spawn((at(1.0),));
                self.ids.push(entity);
                self.plain.living.insert(entity);
            }
            Change::Despawn(number) => {
                let entity = self.id(*number);
                assert_eq!(self.world.despawn(entity).is_ok(), self.plain.living.contains(&entity));
                self.plain.despawn(entity);
            }
            Change::Like(source, target) => {
                self.pair(*source, *target, World::relate::<Likes>, |plain, pair| {
                    relate(&mut plain.likes, pair, false);
                });
            }
            Change::Dock(source, target) => {
                self.pair(*source, *target, World::relate::<DockedAt>, |plain, pair| {
                    relate(&mut plain.docked, pair, true);
                });
            }
            Change::Carry(source, target) => {
                self.pair(*source, *target, World::relate::<CarriedBy>, |plain, pair| {
                    relate(&mut plain.carried, pair, true);
                });
            }
            Change::Unlike(source, target) => {
                self.pair(*source, *target, World::unrelate::<Likes>, |plain, pair| {
                    plain.likes.retain(|found| *found != pair);
                });
            }
            Change::UnlikeAll(number) => {
                let entity = self.id(*number);
                let removed = self.world.unrelate_all::<Likes>(entity);
                let expected = targets(&self.plain.likes, entity).len();
                assert_eq!(removed.ok(), self.plain.living.contains(&entity).then_some(expected));
                self.plain.likes.retain(|(source, _)| *source != entity);
            }
            Change::SetParent(child, parent) => {
                let (child, parent) = (self.id(*child), self.id(*parent));
                if self.world.set_parent(child, Some(parent)).is_ok() {
                    self.plain.parents.insert(child, parent);
                }
            }
            Change::Insert(number) => drop(self.world.insert(self.id(*number), (crate::Frozen,))),
            Change::Clone(number) => {
                let original = self.id(*number);
                let Ok(copy) = self.world.clone_entity(original) else { return };
                self.ids.push(copy);
                let Plain { living, likes, docked, carried, .. } = &mut self.plain;
                living.insert(copy);
                for pairs in [likes, docked, carried] {
                    let own = |target| if target == original { copy } else { target };
                    let copied: Vec<_> =
                        targets(pairs, original).into_iter().map(|target| (copy, own(target))).collect();
                    pairs.extend(copied);
                }
            }
            Change::Restore => {
                let saved = through_a_file(&save(&self.world));
                let restored = World::from_snapshot(all_types(), &saved, false).unwrap().0;
                self.go_on(|_| restored);
            }
            Change::Duplicate => self.go_on(|world| world.duplicate().unwrap()),
            Change::Rebuild => self.world.rebuild().unwrap(),
            Change::Forget => {
                // Nobody knows them for a while.
                let saved = save(&self.world);
                let plain = types().into_iter().map(Arc::new);
                let mut world = World::from_snapshot(plain, &saved, false).unwrap().0;
                assert_eq!(world.hash().unwrap(), self.world.hash().unwrap());
                all_types().into_iter().try_for_each(|info| world.register(info)).unwrap();
                self.go_on(|_| world);
            }
            Change::Clear => {
                self.world.clear_entities();
                self.plain = Plain::default();
            }
        }
    }

    fn pair<T>(
        &mut self,
        source: usize,
        target: usize,
        change: fn(&mut World, Entity, Entity) -> Result<T, EcsError>,
        plain: impl FnOnce(&mut Plain, (Entity, Entity)),
    ) {
        let pair = (self.id(source), self.id(target));
        let is_allowed = self.plain.living.contains(&pair.0) && self.plain.living.contains(&pair.1);
        assert_eq!(change(&mut self.world, pair.0, pair.1).is_ok(), is_allowed);
        if is_allowed {
            plain(&mut self.plain, pair);
        }
    }

    fn go_on(&mut self, copy: impl FnOnce(&World) -> World) {
        let copied = copy(&self.world);
        assert_eq!(copied.hash().unwrap(), self.world.hash().unwrap());
        self.world = copied;
    }

    fn check(&self) {
        let Self { world, plain, ids } = self;
        assert_eq!(world.len(), plain.living.len());
        for entity in ids {
            check_links::<Likes>(world, &plain.likes, *entity);
            check_links::<DockedAt>(world, &plain.docked, *entity);
            check_links::<CarriedBy>(world, &plain.carried, *entity);
            assert_eq!(world.parent(*entity), plain.parents.get(entity).copied());
        }
    }
}

fn check_links<R: Relation>(world: &World, pairs: &[(Entity, Entity)], entity: Entity) {
    assert_eq!(world.targets::<R>(entity), targets(pairs, entity), "targets of {entity}");
    assert_eq!(world.sources::<R>(entity), sources(pairs, entity), "sources of {entity}");
    assert_eq!(world.has::<Targets<R>>(entity), !targets(pairs, entity).is_empty());
    assert_eq!(world.has::<Sources<R>>(entity), !sources(pairs, entity).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn relations_do_what_a_plain_model_does(changes in vec(change(), 1..80)) {
        let mut history = History { world: new_world(), plain: Plain::default(), ids: Vec::new() };
        for change in &changes {
            history.apply(change);
            history.check();
        }
    }
}
