//! `keel retry`: asks a running game to run its last seconds once more with the code that is live.

use std::process::ExitCode;

use super::ask::{ask, tell};
use crate::cli::BackArgs;
use crate::supervisor::ControlRequest;

pub(crate) fn run(args: &BackArgs) -> anyhow::Result<ExitCode> {
    let back_ms = args.back.0.as_millis() as u64;
    tell(ask(args.run.as_deref(), &ControlRequest::Retry { back_ms })?)
}
