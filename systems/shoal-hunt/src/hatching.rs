//! Young fish: schools hatch what they lack.

use keel::prelude::*;
use shoal_model::{Fish, Hatched, Leader, Mood, Position, School, Trail, Vector, Velocity, keep_inside};

/// At most so many fish hatch in a school at once.
const HATCH_MAX: u32 = 40;

/// The timer's handler: fills up the schools. Young fish begin at the end of theirs.
pub(crate) fn hatch(frame: &mut Frame<'_>, (): ()) -> ModuleResult {
    let mut alive = Vec::new();
    frame.world.query::<&Fish>().for_each(|fish| {
        let school = usize::from(fish.school);
        alive.resize(alive.len().max(school + 1), 0);
        alive[school] += 1;
    });
    let schools: Vec<School> = frame.world.query::<&School>().iter().copied().collect();
    for school in schools {
        let alive = alive.get(usize::from(school.number)).copied().unwrap_or(0);
        let count = school.size.saturating_sub(alive).min(HATCH_MAX);
        if count > 0 {
            spawn(frame.world, &school, count, 0.8)?;
            frame.world.send(Hatched { school: school.number, count });
        }
    }
    Ok(())
}

/// Spawns fish of a school, with places from `lag_min` of its length to the end, near where those places are.
pub(crate) fn spawn(world: &mut World, school: &School, count: u32, lag_min: f32) -> ModuleResult {
    let Some(trail) = trail_of(world, school.number) else { return Ok(()) };
    let young: Vec<_> = {
        let mut random = world.resource_mut::<Random>()?;
        (0..count).map(|_| young(school, &trail, lag_min, &mut random)).collect()
    };
    world.spawn_batch(young);
    Ok(())
}

fn young(
    school: &School,
    trail: &[Vector],
    lag_min: f32,
    random: &mut Random,
) -> (Fish, Position, Velocity, Mood) {
    // The smaller of two draws: there are fewer fish towards the pointed end.
    let lag = random.range(lag_min, 1.0).min(random.range(lag_min, 1.0));
    let side = random.range(-1.0, 1.0);
    let point = trail[((lag * (trail.len() - 1) as f32) as usize).min(trail.len() - 1)];
    let at = keep_inside(point + Vector::new(0.0, side * school.breadth * (1.0 - lag)), 5.0);
    let ahead = (trail[0] - trail[trail.len() - 1]).direction() * 10.0;
    (Fish { school: school.number, lag, side }, Position(at), Velocity(ahead), Mood::Calm)
}

/// Where the school's leader has been; never empty.
fn trail_of(world: &World, school: u8) -> Option<Vec<Vector>> {
    let mut leaders = world.query::<(&Leader, &Trail)>();
    let found = leaders.iter().find(|(leader, _)| leader.school == school);
    found.map(|(_, trail)| trail.points.clone()).filter(|points| !points.is_empty())
}
