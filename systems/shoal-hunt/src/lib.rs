//! Who eats whom in Shoal: sharks eat fish, fish eat plankton, and young ones hatch, so that there are always about
//! ten thousand.
//!
//! This module also begins the world, in `start`.

mod beginning;
mod bloom;
mod forecast;
mod grazing;
mod hatching;
mod sharks;

use std::time::Duration;

use keel::prelude::*;
use shoal_model::{Alarm, Eaten, FeedPlankton, Hatched, Position, Scare, School, Tally, Vector};

use crate::bloom::Bloom;
use crate::grazing::Pasture;

/// How long it is from one bloom of plankton to the next.
const BLOOM_EVERY: Duration = Duration::from_secs(6);

/// How often schools hatch what they lack.
const HATCH_EVERY: Duration = Duration::from_secs(1);

/// How far the player's knock is heard, in metres.
const SCARE_REACH: f32 = 45.0;

/// The module's state: how far it has read.
#[data]
#[derive(Default)]
pub struct HuntModule {
    eaten: EventCursor<Eaten>,
    hatched: EventCursor<Hatched>,
    feedings: EventCursor<FeedPlankton>,
    scares: EventCursor<Scare>,
    #[keel(skip)]
    pasture: Pasture,
}

#[view_model]
impl ViewModel for HuntModule {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.handler("bloom", bloom::bloom);
        setup.handler("hatch", hatching::hatch);
        setup.handler("forecast", forecast::hear);
        setup.system_with(SystemDescriptor::new("hunt").after("update"), sharks::hunt);
        setup.system_with(SystemDescriptor::new("follow").after("hunt"), sharks::follow);
        setup.system_with(SystemDescriptor::new("grow").after("hunt"), bloom::grow);
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        // A lagoon that has fish has begun: then the module was taken out of the game, and is back.
        if frame.world.query::<&School>().is_empty() {
            beginning::spawn_all(frame.world)?;
        }
        frame.timers.every(BLOOM_EVERY, "bloom", &Bloom { patches: 3 })?;
        frame.timers.every(HATCH_EVERY, "hatch", &())?;
        frame.calls.call("bloom", &Bloom { patches: 12 })?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.count(frame.world)?;
        self.answer_player(frame)?;
        self.pasture.graze(frame);
        // Also after a swap, which ends the task of the generation before.
        if frame.tasks.running() == 0 {
            frame.tasks.spawn("forecast", forecast::watch(frame.calls.clone()));
        }
        Ok(())
    }
}

impl HuntModule {
    fn count(&mut self, world: &World) -> ModuleResult {
        let mut tally = world.resource_mut::<Tally>()?;
        tally.eaten += self.eaten.read(&world.events::<Eaten>()).len() as u64;
        tally.hatched += self
            .hatched
            .read(&world.events::<Hatched>())
            .map(|hatched| u64::from(hatched.count))
            .sum::<u64>();
        Ok(())
    }

    fn answer_player(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let world = &*frame.world;
        for feeding in self.feedings.read(&world.events::<FeedPlankton>()) {
            frame.calls.call("bloom", &Bloom { patches: feeding.patches })?;
        }
        for _ in self.scares.read(&world.events::<Scare>()) {
            let mut random = world.resource_mut::<Random>()?;
            let at = Vector::new(random.range(0.2, 0.8), random.range(0.2, 0.8));
            let at = Vector::new(at.x * shoal_model::WIDTH, at.y * shoal_model::DEPTH);
            world.send(Alarm { from: Entity::DANGLING, at, reach: SCARE_REACH });
        }
        Ok(())
    }
}

/// The living entity's place.
fn place_of(world: &World, entity: Entity) -> Option<Vector> {
    world.get::<Position>(entity).ok().map(|position| position.0)
}

keel::export_module! {
    view_model: HuntModule,
    models: [shoal_model],
    requires: [dyn shoal_model::TideView],
}
