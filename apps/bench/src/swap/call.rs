//! A call from one module into another, beside the same call within one program.

use std::hint::black_box;

use cpu_time::ThreadTime;
use keel::ecs::World;
use keel_bench_shapes::{Data, ProbeView};

use crate::swap::probe::{Game, Probe};
use crate::swap::samples::Samples;

/// Nanoseconds of CPU time of one `dyn` call.
pub(crate) struct Calls {
    /// Into a library that was opened at run time.
    pub(crate) across: f64,
    /// To an implementation that is linked in: what this machine takes for any such call.
    pub(crate) within: f64,
}

/// What the probe does, without the probe.
struct Linked;

impl ProbeView for Linked {
    #[inline(never)]
    fn next(&self, value: u64) -> u64 {
        value + 1
    }

    fn fill(&self, _: &mut World, _: usize, _: usize, _: Data) {}
}

/// Times calls of both in turn. The probe's code was not there when this was compiled, and where the other one leads is
/// hidden, so nobody can have taken the calls away; each call's argument is the result of the one before, so none
/// overlaps the next.
pub(crate) fn measure(probe: &Probe, quick: bool) -> anyhow::Result<Calls> {
    let (rounds, calls) = if quick { (5, 1 << 20) } else { (25, 1 << 24) };
    let mut game = Game::begin(probe)?;
    game.with_view(|view, _| {
        let (mut across, mut within) = (Samples::default(), Samples::default());
        let linked: Box<dyn ProbeView> = Box::new(Linked);
        for _ in 0..rounds {
            time(view, calls, &mut across);
            time(black_box(&*linked), calls, &mut within);
        }
        let per_call = |samples: &Samples| samples.middle() * 1e6 / calls as f64;
        Calls { across: per_call(&across), within: per_call(&within) }
    })
}

#[inline(never)]
fn time(view: &dyn ProbeView, calls: u64, samples: &mut Samples) {
    let mut value = black_box(0);
    let begin = ThreadTime::now();
    for _ in 0..calls {
        value = view.next(value);
    }
    let elapsed = begin.elapsed();
    assert_eq!(black_box(value), calls, "the view counts");
    samples.push_time(elapsed);
}
