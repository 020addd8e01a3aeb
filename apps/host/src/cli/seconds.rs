//! A time as people write it: `5s`, `2.5s` or `5`.

use std::str::FromStr;
use std::time::Duration;

/// So many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.strip_suffix('s').unwrap_or(text).parse().ok();
        let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        time.map(Self).ok_or_else(|| "say seconds, as in `5s` or `2.5`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_parts_and_a_unit() {
        for (text, ms) in [("5s", 5000), ("2.5s", 2500), ("5", 5000), ("0.25", 250), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Seconds(Duration::from_millis(ms))), "{text}");
        }
        for text in ["", "s", "-1", "5m", "NaN", "inf", "1e40", "five"] {
            assert!(text.parse::<Seconds>().is_err(), "{text:?}");
        }
    }
}
