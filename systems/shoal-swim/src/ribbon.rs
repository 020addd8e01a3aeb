//! The trails of the leaders as ribbons, in which every fish of a school has its place.

use keel::prelude::*;
use shoal_model::{Leader, School, Trail, Vector};

/// Where the schools are in this step.
#[derive(Default)]
pub(crate) struct Ribbons {
    /// By the numbers of the schools.
    ribbons: Vec<Option<Ribbon>>,
}

/// A place in a school, and the way the school goes there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) at: Vector,
    /// In metres a second.
    pub(crate) velocity: Vector,
}

struct Ribbon {
    middle: Vec<Place>,
    breadth: f32,
    /// How far the leader has come since its newest point, as a part of the way to the next.
    come: f32,
}

impl Ribbons {
    pub(crate) fn of(world: &World, dt: f32) -> Self {
        let mut ribbons = Self::default();
        world.query::<(Entity, &Leader, &Trail)>().for_each(|(entity, leader, trail)| {
            let breadth =
                world.parent(entity).and_then(|it| world.get::<School>(it).ok().map(|it| it.breadth));
            let number = usize::from(leader.school);
            ribbons.ribbons.resize_with(ribbons.ribbons.len().max(number + 1), || None);
            ribbons.ribbons[number] = Ribbon::new(trail, breadth.unwrap_or_default(), dt);
        });
        ribbons
    }

    /// A fish's place, if its school has a leader.
    #[inline]
    pub(crate) fn place(&self, school: u8, lag: f32, side: f32) -> Option<Place> {
        self.ribbons.get(usize::from(school))?.as_ref().map(|ribbon| ribbon.place(lag, side))
    }
}

impl Ribbon {
    /// None for a trail that leads nowhere.
    fn new(trail: &Trail, breadth: f32, dt: f32) -> Option<Self> {
        let points = &trail.points;
        let between = f32::from(Trail::STEPS_BETWEEN) * dt;
        if points.len() < 2 {
            return None;
        }
        let last = points.len() - 1;
        let place = |index: usize| {
            let (newer, older) = (index.saturating_sub(1), (index + 1).min(last));
            let seconds = (older - newer) as f32 * between;
            Place { at: points[index], velocity: (points[newer] - points[older]) * (1.0 / seconds) }
        };
        let come = f32::from(trail.age) / f32::from(Trail::STEPS_BETWEEN);
        Some(Self { middle: (0..points.len()).map(place).collect(), breadth, come })
    }

    #[inline]
    fn place(&self, lag: f32, side: f32) -> Place {
        // The newest point stays behind while the leader goes on; a place goes on with the leader.
        let last = self.middle.len() - 2;
        let along = (lag * last as f32 + 1.0 - self.come).max(0.0);
        let index = (along as usize).min(last);
        let part = (along - index as f32).min(1.0);
        let (newer, older) = (self.middle[index], self.middle[index + 1]);
        let velocity = newer.velocity.towards(older.velocity, part);
        let aside = velocity.direction().turned() * (side * self.breadth * outline(lag));
        Place { at: newer.at.towards(older.at, part) + aside, velocity }
    }
}

/// How broad a school is at `lag`, as a part of its breadth: round at the head, pointed at the tail.
#[inline]
fn outline(lag: f32) -> f32 {
    let rest = 1.0 - lag;
    ((lag + 0.02) * rest).sqrt() * (0.35 + rest) * 1.9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ribbon(age: u8) -> Ribbon {
        let trail = Trail::straight(Vector::new(50.0, 50.0), Vector::new(-2.0, 0.0), 11);
        Ribbon::new(&Trail { age, ..trail }, 3.0, 0.1).unwrap()
    }

    #[test]
    fn places_go_on_with_the_leader() {
        let (before, after) = (ribbon(0).place(0.5, 0.0), ribbon(3).place(0.5, 0.0));
        assert_eq!(after.at.x - before.at.x, 1.0);
        assert!((before.velocity.x - 2.0 / 0.6).abs() < 1e-4 && before.velocity.y == 0.0);
    }

    #[test]
    fn sides_lie_opposite_each_other() {
        let [left, middle, right] = [-1.0, 0.0, 1.0].map(|side| ribbon(0).place(0.3, side).at);
        assert_eq!(left.y + right.y, 2.0 * middle.y);
        assert!(right.y > left.y);
    }

    #[test]
    fn a_trail_of_one_point_is_no_ribbon() {
        assert!(Ribbon::new(&Trail::straight(Vector::ZERO, Vector::ZERO, 1), 3.0, 0.1).is_none());
    }

    #[test]
    fn the_outline_is_closed_at_the_tail() {
        assert_eq!(outline(1.0), 0.0);
        assert!((0..=100).all(|lag| outline(lag as f32 / 100.0) < 1.1));
    }
}
