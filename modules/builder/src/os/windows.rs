//! Process trees.

use std::os::windows::process::CommandExt;
use std::process::{Child, Command, Stdio};

const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// Makes the process that `command` starts the leader of a group of its own.
pub(crate) fn start_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Ends `leader` and all that it has started.
pub(crate) fn end_group(leader: &mut Child) {
    let id = leader.id().to_string();
    let mut command = Command::new("taskkill");
    command.args(["/T", "/F", "/PID", &id]).stdout(Stdio::null()).stderr(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        // At least its own process; an error means that it is gone already.
        let _ = leader.kill();
    }
}
