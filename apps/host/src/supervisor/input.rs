//! What the user does: keys in a terminal, lines on standard input without one, and signals.

use std::io::BufRead;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, unbounded};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use keel::console::Key;

use crate::cli::{RunArgs, Seconds};
use crate::protocol::Answer;
use crate::supervisor::control::ControlRequest;
use crate::supervisor::output::is_screen;

/// The commands that can be written to standard input, one a line, while there is no terminal. Seconds are `5s` or `2.5`.
pub(crate) const COMMANDS: &str = "reload [MODULE], load MODULE FILE, rollback MODULE [GENERATION] [accept-loss], reset, restart, \
                                   rewind SECONDS, retry SECONDS, pause, accept, save FILE, quit";

/// How far the keys go back.
const BACK_BY_KEY: Duration = Duration::from_secs(5);

/// What the user wants.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Quit,
    ReloadAll,
    Reload(String),
    Load {
        module: String,
        path: PathBuf,
    },
    Rollback {
        module: String,
        to: Option<u64>,
        accept_loss: bool,
    },
    /// Another terminal asks, and waits for the answer.
    Request(ControlRequest, Sender<Answer>),
    Reset,
    Rewind(Duration),
    Retry(Duration),
    /// Goes on without the code that hangs.
    Restart,
    /// One key is for both: nothing can be reset while the engine hangs.
    ResetOrRestart,
    Pause,
    Accept,
    Save(PathBuf),
    Key(Key),
    Resize {
        columns: u16,
        rows: u16,
    },
    Unknown(String),
}

/// Where the user's commands come from.
pub(crate) struct Input {
    commands: Receiver<Command>,
    // Keeps the channel open when standard input has ended.
    sender: Sender<Command>,
}

impl Input {
    pub(crate) fn start(args: &RunArgs) -> anyhow::Result<Self> {
        let (sender, commands) = unbounded();
        let on_signal = sender.clone();
        ctrlc::set_handler(move || {
            // Nobody receives any more once the supervisor is ending.
            let _ = on_signal.send(Command::Quit);
        })
        .context("signals can't be handled")?;
        let (name, read): (_, fn(&Sender<Command>)) =
            if is_screen(args) { ("keel-keys", read_keys) } else { ("keel-commands", read_lines) };
        let to = sender.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || read(&to))?;
        Ok(Self { commands, sender })
    }

    /// Where commands can be sent to.
    pub(crate) fn sender(&self) -> Sender<Command> {
        self.sender.clone()
    }

    pub(crate) fn commands(&self) -> &Receiver<Command> {
        &self.commands
    }
}

fn read_lines(to: &Sender<Command>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if !line.trim().is_empty() && to.send(parse(&line)).is_err() {
            return;
        }
    }
}

fn parse(line: &str) -> Command {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        ["quit"] => Command::Quit,
        ["reload"] => Command::ReloadAll,
        ["reload", module] => Command::Reload((*module).to_owned()),
        ["load", module, path] => Command::Load { module: (*module).to_owned(), path: path.into() },
        ["rollback", module, rest @ ..] => {
            rollback(module, rest).unwrap_or(Command::Unknown(line.to_owned()))
        }
        ["reset"] => Command::Reset,
        [what @ ("rewind" | "retry"), time] => match (time.parse(), *what) {
            (Err(_), _) => Command::Unknown(line.to_owned()),
            (Ok(Seconds(time)), "rewind") => Command::Rewind(time),
            (Ok(Seconds(time)), _) => Command::Retry(time),
        },
        ["restart"] => Command::Restart,
        ["pause"] => Command::Pause,
        ["accept"] => Command::Accept,
        ["save", path] => Command::Save(path.into()),
        _ => Command::Unknown(line.to_owned()),
    }
}

fn rollback(module: &str, mut rest: &[&str]) -> Option<Command> {
    let to = rest.first().and_then(|word| word.parse().ok());
    if to.is_some() {
        rest = &rest[1..];
    }
    let accept_loss = match rest {
        [] => false,
        ["accept-loss"] => true,
        _ => return None,
    };
    Some(Command::Rollback { module: module.to_owned(), to, accept_loss })
}

fn read_keys(to: &Sender<Command>) {
    while let Ok(event) = crossterm::event::read() {
        let command = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => command_of(key),
            Event::Resize(columns, rows) => Some(Command::Resize { columns, rows }),
            _ => None,
        };
        if command.is_some_and(|command| to.send(command).is_err()) {
            return;
        }
    }
}

/// The host's own keys; all others are the dashboard's or the game's.
fn command_of(key: KeyEvent) -> Option<Command> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let key = match key.code {
        KeyCode::Char('c') if control => return Some(Command::Quit),
        KeyCode::Char('q') => return Some(Command::Quit),
        KeyCode::Char('r') => return Some(Command::ReloadAll),
        KeyCode::Char('R') => return Some(Command::ResetOrRestart),
        KeyCode::Char('p') => return Some(Command::Pause),
        KeyCode::Char('<') => return Some(Command::Rewind(BACK_BY_KEY)),
        KeyCode::Char('>') => return Some(Command::Retry(BACK_BY_KEY)),
        KeyCode::Char('c') => return Some(Command::Accept),
        KeyCode::Char(letter) if control => Key::Control(letter),
        KeyCode::Char(letter) => Key::Letter(letter),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    };
    Some(Command::Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_names_a_module_and_may_name_a_generation_and_accept_losses() {
        let read = |line: &str| match parse(line) {
            Command::Rollback { module, to, accept_loss } => Some((module, to, accept_loss)),
            Command::Unknown(unknown) => {
                assert_eq!(unknown, line);
                None
            }
            other => panic!("{other:?}"),
        };
        let swim = |to, accept_loss| Some(("swim".to_owned(), to, accept_loss));
        assert_eq!(read("rollback swim"), swim(None, false));
        assert_eq!(read("rollback swim 3"), swim(Some(3), false));
        assert_eq!(read("rollback swim accept-loss"), swim(None, true));
        assert_eq!(read(" rollback  swim 3 accept-loss"), swim(Some(3), true));
        for wrong in ["rollback", "rollback swim -1", "rollback swim accept-loss 3", "rollback swim 3 4"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
