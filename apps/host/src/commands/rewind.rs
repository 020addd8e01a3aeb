//! `keel rewind`: asks a running game to go back in time.

use std::process::ExitCode;

use super::ask::{ask, tell};
use crate::cli::BackArgs;
use crate::supervisor::ControlRequest;

pub(crate) fn run(args: &BackArgs) -> anyhow::Result<ExitCode> {
    let back_ms = args.back.0.as_millis() as u64;
    tell(ask(args.run.as_deref(), &ControlRequest::Rewind { back_ms })?)
}
