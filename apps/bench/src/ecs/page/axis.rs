//! From a value to a place in a plot.

/// How many times as large as the least the largest may be, before a scale counts in powers of ten.
const LINEAR_MAX: f64 = 12.0;

/// Values along a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    first: f64,
    last: f64,
    is_log: bool,
}

impl Axis {
    /// For bars: from 0, or in powers of ten where some could not be seen beside others.
    pub(crate) fn for_bars(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, largest) = bounds(values);
        if largest > least * LINEAR_MAX {
            return Self::log([least / 2.0, largest].into_iter());
        }
        let step = step_of(largest);
        Self { first: 0.0, last: (largest / step).ceil() * step, is_log: false }
    }

    /// In powers of ten.
    pub(crate) fn log(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, largest) = bounds(values);
        let (first, last) = (10_f64.powf(least.log10().floor()), 10_f64.powf(largest.log10().ceil()));
        Self { first, last: if last > first { last } else { first * 10.0 }, is_log: true }
    }

    pub(crate) fn is_log(self) -> bool {
        self.is_log
    }

    /// Where `value` lies, from 0 to 1.
    pub(crate) fn place(self, value: f64) -> f64 {
        let place = if self.is_log {
            (value.max(self.first) / self.first).log10() / (self.last / self.first).log10()
        } else {
            (value - self.first) / (self.last - self.first)
        };
        place.clamp(0.0, 1.0)
    }

    /// The values that are written beside it.
    pub(crate) fn ticks(self) -> Vec<f64> {
        if self.is_log {
            let decades = (self.last / self.first).log10().round() as i32;
            return (0..=decades).map(|decade| self.first * 10_f64.powi(decade)).collect();
        }
        let step = step_of(self.last);
        (0..=(self.last / step).round() as u32).map(|tick| f64::from(tick) * step).collect()
    }
}

/// The least and the largest; 1 where there is nothing above 0.
fn bounds(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let positive = values.filter(|value| *value > 0.0);
    let least = positive.clone().fold(f64::INFINITY, f64::min);
    if least.is_finite() { (least, positive.fold(0.0, f64::max)) } else { (1.0, 1.0) }
}

/// A round step, some five of which make `largest`.
fn step_of(largest: f64) -> f64 {
    let exact = largest / 5.0;
    let decade = 10_f64.powf(exact.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
    steps.into_iter().find(|step| *step >= exact * 0.999).unwrap_or(decade * 10.0)
}

/// A value as it is written beside an axis.
pub(crate) fn written(value: f64) -> String {
    match value {
        1e9.. => format!("{}G", value / 1e9),
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        1.0.. => format!("{}", (value * 100.0).round() / 100.0),
        _ => {
            let digits = (-value.max(1e-9).log10()).ceil().max(0.0) as usize + 1;
            let text = format!("{value:.digits$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_close_to_each_other_are_shown_from_zero() {
        let axis = Axis::for_bars([3.0, 8.0].into_iter());
        assert!(!axis.is_log());
        assert_eq!(axis.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!((axis.place(0.0), axis.place(4.0), axis.place(8.0)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn values_far_from_each_other_are_shown_in_powers_of_ten() {
        let axis = Axis::for_bars([0.04, 9.0].into_iter());
        assert!(axis.is_log());
        assert_eq!(axis.ticks().first().copied(), Some(0.01));
        assert!((axis.place(1.0) - 2.0 / 3.0).abs() < 1e-9 && axis.place(0.0) == 0.0, "{axis:?}");
        assert_eq!(Axis::log([5.0].into_iter()).ticks(), [1.0, 10.0]);
        assert_eq!(Axis::for_bars(std::iter::empty()).place(1.0), 1.0, "nothing is no mistake");
    }

    #[test]
    fn ticks_are_written_short() {
        let written: Vec<_> = [0.0, 0.004, 0.1, 2.5, 40.0, 1e4, 1e7].into_iter().map(written).collect();
        assert_eq!(written, ["0", "0.004", "0.1", "2.5", "40", "10k", "10M"]);
    }
}
