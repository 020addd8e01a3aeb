//! A saved world, read by a build that has its types, by one that has some of them, and by one that has none.

use std::sync::Arc;

use keel::ecs::{ComponentDefinition, ModelTypeInfo, World, WorldSnapshot};
use keel::state::{Snapshot, SnapshotWriter, Value};

use crate::sealed::change_snapshot;
use crate::{Target, pond};

pub(crate) const TARGET: Target = Target { name: "world", whole, change: change_snapshot, read };

fn whole() -> Vec<Vec<u8>> {
    let mut defined = pond::world();
    let health = "struct Health { of: Kind, at: [u8; 2], log: Vec<String>, seen: Map<u8, char> } enum Kind { A, B(f32) }";
    let default = Value::named([("of", "A".into())]);
    let health = ComponentDefinition::parse(health).and_then(|health| health.with_default(&default));
    defined.define_component(&health.expect("it is a declaration")).expect("its name is free");
    for entity in defined.entities().into_iter().take(3) {
        let of = Value::variant("B", [("0", 1.into())]);
        defined.insert_named(entity, "Health", &[("of", of)]).expect("the entity lives");
    }
    // Nobody's types: all of its values are kept aside.
    let (kept, _) = restored(&[], &written(&pond::world()), false).expect("it was just written");
    [pond::world(), defined, kept, World::new()].iter().map(written).collect()
}

fn read(bytes: &[u8]) -> bool {
    let Ok(file) = Snapshot::parse(bytes) else { return false };
    let Ok(snapshot) = WorldSnapshot::read(&file) else { return false };
    let _ = snapshot.describe();
    let types = pond::types();
    let _ = World::plan_restore(&types, &snapshot);
    let lossless = use_as(&types, bytes, false);
    // What was not lossless may be taken over with losses; with half of the types, the others' values are kept aside.
    let lossy = use_as(&types, bytes, true);
    let partly = use_as(&types[..types.len() / 2], bytes, true);
    let kept = use_as(&[], bytes, false);
    lossless || lossy || partly || kept
}

/// Whether a world came out, which then is as good as any: it can be saved, comes back the same, and lives on.
fn use_as(types: &[Arc<ModelTypeInfo>], bytes: &[u8], accept_loss: bool) -> bool {
    let Some((mut world, hash)) = restored(types, bytes, accept_loss) else { return false };
    let again = written(&world);
    let (_, hash_again) = restored(types, &again, false).expect("what was saved can be restored");
    assert_eq!(hash, hash_again, "a world is another after it was saved and restored");
    live_on(&mut world);
    true
}

fn restored(types: &[Arc<ModelTypeInfo>], bytes: &[u8], accept_loss: bool) -> Option<(World, u64)> {
    let snapshot = WorldSnapshot::read(&Snapshot::parse(bytes).ok()?).ok()?;
    let (world, _) = World::from_snapshot(types.iter().map(Arc::clone), &snapshot, accept_loss).ok()?;
    let hash = world.hash().ok()?;
    Some((world, hash))
}

fn written(world: &World) -> Vec<u8> {
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).expect("a world can be saved");
    let mut file = SnapshotWriter::new(Vec::new());
    snapshot.write(&mut file).expect("a snapshot can be written");
    file.finish()
}

fn live_on(world: &mut World) {
    world.end_step();
    let living = world.entities();
    let spawned: Vec<_> = (0..8).map(|_| world.spawn(())).collect();
    assert_eq!(world.len(), living.len() + spawned.len(), "an id lives twice");
    assert!(living.iter().chain(&spawned).all(|entity| world.contains(*entity)), "an entity does not live");
    for entity in living {
        // Some went with those that carried them.
        let _ = world.despawn(entity);
    }
    assert_eq!(world.len(), spawned.len(), "an entity outlives its end");
}
