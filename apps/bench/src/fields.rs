//! What several threads cost each other that write fields of the same component: fields that guard themselves, against one
//! lock for the whole component.

use std::fmt;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use keel::ecs::{ModelTypeInfo, World};
use keel::prelude::*;

/// The numbers of threads that are measured.
const THREADS: [usize; 4] = [1, 2, 4, 8];

/// Each field guards itself.
#[component]
pub struct Guarded {
    hits: Atomic<u64>,
    sum: Atomic<u64>,
    last: Atomic<u64>,
    names: Shared<Vec<u64>>,
}

/// The same fields, behind one lock.
#[data]
#[derive(Default)]
pub struct Fields {
    hits: u64,
    sum: u64,
    last: u64,
    names: Vec<u64>,
}

/// One lock for all.
#[component]
pub struct Locked {
    fields: Shared<Fields>,
}

/// What a write costs, by the number of threads.
pub struct FieldsReport {
    guarded: [Cost; THREADS.len()],
    locked: [Cost; THREADS.len()],
}

/// Nanoseconds for one write.
#[derive(Clone, Copy)]
struct Cost {
    /// Of all processors' time.
    cpu: f64,
    /// Until all threads had made all of theirs, by the clock.
    elapsed: f64,
}

/// Lets threads write one of three numbers of one component, each its own, while every 64th write is to its list.
pub fn run(quick: bool) -> FieldsReport {
    let writes = if quick { 1 << 14 } else { 1 << 20 };
    let mut world = World::new();
    let types = [ModelTypeInfo::component::<Guarded>(), ModelTypeInfo::component::<Locked>()];
    // A new world has none of these names.
    types.into_iter().for_each(|info| drop(world.register(info)));
    let both = world.spawn((
        Guarded { hits: Atomic::new(0), sum: Atomic::new(0), last: Atomic::new(0), names: Shared::default() },
        Locked { fields: Shared::default() },
    ));
    let world = &world;
    let guarded = THREADS.map(|threads| {
        measure(threads, writes, |thread, write| {
            let Ok(fields) = world.get::<Guarded>(both) else { return };
            if write % 64 == 0 {
                let mut names = fields.names.write();
                names.clear();
                names.push(write);
                return;
            }
            let field = [&fields.hits, &fields.sum, &fields.last][thread % 3];
            field.update(|value| value.wrapping_add(write));
        })
    });
    let locked = THREADS.map(|threads| {
        measure(threads, writes, |thread, write| {
            let Ok(component) = world.get::<Locked>(both) else { return };
            let mut fields = component.fields.write();
            if write % 64 == 0 {
                fields.names.clear();
                fields.names.push(write);
                return;
            }
            let Fields { hits, sum, last, .. } = &mut *fields;
            let field = [hits, sum, last].into_iter().nth(thread % 3);
            if let Some(field) = field {
                *field = field.wrapping_add(write);
            }
        })
    });
    FieldsReport { guarded, locked }
}

fn measure(threads: usize, writes: u64, write: impl Fn(usize, u64) + Sync) -> Cost {
    let barrier = Barrier::new(threads);
    let (barrier, write) = (&barrier, &write);
    let begin = Instant::now();
    let time: Duration = std::thread::scope(|scope| {
        let run = |thread| {
            move || {
                barrier.wait();
                let begin = ThreadTime::now();
                (0..writes).for_each(|number| write(thread, number));
                begin.elapsed()
            }
        };
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    let elapsed = begin.elapsed();
    let per_write = |time: Duration| time.as_secs_f64() * 1e9 / (threads as u64 * writes) as f64;
    Cost { cpu: per_write(time), elapsed: per_write(elapsed) }
}

impl fmt::Display for FieldsReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "a write to one component, ns, by the number of threads")?;
        write!(out, "{:<40}", "threads")?;
        THREADS.iter().try_for_each(|threads| write!(out, "{threads:>9}"))?;
        for (name, row) in
            [("fields that guard themselves", self.guarded), ("one lock for the component", self.locked)]
        {
            write!(out, "\n{:<40}", format!("{name}, elapsed"))?;
            row.iter().try_for_each(|cost| write!(out, "{:>9.1}", cost.elapsed))?;
            write!(out, "\n{:<40}", format!("{name}, CPU"))?;
            row.iter().try_for_each(|cost| write!(out, "{:>9.1}", cost.cpu))?;
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_measured_for_each_number_of_threads() {
        let report = run(true);
        assert!(
            report.guarded.iter().chain(&report.locked).all(|cost| cost.cpu > 0.0 && cost.elapsed > 0.0),
            "{report}"
        );
        assert_eq!(report.to_string().lines().count(), 6);
    }
}
