//! The behaviour of the soak's game: something of each kind that a swap has to carry over. Its manifest does not say
//! that it is a module, so only the soak finds it.

use std::time::Duration;

use keel::prelude::*;
use keel_bench_soak_types::{Fish, Place, Splash, Tally};

/// How many entities the game has, each with one component whose schema changes.
const ENTITIES: u16 = 4_000;

/// The module's state.
#[data]
#[derive(Default)]
pub struct Swim {
    steps: u64,
    heard: EventCursor<Splash>,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        // Made by this generation and dropped with it.
        let name = String::from(env!("KEEL_BENCH_SOAK_NAME"));
        setup.system("swim", |frame: &mut Frame<'_>| {
            frame.world.query::<(&mut Place, &Fish)>().for_each(|(place, fish)| place.x += 1.0 + fish.speed);
        });
        setup.system("greet", move |frame: &mut Frame<'_>| frame.world.send(Splash { who: name.clone() }));
        setup.handler("ring", |frame: &mut Frame<'_>, who: String| frame.world.send(Splash { who }));
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Tally::default())?;
        frame.timers.every(Duration::from_millis(50), "ring", &String::from("bell"))?;
        for age in 0..ENTITIES {
            frame.world.spawn((Fish::new(age), Place::default()));
        }
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        let mut tally = frame.world.resource_mut::<Tally>()?;
        tally.steps = self.steps;
        for splash in self.heard.read(&frame.world.events::<Splash>()) {
            tally.last.clone_from(&splash.who);
        }
        Ok(())
    }
}

keel::export_module! { view_model: Swim, models: [keel_bench_soak_types] }
