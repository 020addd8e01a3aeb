//! What the supervisor goes on with when the engine process has ended by itself: the newest snapshot, and the code that
//! ran before the one which brought the engine down.

mod begin;
mod disk;
mod folder;
mod kept;
mod lineage;
mod past;
mod plan;
mod resume;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use keel_registry::Past;

use crate::event::{Event, PutBack};
use crate::protocol::{Library, TakenGame};
pub(super) use begin::Found;
use disk::Disk;
pub(super) use disk::DiskNews;
use kept::{KeptGame, KeptGames};
use lineage::Lineage;
pub(super) use plan::Blame;

/// What there is to go on with, and what was gone on with.
#[derive(Default)]
pub(super) struct Recovery {
    games: KeptGames,
    /// `None` if nothing goes to disk.
    disk: Option<Disk>,
    lineage: Lineage,
    /// What the engine can go back to, as it has told last.
    past: Past,
    /// Swaps that the engine was asked for and has not answered, by their numbers.
    asked: Vec<(u64, Vec<Library>)>,
    /// Modules that are not to be live though nothing tells what is: they have ended engines that were just beginning.
    left_out: BTreeSet<String>,
    /// How many engines in a row ended soon after they had begun.
    ends: u32,
    /// Whether an engine ended in this run.
    has_ended: bool,
    /// Whether a frame has run.
    has_run: bool,
    /// Since when the engine runs frames.
    running_since: Option<Instant>,
    /// What is to be told once the first frame has run.
    resuming: Option<Resuming>,
}

/// A game that is being gone on with.
struct Resuming {
    why: String,
    put_back: Vec<PutBack>,
    ended_at: Instant,
    frame: u64,
    frames_lost: u64,
}

impl Resuming {
    /// This one, with what the one before it would have told.
    fn after(self, untold: Self) -> Self {
        let mut put_back = untold.put_back;
        for newer in self.put_back {
            match put_back.iter_mut().find(|it| it.module == newer.module) {
                Some(earlier) => {
                    earlier.to = newer.to;
                    earlier.from = earlier.from.or(newer.from);
                }
                None => put_back.push(newer),
            }
        }
        let lost = (untold.frame + untold.frames_lost).saturating_sub(self.frame);
        Self { put_back, frames_lost: lost.max(self.frames_lost), ended_at: untold.ended_at, ..self }
    }
}

impl Recovery {
    /// Keeps a snapshot.
    pub(super) fn keep(&mut self, game: TakenGame) {
        let game = self.games.keep(game, Instant::now());
        if let Some(disk) = &mut self.disk {
            disk.keep(&game);
        }
    }

    /// The newest snapshot.
    pub(super) fn newest_game(&self) -> Option<Arc<KeptGame>> {
        self.games.newest().cloned()
    }

    /// The engine has told which libraries are live. Those that were asked for are.
    pub(super) fn note_live(&mut self, libraries: Vec<Library>) {
        let is_live =
            |asked: &Library| libraries.iter().any(|it| it.module == asked.module && it.is_file(&asked.path));
        self.asked.retain(|(_, asked)| !asked.iter().all(is_live));
        self.lineage.note_live(libraries);
    }

    /// The engine is asked for a swap.
    pub(super) fn note_asked(&mut self, id: u64, libraries: &[Library]) {
        self.asked.push((id, libraries.to_vec()));
    }

    /// Modules are gone from the workspace: no engine is to have them, whatever becomes of the one that is told so.
    pub(super) fn note_removed(&mut self, modules: &[String]) {
        modules.iter().for_each(|module| self.lineage.remove(module));
        for (_, libraries) in &mut self.asked {
            libraries.retain(|library| !modules.contains(&library.module));
        }
        self.asked.retain(|(_, libraries)| !libraries.is_empty());
    }

    /// The engine has refused a swap, or could not start a module that came with it.
    pub(super) fn note_refused(&mut self, id: u64) {
        self.asked.retain(|(asked, _)| *asked != id);
    }

