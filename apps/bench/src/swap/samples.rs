//! Times that were measured again and again.

use std::time::Duration;

use crate::swap::{Median, MedianAndP90};

/// Times of one thing, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    ms: Vec<f64>,
}

impl Samples {
    pub(crate) fn push(&mut self, ms: f64) {
        self.ms.push(ms);
    }

    pub(crate) fn push_time(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e3);
    }

    pub(crate) fn count(&self) -> usize {
        self.ms.len()
    }

    /// The value below which `part` of the samples lie, by the nearest rank; 0 without samples.
    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    }

    pub(crate) fn middle(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn longest(&self) -> f64 {
        self.quantile(1.0)
    }

    pub(crate) fn median(&self) -> Median {
        Median { median: self.middle() }
    }

    pub(crate) fn median_and_p90(&self) -> MedianAndP90 {
        MedianAndP90 { median: self.middle(), p90: self.quantile(0.9) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let mut samples = Samples::default();
        assert_eq!(samples.middle(), 0.0);
        (1..=10).rev().for_each(|ms| samples.push(f64::from(ms)));
        assert_eq!(samples.median_and_p90(), MedianAndP90 { median: 5.0, p90: 9.0 });
    }
}
