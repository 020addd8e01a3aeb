//! Worlds to begin with, and many of them side by side.

use std::sync::Arc;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::binding::{Binding, ModelPool, Offer, PoolError};
use keel::engine::{Engine, EngineConfig, ModuleTag, PinViews};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{PER_WORLD, WORLDS, speed, start};
use keel_bench_suite_types::{Position, Velocity};

use crate::many::{Moving, move_all, move_each};
use crate::schedule::update;

/// What all rooms do is declared once, under this name.
const SCHEDULE: &str = "rooms";

pub(crate) fn declare(setup: &mut Setup) {
    let case = || {
        let case = BenchCase::new("worlds").operations(WORLDS as u64);
        case.entities((WORLDS * PER_WORLD) as u64)
    };
    setup.bench(
        case().form("Frame::step_worlds of worlds from the pool; a system with a Query, for_each"),
        || CheckedRoutine::new(Rooms::new(0), |rooms| update(&mut rooms.engine), |rooms| rooms.sum()),
    );
    let form = "Frame::step_worlds in an engine with one thread";
    setup.bench(case().variant("one thread").form(form), || {
        CheckedRoutine::new(Rooms::new(1), |rooms| update(&mut rooms.engine), |rooms| rooms.sum())
    });
    let form = "a PreparedQuery for each world, for_each, one world after the other";
    setup.bench(case().variant("by hand").form(form), || {
        // Alike, they share what they know of types, and lie closer to each other in memory.
        let first = moving(0);
        let worlds: Vec<_> = (0..WORLDS).map(|_| (filled(first.alike(), PER_WORLD), Moving::new())).collect();
        CheckedRoutine::new(
            worlds,
            |worlds| worlds.iter_mut().for_each(|(world, query)| move_each(world, query)),
            |worlds| worlds.iter().map(|(world, _)| sum_of_places(world)).sum(),
        )
    });
}

/// An engine with a pool of worlds, all of which make a step in each of its own.
struct Rooms {
    engine: Engine,
    ids: Arc<[ModelId]>,
}

/// What a host puts below an engine: here, the pool alone.
struct Pools(Binding);

impl PinViews for Pools {
    fn pin(&self) -> Box<dyn ViewSource + '_> {
        Box::new(self.0.pin())
    }
}

impl Rooms {
    /// With so many threads, 0 for as many as there are processors.
    fn new(threads: usize) -> Self {
        let (binding, known) = (Binding::new(), moving(0));
        let pool = ModelPool::new(WORLDS as u32, move || known.alike());
        binding.bind(Offer::new("suite").pool(Arc::new(pool))).expect("it is the only pool");
        let config = EngineConfig { threads, ..EngineConfig::default() };
        let mut engine = Engine::with_views(config, Box::new(Pools(binding)));
        let module = module();
        let taken = engine.run_as(&module, |frame| take_all(frame).map_err(|error| error.to_string()));
        let ids: Arc<[ModelId]> = taken.expect("the pool has as many").into();
        let mut systems = Setup::new();
        systems.world_systems(SCHEDULE, |rooms| {
            rooms.system("move", move_all);
        });
        let stepped = Arc::clone(&ids);
        systems.system("step", move |frame: &mut Frame<'_>| frame.step_worlds(SCHEDULE, &stepped).map(drop));
        engine.exchange(vec![systems.into_code(&module)]).expect("the systems can be put in order");
        Self { engine, ids }
    }

    fn sum(&mut self) -> f64 {
        let ids = &*self.ids;
        let summed = self.engine.run_as(&module(), |frame| {
            let sum_of = |id: &ModelId| frame.on_world(*id, |world| sum_of_places(world));
            ids.iter().map(sum_of).sum::<Result<f64, _>>().map_err(|error| error.to_string())
        });
        summed.expect("the worlds are still there")
    }
}

/// Takes all worlds from the pool, and fills them.
fn take_all(frame: &mut Frame<'_>) -> Result<Vec<ModelId>, PoolError> {
    let worlds = frame.models::<World>()?;
    let take = |_| {
        let id = worlds.take()?;
        frame.on_world(id, |world| fill(world, PER_WORLD))?;
        Ok(id)
    };
    (0..WORLDS).map(take).collect()
}

fn module() -> ModuleTag {
    ModuleTag::new("suite")
}

/// A world that knows these types.
///
/// # Panics
/// When two of them have one name.
pub(crate) fn world_of(types: impl IntoIterator<Item = ModelTypeInfo>) -> World {
    let mut world = World::new();
    for info in types {
        world.register(info).expect("the names of the suite's types are different");
    }
    world
}

/// A world of so many entities that move.
pub(crate) fn moving(entities: usize) -> World {
    let types = [ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()];
    filled(world_of(types), entities)
}

fn filled(mut world: World, entities: usize) -> World {
    fill(&mut world, entities);
    world
}

fn fill(world: &mut World, entities: usize) {
    let one = |index| (Position::from(start(index)), Velocity::from(speed(index)));
    world.spawn_batch((0..entities).map(one));
}

/// The sum of all places along the first axis.
pub(crate) fn sum_of_places(world: &World) -> f64 {
    let mut sum = 0.0;
    world.query::<&Position>().for_each(|position| sum += f64::from(position.x));
    sum
}
