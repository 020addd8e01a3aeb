//! The binary `keel`: runs a game made of modules and swaps them while it runs.
//!
//! `keel run` is two processes of this binary. The *supervisor* watches the sources, builds, and owns the terminal;
//! the *engine* owns the world, the frames and the modules. Whatever ends the engine, the supervisor is still there to
//! leave the terminal clean and to say what happened.

#![allow(clippy::print_stdout, reason = "standard output is what this program talks on")]

mod cli;
mod commands;
mod engine_process;
mod event;
mod os;
mod plain;
mod protocol;
mod recording;
mod refusal;
mod supervisor;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use keel_resolver::ReadError;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            let code = error.is::<ReadError>().then(|| event::code_name(refusal::read_code(error.as_ref())));
            let in_brackets = refusal::in_brackets(code.as_ref());
            eprintln!("error{in_brackets}: {}", plain::plain(&format!("{error:#}")));
            ExitCode::from(if code.is_some() { cli::EXIT_REFUSED } else { cli::EXIT_FAILURE })
        }
    }
}
