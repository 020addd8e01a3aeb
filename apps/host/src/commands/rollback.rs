//! `keel rollback`: asks a running game to put back what a module ran before.

use std::process::ExitCode;

use super::ask::ask;
use crate::cli::{EXIT_FAILURE, EXIT_REFUSED, RollbackArgs};
use crate::supervisor::ControlRequest;

pub(crate) fn run(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    let RollbackArgs { module, to, accept_loss, run } = args.clone();
    let answer = ask(run.as_deref(), &ControlRequest::Rollback { module, to, accept_loss })?;
    match answer.code.as_deref() {
        None => {
            println!("{}", answer.message);
            Ok(ExitCode::SUCCESS)
        }
        Some("failed") => {
            eprintln!("error: {}", answer.message);
            Ok(ExitCode::from(EXIT_FAILURE))
        }
        Some(code) => {
            eprintln!("error[{code}]: {}", answer.message);
            Ok(ExitCode::from(EXIT_REFUSED))
        }
    }
}
