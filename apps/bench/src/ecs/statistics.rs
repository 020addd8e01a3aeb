//! What many samples come to.

use serde::Serialize;

/// Where the samples of one thing lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the samples lie below.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// A quarter of the samples lies below.
    pub p25: f64,
    /// Three quarters of the samples lie below.
    pub p75: f64,
}

impl Spread {
    /// Of `samples`, in any order; all zero where there is none.
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part| quantile(&sorted, part);
        Self { median: at(0.5), min: at(0.0), p25: at(0.25), p75: at(0.75) }
    }
}

/// The value of `sorted` samples below which `part` of them lie, between the two nearest ranks (Hyndman and Fan's
/// seventh); 0 without samples.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let rank = part.clamp(0.0, 1.0) * last as f64;
    let below = sorted[rank.floor() as usize];
    let above = sorted[rank.ceil() as usize];
    below + (above - below) * rank.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_does_not_depend_on_the_order_of_the_samples() {
        let spread = Spread { median: 3.0, min: 1.0, p25: 2.0, p75: 4.0 };
        assert_eq!(Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]), spread);
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0, 4.0, 5.0]), spread);
    }

    #[test]
    fn one_outlier_moves_neither_the_median_nor_the_quarters() {
        let with = |last| Spread::of(&[1.0, 2.0, 3.0, 4.0, last]);
        assert_eq!(with(5.0), with(5000.0));
    }

    #[test]
    fn between_two_samples_lies_what_is_between_them() {
        assert_eq!(Spread::of(&[2.0, 4.0]), Spread { median: 3.0, min: 2.0, p25: 2.5, p75: 3.5 });
        assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, min: 7.0, p25: 7.0, p75: 7.0 });
        assert_eq!(Spread::of(&[]).median, 0.0);
        assert_eq!(quantile(&[1.0, 2.0], 1.0), 2.0);
    }
}
