//! `--memory SIZE|off`: the most memory that the engine process may have.

use std::fmt;
use std::str::FromStr;

use crate::os;

/// So many bytes; `None` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit(pub(crate) Option<u64>);

/// An engine with a small game takes about as much.
const BYTES_MIN: u64 = 64 << 20;

/// The names of sizes, and how many bytes they are.
const UNITS: [(char, u64); 4] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let named = UNITS.into_iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, bytes)));
        let (number, unit) = named.unwrap_or((text, 1));
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        let bytes = bytes.filter(|bytes| *bytes >= BYTES_MIN);
        bytes.map(|bytes| Self(Some(bytes))).ok_or_else(|| {
            format!("say `off`, or a size from {}M, as in `512M`, `8G` or a number of bytes", BYTES_MIN >> 20)
        })
    }
}

/// As it is read.
impl fmt::Display for MemoryLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bytes) = self.0 else { return out.write_str("off") };
        match UNITS.into_iter().rev().find(|(_, unit)| bytes.is_multiple_of(*unit)) {
            Some((name, unit)) => write!(out, "{}{name}", bytes / unit),
            None => write!(out, "{bytes}"),
        }
    }
}

/// The most that the engine process may have, in bytes: what was set, or else three quarters of what there is, and no more
/// than this process may have. The rest is for the supervisor, the compiler and whoever else is at work. `None` for no limit,
/// or where it is not known what there is.
pub(crate) fn memory_limit(set: Option<MemoryLimit>) -> Option<u64> {
    least(set, os::memory_there_is(), os::memory_allowed())
}

fn least(set: Option<MemoryLimit>, there_is: Option<u64>, allowed: Option<u64>) -> Option<u64> {
    let wanted = match set {
        Some(MemoryLimit(bytes)) => bytes,
        None => there_is.map(|bytes| bytes / 4 * 3),
    };
    wanted.into_iter().chain(allowed).min()
}

/// So many bytes, for people.
pub(crate) fn size(bytes: u64) -> String {
    let gib = bytes as f64 / f64::from(1 << 30);
    if gib < 1.0 { format!("{:.0} MiB", gib * 1024.0) } else { format!("{gib:.1} GiB") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_as_it_is_read() {
        for text in ["off", "512M", "8G", "1T", "65537K", "67108865"] {
            assert_eq!(text.parse::<MemoryLimit>().map(|limit| limit.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("8G".parse(), Ok(MemoryLimit(Some(8 << 30))));
        for text in ["", "0", "-8G", "G", "8GB", "8 G", "8g", "1.5G", "1M", "99999999999T", "Off"] {
            assert!(text.parse::<MemoryLimit>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_set_is_the_limit_and_else_a_part_of_what_there_is() {
        let (set, off) = (Some(MemoryLimit(Some(700))), Some(MemoryLimit(None)));
        assert_eq!(least(None, Some(400), None), Some(300));
        assert_eq!(least(set, Some(400), None), Some(700), "a person may want more than there is");
        assert_eq!((least(off, Some(400), None), least(None, None, None)), (None, None));
        for asked in [None, set, off] {
            assert_eq!(least(asked, Some(400), Some(200)), Some(200), "{asked:?}: what nobody can raise");
        }
        assert_eq!(os::memory_there_is().is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn a_size_is_told_in_the_unit_that_people_use() {
        assert_eq!((size(512 << 20).as_str(), size(12_884_901_888).as_str()), ("512 MiB", "12.0 GiB"));
    }
}
