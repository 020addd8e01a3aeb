//! The fish at the head of a school: it wanders from goal to goal, in wide turns.

use keel::prelude::*;
use shoal_model::{Alarm, DEPTH, Leader, Position, School, Vector, Velocity, WIDTH, keep_inside};

use crate::SPEED;
use crate::water::Water;

/// A goal is reached this near to it, in metres.
const REACHED: f32 = 14.0;

/// How far from its favourite depth a school roams, in metres.
const ROAM: f32 = 16.0;

/// How fast a leader turns; the lower, the wider its turns.
const AGILITY: f32 = 1.1;

/// How near a leader comes to the edges, in metres.
const MARGIN: f32 = 12.0;

/// Chooses a new goal where the old one is reached.
pub(crate) fn choose_goal(leader: &mut Leader, school: &School, at: Vector, random: &mut Random) {
    if (leader.goal - at).length_squared() > REACHED * REACHED {
        return;
    }
    // To the other side, so that schools cross the lagoon instead of circling in a corner.
    let (low, high) = if at.x < WIDTH / 2.0 { (0.6, 0.95) } else { (0.05, 0.4) };
    let depth = school.depth + random.range(-ROAM, ROAM);
    leader.goal = Vector::new(WIDTH * random.range(low, high), depth.clamp(MARGIN, DEPTH - MARGIN));
}

/// Swims towards the goal, and away from what is near.
pub(crate) fn swim(
    leader: &Leader,
    position: &mut Position,
    velocity: &mut Velocity,
    water: &Water<'_>,
    alarms: &[Alarm],
    dt: f32,
) {
    let at = position.0;
    let speed = SPEED * water.pace(at.y);
    let mut wish = (leader.goal - at).direction() * speed;
    for alarm in alarms {
        let away = at - alarm.at;
        let near = 1.0 - away.length() / (alarm.reach * 2.0);
        wish += away.direction() * (speed * 1.5 * near.max(0.0));
    }
    let wish = wish.at_most(speed * 1.2);
    velocity.0 = velocity.0.towards(wish, (AGILITY * dt).min(1.0));
    position.0 = keep_inside(at + (velocity.0 + water.flow(at)) * dt, MARGIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_lie_on_the_other_side_and_in_the_water() {
        let school = School { number: 0, size: 1, depth: 4.0, breadth: 1.0 };
        let mut random = Random::new(7);
        for _ in 0..100 {
            let at = Vector::new(random.range(0.0, WIDTH / 2.0), 20.0);
            let mut leader = Leader { school: 0, goal: at };
            choose_goal(&mut leader, &school, at, &mut random);
            assert!(leader.goal.x > WIDTH * 0.5 && leader.goal.y >= MARGIN, "{:?}", leader.goal);
        }
    }
}
