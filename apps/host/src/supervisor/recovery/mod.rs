//! What the supervisor goes on with when the engine process has ended by itself: the newest snapshot, and the code that
//! ran before the one which brought the engine down.

mod begin;
mod disk;
mod folder;
mod kept;
mod lineage;
mod past;
mod resume;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_registry::Past;

use crate::event::{CrashLine, Event, PutBack};
use crate::protocol::{Library, TakenGame};
pub(super) use begin::Found;
use disk::Disk;
pub(super) use disk::DiskNews;
use kept::{KeptGame, KeptGames};
use lineage::Lineage;

/// How often the game is gone on with in a row.
const RESUMES_MAX: u32 = 3;

/// An engine that has run for so long was all right: what ends it then has nothing to do with how it began.
const STABLE_AFTER: Duration = Duration::from_secs(5);

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

/// Who has brought an engine down, as far as it is known.
#[derive(Default)]
pub(super) struct Blame {
    pub(super) module: String,
    /// Which of its generations.
    pub(super) library: Option<PathBuf>,
}

impl Blame {
    /// Of a crash, if it was the code of a module.
    fn of(crash: &CrashLine) -> Option<Self> {
        Some(Self { module: crash.module.clone()?, library: crash.library.clone() })
    }
}

/// What to go on with.
struct Plan {
    /// `None` for the game's beginning.
    game: Option<Arc<KeptGame>>,
    put_back: Vec<PutBack>,
    /// Whether it was code which had been replaced before.
    is_past: bool,
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

    /// The engine has refused a swap, or (without a number) could not start a module that came with one.
    pub(super) fn note_refused(&mut self, id: Option<u64>, module: &str) {
        let is_of_it = |library: &Library| library.module == module;
        self.asked.retain(|(asked, libraries)| match id {
            Some(id) => *asked != id,
            None => !libraries.iter().any(is_of_it),
        });
    }

