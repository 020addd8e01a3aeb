//! Systems of typed parameters that are functions of the view model itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;
use std::time::Duration;

use keel::binding::{Binding, ModelPool, Offer, PoolError};
use keel::ecs::ModelTypeInfo;
use keel::engine::{Engine, EngineConfig, ModuleTag, PinViews, SystemDescriptor};
use keel::model;
use keel::prelude::*;

#[component]
struct Depth {
    meters: u32,
}

#[data]
#[derive(Default)]
struct Diver {
    dives: u32,
    deepest: u32,
}

#[view_model]
impl ViewModel for Diver {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system_of("dive", Self::dive).system_of("rest", Self::rest);
        setup.system_of_with(SystemDescriptor::new("look").after("dive"), Self::look);
        Ok(())
    }

    fn update(&mut self, _: &mut Frame<'_>) -> ModuleResult {
        self.dives += 10;
        Ok(())
    }
}

impl Diver {
    fn dive(&mut self, mut depths: Query<&mut Depth>, commands: &mut Commands) {
        self.dives += 1;
        for depth in &mut depths {
            depth.meters += self.dives;
        }
        commands.spawn((Depth { meters: 0 },));
    }

    fn rest(&mut self) -> Result<(), String> {
        if self.dives == 11 { Err("out of breath".to_owned()) } else { Ok(()) }
    }

    fn look(&mut self, frame: &mut Frame<'_>) {
        frame.world.query::<&Depth>().for_each(|depth| self.deepest = self.deepest.max(depth.meters));
        assert_eq!(self.deepest, if frame.time.step == 1 { 0 } else { 22 });
    }
}

fn engine(declare: impl FnOnce(&mut Setup)) -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    engine.world_mut().register(ModelTypeInfo::component::<Depth>()).unwrap();
    let (mut setup, mut diver) = (Setup::new(), Diver::default());
    diver.register(&mut setup).unwrap();
    declare(&mut setup);
    setup.check_owner(&diver).unwrap();
    engine.exchange(vec![setup.into_code_of(&ModuleTag::new("sea"), Box::new(diver))]).unwrap();
    engine
}

fn step(engine: &mut Engine) -> Vec<String> {
    engine.update(EngineConfig::default().step + Duration::from_nanos(1));
    engine.take_faults().into_iter().map(|fault| format!("{}: {}", fault.system, fault.message)).collect()
}

#[test]
fn own_systems_take_the_fields_and_parameters() {
    let mut engine = engine(|_| ());
    assert_eq!(step(&mut engine), ["rest: out of breath"]);
    assert_eq!(step(&mut engine), Vec::<String>::new());
    assert_eq!(engine.systems(), ["sea/update", "sea/dive", "sea/rest", "sea/look"]);
}

#[test]
fn an_own_system_says_what_it_uses() {
    let engine = engine(|_| ());
    let dive = engine.schedule().system("sea/dive").unwrap();
    assert_eq!(dive.access, Some((vec![], vec!["Depth".to_owned(), "the fields of `sea`".to_owned()])));
    assert_eq!(engine.schedule().system("sea/look").unwrap().access, None, "it has the whole frame");
}

#[test]
fn an_own_system_is_not_lent_what_it_writes_twice() {
    let mut setup = Setup::new();
    setup.system_of("hunt", |_: &mut Diver, _: Query<&mut Depth>, _: Query<&Depth>| ());
    let code = setup.into_code_of(&ModuleTag::new("sea"), Box::new(Diver::default()));
    let refused = Engine::new(EngineConfig::default()).exchange(vec![code]).err().unwrap().to_string();
    assert!(refused.starts_with("system `sea/hunt`: parameters `Query<&mut Depth>` and"), "{refused}");
}

#[model]
#[derive(Default)]
struct Chart {
    ships: u32,
}

/// The views of a binding, as an engine asks for them.
struct Bound(Binding);

impl PinViews for Bound {
    fn pin(&self) -> Box<dyn ViewSource + '_> {
        Box::new(self.0.pin())
    }
}

#[test]
fn a_system_reaches_models_through_its_views() {
    let binding = Binding::new();
    let pool = Arc::new(ModelPool::new(4, Chart::default));
    let id = pool.take().unwrap();
    binding.bind(Offer::new("pond-model").pool(Arc::clone(&pool) as Arc<_>)).unwrap();
    let mut engine = Engine::with_views(EngineConfig::default(), Box::new(Bound(binding)));
    let draw = move |views: Views| -> Result<(), PoolError> {
        views.models::<Chart>()?.get_mut(id)?.ships += 1;
        Ok(())
    };
    engine.add_system(&ModuleTag::new("pond"), SystemDescriptor::new("draw"), draw).unwrap();
    assert_eq!((step(&mut engine), step(&mut engine)), (vec![], vec![]));
    assert_eq!(pool.get(id).unwrap().ships, 2);
}
