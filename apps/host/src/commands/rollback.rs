//! `keel rollback`: asks a running game to put back what a module ran before.

use std::process::ExitCode;

use super::ask::ask;
use crate::cli::{EXIT_REFUSED, RollbackArgs};
use crate::plain::plain;
use crate::protocol::Answer;
use crate::supervisor::ControlRequest;

pub(crate) fn run(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    let RollbackArgs { module, to, accept_loss, run } = args.clone();
    match ask(run.as_deref(), &ControlRequest::Rollback { module, to, accept_loss })? {
        Answer::Done { message } => {
            println!("{}", plain(&message));
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused { code, message } => {
            eprintln!("error[{code}]: {}", plain(&message));
            Ok(ExitCode::from(EXIT_REFUSED))
        }
        Answer::Failed { message } => anyhow::bail!(message),
    }
}
