//! What each command does.

mod ask;
mod bench;
mod build;
mod check;
mod modules;
mod new;
pub(crate) mod replay;
mod retry;
mod rewind;
mod rollback;
pub(crate) mod snapshot;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::{engine_process, supervisor};

/// Carries out what the command line says.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Run(Default::default())) {
        Command::Run(args) => supervisor::run(args),
        Command::Engine(args) => engine_process::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Build(args) => build::run(&args),
        Command::Modules(args) => modules::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Rewind(args) => rewind::run(&args),
        Command::Retry(args) => retry::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Snapshot(command) => snapshot::run(command),
        Command::New(command) => new::run(&command),
        Command::Bench(command) => bench::run(&command),
    }
}
