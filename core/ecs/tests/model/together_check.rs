//! What the histories of `together` check, and what they go on with.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::changes_property::Account;

impl History {
    /// Goes on with the types of a swap, whatever waits for observers.
    pub(super) fn convert(&mut self, is_wide: bool) {
        let mut conversion = WorldConversion::of(std::mem::take(&mut self.world));
        conversion.make(types(is_wide), true).unwrap();
        self.world = conversion.accept().0;
        if is_wide != self.is_wide {
            self.plain.accounts[Kind::Hull as usize].converted(self.plain.now);
            for Reader { hulls, wide_hulls, .. } in &mut self.readers {
                match is_wide {
                    true => *wide_hulls = exchange_cursor(hulls),
                    false => *hulls = exchange_cursor(wide_hulls),
                }
            }
        }
        self.is_wide = is_wide;
        // As a module does that is registered again.
        self.world.define_prefab("raft", &raft(self.plain.heat)).unwrap();
    }

    pub(super) fn look(&mut self, reader: usize) {
        let reader = &mut self.readers[reader];
        let check = |found: (BTreeSet<Entity>, BTreeSet<Entity>, Vec<Entity>), account: &Account| {
            let (added, changed) = account.new_since(reader.since);
            let lost = account.lost.iter().filter(|(time, ..)| *time > reader.since);
            let mut lost: Vec<_> = lost.map(|(_, entity, _)| *entity).collect();
            let mut found_lost = found.2;
            found_lost.sort_unstable();
            lost.sort_unstable();
            assert_eq!((found.0, found.1, found_lost), (added, changed, lost));
        };
        let hulls = match self.is_wide {
            true => look::<wide::Hull>(&self.world, reader.mark, &mut reader.wide_hulls),
            false => look::<Hull>(&self.world, reader.mark, &mut reader.hulls),
        };
        check(hulls, &self.plain.accounts[0]);
        check(look::<Fire>(&self.world, reader.mark, &mut reader.fires), &self.plain.accounts[1]);
        reader.mark = self.world.mark_changes();
        reader.since = self.plain.now;
    }

    /// Hears all that waits for observers.
    pub(super) fn tell(&mut self) {
        let (mut told, mut sent) = (Vec::new(), Vec::new());
        while let Some(it) = self.world.next_occurrence() {
            match it.occasion() {
                Occasion::Sent => sent.push(self.world.sent_event::<Eaten>(&it).unwrap().by),
                _ => told.push(self.describe(&it)),
            }
        }
        let mut expected = std::mem::take(&mut self.plain.told);
        // Of one component of one entity, all is told in its order.
        told.sort_by_key(|(entity, component, ..)| (*entity, *component));
        expected.sort_by_key(|(entity, component, ..)| (*entity, *component));
        assert_eq!(told, expected);
        assert_eq!(sent, std::mem::take(&mut self.plain.unseen));
    }

    fn describe(&self, it: &Occurrence) -> Told {
        let name = ["Hull", "Fire", "DockedAtTargets"];
        let name = name.into_iter().find(|name| keel_core_types::ComponentId::of(name) == it.id()).unwrap();
        let old = match (name, self.is_wide) {
            _ if it.occasion() == Occasion::Insert => String::new(),
            ("Hull", false) => self.world.old_value::<Hull>(it).unwrap().planks.to_string(),
            ("Hull", true) => self.world.old_value::<wide::Hull>(it).unwrap().planks.to_string(),
            ("Fire", _) => self.world.old_value::<Fire>(it).unwrap().heat.to_string(),
            _ => self.world.old_value::<Targets<DockedAt>>(it).unwrap()[0].to_string(),
        };
        (it.entity(), name, it.occasion(), old)
    }

    /// Copies all into a world that is alike, where all must be related as here.
    pub(super) fn merge(&self) {
        let mut other = self.world.alike();
        other.spawn(());
        let moved: BTreeMap<_, _> = other.merge(&self.world).unwrap().into_iter().collect();
        let all = |entities: &[Entity]| entities.iter().map(|it| moved[it]).collect::<Vec<_>>();
        for (old, new) in &moved {
            assert_eq!(other.parent(*new), self.world.parent(*old).map(|it| moved[&it]));
            assert_eq!(other.children(*new), all(&self.world.children(*old)));
            for link in LINKS {
                let here = links(&self.world, link, *old);
                assert_eq!(links(&other, link, *new), (all(&here.0), all(&here.1)));
            }
        }
        // What was merged goes as it would have gone here.
        let before = other.len();
        let mut plain = self.plain.clone();
        if let Some(first) = plain.entities.keys().next().copied() {
            plain.despawn(first);
            other.despawn(moved[&first]).unwrap();
            assert_eq!(before - other.len(), moved.len() - plain.entities.len());
        }
    }

    pub(super) fn check(&self) {
        let Self { world, plain, is_wide, .. } = self;
        assert_eq!(world.len(), plain.entities.len());
        for (entity, expected) in &plain.entities {
            let hull = match is_wide {
                true => world.get::<wide::Hull>(*entity).map(|it| it.planks),
                false => world.get::<Hull>(*entity).map(|it| it.planks.into()),
            };
            let fire = world.get::<Fire>(*entity).map(|it| it.heat.into());
            let found = PlainEntity {
                position: world.get::<Position>(*entity).ok().map(|it| *it),
                smoke: world.get::<Smoke>(*entity).ok().map(|it| it.text.clone()),
                tracked: [hull.ok(), fire.ok()],
                name: world.name(*entity),
                parent: world.parent(*entity),
                children: world.children(*entity),
                part: world.prefab_of(*entity).map(|(_, path)| path),
            };
            assert_eq!(found, *expected, "{entity}");
            for link in LINKS {
                assert_eq!(links(world, link, *entity), plain.links(link, *entity), "{link:?} of {entity}");
            }
        }
        for name in ["0", "1", "2"] {
            let has_name = |it: &PlainEntity| it.name.as_deref() == Some(name);
            let found = world.find(name).map(|entity| has_name(&plain.entities[&entity]));
            assert_eq!(found, plain.entities.values().any(has_name).then_some(true));
        }
        let events: Vec<_> = world.events::<Eaten>().iter().map(|event| event.by).collect();
        assert_eq!(events, plain.events.iter().map(|(by, _)| *by).collect::<Vec<_>>());
        assert_eq!(world.resource::<Tide>().ok().map(|tide| tide.level), plain.tide);
        let (restored, _) = World::from_snapshot(types(*is_wide), &save(world), false).unwrap();
        assert_eq!(restored.hash().unwrap(), world.hash().unwrap());
    }
}

fn links(world: &World, link: Link, of: Entity) -> (Vec<Entity>, Vec<Entity>) {
    let (targets, sources) = match link {
        Link::Likes => (world.targets::<Likes>(of), world.sources::<Likes>(of)),
        Link::DockedAt => (world.targets::<DockedAt>(of), world.sources::<DockedAt>(of)),
        Link::CarriedBy => (world.targets::<CarriedBy>(of), world.sources::<CarriedBy>(of)),
    };
    (targets.to_vec(), sources.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 64 }, ..ProptestConfig::default() })]

    #[test]
    fn all_parts_of_a_world_hold_together(changes in vec(change(), 1..if cfg!(miri) { 10 } else { 60 })) {
        let mut history = History::new();
        for change in &changes {
            history.apply(change);
            history.check();
        }
        history.tell();
        (0..2).for_each(|reader| history.look(reader));
    }
}
