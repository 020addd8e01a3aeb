//! A call from one module into another.

use std::hint::black_box;

use cpu_time::ThreadTime;

use crate::swap::probe::{Game, Probe};
use crate::swap::samples::Samples;

/// Nanoseconds of CPU time of one `dyn` call of the probe's view. Its code was not there when this was compiled, so nobody can
/// have taken the call away; each call's argument is the result of the one before, so none overlaps the next.
pub(crate) fn measure(probe: &Probe, quick: bool) -> anyhow::Result<f64> {
    let (rounds, calls) = if quick { (5, 1 << 20) } else { (25, 1 << 24) };
    let mut game = Game::begin(probe)?;
    game.with_view(|view, _| {
        let mut samples = Samples::default();
        for _ in 0..rounds {
            let mut value = black_box(0);
            let begin = ThreadTime::now();
            for _ in 0..calls {
                value = view.next(value);
            }
            let elapsed = begin.elapsed();
            assert_eq!(black_box(value), calls, "the probe counts");
            samples.push_time(elapsed);
        }
        samples.middle() * 1e6 / calls as f64
    })
}
