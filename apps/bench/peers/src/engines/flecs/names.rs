//! Fields by their names: a cursor of flecs_meta.

use flecs_ecs::prelude::*;

use super::sum_of_places;
use crate::data::{Position, Velocity, moving};
use crate::routine::Cases;
use crate::task::ACCESSED;

pub(super) fn declare(cases: &mut Cases) {
    let form = "EntityView::get, World::cursor, Cursor::member of \"x\", for each";
    cases.case("path_read", form).operations(ACCESSED).runs(Lookups::new, read_each, |lookups| lookups.sum);
    cases
        .case("path_write", form)
        .operations(ACCESSED)
        .runs(Lookups::new, write_each, |lookups| sum_of_places(&lookups.world));
    cases.lacks(&["call_by_name"], "it knows no functions of Rust by name");
}

/// Entities that have a component, with fields of which the names are known.
struct Lookups {
    world: World,
    entities: Vec<Entity>,
    /// Of what was read; or how often all were written.
    sum: f64,
}

impl Lookups {
    fn new() -> Self {
        let world = World::new();
        let (positions, velocities): (Vec<Position>, Vec<Velocity>) = (0..ACCESSED).map(moving).unzip();
        let entities = world.entity_bulk(ACCESSED as u32).set(&positions).set(&velocities).build();
        Self { world, entities, sum: 0.0 }
    }
}

/// Shows a cursor at the field `x` of each.
fn at_each_x(Lookups { world, entities, .. }: &Lookups, mut show: impl FnMut(&mut Cursor<'_>)) {
    for entity in entities {
        world.entity_from_id(*entity).get::<&mut Position>(|position| {
            let mut cursor = world.cursor::<Position>(position);
            cursor.push();
            cursor.member("x");
            show(&mut cursor);
        });
    }
}

fn read_each(lookups: &mut Lookups) {
    let mut sum = lookups.sum;
    at_each_x(lookups, |cursor| sum += cursor.get_float());
    lookups.sum = sum;
}

fn write_each(lookups: &mut Lookups) {
    lookups.sum += 1.0;
    at_each_x(lookups, |cursor| {
        cursor.set_float(lookups.sum);
    });
}
