//! What sharks do.

use keel::prelude::*;
use shoal_model::{
    Alarm, Bubble, DEPTH, Daylight, Eaten, Fish, Hunt, Position, Remora, Shark, Tide, TideView, Trail,
    Vector, Velocity, WIDTH, keep_inside,
};

use crate::place_of;

/// How fast a shark swims when it has time, in metres a second.
const PROWLING_SPEED: f32 = 9.0;

/// How fast it swims when it has chosen its prey.
const CHASING_SPEED: f32 = 25.0;

/// What it is hungrier by, after a second.
const HUNGER: f32 = 0.05;

/// What a fish takes from its hunger.
const FILLING: f32 = 0.07;

/// Hungrier than this, it looks for prey.
const HUNGRY: f32 = 0.5;

/// How far it sees in daylight, in metres.
const SIGHT: f32 = 60.0;

/// How long it chases and how long it rests, at most, in seconds.
const CHASE_MAX: f32 = 7.0;
const REST: f32 = 6.0;

/// How near a fish must be to be eaten, in metres.
const MOUTH: f32 = 2.0;

/// How many fish a shark can eat in one step.
const MOUTHFUL: usize = 2;

/// How near sharks come to the edges, in metres.
const MARGIN: f32 = 8.0;

/// One shark, while its step is decided.
struct Hunter {
    entity: Entity,
    shark: Shark,
    hunt: Hunt,
    at: Vector,
    velocity: Vector,
    /// How far it sees in the light there is.
    sight: f32,
    /// The nearest fish in sight.
    nearest: Option<(f32, Entity)>,
    caught: Vec<(Entity, Vector, u8)>,
}

/// Moves all sharks on by one step, lets them eat, and alarms the fish.
pub(crate) fn hunt(frame: &mut Frame<'_>) -> ModuleResult {
    let mut hunters = hunters(frame);
    look_around(frame.world, &mut hunters);
    for hunter in &mut hunters {
        hunter.eat(frame);
        hunter.decide(frame)?;
        hunter.swim(frame)?;
        frame.world.send(hunter.alarm());
    }
    Ok(())
}

fn hunters(frame: &Frame<'_>) -> Vec<Hunter> {
    let world = &*frame.world;
    let daylight = world.resource::<Daylight>().map(|daylight| *daylight).unwrap_or_default();
    let water = frame.views.get::<dyn TideView>().ok();
    let mut sharks = world.query::<(Entity, &Shark, &Hunt, &Position, &Velocity)>();
    let hunter = |(entity, shark, hunt, position, velocity): (_, &Shark, &Hunt, &Position, &Velocity)| {
        let light = water.map_or(1.0, |water| water.light(&daylight, position.0.y));
        Hunter {
            entity,
            shark: *shark,
            hunt: *hunt,
            at: position.0,
            velocity: velocity.0,
            sight: SIGHT * (0.4 + 0.6 * light),
            nearest: None,
            caught: Vec::new(),
        }
    };
    sharks.iter().map(hunter).collect()
}

/// One look at all fish, for all sharks.
fn look_around(world: &World, hunters: &mut [Hunter]) {
    let mut searching: Vec<&mut Hunter> =
        hunters.iter_mut().filter(|hunter| !matches!(hunter.hunt, Hunt::Resting { .. })).collect();
    if searching.is_empty() {
        return;
    }
    world.query::<(Entity, &Fish, &Position)>().for_each(|(entity, fish, position)| {
        for hunter in &mut searching {
            hunter.look_at(entity, fish, position.0);
        }
    });
}

impl Hunter {
    #[inline]
    fn look_at(&mut self, entity: Entity, fish: &Fish, at: Vector) {
        let squared = (at - self.at).length_squared();
        if squared < MOUTH * MOUTH && self.caught.len() < MOUTHFUL && self.shark.hunger > FILLING {
            self.caught.push((entity, at, fish.school));
        } else if squared < self.nearest.map_or(self.sight * self.sight, |(nearest, _)| nearest) {
            self.nearest = Some((squared, entity));
        }
    }

    fn eat(&mut self, frame: &mut Frame<'_>) {
        for (fish, at, school) in self.caught.drain(..) {
            // Two sharks may have caught the same fish; the first has it.
            if frame.world.despawn(fish).is_err() {
                continue;
            }
            self.shark.hunger -= FILLING;
            frame.world.send(Eaten { fish, by: self.entity, school, at });
            frame.commands.spawn((Bubble { left: 1.6 }, Position(at)));
        }
    }

