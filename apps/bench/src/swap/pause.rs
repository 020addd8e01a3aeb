//! How long the game stands still.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use keel::ecs::WorldSnapshot;
use keel_bench_shapes::Data;
use keel_registry::Consent;

use crate::swap::probe::{Game, Probe, Shape};
use crate::swap::samples::Samples;
use crate::swap::{Options, PauseRow};

const ENTITIES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const ARCHETYPES: [usize; 2] = [1, 64];

/// So much memory comes from the system itself, which gives no page of it before it is touched: glibc keeps nothing
/// above 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`).
const NEVER_REUSED: usize = 33 << 20;

/// One kind of world, and what is done to it.
#[derive(Clone, Copy)]
struct Case {
    entities: usize,
    archetypes: usize,
    data: Data,
    changed: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entities, archetypes, data, changed } = self;
        let changed = if *changed { "one component changed" } else { "nothing changed" };
        write!(out, "{entities} entities, {archetypes} archetypes, {} data, {changed}", data.name())
    }
}

/// All cases, one after the other.
pub(crate) fn measure(
    probe: &Probe,
    options: Options,
    told: &mut impl FnMut(&str),
) -> anyhow::Result<Vec<PauseRow>> {
    let mut rows = Vec::new();
    for case in cases().filter(|case| case.entities <= options.entities_max) {
        let rounds = match (options.quick, case.entities) {
            (true, _) => 3,
            (false, 1_000_000..) => 7,
            (false, _) => 21,
        };
        let row = measure_case(probe, case, rounds)?;
        told(&format!("{case}: {:.3} ms", row.pause_ms));
        rows.push(row);
    }
    Ok(rows)
}

fn cases() -> impl Iterator<Item = Case> {
    let kinds = [Data::Plain, Data::Heap].into_iter().flat_map(|data| [false, true].map(|it| (data, it)));
    let worlds = kinds.flat_map(|kind| ARCHETYPES.map(|archetypes| (kind, archetypes)));
    worlds.flat_map(|((data, changed), archetypes)| {
        ENTITIES.map(|entities| Case { entities, archetypes, data, changed })
    })
}

fn measure_case(probe: &Probe, case: Case, rounds: usize) -> anyhow::Result<PauseRow> {
    let Case { entities, archetypes, data, changed } = case;
    let mut game = Game::begin(probe)?;
    game.with_view(|view, engine| view.fill(engine.world_mut(), entities, archetypes, data))?;
    let mut copies = Copies::of(&game)?;
    let (mut pause, mut tidy) = (Samples::default(), Samples::default());
    // The first swap of a game makes the buffers that the later ones reuse.
    for round in 0..=rounds {
        copies.measure();
        let to = if changed { Shape::Changed } else { Shape::Plain };
        let (pause_ms, tidy_ms) = swap(&mut game, probe, to)?;
        if round > 0 {
            pause.push(pause_ms);
            tidy.push(tidy_ms);
        }
        if changed {
            swap(&mut game, probe, Shape::Plain)?;
        }
    }
    anyhow::ensure!(game.engine.world().len() == entities, "the swaps have lost entities");
    Ok(PauseRow {
        entities,
        archetypes,
        data: data.name(),
        changed,
        pause_ms: pause.middle(),
        copy_reused_ms: copies.reused_ms.middle(),
        copy_fresh_ms: copies.fresh_ms.middle(),
        tidy_ms: tidy.middle(),
        tidy_max_ms: tidy.longest(),
    })
}

/// Swaps the probe; the time of the swap, and of tidying up after it, in milliseconds.
fn swap(game: &mut Game, probe: &Probe, to: Shape) -> anyhow::Result<(f64, f64)> {
    let candidate = game.check(probe, to)?;
    let begin = Instant::now();
    let report = game.registry.swap(&mut game.engine, vec![candidate], Consent::AcceptLoss)?;
    let pause = begin.elapsed();
    drop(report);
    let begin = Instant::now();
    game.registry.tidy();
    let tidy = begin.elapsed();
    Ok((pause.as_secs_f64() * 1e3, tidy.as_secs_f64() * 1e3))
}

/// Plain copies of as many bytes as the world's values take.
struct Copies {
    bytes: Vec<u8>,
    reused: Vec<u8>,
    reused_ms: Samples,
    fresh_ms: Samples,
}

impl Copies {
    fn of(game: &Game) -> anyhow::Result<Self> {
        let mut snapshot = WorldSnapshot::new();
        game.engine.world().save(&mut snapshot)?;
        let bytes: Vec<u8> = (0..snapshot.bytes()).map(|index| index as u8).collect();
        Ok(Self { reused: bytes.clone(), bytes, reused_ms: Samples::default(), fresh_ms: Samples::default() })
    }

    fn measure(&mut self) {
        let begin = Instant::now();
        self.reused.copy_from_slice(black_box(&self.bytes));
        self.reused_ms.push_time(begin.elapsed());
        black_box(&self.reused);
        let begin = Instant::now();
        let mut fresh = Vec::with_capacity(self.bytes.len().max(NEVER_REUSED));
        fresh.extend_from_slice(black_box(&self.bytes));
        self.fresh_ms.push_time(begin.elapsed());
        black_box(fresh);
    }
}
