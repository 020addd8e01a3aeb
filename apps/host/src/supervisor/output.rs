//! What is shown: the screen that the engine draws, lines for people, or JSON for machines.
//!
//! Without a screen all lines are printed here, what modules write to the console included, so that each is printed
//! once. None of them holds an escape sequence; JSON escapes them.

use std::io::{self, IsTerminal, Write};

use crossbeam_channel::Sender;
use crossterm::cursor::{Hide, MoveTo, RestorePosition, SavePosition, Show};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};

use keel_registry::Code;

use crate::cli::RunArgs;
use crate::event::{Event, Stage, code_name};
use crate::plain::plain;

/// Whether the game is shown on a screen.
pub(crate) fn is_screen(args: &RunArgs) -> bool {
    !args.headless && !args.json && io::stdout().is_terminal() && io::stdin().is_terminal()
}

/// Tells that there is no workspace or no game to begin with: to people, and as an event where a machine reads.
pub(crate) fn tell_refused(args: &RunArgs, code: Code, message: String) -> io::Result<()> {
    let code = code_name(code);
    if args.told.is_none() {
        eprintln!("error [{code}]: {}", plain(&message));
    }
    if args.json {
        let module = String::new();
        let event =
            Event::Rejected { module, stage: Stage::Resolve, code, message, request: None, failure: None };
        Output::start(args)?.event(&event)?;
    }
    Ok(())
}

/// Where what happens is shown.
pub(crate) struct Output {
    kind: Kind,
    /// Who takes the events instead of standard output.
    told: Option<Sender<Event>>,
    /// Whether the terminal must be put back.
    taken: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Screen,
    Lines,
    Json,
    /// Standard output is for an answer at the end: lines go to standard error.
    Answer,
}

impl Output {
    /// Takes the terminal, if there is one to be taken.
    pub(crate) fn start(args: &RunArgs) -> io::Result<Self> {
        let kind = match (&args.told, args.json, is_screen(args)) {
            (Some(_), ..) => Kind::Answer,
            (None, true, _) => Kind::Json,
            (None, false, true) => Kind::Screen,
            (None, false, false) => Kind::Lines,
        };
        Ok(Self { kind, told: args.told.clone(), taken: false })
    }

    pub(crate) fn is_screen(&self) -> bool {
        self.kind == Kind::Screen
    }

    /// The size of the screen in columns and rows, if there is one.
    pub(crate) fn size(&self) -> Option<(u16, u16)> {
        self.is_screen().then(|| size().unwrap_or((80, 24)))
    }

    /// A line about what is going on before the engine runs.
    pub(crate) fn status(&mut self, text: &str) -> io::Result<()> {
        match self.kind {
            Kind::Json => Ok(()),
            Kind::Screen | Kind::Lines | Kind::Answer => writeln!(io::stderr(), "keel: {}", plain(text)),
        }
    }

    /// An event, if it is not the engine that shows it.
    pub(crate) fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Some(told) = &self.told {
            // Who has asked for them waits for the end of the run.
            let _ = told.send(event.clone());
        }
        match self.kind {
            Kind::Screen if self.taken => Ok(()),
            Kind::Screen | Kind::Answer => writeln!(io::stderr(), "{}", plain(&event.text())),
            Kind::Lines => writeln!(io::stdout(), "{}", plain(&event.text())),
            Kind::Json => {
                let mut line = serde_json::to_vec(event)?;
                line.push(b'\n');
                let mut out = io::stdout().lock();
                out.write_all(&line)?;
                out.flush()
            }
        }
    }

    /// What the engine has drawn. The terminal is taken with the first of it, so that errors before that are seen.
    pub(crate) fn screen(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.is_screen() {
            return Ok(());
        }
        if !self.taken {
            enable_raw_mode()?;
            self.taken = true;
            execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// A line at the bottom of the screen, over what the engine has drawn, until that draws there again. Nothing without a
    /// screen.
    pub(crate) fn notice(&mut self, text: Option<&str>) -> io::Result<()> {
        let Some((columns, rows)) = self.size().filter(|_| self.taken) else { return Ok(()) };
        let text: String = text.map(plain).unwrap_or_default().chars().take(columns.into()).collect();
        let mut out = io::stdout().lock();
        queue!(out, SavePosition, MoveTo(0, rows.saturating_sub(1)), SetAttribute(Attribute::Reverse))?;
        queue!(out, Clear(ClearType::CurrentLine), Print(text), SetAttribute(Attribute::Reset))?;
        queue!(out, RestorePosition)?;
        out.flush()
    }

    /// Leaves the terminal as it was found.
    pub(crate) fn restore(&mut self) {
        if std::mem::take(&mut self.taken) {
            // Each is tried, whatever became of the others: a terminal that is gone needs none of them.
            let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
            let _ = disable_raw_mode();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.restore();
    }
}
