//! Damaged snapshots are refused, or give another world; they never panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{ChangeMark, Changed, ComponentDefinition, QueryTerms, RemovalCursor, World, WorldSnapshot};
use keel_state::{Snapshot, SnapshotWriter, Value};

use crate::changes::{Fire, Hull, tracked_types, tracked_world};
use crate::{Cargo, Eaten, Frozen, Tide, at, save};

const SECTIONS: [&str; 5] = ["index", "data", "changes", "ticks", "definitions"];

type Sections = [Vec<u8>; SECTIONS.len()];

/// A world with a bit of all that a snapshot holds; in its sections.
fn sections() -> Sections {
    let mut world = tracked_world();
    let ship = world.spawn((at(1.0), Cargo { goods: vec!["salt".into()] }));
    let boat = world.spawn((at(2.0),));
    world.set_parent(boat, Some(ship)).unwrap();
    let bare = world.spawn(());
    world.spawn((Frozen,));
    world.despawn(bare).unwrap();
    world.spawn(());
    world.spawn(());
    let gone = world.spawn(());
    world.despawn(gone).unwrap();
    let [hulk, wreck] = [1, 2].map(|planks| world.spawn((Hull { planks }, Fire { heat: 1 })));
    world.mark_changes();
    world.get_mut::<Hull>(hulk).unwrap().planks = 2;
    world.despawn(wreck).unwrap();
    world.insert_resource(Tide { level: 3 }).unwrap();
    world.send(Eaten { by: 4 });
    let health = "struct Health { of: Kind, at: [u8; 2], log: Vec<String>, seen: Map<u8, char> } enum Kind { A, B(f32) }";
    let default = Value::named([("of", "A".into())]);
    let health = ComponentDefinition::parse(health).unwrap().with_default(&default).unwrap().with_doc("Its.");
    world.define_component(&health).unwrap();
    let seen = Value::Map(vec![(1.into(), 'x'.into()), (2.into(), 'ß'.into())]);
    world.insert_named(ship, "Health", &[("log", vec!["a"].into()), ("seen", seen)]).unwrap();
    world.insert_named(boat, "Health", &[("of", Value::variant("B", [("0", 1.into())]))]).unwrap();
    let mut file = SnapshotWriter::new(Vec::new());
    save(&world).write(&mut file).unwrap();
    let bytes = file.finish();
    let snapshot = Snapshot::parse(&bytes).unwrap();
    SECTIONS.map(|name| snapshot.require("world", name).unwrap().to_vec())
}

/// Reads sections whose checksums are right, as far as it goes, and uses the world that comes out.
fn use_sections(sections: &Sections, accept_loss: bool) -> bool {
    let mut file = SnapshotWriter::new(Vec::new());
    for (name, bytes) in SECTIONS.iter().zip(sections) {
        file.section("world", name, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
    }
    let bytes = file.finish();
    let Ok(snapshot) = WorldSnapshot::read(&Snapshot::parse(&bytes).unwrap()) else { return false };
    let _ = snapshot.describe();
    let _ = World::plan_restore(&tracked_types(), &snapshot);
    let Ok((mut world, _)) = World::from_snapshot(tracked_types(), &snapshot, accept_loss) else {
        return false;
    };
    let _ = world.hash();
    use_defined(&mut world);
    let _ = world.query_since::<&mut Hull, Changed<Fire>>(ChangeMark::default()).iter().count();
    let _ = RemovalCursor::<Hull>::default().read(&world.removals()).len();
    world.end_step();
    let living = world.entities();
    let spawned: Vec<_> = (0..8).map(|x| world.spawn((at(x as f32), Frozen))).collect();
    assert!(living.iter().chain(&spawned).all(|entity| world.contains(*entity)), "an id lives twice");
    assert_eq!(world.len(), living.len() + spawned.len());
    world.save(&mut WorldSnapshot::new()).unwrap();
    world.clear_entities();
    assert!(world.is_empty());
    true
}

/// Whatever is known by a definition that came out is used as such.
fn use_defined(world: &mut World) {
    let names: Vec<_> = world.definitions().map(|definition| definition.name().to_owned()).collect();
    for name in names {
        for entity in world.entities_matching(&QueryTerms::new().with(&name)).unwrap_or_default() {
            world.value(entity, &name).unwrap().value().unwrap();
            for part in ["of", "of.B.0", "at[1]", "log[0]", "seen[1]"] {
                let path = format!("{name}.{part}");
                if let Ok(value) = world.read_path::<Value>(entity, &path) {
                    world.write_path(entity, &path, &value).unwrap();
                }
            }
        }
        let entity = world.spawn(());
        let _ = world.insert_named(entity, &name, &[]);
        world.despawn(entity).unwrap();
    }
}

#[track_caller]
fn check(what: &str, sections: &Sections, accept_loss: bool) -> bool {
    let used = catch_unwind(AssertUnwindSafe(|| use_sections(sections, accept_loss)));
    used.unwrap_or_else(|_| panic!("{what} made it panic"))
}

#[test]
fn the_undamaged_snapshot_is_used() {
    assert!(check("nothing", &sections(), false));
}

#[test]
fn a_snapshot_cut_off_anywhere_is_refused() {
    for section in 0..SECTIONS.len() {
        for length in 0..sections()[section].len() {
            let mut cut = sections();
            cut[section].truncate(length);
            assert!(!check(&format!("{} cut at {length}", SECTIONS[section]), &cut, true));
        }
    }
}

#[test]
fn the_largest_number_in_any_place_never_panics() {
    let whole = sections();
    for section in 0..SECTIONS.len() {
        for start in 0..whole[section].len() {
            for (width, byte) in [(8, 0xff), (4, 0xff), (8, 0)] {
                let mut damaged = whole.clone();
                damaged[section].iter_mut().skip(start).take(width).for_each(|found| *found = byte);
                check(
                    &format!("{width} times {byte} at {start} of the {}", SECTIONS[section]),
                    &damaged,
                    true,
                );
            }
        }
    }
}

#[test]
fn a_flipped_bit_never_panics() {
    let whole = sections();
    let mut refused = 0;
    for section in 0..SECTIONS.len() {
        for bit in 0..whole[section].len() * 8 {
            let mut flipped = whole.clone();
            flipped[section][bit / 8] ^= 1 << (bit % 8);
            let what = format!("bit {bit} of the {}", SECTIONS[section]);
            refused += usize::from(!check(&what, &flipped, bit % 2 == 0));
        }
    }
    assert!(refused > whole[0].len(), "hardly anything was refused");
}
