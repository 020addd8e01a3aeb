//! How much memory there is. On Linux alone it is told in files; elsewhere they are not there, and nothing is known.

use std::fs::read_to_string;
use std::path::{Component, Path, PathBuf};

/// The memory of this machine in bytes, or that of the control group that this process is in, if that is less.
pub(crate) fn memory_there_is() -> Option<u64> {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    machine.into_iter().chain(group_max(&own_group(), Path::new("/sys/fs/cgroup"))).min()
}

/// The most private memory that this process may give itself, in bytes: `ulimit -d`. What it starts has no more.
pub(crate) fn memory_allowed() -> Option<u64> {
    hard_limit_of(&read_to_string("/proc/self/limits").ok()?)
}

/// proc(5), `/proc/PID/limits`: the soft limit, then the hard one.
fn hard_limit_of(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max data size"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// proc(5), `/proc/meminfo`.
fn total_of(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The path of this process's control group; the uppermost one where it is not known.
fn own_group() -> PathBuf {
    let text = read_to_string("/proc/self/cgroup").unwrap_or_default();
    group_of(&text).unwrap_or_default()
}

/// cgroups(7), `/proc/self/cgroup`: the line of version 2. Without a root, and only where it lies below that.
fn group_of(cgroup: &str) -> Option<PathBuf> {
    let path = Path::new(cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

/// The least that a group or any above it may have. Groups that can't be read say nothing.
fn group_max(group: &Path, root: &Path) -> Option<u64> {
    let files = group.ancestors().map(|group| root.join(group).join("memory.max"));
    files.filter_map(|file| read_to_string(file).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read() {
        let text = "MemTotal:       24683656 kB\nMemFree:        21005544 kB\n";
        assert_eq!(total_of(text), Some(24_683_656 * 1024));
        for text in ["", "MemFree: 7 kB\n", "MemTotal: 7\n", "MemTotal: many kB\n"] {
            assert_eq!(total_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_limit_of_the_shell_is_read() {
        let text = |hard: &str| {
            format!("Limit  Soft Limit  Hard Limit  Units\nMax data size  4096  {hard}  bytes\n")
        };
        assert_eq!(hard_limit_of(&text("8192")), Some(8192));
        assert_eq!(hard_limit_of(&text("unlimited")), None);
        assert_eq!(hard_limit_of("Max stack size  1  2  bytes\n"), None);
    }

    #[test]
    fn the_group_is_the_one_of_version_two() {
        let of = |text| group_of(text).map(|path| path.display().to_string());
        assert_eq!(of("0::/user.slice/games\n"), Some("user.slice/games".to_owned()));
        assert_eq!(of("9:name=systemd:/\n4:memory:/deep\n0::/\n"), Some(String::new()));
        assert_eq!(of("0::/../outside\n"), None, "it is not below the root that this process sees");
        assert_eq!(of("4:memory:/deep\n"), None);
    }

    #[test]
    fn a_group_may_have_what_each_above_it_may_have() {
        let root = std::env::temp_dir().join(format!("keel-groups-{}", std::process::id()));
        let set = |group: &str, text: &str| {
            std::fs::create_dir_all(root.join(group)).expect("a group can be made");
            std::fs::write(root.join(group).join("memory.max"), text).expect("it can be written");
        };
        set("user/games", "max\n");
        let max = |group: &str| group_max(Path::new(group), &root);
        assert_eq!(max("user/games"), None, "none has a limit");
        set("user", "4096\n");
        assert_eq!(max("user/games"), Some(4096));
        set("user/games", "8192\n");
        assert_eq!(max("user/games"), Some(4096));
        set("user/games", "1024\n");
        assert_eq!((max("user/games"), max("user"), max("other")), (Some(1024), Some(4096), None));
        set("", "512\n");
        assert_eq!(max("user/games"), Some(512), "the uppermost may be a group that is seen as the root");
        std::fs::remove_dir_all(root).expect("it is there");
    }
}