    /// All libraries were built anew, against another facade: no earlier one can be loaded any more.
    pub(super) fn forget_libraries(&mut self) {
        self.lineage.clear();
        self.past = Past::default();
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

    /// An engine has ended: what to go on with, or `None` if that was tried often enough. `blamed` is what is known to
    /// have brought it down.
    fn plan(&mut self, blamed: Option<&Blame>, from_outside: bool) -> Option<Plan> {
        self.has_ended = true;
        let ran_for = self.running_since.take().map(|since| since.elapsed());
        if ran_for.is_some_and(|ran_for| ran_for >= STABLE_AFTER) {
            self.ends = 0;
        }
        let is_past = blamed.and_then(|it| it.library.as_deref()).is_some_and(|file| self.is_past(file));
        // Code that was just being put in place, or that had been replaced before and was let go of, is the reason, and is
        // gone: what is gone on with is not to blame.
        let is_explained = is_past || !self.asked.is_empty();
        self.ends += u32::from(!is_explained);
        if self.ends > RESUMES_MAX {
            return None;
        }
        let were_live = self.libraries();
        let before = self.lineage.generations();
        if let Some(Blame { module, library: Some(file) }) = blamed
            && is_past
        {
            self.lineage.forget(file);
            self.past.forget(module, file);
        }
        let is_nobodys = is_past || from_outside && self.ends == 1;
        let never_live = self.put_back(blamed.filter(|_| !is_past), is_nobodys);
        if self.ends > 1 && !is_explained {
            // What it was gone on with has ended it again: world and code go further back, together.
            self.games.step_back();
            if let Some(game) = self.games.newest() {
                self.lineage.put_back_to(&game.libraries);
            }
        }
        self.forget_put_back(&were_live);
        let after = self.lineage.generations();
        let differs = |(module, from): (&String, &u64)| {
            let to = after.get(module).copied();
            (to != Some(*from)).then(|| PutBack { module: module.clone(), from: Some(*from), to })
        };
        let mut put_back: Vec<_> = before.iter().filter_map(differs).collect();
        let stays =
            |module: &String| PutBack { module: module.clone(), from: None, to: after.get(module).copied() };
        put_back.extend(never_live.iter().map(stays));
        Some(Plan { game: self.games.newest().cloned(), put_back, is_past })
    }

    /// Whether the library is neither live nor on its way to be.
    fn is_past(&self, file: &Path) -> bool {
        let asked = self.asked.iter().flat_map(|(_, asked)| asked);
        !self.lineage.live().chain(asked).any(|it| it.is_file(file))
    }

    /// Puts back the code that is to blame. Returns the modules whose new code was still on its way: there is nothing to
    /// put back of them.
    fn put_back(&mut self, blamed: Option<&Blame>, is_nobodys: bool) -> Vec<String> {
        let asked: Vec<_> = std::mem::take(&mut self.asked)
            .into_iter()
            .flat_map(|(_, asked)| asked)
            .map(|it| it.module)
            .collect();
        let is_asked = |blamed: &str| asked.iter().any(|module| module == blamed);
        let newest = || self.lineage.newest().and_then(|modules| modules.into_iter().next());
        let module = match blamed {
            Some(Blame { module, .. }) => Some(module.clone()).filter(|module| !is_asked(module)),
            None if asked.is_empty() && !is_nobodys => newest(),
            None => None,
        };
        if let Some(module) = module
            && !self.lineage.put_back(&module)
            && self.ends > 1
        {
            // What has run from the beginning may have met with something rare once, and not twice.
            self.lineage.leave_out(&module);
        }
        asked
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(module: &str, generation: u64) -> Library {
        let path = format!("run/{module}-{generation}.so").into();
        Library { module: module.to_owned(), path, generation, stated: None }
    }

    /// A game of two modules, `swim` and `tide`, of these generations.
    fn libraries(swim: u64, tide: u64) -> Vec<Library> {
        vec![library("swim", swim), library("tide", tide)]
    }

    fn taken(frame: u64, libraries: Vec<Library>) -> TakenGame {
        TakenGame { frame, libraries, bytes: vec![1] }
    }

    /// A game whose `swim` was swapped twice, with snapshots before and after each swap.
    fn swapped_twice() -> Recovery {
        let mut recovery = Recovery::default();
        for (swim, frame) in [(0, 10), (1, 20), (2, 30)] {
            recovery.note_live(libraries(swim, 0));
            recovery.keep(taken(frame, libraries(swim, 0)));
        }
        recovery.gone_on();
        recovery
    }

    fn put_back(module: &str, from: Option<u64>, to: Option<u64>) -> PutBack {
        PutBack { module: module.to_owned(), from, to }
    }

    /// What is gone on with when the engine has ended: its frame, and what was put back.
    #[track_caller]
    fn check(recovery: &mut Recovery, blamed: Option<&str>, from_outside: bool, expected: (u64, &[PutBack])) {
        let blame = |module: &str| Blame { module: module.to_owned(), library: None };
        let plan = recovery.plan(blamed.map(blame).as_ref(), from_outside).expect("it is gone on with");
        assert_eq!((plan.game.map_or(0, |game| game.frame), plan.put_back.as_slice()), expected);
    }

    #[test]
    fn the_newest_swap_is_undone_and_the_newest_snapshot_gone_on_with() {
        check(&mut swapped_twice(), None, false, (30, &[put_back("swim", Some(2), Some(1))]));
    }

    #[test]
    fn who_ends_again_and_again_goes_further_back_and_is_given_up() {
        let mut recovery = swapped_twice();
        check(&mut recovery, None, false, (30, &[put_back("swim", Some(2), Some(1))]));
        check(&mut recovery, None, false, (20, &[put_back("swim", Some(1), Some(0))]));
        check(&mut recovery, None, false, (10, &[]));
        assert!(recovery.plan(None, false).is_none());
    }

    #[test]
    fn code_goes_back_with_an_older_snapshot() {
        let mut recovery = swapped_twice();
        recovery.note_live(libraries(2, 1));
        check(&mut recovery, None, false, (30, &[put_back("tide", Some(1), Some(0))]));
        check(&mut recovery, None, true, (20, &[put_back("swim", Some(2), Some(1))]));
    }

    #[test]
    fn nobody_is_blamed_for_what_was_ended_from_outside() {
        let mut recovery = swapped_twice();
        check(&mut recovery, None, true, (30, &[]));
        check(&mut recovery, None, true, (20, &[put_back("swim", Some(2), Some(1))]));
    }

    #[test]
    fn a_module_that_is_known_to_be_to_blame_is_put_back_or_left_out() {
        let mut recovery = swapped_twice();
        check(&mut recovery, Some("tide"), false, (30, &[]));
        // Code goes back with the older snapshot, too.
        let put_backs = [put_back("swim", Some(2), Some(1)), put_back("tide", Some(0), None)];
        check(&mut recovery, Some("tide"), false, (20, &put_backs));
        let mut recovery = swapped_twice();
        check(&mut recovery, Some("swim"), false, (30, &[put_back("swim", Some(2), Some(1))]));
        let mut recovery = swapped_twice();
        recovery.note_live([libraries(2, 0), vec![library("weather", 0)]].concat());
        check(&mut recovery, Some("weather"), false, (30, &[put_back("weather", Some(0), None)]));
    }

    /// A library of `swim` has ended the engine.
    fn blame(generation: u64) -> Blame {
        // The engine knows the file by another path where a folder on the way is a link.
        Blame { module: "swim".to_owned(), library: Some(format!("/games/run/swim-{generation}.so").into()) }
    }

    #[test]
    fn code_that_had_been_replaced_is_struck_out_and_the_live_code_stays() {
        let mut recovery = swapped_twice();
        for _ in 0..=RESUMES_MAX {
            let plan = recovery.plan(Some(&blame(1)), false).expect("what is gone on with is not to blame");
            assert!(plan.is_past && plan.put_back.is_empty(), "{:?}", plan.put_back);
            assert_eq!(plan.game.map(|game| game.frame), Some(30));
        }
        let plan = recovery.plan(Some(&blame(2)), false).expect("it is gone on with");
        assert_eq!((plan.is_past, plan.put_back), (false, vec![put_back("swim", Some(2), Some(0))]));
    }

    #[test]
    fn a_swap_that_had_just_replaced_what_goes_wrong_as_it_is_let_go_of_is_lost_with_it() {
        let mut recovery = swapped_twice();
        recovery.note_asked(1, &[library("swim", 3)]);
        let plan = recovery.plan(Some(&blame(1)), false).expect("it is gone on with");
        assert_eq!((plan.is_past, plan.put_back), (true, vec![put_back("swim", None, Some(2))]));
        let mut recovery = swapped_twice();
        recovery.note_asked(1, &[library("swim", 3)]);
        assert!(!recovery.plan(Some(&blame(3)), false).expect("it is gone on with").is_past);
    }

    #[test]
    fn a_swap_that_was_under_way_is_to_blame_and_leaves_what_was_live() {
        let mut recovery = swapped_twice();
        recovery.note_asked(1, &[library("tide", 7)]);
        check(&mut recovery, None, false, (30, &[put_back("tide", None, Some(0))]));
        for answer in [
            |it: &mut Recovery| it.note_refused(Some(1), ""),
            |it: &mut Recovery| it.note_refused(None, "tide"),
            |it: &mut Recovery| it.note_live(libraries(2, 7)),
        ] {
            let mut recovery = swapped_twice();
            recovery.note_asked(1, &[library("tide", 7)]);
            answer(&mut recovery);
            let plan = recovery.plan(None, false).expect("it is gone on with");
            assert!(plan.put_back.iter().all(|it| it.from.is_some()), "{:?}", plan.put_back);
        }
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

    #[test]
    fn one_swap_after_another_that_ends_the_engine_costs_no_older_code() {
        let mut recovery = swapped_twice();
        for request in 0..10 {
            recovery.note_asked(request, &[library("tide", 7)]);
            check(&mut recovery, None, false, (30, &[put_back("tide", None, Some(0))]));
        }
        check(&mut recovery, None, false, (30, &[put_back("swim", Some(2), Some(1))]));
    }

    #[test]
    fn without_a_snapshot_the_game_begins_afresh() {
        let mut recovery = Recovery::default();
        recovery.note_live(libraries(0, 0));
        recovery.note_live(libraries(1, 0));
        check(&mut recovery, None, false, (0, &[put_back("swim", Some(1), Some(0))]));
    }
}
