//! The report of a swap.

use std::fmt;
use std::time::Duration;

/// How long one part of a swap took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageTime {
    /// The part's name: `detect`, `build`, `check`, `trial`, `swap`.
    pub stage: String,
    /// How long it took.
    pub time: Duration,
}

/// From the saved file to the first frame of the new code, and what became of the state.
///
/// ```
/// use std::time::Duration;
/// use keel_console::{StageTime, SwapReport};
///
/// let report = SwapReport {
///     module: "swim".into(),
///     generation: 7,
///     stages: [("detect", 9_000), ("build", 241_000), ("check", 4_000), ("swap", 600)]
///         .map(|(stage, us)| StageTime { stage: stage.into(), time: Duration::from_micros(us) })
///         .into(),
///     carried: 10_000,
///     ..SwapReport::default()
/// };
/// assert_eq!(
///     report.to_string(),
///     "swim v7 live in 255 ms: detect 9, build 241, check 4, swap 0.6; 10,000 carried"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwapReport {
    /// The module that was swapped.
    pub module: String,
    /// Its new generation.
    pub generation: u64,
    /// The parts, in their order.
    pub stages: Vec<StageTime>,
    /// Values that were taken over as they were.
    pub carried: u64,
    /// Values whose type changed.
    pub converted: u64,
    /// Fields that are new, and were given their default.
    pub defaulted: u64,
    /// Values that were lost, with consent.
    pub dropped: u64,
}

impl SwapReport {
    /// The whole time.
    pub fn total(&self) -> Duration {
        self.stages.iter().map(|stage| stage.time).sum()
    }
}

impl fmt::Display for SwapReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} v{} live in {} ms", self.module, self.generation, Milliseconds(self.total()))?;
        for (index, StageTime { stage, time }) in self.stages.iter().enumerate() {
            let before = if index == 0 { ":" } else { "," };
            write!(out, "{before} {stage} {}", Milliseconds(*time))?;
        }
        let outcomes = [
            (self.carried, "carried"),
            (self.converted, "converted"),
            (self.defaulted, "defaulted"),
            (self.dropped, "dropped"),
        ];
        for (index, (count, outcome)) in outcomes.into_iter().filter(|(count, _)| *count > 0).enumerate() {
            let before = if index == 0 { ";" } else { "," };
            write!(out, "{before} {} {outcome}", Grouped(count))?;
        }
        Ok(())
    }
}

/// A time in milliseconds, with one decimal below ten where there is one to show, and without the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milliseconds(
    /// The time.
    pub Duration,
);

impl fmt::Display for Milliseconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.as_secs_f64() * 10_000.0).round() as u64;
        match tenths {
            0..100 if !tenths.is_multiple_of(10) => write!(out, "{}.{}", tenths / 10, tenths % 10),
            _ => write!(out, "{}", Grouped((tenths + 5) / 10)),
        }
    }
}

/// A number as people read it, with a comma before each three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouped(
    /// The number.
    pub u64,
);

impl fmt::Display for Grouped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1000 => write!(out, "{}", self.0),
            number => write!(out, "{},{:03}", Grouped(number / 1000), number % 1000),
        }
    }
}