    fn decide(&mut self, frame: &Frame<'_>) -> ModuleResult {
        let now = frame.time.now.as_secs_f32();
        self.shark.hunger = (self.shark.hunger + HUNGER * frame.time.delta).clamp(0.0, 1.0);
        self.hunt = match self.hunt {
            Hunt::Chasing { .. } if self.shark.hunger < FILLING => Hunt::Resting { until: now + REST },
            Hunt::Chasing { since, .. } if now - since > CHASE_MAX => self.prowl(frame.world)?,
            Hunt::Chasing { since, prey } => match self.nearest {
                // The nearer fish is the better one.
                Some((_, nearest)) => Hunt::Chasing { prey: nearest, since },
                None if frame.world.contains(prey) => Hunt::Chasing { prey, since },
                None => self.prowl(frame.world)?,
            },
            Hunt::Resting { until } if now < until => Hunt::Resting { until },
            Hunt::Resting { .. } => self.prowl(frame.world)?,
            Hunt::Prowling { towards } => match self.nearest {
                Some((_, prey)) if self.shark.hunger > HUNGRY => Hunt::Chasing { prey, since: now },
                _ if (towards - self.at).length() < 10.0 => self.prowl(frame.world)?,
                _ => Hunt::Prowling { towards },
            },
        };
        Ok(())
    }

    fn prowl(&self, world: &World) -> Result<Hunt, EcsError> {
        let mut random = world.resource_mut::<Random>()?;
        let towards = Vector::new(random.range(0.06, 0.94) * WIDTH, random.range(0.15, 0.85) * DEPTH);
        Ok(Hunt::Prowling { towards })
    }

    fn swim(&mut self, frame: &Frame<'_>) -> ModuleResult {
        let dt = frame.time.delta;
        let (wish, agility) = match self.hunt {
            Hunt::Prowling { towards } => ((towards - self.at).direction() * PROWLING_SPEED, 0.8),
            Hunt::Resting { .. } => (self.velocity.direction() * (PROWLING_SPEED * 0.6), 0.8),
            Hunt::Chasing { prey, .. } => {
                let prey = place_of(frame.world, prey).unwrap_or(self.at);
                ((prey - self.at).direction() * CHASING_SPEED, 2.2)
            }
        };
        self.velocity = self.velocity.towards(wish, (agility * dt).min(1.0));
        let tide = frame.world.resource::<Tide>().map(|tide| *tide).unwrap_or_default();
        let flow = frame.views.get::<dyn TideView>().map_or(Vector::ZERO, |water| water.flow(&tide, self.at));
        self.at = keep_inside(self.at + (self.velocity + flow * 0.5) * dt, MARGIN);
        self.write_back(frame.world)
    }

    fn write_back(&self, world: &World) -> ModuleResult {
        *world.get_mut::<Shark>(self.entity)? = self.shark;
        *world.get_mut::<Hunt>(self.entity)? = self.hunt;
        world.get_mut::<Position>(self.entity)?.0 = self.at;
        world.get_mut::<Velocity>(self.entity)?.0 = self.velocity;
        world.get_mut::<Trail>(self.entity)?.follow(self.at);
        Ok(())
    }

    fn alarm(&self) -> Alarm {
        let reach = match self.hunt {
            Hunt::Chasing { .. } => 17.0,
            Hunt::Prowling { .. } => 11.0,
            Hunt::Resting { .. } => 8.0,
        };
        Alarm { from: self.entity, at: self.at, reach }
    }
}

/// Remoras go where their sharks go.
pub(crate) fn follow(frame: &mut Frame<'_>) {
    let world = &*frame.world;
    world.query::<(&Remora, &Parent, &mut Position)>().for_each(|(remora, parent, position)| {
        let Some(at) = place_of(world, parent.entity()) else { return };
        let left = world.get::<Velocity>(parent.entity()).is_ok_and(|velocity| velocity.0.x < 0.0);
        let offset = Vector::new(if left { -remora.offset.x } else { remora.offset.x }, remora.offset.y);
        // They are a little late.
        position.0 = position.0.towards(at + offset, 0.25);
    });
}