    /// All libraries were built anew, against another facade: no earlier one can be loaded any more.
    pub(super) fn forget_libraries(&mut self) {
        self.lineage.clear();
        self.past = Past::default();
        self.left_out.clear();
        self.asked.clear();
    }

    /// The engine has run its first frame. What is to be told, if it goes on with a game.
    pub(super) fn gone_on(&mut self) -> Option<Event> {
        self.running_since = Some(Instant::now());
        self.has_run = true;
        let Resuming { why, put_back, ended_at, frame, frames_lost } = self.resuming.take()?;
        let resume_ms = ended_at.elapsed().as_secs_f64() * 1e3;
        Some(Event::Resumed { why, put_back, frame, frames_lost, resume_ms })
    }

    /// Whether the game is gone on with and no frame has run yet.
    pub(super) fn is_resuming(&self) -> bool {
        self.resuming.is_some()
    }

    /// Whether an engine ended by itself in this run.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The run ends. If it ends well, nothing of it is left to go on with. One that has not come to its first frame
    /// leaves what it was to go on with.
    pub(super) fn end(&mut self, well: bool) {
        let Some(disk) = self.disk.take() else { return };
        if well && self.has_run {
            disk.remove();
        } else {
            disk.leave(self.games.newest().filter(|_| self.has_run));
        }
    }

    /// The libraries that may be needed: what is live, what can be gone back to, and what is on its way.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Path> {
        let libraries = self.lineage.all().chain(self.asked.iter().flat_map(|(_, asked)| asked));
        libraries.map(|library| library.path.as_path()).chain(self.past.libraries())
    }

    /// The libraries that are to be live; none if no engine has come so far.
    pub(super) fn libraries(&self) -> Vec<Library> {
        self.lineage.live().cloned().collect()
    }

    /// The library of `module` that is live, as far as that was told.
    pub(super) fn live_library(&self, module: &str) -> Option<&Path> {
        self.lineage.live().find(|library| library.module == module).map(|library| library.path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::plan::tests::put_back;
    use super::*;

    #[test]
    fn no_engine_is_begun_with_a_module_that_has_gone() {
        let library = |module: &str, generation: u64| {
            let path = format!("{module}-{generation}.so").into();
            Library { module: module.to_owned(), path, generation, stated: None }
        };
        let mut recovery = Recovery::default();
        (0..2).for_each(|at| recovery.note_live(vec![library("swim", at), library("tide", at)]));
        recovery.note_asked(1, &[library("tide", 2)]);
        recovery.note_asked(2, &[library("swim", 2), library("tide", 2)]);
        recovery.note_removed(&["tide".to_owned()]);
        assert_eq!(recovery.libraries(), [library("swim", 1)]);
        assert_eq!(recovery.asked, [(2, vec![library("swim", 2)])]);
        assert!(recovery.lineage.put_back("swim"));
        assert_eq!(recovery.libraries(), [library("swim", 0)]);
    }

    #[test]
    fn what_two_engines_in_a_row_have_cost_is_told_together() {
        let resuming = |put_back: Vec<PutBack>, frame, frames_lost| Resuming {
            why: format!("at {frame}"),
            put_back,
            ended_at: Instant::now(),
            frame,
            frames_lost,
        };
        let first =
            resuming(vec![put_back("swim", Some(2), Some(1)), put_back("tide", None, Some(4))], 30, 5);
        let ended_at = first.ended_at;
        let second =
            resuming(vec![put_back("swim", Some(1), Some(0)), put_back("hunt", Some(3), None)], 20, 0);
        let told = second.after(first);
        let expected = [
            put_back("swim", Some(2), Some(0)),
            put_back("tide", None, Some(4)),
            put_back("hunt", Some(3), None),
        ];
        assert_eq!(told.put_back, expected);
        assert_eq!((told.frame, told.frames_lost, told.why.as_str()), (20, 15, "at 20"));
        assert_eq!(told.ended_at, ended_at);
    }
}
