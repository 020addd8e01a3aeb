//! What one fish does in one step.

use shoal_model::{Alarm, Fish, Mood, Position, Vector, Velocity, keep_inside};

use crate::crowd::Crowd;
use crate::ribbon::Ribbons;
use crate::water::Water;
use crate::{ELBOW_ROOM, FEAR, SCHOOLING, SPEED};

/// How long a fish goes on fleeing after the last alarm, in seconds.
const CALM_AFTER: f32 = 1.1;

/// How much a fish does as its neighbours do, 0..=1.
const ALIGNMENT: f32 = 0.35;

/// How fast a fish can change its way: once in so many parts of a second.
const AGILITY: f32 = 5.0;

/// How much faster than usual a fish catches up with its school.
const HURRY: f32 = 1.7;

/// How near fish come to the edges, in metres.
const MARGIN: f32 = 5.0;

/// All that the fish of one step have in common.
pub(crate) struct Steering<'a> {
    pub(crate) ribbons: &'a Ribbons,
    pub(crate) crowd: &'a Crowd,
    pub(crate) water: &'a Water<'a>,
    pub(crate) alarms: &'a [Alarm],
    /// Simulation time in seconds.
    pub(crate) now: f32,
    pub(crate) dt: f32,
}

impl Steering<'_> {
    /// Moves a fish on by one step.
    #[inline]
    pub(crate) fn swim(
        &self,
        fish: &Fish,
        position: &mut Position,
        velocity: &mut Velocity,
        mood: &mut Mood,
    ) {
        let at = position.0;
        let fright = self.fright(at, mood);
        let fleeing = matches!(mood, Mood::Fleeing { .. });
        let wish = match mood {
            Mood::Feeding(meal) => (meal.at - at) * 3.0,
            Mood::Calm | Mood::Fleeing { .. } => self.school(fish, at, velocity.0),
        };
        let wish = wish.at_most(SPEED * HURRY) + self.crowd.room(at) * ELBOW_ROOM + fright;
        let agility = if fleeing { 2.0 * AGILITY } else { AGILITY };
        velocity.0 = velocity.0.towards(wish, (agility * self.dt).min(1.0));
        position.0 = keep_inside(at + (velocity.0 + self.water.flow(at)) * self.dt, MARGIN);
    }

    /// The way to the fish's place in its school.
    #[inline]
    fn school(&self, fish: &Fish, at: Vector, velocity: Vector) -> Vector {
        let Some(place) = self.ribbons.place(fish.school, fish.lag, fish.side) else { return velocity };
        let own = place.velocity + (place.at - at) * SCHOOLING;
        own.towards(self.crowd.heading(at, own), ALIGNMENT)
    }

    /// The way from all that is alarming, and the mood it makes.
    #[inline]
    fn fright(&self, at: Vector, mood: &mut Mood) -> Vector {
        let mut away = Vector::ZERO;
        for alarm in self.alarms {
            let from = at - alarm.at;
            let squared = from.length_squared();
            if squared < alarm.reach * alarm.reach {
                let distance = squared.sqrt().max(0.1);
                away += from * (FEAR * (1.0 - distance / alarm.reach) / distance);
                *mood = Mood::Fleeing { from: alarm.from, since: self.now };
            }
        }
        if matches!(*mood, Mood::Fleeing { since, .. } if self.now - since > CALM_AFTER) {
            *mood = Mood::Calm;
        }
        away
    }
}
