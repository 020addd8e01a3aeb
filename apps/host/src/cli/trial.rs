//! `--trial off|N`: how many frames new code runs on a copy of the game before it runs in the game.

use std::fmt;
use std::str::FromStr;

/// So many frames; 0 for no trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrialFrames(pub(crate) u32);

/// More would keep the author waiting.
const FRAMES_MAX: u32 = 1000;

impl FromStr for TrialFrames {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<u32>() {
            _ if text == "off" => Ok(Self(0)),
            Ok(frames) if (1..=FRAMES_MAX).contains(&frames) => Ok(Self(frames)),
            _ => Err(format!("say `off`, or a number of frames from 1 to {FRAMES_MAX}")),
        }
    }
}

/// As it is read.
impl fmt::Display for TrialFrames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => out.write_str("off"),
            frames => write!(out, "{frames}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_they_are_read() {
        for text in ["off", "1", "3", "1000"] {
            assert_eq!(text.parse::<TrialFrames>().map(|frames| frames.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "0", "-1", "1001", "on", "3.5"] {
            assert!(text.parse::<TrialFrames>().is_err(), "{text:?}");
        }
    }
}
