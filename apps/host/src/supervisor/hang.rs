//! Code of the engine that does not return: what is shown of it, and what the user can do about it.

use std::path::Path;

use super::Supervisor;
use super::recovery::Blame;
use crate::event::{ENGINE, Event, HangLine};
use crate::protocol::ToEngine;

/// What does not return, in the order in which that was told.
#[derive(Default)]
pub(super) struct Hanging(Vec<HangLine>);

impl Hanging {
    pub(super) fn first(&self) -> Option<&HangLine> {
        self.0.first()
    }

    /// What the game waits for.
    fn awaited(&self) -> Option<&HangLine> {
        self.0.iter().find(|hang| !hang.beside)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the event is about what hangs.
    fn note(&mut self, event: &Event) -> bool {
        match event {
            // What runs beside the game is told once more when the game has come to wait for it.
            Event::Hang(hang) => {
                self.forget(hang);
                self.0.push(hang.clone());
            }
            Event::HangEnded(ended) => self.forget(ended),
            _ => return false,
        }
        true
    }

    fn forget(&mut self, ended: &HangLine) {
        self.0.retain(|hang| (&hang.module, &hang.system) != (&ended.module, &ended.system));
    }
}

impl Supervisor {
    /// The engine draws the screen, so while it hangs this has to be shown from here. What hangs beside the game is shown
    /// by the engine.
    pub(super) fn note_hang(&mut self, event: &Event) -> anyhow::Result<()> {
        if !self.hanging.note(event) {
            return Ok(());
        }
        let choice = "wait, or press R to go on with the code before, q to quit";
        let notice = self.hanging.awaited().map(|hang| format!(" {}; {choice}", hang.short_text()));
        self.output.notice(notice.as_deref())?;
        if notice.is_none() && self.output.is_screen() {
            self.send(&ToEngine::Redraw);
            self.send(&ToEngine::Log { level: "warn".to_owned(), message: event.text() });
        }
        Ok(())
    }

    /// Ends the engine that hangs, and goes on from the last good state with the code before. If nothing hangs, that is
    /// said.
    pub(super) fn restart_hanging(&mut self) {
        let Some(hang) = self.hanging.first() else {
            return self.log("warn", "nothing hangs; `reset` starts the game's state afresh".to_owned());
        };
        let blame = Some(self.blame_of(hang)).filter(|blame| blame.module != ENGINE);
        let why = format!("it was ended, as {}", hang.short_text());
        self.hanging.clear();
        if let Err(error) = self.resume(blame, why) {
            self.log("error", format!("the game can't go on: {error:#}"));
        }
    }

    /// Whose code hangs. Where its calls don't tell, that of a task is live: what is just being put in place may wait for it,
    /// and be what mends it.
    fn blame_of(&self, hang: &HangLine) -> Blame {
        let live = || self.recovery.live_library(&hang.module).map(Path::to_owned);
        let library = hang.library.clone().or_else(|| if hang.is_of_task() { live() } else { None });
        Blame { module: hang.module.clone(), library }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hang(system: &str) -> HangLine {
        let (module, system) = ("swim".to_owned(), system.to_owned());
        HangLine {
            module,
            system,
            beside: false,
            frame: 7,
            lasted_ms: 1000.0,
            library: None,
            backtrace: None,
        }
    }

    #[test]
    fn what_hangs_is_known_until_it_returns() {
        let mut hanging = Hanging::default();
        assert!(hanging.note(&Event::Hang(hang("turn"))));
        assert!(hanging.note(&Event::Hang(hang("dive"))));
        assert!(!hanging.note(&Event::log("info", "turn".to_owned())));
        assert_eq!(hanging.first(), Some(&hang("turn")));
        assert!(hanging.note(&Event::HangEnded(HangLine { lasted_ms: 3000.0, ..hang("turn") })));
        assert_eq!(hanging.first(), Some(&hang("dive")));
        assert!(hanging.note(&Event::HangEnded(hang("dive"))));
        assert_eq!(hanging.first(), None);
    }

    #[test]
    fn what_hangs_beside_the_game_can_be_ended_and_covers_the_screen_only_once_the_game_waits_for_it() {
        let mut hanging = Hanging::default();
        let beside = HangLine { beside: true, ..hang("task dream") };
        assert!(hanging.note(&Event::Hang(beside.clone())));
        assert_eq!((hanging.first(), hanging.awaited()), (Some(&beside), None));
        assert!(hanging.note(&Event::Hang(hang("task dream"))));
        assert_eq!(hanging.awaited(), Some(&hang("task dream")));
        assert!(hanging.note(&Event::HangEnded(hang("task dream"))));
        assert_eq!(hanging.first(), None);
    }
}
