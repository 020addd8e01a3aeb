//! A game with a bit of all that can be saved, linked in as a module.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use keel::ecs::ModelTypeInfo;
use keel::prelude::*;

/// Plain numbers.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Place {
    x: f32,
    y: f32,
}

/// What owns memory, and contains itself.
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cargo {
    goods: Vec<Good>,
    owner: Option<Entity>,
    seen: BTreeMap<u8, char>,
    tags: HashSet<String>,
}

#[data]
#[derive(Clone, Debug, Default, PartialEq)]
enum Good {
    #[default]
    Nothing,
    Salt(u16, bool),
    Crate {
        inside: Vec<Good>,
        label: String,
    },
}

/// In a set of its own.
#[component(sparse, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fire {
    heat: u32,
}

/// In a column, with ticks.
#[component(tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hull {
    planks: [u16; 3],
}

/// Without bytes.
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frozen;

/// A relation.
#[relation(exclusive, cascade = despawn)]
pub(crate) struct CarriedBy;

/// A resource.
#[resource]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tide {
    level: i64,
    names: Vec<String>,
}

/// An event.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Eaten {
    by: Entity,
}

/// A model in a pool.
#[model(limit = 16)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    depths: Vec<u32>,
}

keel::model! {
    components: [Place, Cargo, Fire, Hull, Frozen],
    relations: [CarriedBy],
    resources: [Tide],
    events: [Eaten],
    models: [Chart],
}

/// All types of the game, and the engine's own.
pub(crate) fn types() -> Vec<Arc<ModelTypeInfo>> {
    let own = keel_model::types().into_iter().map(Arc::new);
    keel::engine::Engine::own_types().into_iter().chain(own).collect()
}

/// A world with a few entities of each kind.
pub(crate) fn world() -> World {
    let mut world = World::new();
    types().into_iter().try_for_each(|info| world.register(info)).expect("the types are of one game");
    fill(&mut world).expect("a world takes what it knows");
    world
}

fn fill(world: &mut World) -> Result<(), EcsError> {
    let good = Good::Crate { inside: vec![Good::Salt(3, true), Good::Nothing], label: "salt".into() };
    let cargo = Cargo {
        goods: vec![good],
        seen: [(1, 'x'), (2, 'ß')].into(),
        tags: ["a".to_owned()].into(),
        ..Cargo::default()
    };
    let ship = world.spawn((Place { x: 1.0, y: 2.0 }, cargo.clone(), Name::new("ship")));
    let boat = world.spawn((Place::default(), Hull { planks: [1, 2, 3] }));
    world.insert(boat, (Cargo { owner: Some(ship), ..cargo },))?;
    world.set_parent(boat, Some(ship))?;
    world.relate::<CarriedBy>(boat, ship)?;
    let gone = [world.spawn((Frozen,)), world.spawn(())];
    for x in 0..4 {
        world.spawn((Place { x: x as f32, y: 0.0 }, Frozen));
        let hulk = world.spawn((Hull::default(),));
        world.insert(hulk, (Fire { heat: x },))?;
    }
    world.mark_changes();
    gone.into_iter().try_for_each(|entity| world.despawn(entity))?;
    world.get_mut::<Hull>(boat)?.planks = [4; 3];
    world.insert_resource(Tide { level: -3, names: vec!["low".into()] })?;
    world.send(Eaten { by: ship });
    world.send(Eaten { by: boat });
    Ok(())
}

/// The game's behaviour: fields, what a system keeps, timers, calls, models, and worlds.
#[data]
#[derive(Default)]
pub(crate) struct Pond {
    steps: u64,
    log: Vec<String>,
}

#[view_model]
impl ViewModel for Pond {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.pool::<Chart>();
        setup.system("count", count);
        setup.handler("ring", |_: &mut Frame<'_>, _: String| {});
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.log.push("started".to_owned());
        fill(frame.world)?;
        frame.timers.once(Duration::from_secs(3), "ring", &"once".to_owned())?;
        frame.timers.every(Duration::from_millis(7), "ring", &"often".to_owned())?;
        let charts = frame.models::<Chart>()?;
        let ids = [charts.take()?, charts.take()?, charts.take()?];
        charts.release(ids[1])?;
        charts.get_mut(ids[2])?.depths = vec![3, 4];
        let worlds = frame.models::<World>()?;
        let other = worlds.take()?;
        fill(&mut *worlds.get_mut(other)?)?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        frame.calls.call("ring", &"soon".to_owned())?;
        Ok(())
    }
}

fn count(mut runs: Local<u32>, mut places: Query<&mut Place>) {
    *runs += 1;
    places.for_each(|place| place.x += 1.0);
}
