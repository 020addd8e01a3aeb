//! Process groups.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

/// Makes the process that `command` starts the leader of a group of its own, which its children belong to.
/// The terminal's Ctrl-C doesn't reach them then.
pub(crate) fn start_group(command: &mut Command) {
    command.process_group(0);
}

/// Ends `leader` and all that it has started. `leader` must not have been waited for yet, or its id could be
/// another process's by now.
pub(crate) fn end_group(leader: &mut Child) {
    // An error means that the group is gone already, which is what was wanted.
    let _ = kill_process_group(Pid::from_child(leader), Signal::KILL);
}
