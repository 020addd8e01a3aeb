//! What the water does, as plain functions of tide and time.

use std::time::Duration;

use shoal_model::{DEPTH, Daylight, Tide, TideView, Vector, WIDTH, wave};

/// How long it is from one high tide to the next.
const TIDE: Duration = Duration::from_secs(75);

/// How long it is from one swell to the next.
const SWELL: Duration = Duration::from_secs(5);

/// How far the surface rises above its mean, in metres.
const LEVEL_MAX: f32 = 2.5;

/// The stream between the tides, in metres a second.
const STREAM_MAX: f32 = 2.2;

/// How fast the water turns in eddies, in metres a second.
const EDDIES: f32 = 1.3;

/// At this part of the depth, half of the light is left.
const HALF_LIGHT: f32 = 0.55;

/// How far from the shores the water is free to flow, in metres.
const SHORE: f32 = 30.0;

/// Answers for the water.
pub(crate) struct Water;

impl TideView for Water {
    fn flow(&self, tide: &Tide, at: Vector) -> Vector {
        let depth = at.y / DEPTH;
        // Nothing flows through the shores.
        let open = (at.x.min(WIDTH - at.x) * (1.0 / SHORE)).clamp(0.0, 1.0);
        // The stream sets above, and the eddies turn in rows, each against its neighbours.
        let stream = tide.stream * (1.0 - 0.7 * depth);
        let around = EDDIES * wave(at.x * (1.0 / 90.0) + tide.phase);
        let below = EDDIES * wave(at.y * (1.0 / 60.0));
        Vector::new((stream + below) * open, around * (1.0 - depth) * depth * 3.0)
    }

    fn light(&self, daylight: &Daylight, depth: f32) -> f32 {
        let part = (depth / DEPTH).clamp(0.0, 1.0);
        daylight.light * HALF_LIGHT / (HALF_LIGHT + part)
    }
}

/// The tide after `now` of simulation time.
pub(crate) fn tide_at(now: Duration) -> Tide {
    let phase = part_of(now, TIDE);
    Tide {
        phase,
        level: LEVEL_MAX * wave(phase - 0.25),
        stream: STREAM_MAX * wave(phase),
        swell: part_of(now, SWELL),
    }
}

/// The light at the surface at an hour of the day: night from 20 to 5, full day from 8 to 17.
pub(crate) fn light_at(hour: f32) -> f32 {
    let rising = (hour - 5.0) / 3.0;
    let falling = (20.0 - hour) / 3.0;
    let part = rising.min(falling).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// How far a circle of `period` has come. Taken from the whole time, so that no error adds up.
fn part_of(now: Duration, period: Duration) -> f32 {
    (now.as_nanos() % period.as_nanos()) as f32 / period.as_nanos() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_and_night_have_their_hours() {
        for (hour, light) in [(0.0, 0.0), (4.9, 0.0), (6.5, 0.5), (12.0, 1.0), (18.5, 0.5), (23.0, 0.0)] {
            assert_eq!(light_at(hour), light, "at {hour}");
        }
    }

    #[test]
    fn the_tide_comes_and_goes() {
        assert_eq!(tide_at(Duration::ZERO).level, -LEVEL_MAX);
        assert_eq!(tide_at(TIDE / 2).level, LEVEL_MAX);
        assert_eq!(tide_at(TIDE / 4).stream, STREAM_MAX);
        assert_eq!(tide_at(TIDE), tide_at(Duration::ZERO));
    }

    #[test]
    fn nothing_flows_through_the_shores() {
        let tide = tide_at(TIDE / 4);
        for depth in [0.0, 30.0, DEPTH] {
            assert_eq!(Water.flow(&tide, Vector::new(0.0, depth)).x, 0.0);
            assert_eq!(Water.flow(&tide, Vector::new(WIDTH, depth)).x, 0.0);
        }
        assert!(Water.flow(&tide, Vector::new(WIDTH / 2.0, 0.0)).x > 1.0);
    }

    #[test]
    fn it_is_darker_below() {
        let noon = Daylight { hour: 12.0, light: 1.0, ..Daylight::default() };
        assert_eq!(Water.light(&noon, 0.0), 1.0);
        assert!(Water.light(&noon, DEPTH) < Water.light(&noon, DEPTH / 2.0));
        assert_eq!(Water.light(&Daylight { light: 0.0, ..noon }, 0.0), 0.0);
    }
}
