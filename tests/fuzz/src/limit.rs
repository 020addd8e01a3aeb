//! How much memory an input may take.

/// How much memory may be asked for beyond what the process has when it begins: 256 MiB, for inputs of at most 64 KiB.
/// Keel's own limits allow a million elements without bytes, each of some dozen bytes in memory.
pub const MEMORY_BYTES_MAX: u64 = 256 << 20;

/// Has the system refuse more than [`MEMORY_BYTES_MAX`] beyond what is mapped now, which ends the process: an allocation
/// that is too large counts, though nothing is ever written to it. Does nothing on systems other than Linux.
pub fn limit_memory() {
    #[cfg(target_os = "linux")]
    linux::limit_memory();
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::{Resource, Rlimit, setrlimit};

    pub(super) fn limit_memory() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
        let size_kib: u64 = size.and_then(|size| size.parse().ok()).expect("Linux says how much is mapped");
        let limit = (size_kib << 10) + super::MEMORY_BYTES_MAX;
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::As, limit).expect("a process may lower its own limit");
    }
}
