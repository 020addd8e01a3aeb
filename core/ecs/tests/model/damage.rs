//! Damaged snapshots are refused, or give another world; they never panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{World, WorldSnapshot};
use keel_state::{Snapshot, SnapshotWriter};

use crate::{Cargo, Eaten, Frozen, Tide, at, new_world, save, types};

const SECTIONS: [&str; 2] = ["index", "data"];

/// A world with a bit of all that a snapshot holds; its index and its data.
fn sections() -> [Vec<u8>; 2] {
    let mut world = new_world();
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
    world.insert_resource(Tide { level: 3 }).unwrap();
    world.send(Eaten { by: 4 });
    let mut file = SnapshotWriter::new(Vec::new());
    save(&world).write(&mut file).unwrap();
    let bytes = file.finish();
    let snapshot = Snapshot::parse(&bytes).unwrap();
    SECTIONS.map(|name| snapshot.require("world", name).unwrap().to_vec())
}

/// Reads sections whose checksums are right, as far as it goes, and uses the world that comes out.
fn use_sections(sections: &[Vec<u8>; 2], accept_loss: bool) -> bool {
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
    let _ = World::plan_restore(&types().map(Into::into), &snapshot);
    let Ok((mut world, _)) = World::from_snapshot(types().map(Into::into), &snapshot, accept_loss) else {
        return false;
    };
    let _ = world.hash();
    let living = world.entities();
    let spawned: Vec<_> = (0..8).map(|x| world.spawn((at(x as f32), Frozen))).collect();
    assert!(living.iter().chain(&spawned).all(|entity| world.contains(*entity)), "an id lives twice");
    assert_eq!(world.len(), living.len() + spawned.len());
    world.save(&mut WorldSnapshot::new()).unwrap();
    world.clear_entities();
    assert!(world.is_empty());
    true
}

#[track_caller]
fn check(what: &str, sections: &[Vec<u8>; 2], accept_loss: bool) -> bool {
    let used = catch_unwind(AssertUnwindSafe(|| use_sections(sections, accept_loss)));
    used.unwrap_or_else(|_| panic!("{what} made it panic"))
}

#[test]
fn the_undamaged_snapshot_is_used() {
    assert!(check("nothing", &sections(), false));
}

#[test]
fn a_snapshot_cut_off_anywhere_is_refused() {
    for section in 0..2 {
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
    for section in 0..2 {
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
    for section in 0..2 {
        for bit in 0..whole[section].len() * 8 {
            let mut flipped = whole.clone();
            flipped[section][bit / 8] ^= 1 << (bit % 8);
            let what = format!("bit {bit} of the {}", SECTIONS[section]);
            refused += usize::from(!check(&what, &flipped, bit % 2 == 0));
        }
    }
    assert!(refused > whole[0].len(), "hardly anything was refused");
}
