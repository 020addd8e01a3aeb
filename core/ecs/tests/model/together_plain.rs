//! What a world is whose parts are all used together, without any of its storage.

use std::collections::{BTreeMap, BTreeSet};

use keel_ecs::{Entity, Occasion};

use crate::Position;
use crate::changes_property::Account;

/// A tracked component: both hold a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// In columns.
    Hull,
    /// Sparse.
    Fire,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Hull, Kind::Fire];

/// A relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// To many.
    Likes,
    /// To one.
    DockedAt,
    /// To one, whose sources go with it.
    CarriedBy,
}

pub(crate) const LINKS: [Link; 3] = [Link::Likes, Link::DockedAt, Link::CarriedBy];

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlainEntity {
    pub(crate) position: Option<Position>,
    pub(crate) smoke: Option<String>,
    /// By [`Kind`].
    pub(crate) tracked: [Option<u64>; 2],
    pub(crate) name: Option<String>,
    pub(crate) parent: Option<Entity>,
    pub(crate) children: Vec<Entity>,
    /// The path of the part of the prefab that it is.
    pub(crate) part: Option<String>,
}

/// Something that observers are told: of whom, of which component, what, and the value that has gone.
pub(crate) type Told = (Entity, &'static str, Occasion, String);

#[derive(Clone, Default)]
pub(crate) struct Plain {
    pub(crate) entities: BTreeMap<Entity, PlainEntity>,
    /// All that ever lived.
    pub(crate) ids: Vec<Entity>,
    /// Pairs of source and target in the order in which they came, by [`Link`].
    pub(crate) pairs: [Vec<(Entity, Entity)>; 3],
    /// By [`Kind`].
    pub(crate) accounts: [Account; 2],
    pub(crate) told: Vec<Told>,
    /// Value, and how many steps have ended since.
    pub(crate) events: Vec<(i64, u8)>,
    /// Those of which observers were not told.
    pub(crate) unseen: Vec<i64>,
    pub(crate) tide: Option<i64>,
    /// How hot instances of the prefab are.
    pub(crate) heat: u64,
    pub(crate) now: u64,
}

impl Plain {
    pub(crate) fn spawn(&mut self, entity: Entity) {
        assert!(!self.ids.contains(&entity), "{entity} was given out twice");
        self.ids.push(entity);
        self.entities.insert(entity, PlainEntity::default());
    }

    pub(crate) fn of(&mut self, entity: Entity) -> &mut PlainEntity {
        self.entities.get_mut(&entity).unwrap()
    }

    fn tell(&mut self, entity: Entity, component: &'static str, occasion: Occasion, old: impl ToString) {
        self.told.push((entity, component, occasion, old.to_string()));
    }

    /// Inserts a tracked component.
    pub(crate) fn put(&mut self, entity: Entity, kind: Kind, value: u64) {
        if let Some(old) = self.of(entity).tracked[kind as usize].replace(value) {
            self.tell(entity, kind.name(), Occasion::Replace, old);
        }
        self.tell(entity, kind.name(), Occasion::Insert, "");
        let now = self.now;
        self.accounts[kind as usize].insert(entity, now);
    }

    /// Writes a tracked component where it is; whether there is one.
    pub(crate) fn write(&mut self, entity: Entity, kind: Kind, value: u64) -> bool {
        let Some(known) = &mut self.of(entity).tracked[kind as usize] else { return false };
        *known = value;
        let now = self.now;
        self.accounts[kind as usize].write(entity, now);
        true
    }

    /// Takes a tracked component; whether there was one.
    pub(crate) fn take(&mut self, entity: Entity, kind: Kind) -> bool {
        let Some(old) = self.of(entity).tracked[kind as usize].take() else { return false };
        self.tell(entity, kind.name(), Occasion::Remove, old);
        let now = self.now;
        self.accounts[kind as usize].remove(entity, now);
        true
    }

    pub(crate) fn relate(&mut self, link: Link, pair: (Entity, Entity)) {
        let pairs = &mut self.pairs[link as usize];
        if pairs.contains(&pair) {
            return;
        }
        if link != Link::Likes
            && let Some(place) = pairs.iter().position(|(source, _)| *source == pair.0)
        {
            let (source, old) = pairs.remove(place);
            if link == Link::DockedAt {
                self.tell(source, "DockedAtTargets", Occasion::Replace, old);
            }
        }
        self.pairs[link as usize].push(pair);
        if link == Link::DockedAt {
            self.tell(pair.0, "DockedAtTargets", Occasion::Insert, "");
        }
    }

    /// Whether they were related.
    pub(crate) fn unrelate(&mut self, link: Link, pair: (Entity, Entity)) -> bool {
        let Some(place) = self.pairs[link as usize].iter().position(|found| *found == pair) else {
            return false;
        };
        self.pairs[link as usize].remove(place);
        if link == Link::DockedAt {
            self.tell(pair.0, "DockedAtTargets", Occasion::Remove, pair.1);
        }
        true
    }

    pub(crate) fn links(&self, link: Link, of: Entity) -> (Vec<Entity>, Vec<Entity>) {
        let pairs = &self.pairs[link as usize];
        let targets = pairs.iter().filter(|(source, _)| *source == of).map(|(_, target)| *target);
        let sources = pairs.iter().filter(|(_, target)| *target == of).map(|(source, _)| *source);
        (targets.collect(), sources.collect())
    }

    pub(crate) fn leave_parent(&mut self, child: Entity) {
        if let Some(parent) = self.of(child).parent.take() {
            self.of(parent).children.retain(|found| *found != child);
        }
    }

    pub(crate) fn set_parent(&mut self, child: Entity, parent: Option<Entity>) {
        self.leave_parent(child);
        self.of(child).parent = parent;
        if let Some(parent) = parent {
            self.of(parent).children.push(child);
        }
    }

    pub(crate) fn is_below(&self, entity: Entity, above: Entity) -> bool {
        let parent = |entity: &Entity| self.entities[entity].parent;
        std::iter::successors(Some(entity), parent).any(|found| found == above)
    }

    /// Takes an entity out, with all that go with it.
    pub(crate) fn despawn(&mut self, entity: Entity) {
        let (mut going, mut next) = (BTreeSet::new(), vec![entity]);
        while let Some(entity) = next.pop() {
            if going.insert(entity) {
                next.extend(&self.entities[&entity].children);
                next.extend(self.links(Link::CarriedBy, entity).1);
            }
        }
        self.gone(going);
    }

    pub(crate) fn clear(&mut self) {
        self.gone(self.entities.keys().copied().collect());
    }

    fn gone(&mut self, going: BTreeSet<Entity>) {
        for entity in &going {
            self.leave_parent(*entity);
            for kind in KINDS {
                if let Some(old) = self.entities[entity].tracked[kind as usize] {
                    self.tell(*entity, kind.name(), Occasion::Despawn, old);
                    self.take(*entity, kind);
                }
            }
        }
        for link in LINKS {
            for (source, target) in self.pairs[link as usize].clone() {
                if going.contains(&source) || going.contains(&target) {
                    self.unrelate(link, (source, target));
                }
            }
        }
        self.entities.retain(|entity, _| !going.contains(entity));
    }

    pub(crate) fn end_step(&mut self) {
        self.accounts.iter_mut().for_each(Account::end_step);
        self.events.iter_mut().for_each(|(_, steps)| *steps += 1);
        self.events.retain(|(_, steps)| *steps < 2);
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Hull => "Hull",
            Self::Fire => "Fire",
        }
    }
}
