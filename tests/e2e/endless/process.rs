//! What a process has, and what lies in a folder. Linux, proc(5).

use std::fs;
use std::path::Path;

/// What a process holds.
pub(super) struct Process {
    /// Resident memory, `VmRSS`.
    pub(super) rss_kib: u64,
    /// Open file descriptors.
    pub(super) files: u64,
    pub(super) threads: u64,
}

impl Process {
    pub(super) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
        Self { rss_kib: number("VmRSS:"), files, threads: number("Threads:") }
    }
}

/// The children of a process, those that have ended and were not waited for among them.
pub(super) fn processes_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
        rest.split(' ').nth(1) == Some(&parent.to_string())
    };
    pids.filter(is_child).collect()
}

/// How many files lie in a folder, and how large they are together in KiB.
pub(super) fn files_in(folder: &Path) -> (u64, u64) {
    let lengths = fs::read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    let (count, bytes) = lengths.fold((0, 0), |(count, bytes), length| (count + 1, bytes + length));
    (count, bytes / 1024)
}
