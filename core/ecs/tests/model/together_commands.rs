//! Changes that are put off, as systems do, and then made together.

use std::sync::{Arc, Mutex};

use keel_ecs::{Commands, Entity};
use proptest::prelude::*;

use super::{Change, Fire, History, fire, smoke};
use crate::relations::{CarriedBy, DockedAt, Likes};
use crate::together_plain::{Kind, LINKS, Link};
use crate::{Eaten, Tide, at};

/// What can be put off.
pub(super) fn command() -> impl Strategy<Value = Change> {
    let one = any::<usize>();
    let link = || proptest::sample::select(&LINKS[..]);
    prop_oneof![
        3 => (0_u8..2, 0_u8..5).prop_map(|(components, value)| Change::Spawn(components, value)),
        3 => one.prop_map(Change::Despawn),
        2 => (one, 0_u8..5).prop_map(|(entity, value)| Change::Insert(entity, value)),
        3 => (one, 0_u8..5).prop_map(|(entity, value)| Change::Put(entity, Kind::Fire, value)),
        3 => one.prop_map(|entity| Change::Take(entity, Kind::Fire)),
        2 => (one, any::<Option<usize>>()).prop_map(|(child, parent)| Change::SetParent(child, parent)),
        4 => (one, link(), one).prop_map(|(source, link, target)| Change::Relate(source, link, target)),
        2 => (one, link(), one).prop_map(|(source, link, target)| Change::Unrelate(source, link, target)),
        1 => (0_u8..9).prop_map(Change::Send),
        1 => proptest::option::of(0_u8..9).prop_map(Change::Tide),
    ]
}

/// The entities that commands have spawned, in their order.
type Spawned = Arc<Mutex<Vec<Entity>>>;

impl History {
    /// Puts them off, of entities as they are now, and makes them. One that fails does not hold up the others.
    pub(super) fn commands(&mut self, changes: &[Change]) {
        let (mut commands, spawned) = (Commands::new(), Spawned::default());
        // Numbers mean what they mean now, also to those that come after a spawn.
        let ids = self.plain.ids.clone();
        let of = |number: usize| ids.get(number.checked_rem(ids.len())?).copied();
        changes.iter().for_each(|change| put_off(&mut commands, change, of, &spawned));
        let failed = commands.apply(&mut self.world).len();
        let mut spawned = std::mem::take(&mut *spawned.lock().unwrap()).into_iter();
        let expected = changes.iter().filter(|change| !self.follow(change, of, &mut spawned)).count();
        assert_eq!((failed, spawned.next()), (expected, None));
    }

    /// Does the same with the model. False when it is refused.
    fn follow(
        &mut self,
        change: &Change,
        of: impl Fn(usize) -> Option<Entity>,
        spawned: &mut impl Iterator<Item = Entity>,
    ) -> bool {
        let plain = &mut self.plain;
        let living: Vec<_> = plain.entities.keys().copied().collect();
        let lives = |entity: Entity| living.contains(&entity);
        let both = |one, other| of(one).zip(of(other)).map(|pair| (pair, lives(pair.0) && lives(pair.1)));
        match *change {
            Change::Spawn(components, value) => {
                let entity = spawned.next().unwrap();
                plain.spawn(entity);
                plain.of(entity).smoke = Some(value.to_string());
                if components == 1 {
                    plain.of(entity).position = Some(at(6.0));
                    plain.put(entity, Kind::Fire, value.into());
                }
            }
            Change::Despawn(one) | Change::Insert(one, _) | Change::Put(one, ..) | Change::Take(one, _) => {
                let Some(one) = of(one) else { return true };
                if !lives(one) {
                    return false;
                }
                match *change {
                    Change::Despawn(_) => plain.despawn(one),
                    Change::Put(_, kind, value) => plain.put(one, kind, value.into()),
                    Change::Take(_, kind) => drop(plain.take(one, kind)),
                    Change::Insert(_, value) => {
                        (plain.of(one).smoke, plain.of(one).position) =
                            (Some(value.to_string()), Some(at(3.0)));
                    }
                    _ => unreachable!("it is one of these"),
                }
            }
            Change::SetParent(child, parent) => {
                let (Some(child), parent) = (of(child), parent.and_then(of)) else { return true };
                let is_allowed =
                    lives(child) && parent.is_none_or(|it| lives(it) && !plain.is_below(it, child));
                if is_allowed {
                    plain.set_parent(child, parent);
                }
                return is_allowed;
            }
            Change::Relate(source, link, target) | Change::Unrelate(source, link, target) => {
                let Some((pair, live)) = both(source, target) else { return true };
                match change {
                    _ if !live => return false,
                    Change::Relate(..) => plain.relate(link, pair),
                    _ => drop(plain.unrelate(link, pair)),
                }
            }
            Change::Send(by) => {
                plain.events.push((by.into(), 0));
                plain.unseen.push(by.into());
            }
            Change::Tide(level) => plain.tide = level.map(i64::from),
            _ => unreachable!("it is no command"),
        }
        true
    }
}

fn put_off(
    commands: &mut Commands,
    change: &Change,
    of: impl Fn(usize) -> Option<Entity>,
    spawned: &Spawned,
) {
    match *change {
        Change::Spawn(components, value) => {
            let (value, spawned) = (u64::from(value), Arc::clone(spawned));
            let note = move |entity| {
                spawned.lock().unwrap().push(entity);
                Ok(())
            };
            match components {
                0 => commands.spawn_and((smoke(value),), move |_, entity| note(entity)),
                _ => commands.spawn_and((smoke(value), at(6.0), fire(value)), move |_, entity| note(entity)),
            }
        }
        Change::Despawn(one) => of(one).into_iter().for_each(|one| commands.despawn(one)),
        Change::Insert(one, value) => {
            of(one).into_iter().for_each(|one| commands.insert(one, (smoke(value.into()), at(3.0))));
        }
        Change::Put(one, _, value) => {
            of(one).into_iter().for_each(|one| commands.insert(one, (fire(value.into()),)));
        }
        Change::Take(one, _) => of(one).into_iter().for_each(|one| commands.remove::<(Fire,)>(one)),
        Change::SetParent(child, parent) => {
            of(child).into_iter().for_each(|child| commands.set_parent(child, parent.and_then(&of)));
        }
        Change::Relate(source, link, target) | Change::Unrelate(source, link, target) => {
            let Some((source, target)) = of(source).zip(of(target)) else { return };
            match (link, matches!(change, Change::Relate(..))) {
                (Link::Likes, true) => commands.relate::<Likes>(source, target),
                (Link::Likes, false) => commands.unrelate::<Likes>(source, target),
                (Link::DockedAt, true) => commands.relate::<DockedAt>(source, target),
                (Link::DockedAt, false) => commands.unrelate::<DockedAt>(source, target),
                (Link::CarriedBy, true) => commands.relate::<CarriedBy>(source, target),
                (Link::CarriedBy, false) => commands.unrelate::<CarriedBy>(source, target),
            }
        }
        Change::Send(by) => commands.send(Eaten { by: by.into() }),
        Change::Tide(Some(level)) => commands.insert_resource(Tide { level: level.into() }),
        Change::Tide(None) => commands.remove_resource::<Tide>(),
        _ => unreachable!("it is no command"),
    }
}
