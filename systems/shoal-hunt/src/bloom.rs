//! Plankton: it comes in blooms, and grows.

use keel::prelude::*;
use shoal_model::{DEPTH, Plankton, Position, Tally, Vector, WIDTH, keep_inside};

/// No bloom adds to more plankton than this.
const PLANKTON_MAX: usize = 420;

/// How much plankton a patch has.
const PATCH: u32 = 16;

/// How large a patch is across, in metres.
const PATCH_SIZE: Vector = Vector::new(22.0, 9.0);

/// What it grows in a second.
const GROWTH: f32 = 0.05;

/// How large a bloom is.
#[data]
#[derive(Clone, Copy)]
pub(crate) struct Bloom {
    pub(crate) patches: u32,
}

/// The handler of the timer, and of the player's feeding.
pub(crate) fn bloom(frame: &mut Frame<'_>, bloom: Bloom) -> ModuleResult {
    let room = PLANKTON_MAX.saturating_sub(frame.world.query::<&Plankton>().count());
    let plankton: Vec<_> = {
        let mut random = frame.world.resource_mut::<Random>()?;
        (0..bloom.patches).flat_map(|_| patch(&mut random)).take(room).collect()
    };
    frame.world.spawn_batch(plankton);
    frame.world.resource_mut::<Tally>()?.blooms += 1;
    Ok(())
}

fn patch(random: &mut Random) -> Vec<(Plankton, Position)> {
    let middle = Vector::new(WIDTH * random.range(0.08, 0.92), DEPTH * random.range(0.08, 0.7));
    let mut one = || {
        // Two draws for each way, so that the middle of a patch is denser than its edges.
        let x = random.range(-0.5, 0.5) + random.range(-0.5, 0.5);
        let y = random.range(-0.5, 0.5) + random.range(-0.5, 0.5);
        let at = middle + Vector::new(x * PATCH_SIZE.x, y * PATCH_SIZE.y);
        (Plankton { amount: random.range(0.3, 0.9) }, Position(keep_inside(at, 2.0)))
    };
    (0..PATCH).map(|_| one()).collect()
}

/// Plankton grows as long as it is there.
pub(crate) fn grow(mut plankton: Query<&mut Plankton>, time: Time) {
    plankton.for_each(|plankton| plankton.amount = (plankton.amount + GROWTH * time.delta).min(1.0));
}
