//! What the figures were measured on.

use std::fmt;

use serde::Serialize;

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub cpu: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// The operating system.
    pub os: String,
}

/// The programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// Keel's.
    pub keel: String,
    /// The compiler's.
    pub rustc: String,
}

impl Machine {
    /// The one this runs on.
    pub fn this() -> Self {
        Self {
            cpu: cpu().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            os: os(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} x {}, {}", self.cores, self.cpu, self.os)
    }
}

impl Versions {
    /// Those that this was built with.
    pub fn this() -> Self {
        Self { keel: env!("CARGO_PKG_VERSION").to_owned(), rustc: keel::module::FINGERPRINT.rustc.to_owned() }
    }
}

/// Linux, proc(5): one `model name` for each processor.
fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn os() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned()
}
