//! Paths at work in a world that they have to themselves, beside paths that borrow each component.

use std::sync::Arc;

use keel_ecs::{
    Changed, ComponentDefinition, EcsError, Entity, ModelTypeInfo, PreparedPath, World, component,
};
use keel_state::Value;
use proptest::prelude::*;

use crate::{Cargo, Frozen, Position, Wet, at, new_world, restore, save, types};

#[component(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Engine {
    /// Written by way of the bytes where there is none.
    power: Option<f32>,
    mood: Mood,
    name: String,
}

/// Written by way of the bytes.
#[keel_module_macros::data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Calm,
    Loud,
}

/// A path, and what is written there.
type Written = (&'static str, fn(u8) -> Value);

/// Places of each kind: in columns of several archetypes, in sets, in none.
const PATHS: [Written; 6] = [
    ("Position.x", |to| f32::from(to).into()),
    ("Wet.drops", |to| u32::from(to).into()),
    ("Engine.power", |to| (to % 3 > 0).then_some(f32::from(to)).into()),
    ("Engine.name", |to| "a".repeat(usize::from(to % 4)).into()),
    ("Engine.mood", |to| ["Calm", "Loud", "Blue"][usize::from(to % 3)].into()),
    ("Fuel.left", |to| f32::from(to).into()),
];

#[derive(Clone, Debug)]
enum Step {
    Spawn(u8),
    Despawn(usize),
    Freeze(usize),
    Read(usize, usize),
    Write(usize, usize, u8),
    /// Reads and writes, with one query.
    Both(usize, usize, usize, u8),
    /// Borrows it by its type.
    Borrow(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let path = || 0..PATHS.len();
    let step = prop_oneof![
        2 => any::<u8>().prop_map(Step::Spawn),
        1 => any::<usize>().prop_map(Step::Despawn),
        1 => any::<usize>().prop_map(Step::Freeze),
        2 => (path(), any::<usize>()).prop_map(|(path, of)| Step::Read(path, of)),
        4 => (path(), any::<usize>(), any::<u8>()).prop_map(|(path, of, to)| Step::Write(path, of, to)),
        4 => (path(), any::<usize>(), any::<usize>(), any::<u8>())
            .prop_map(|(path, of, other, to)| Step::Both(path, of, other, to)),
        1 => any::<usize>().prop_map(Step::Borrow),
    ];
    prop::collection::vec(step, 0..if cfg!(miri) { 16 } else { 80 })
}

fn fuelled_world() -> World {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<Engine>()).unwrap();
    world.define_component(&ComponentDefinition::parse("struct Fuel { left: f32 }").unwrap()).unwrap();
    world
}

fn spawn(world: &mut World, kind: u8) -> Entity {
    let entity = world.spawn((at(f32::from(kind)),));
    if kind & 1 != 0 {
        let engine = Engine { power: Some(f32::from(kind)), ..Engine::default() };
        world.insert(entity, (engine,)).unwrap();
    }
    if kind & 2 != 0 {
        world.insert(entity, (Wet { drops: 1 },)).unwrap();
    }
    if kind & 4 != 0 {
        world.insert_named(entity, "Fuel", &[]).unwrap();
    }
    if kind & 8 != 0 {
        world.insert(entity, (Cargo::default(),)).unwrap();
    }
    entity
}

/// One way to do what the steps say.
struct Way {
    world: World,
    entities: Vec<Entity>,
    paths: Vec<PreparedPath>,
    is_query: bool,
    told: Vec<String>,
}

impl Way {
    fn new(is_query: bool) -> Self {
        let paths = PATHS.iter().map(|(path, _)| PreparedPath::parse(path).unwrap()).collect();
        Self { world: fuelled_world(), entities: vec![], paths, is_query, told: vec![] }
    }

    fn entity(&self, of: usize) -> Entity {
        // One more than there are: it never lived.
        self.entities.get(of % (self.entities.len() + 1)).copied().unwrap_or(Entity::DANGLING)
    }

    fn read(&mut self, path: usize, of: Entity) {
        let read = match self.is_query {
            true => self.paths[path].query(&mut self.world).unwrap().read::<Value>(of),
            false => self.paths[path].read::<Value>(&self.world, of),
        };
        self.told.push(format!("{:?}", read.map_err(|error| error.to_string())));
    }

    fn write(&mut self, path: usize, of: Entity, to: u8) {
        let value = PATHS[path].1(to);
        let written = match self.is_query {
            true => self.paths[path].query(&mut self.world).unwrap().write(of, &value),
            false => self.paths[path].write(&self.world, of, &value),
        };
        self.told.push(format!("{:?}", written.map_err(|error| error.to_string())));
    }

    /// Writes `of`, then reads both, then writes the other one.
    fn both(&mut self, path: usize, of: Entity, other: Entity, to: u8) {
        if !self.is_query {
            self.write(path, of, to);
            self.read(path, of);
            self.read(path, other);
            return self.write(path, other, to);
        }
        let value = PATHS[path].1(to);
        let mut query = self.paths[path].query(&mut self.world).unwrap();
        let first = query.write(of, &value);
        let (one, two) = (query.read::<Value>(of), query.read::<Value>(other));
        let last = query.write(other, &value);
        let told = |error: EcsError| error.to_string();
        self.told.push(format!("{:?}", first.map_err(told)));
        self.told.push(format!("{:?}", one.map_err(told)));
        self.told.push(format!("{:?}", two.map_err(told)));
        self.told.push(format!("{:?}", last.map_err(told)));
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Spawn(kind) => self.entities.push(spawn(&mut self.world, kind)),
            Step::Despawn(of) => drop(self.world.despawn(self.entity(of))),
            Step::Freeze(of) => {
                let entity = self.entity(of);
                if self.world.remove::<(Frozen,)>(entity).is_err() {
                    let _ = self.world.insert(entity, (Frozen,));
                }
            }
            Step::Read(path, of) => self.read(path, self.entity(of)),
            Step::Write(path, of, to) => self.write(path, self.entity(of), to),
            Step::Both(path, of, other, to) => self.both(path, self.entity(of), self.entity(other), to),
            Step::Borrow(of) => {
                if let Ok(mut position) = self.world.get_mut::<Position>(self.entity(of)) {
                    position.y += 1.0;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 192 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_path_with_the_world_to_itself_does_what_one_does_that_borrows(steps in steps()) {
        let mut ways = [Way::new(true), Way::new(false)];
        for step in &steps {
            ways.iter_mut().for_each(|way| way.step(step));
            prop_assert_eq!(&ways[0].told, &ways[1].told);
            let [one, other] = ways.each_ref().map(|way| {
                let changed = way.world.query_filtered::<Entity, Changed<Engine>>().entities();
                (way.world.hash().unwrap(), changed)
            });
            prop_assert_eq!(one, other);
            ways.iter_mut().for_each(|way| way.world.clear_changes());
        }
    }
}

#[test]
fn it_is_found_anew_in_another_world_after_a_swap_and_after_changes() {
    let mut path = PreparedPath::parse("Position.x").unwrap();
    let (mut one, mut other) = (fuelled_world(), fuelled_world());
    let first = spawn(&mut one, 1);
    other.spawn((Frozen,));
    let second = spawn(&mut other, 8);
    for _ in 0..2 {
        assert_eq!(path.query(&mut one).unwrap().read::<f32>(first).unwrap(), 1.0);
        assert_eq!(path.query(&mut other).unwrap().read::<f32>(second).unwrap(), 8.0);
    }
    // The code that registered it goes, and the world stays.
    types().into_iter().try_for_each(|info| one.register(Arc::new(info))).unwrap();
    path.query(&mut one).unwrap().write(first, 2).unwrap();
    let mut again = restore(&save(&one));
    assert_eq!(path.query(&mut again).unwrap().read::<f32>(first).unwrap(), 2.0);
    let copy = &mut path.clone();
    assert_eq!(copy.query(&mut one).unwrap().read::<f32>(first).unwrap(), 2.0);
}

#[test]
fn what_it_writes_in_a_failed_transaction_is_undone() {
    let mut world = fuelled_world();
    let ship = spawn(&mut world, 1);
    let mut path = PreparedPath::parse("Position.x").unwrap();
    let failed = world.transaction(|world| -> Result<(), EcsError> {
        path.query(world)?.write(ship, 9)?;
        path.query(world)?.write(Entity::DANGLING, 9)
    });
    failed.unwrap_err();
    assert_eq!(path.query(&mut world).unwrap().read::<f32>(ship).unwrap(), 1.0);
}

#[test]
fn what_is_no_component_is_refused() {
    let mut world = fuelled_world();
    let told = |path: &str, world: &mut World| {
        let mut path = PreparedPath::parse(path).unwrap();
        path.query(world).err().expect("it is refused").to_string()
    };
    let resource = told("Tide.level", &mut world);
    assert!(resource.contains("Tide") && resource.contains("component"), "{resource}");
    let unknown = told("Sail.area", &mut world);
    assert!(unknown.contains("`Sail` is not registered"), "{unknown}");
}
