//! A time that can be turned off: `off`, or seconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long, or how often; `None` for not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Option<Duration>);

/// Shorter ones would be all work, longer ones are of no use.
const SECONDS: std::ops::RangeInclusive<f64> = 0.05..=3600.0;

impl Span {
    /// So many seconds.
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Some(Duration::from_secs(seconds)))
    }

    /// So many milliseconds.
    pub(crate) const fn millis(millis: u64) -> Self {
        Self(Some(Duration::from_millis(millis)))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        match text.parse::<f64>() {
            Ok(seconds) if SECONDS.contains(&seconds) => Ok(Self(Some(Duration::from_secs_f64(seconds)))),
            _ => Err(format!("say `off`, or seconds from {} to {}", SECONDS.start(), SECONDS.end())),
        }
    }
}

/// As it is read.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some(span) => write!(f, "{}", span.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for text in ["off", "1", "0.05", "2.5", "3600"] {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "0", "-1", "3601", "NaN", "inf", "Off", "1s"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }
}
