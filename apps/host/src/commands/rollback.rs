//! `keel rollback`: asks a running game to put back what a module ran before.

use std::process::ExitCode;

use super::ask::{ask, tell};
use crate::cli::RollbackArgs;
use crate::supervisor::ControlRequest;

pub(crate) fn run(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    let RollbackArgs { module, to, accept_loss, run } = args.clone();
    tell(ask(run.as_deref(), &ControlRequest::Rollback { module, to, accept_loss })?)
}
