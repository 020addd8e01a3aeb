//! What the user asks for.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use super::Supervisor;
use super::input::{self, Command};
use crate::protocol::{RollbackRequest, ToEngine};
use crate::workspace;

impl Supervisor {
    pub(super) fn take_command(&mut self, command: Command) {
        match command {
            Command::Quit => self.exit = Some(ExitCode::SUCCESS),
            Command::ReloadAll => {
                self.reread_unwatched();
                self.submit(workspace::all_modules(&self.workspace), SystemTime::now());
            }
            Command::Reload(name) => self.reload(&name),
            Command::Load { module, path } => self.load(module, &path),
            Command::Rollback { module, to, accept_loss } => {
                self.send(&ToEngine::Rollback(RollbackRequest { id: None, module, to, accept_loss }));
            }
            Command::Request(request, reply) => self.take_request(request, reply),
            Command::Rewind(back) => {
                self.send(&ToEngine::Rewind { id: None, back_ms: back.as_millis() as u64 })
            }
            Command::Retry(back) => self.retry(back),
            Command::Restart => self.restart_hanging(),
            Command::ResetOrRestart if self.hanging.first().is_some() => self.restart_hanging(),
            Command::Reset | Command::ResetOrRestart => self.send(&ToEngine::Reset),
            Command::Pause => {
                self.paused = !self.paused;
                self.send(&ToEngine::Pause { paused: self.paused });
            }
            Command::Accept => self.accept_loss(),
            Command::Save(path) => self.send(&ToEngine::SaveGame { path }),
            Command::Key(key) => self.send(&ToEngine::Key(key)),
            Command::Resize { columns, rows } => self.send(&ToEngine::Resize { columns, rows }),
            Command::Unknown(line) => {
                self.log("warn", format!("`{line}` is no command; they are: {}", input::COMMANDS))
            }
        }
    }

    /// Builds one module and swaps it in, whether it has changed or not.
    pub(super) fn reload(&mut self, name: &str) {
        self.reread_unwatched();
        let Some(module) = self.workspace.modules().iter().find(|module| module.name == name) else {
            let known: Vec<_> = self.workspace.modules().iter().map(|module| module.name.as_str()).collect();
            self.log("warn", format!("there is no module `{name}`; there are: {}", known.join(", ")));
            return;
        };
        let request = workspace::request(module);
        self.staging.force(&request.package);
        self.submit(vec![request], SystemTime::now());
    }

    /// Swaps in a library that the user has built.
    fn load(&mut self, module: String, path: &Path) {
        match self.staging.stage_file(&module, path) {
            Ok(library) => self.swap(vec![library], None, None),
            Err(error) => self.log("warn", format!("{error:#}")),
        }
    }
}
