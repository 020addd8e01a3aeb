//! An engine has ended: whose code that was, and what is gone on with instead.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Recovery;
use super::kept::KeptGame;
use crate::event::{CrashLine, PutBack};
use crate::protocol::Library;

/// How often the game is gone on with in a row.
const RESUMES_MAX: u32 = 3;

/// An engine that has run for so long was all right: what ends it then has nothing to do with how it began.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Who has brought an engine down, as far as it is known.
#[derive(Clone, Debug)]
pub(in crate::supervisor) struct Blame {
    pub(in crate::supervisor) module: String,
    /// Which of its generations.
    pub(in crate::supervisor) library: Option<PathBuf>,
}

/// What that means for what is gone on with.
enum Culprit {
    /// It had been replaced before, and was just being let go of.
    Past(Blame),
    /// It was just being put in place, by the swaps with these numbers.
    OnItsWay(Vec<u64>),
    /// This module was live.
    Live(String),
    Nobody,
}

impl Culprit {
    /// Whether it is gone with the engine: what is gone on with is not to blame.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Past(_) | Self::OnItsWay(_))
    }

    fn is_request(&self, id: u64) -> bool {
        matches!(self, Self::OnItsWay(requests) if requests.contains(&id))
    }
}

impl Blame {
    /// Of a crash, if it was the code of a module.
    pub(super) fn of(crash: &CrashLine) -> Option<Self> {
        Some(Self { module: crash.module.clone()?, library: crash.library.clone() })
    }
}

/// What to go on with.
pub(super) struct Plan {
    /// `None` for the game's beginning.
    pub(super) game: Option<Arc<KeptGame>>,
    pub(super) put_back: Vec<PutBack>,
    /// The swaps that were under way and are to be asked for again, by their numbers.
    pub(super) again: Vec<u64>,
    /// Whether it was code which had been replaced before.
    pub(super) is_past: bool,
}

impl Recovery {
    /// An engine has ended: what to go on with, or `None` if that was tried often enough. `blamed` is what is known to
    /// have brought it down.
    pub(super) fn plan(&mut self, blamed: Option<&Blame>, from_outside: bool) -> Option<Plan> {
        self.has_ended = true;
        let ran_for = self.running_since.take().map(|since| since.elapsed());
        if ran_for.is_some_and(|ran_for| ran_for >= STABLE_AFTER) {
            self.ends = 0;
        }
        let culprit = self.culprit(blamed, from_outside);
        self.ends += u32::from(!culprit.is_gone());
        if self.ends > RESUMES_MAX {
            return None;
        }
        let were_live = self.libraries();
        let before = self.lineage.generations();
        let left_out = self.left_out.clone();
        let asked = std::mem::take(&mut self.asked);
        let (again, lost) = asked.into_iter().partition::<Vec<_>, _>(|(id, _)| !culprit.is_request(*id));
        self.put_back(&culprit);
        if self.ends > 1 && !culprit.is_gone() {
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
        let never_live = lost.iter().flat_map(|(_, libraries)| libraries).map(|library| &library.module);
        let stays =
            |module: &String| PutBack { module: module.clone(), from: None, to: after.get(module).copied() };
        put_back.extend(never_live.chain(self.left_out.difference(&left_out)).map(stays));
        let (again, is_past) =
            (again.iter().map(|(id, _)| *id).collect(), matches!(culprit, Culprit::Past(_)));
        Some(Plan { game: self.games.newest().cloned(), put_back, again, is_past })
    }

    /// Whose code has brought the engine down, as far as that can be known.
    fn culprit(&self, blamed: Option<&Blame>, from_outside: bool) -> Culprit {
        let requests = |is_it: &dyn Fn(&Library) -> bool| {
            let with_it = self.asked.iter().filter(|(_, libraries)| libraries.iter().any(is_it));
            with_it.map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let asked = match blamed {
            Some(Blame { library: Some(file), .. }) => requests(&|asked| asked.is_file(file)),
            Some(Blame { module, library: None }) => requests(&|asked| asked.module == *module),
            None => requests(&|_| true),
        };
        if !asked.is_empty() {
            return Culprit::OnItsWay(asked);
        }
        let mut live = self.lineage.live().peekable();
        match blamed {
            // What an engine begins with is told to be live when it has begun.
            Some(blame @ Blame { library: Some(file), .. })
                if live.peek().is_some() && !live.any(|it| it.is_file(file)) =>
            {
                Culprit::Past(blame.clone())
            }
            Some(Blame { module, .. }) => Culprit::Live(module.clone()),
            None if from_outside && self.ends == 0 => Culprit::Nobody,
            None => {
                let newest = self.lineage.newest().and_then(|modules| modules.into_iter().next());
                newest.map_or(Culprit::Nobody, Culprit::Live)
            }
        }
    }

    /// Puts back the code that is to blame, or sees to it that it is never gone back to.
    fn put_back(&mut self, culprit: &Culprit) {
        match culprit {
            Culprit::Past(Blame { module, library }) => {
                if let Some(file) = library {
                    self.lineage.forget(file);
                    self.past.forget(module, file);
                }
            }
            // What has run from the beginning may have met with something rare once, and not twice.
            Culprit::Live(module)
                if !self.lineage.put_back(module) && self.ends > 1 && !self.lineage.leave_out(module) =>
            {
                self.left_out.insert(module.clone());
            }
            Culprit::Live(_) | Culprit::OnItsWay(_) | Culprit::Nobody => {}
        }
    }

    /// Whether a module is left out of what an engine begins with that nothing is known to have been live in.
    pub(super) fn is_left_out(&self, module: &str) -> bool {
        self.left_out.contains(module)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::TakenGame;

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

    pub(in crate::supervisor::recovery) fn put_back(
        module: &str,
        from: Option<u64>,
        to: Option<u64>,
    ) -> PutBack {
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
    fn a_fix_that_was_under_way_is_asked_for_again_when_what_it_mends_has_ended_the_engine() {
        for (blame, is_past, put_back) in
            [(blame(1), true, vec![]), (blame(2), false, vec![put_back("swim", Some(2), Some(1))])]
        {
            let mut recovery = swapped_twice();
            recovery.note_asked(5, &[library("swim", 3)]);
            let plan = recovery.plan(Some(&blame), false).expect("it is gone on with");
            assert_eq!((plan.is_past, plan.put_back, plan.again), (is_past, put_back, vec![5]));
        }
        let mut recovery = swapped_twice();
        recovery.note_asked(5, &[library("swim", 3)]);
        let plan = recovery.plan(Some(&blame(3)), false).expect("it is gone on with");
        assert_eq!((plan.is_past, plan.put_back), (false, vec![put_back("swim", None, Some(2))]));
        assert!(plan.again.is_empty());
    }

    #[test]
    fn what_ends_each_engine_that_begins_is_left_out() {
        let mut recovery = Recovery::default();
        let mut plan = || recovery.plan(Some(&blame(0)), false).map(|plan| plan.put_back);
        assert_eq!(plan(), Some(vec![]), "it may have met with something rare");
        assert_eq!(plan(), Some(vec![put_back("swim", None, None)]));
        assert_eq!(plan(), Some(vec![]));
        assert_eq!(plan(), None);
        assert!(recovery.is_left_out("swim") && !recovery.is_left_out("tide"));
        recovery.forget_libraries();
        assert!(!recovery.is_left_out("swim"), "it was built anew");
    }

    /// What is known of an end: nothing, the module, the file.
    fn blames() -> Vec<Option<Blame>> {
        let module = Blame { module: "swim".to_owned(), library: None };
        [1, 2, 3].map(|generation| Some(blame(generation))).into_iter().chain([None, Some(module)]).collect()
    }

    /// Each end, with whatever is under way, before anything is known to be live and after two swaps of `swim`.
    #[test]
    fn whatever_ends_an_engine_the_game_goes_on_without_that_and_with_all_else() {
        let requests = [(7, library("swim", 3)), (8, library("tide", 5))];
        for (is_live, from_outside, asked) in
            (0..16).map(|case| (case & 1 > 0, case & 2 > 0, [case & 4 > 0, case & 8 > 0]))
        {
            for blame in blames() {
                let mut recovery = if is_live { swapped_twice() } else { Recovery::default() };
                let asked: Vec<_> =
                    requests.iter().zip(asked).filter(|(_, is)| *is).map(|(it, _)| it).collect();
                asked
                    .iter()
                    .for_each(|(id, library)| recovery.note_asked(*id, std::slice::from_ref(library)));
                let case = format!("live {is_live}, outside {from_outside}, asked {asked:?}, {blame:?}");
                let before = recovery.libraries();
                let plan = recovery.plan(blame.as_ref(), from_outside).unwrap_or_else(|| panic!("{case}"));

                let is_guilty = |library: &Library| match &blame {
                    None => true,
                    Some(Blame { library: Some(file), .. }) => {
                        file.ends_with(library.path.file_name().unwrap())
                    }
                    Some(Blame { module, .. }) => *module == library.module,
                };
                let (guilty, innocent): (Vec<_>, Vec<_>) =
                    asked.into_iter().partition(|(_, library)| is_guilty(library));
                let again: Vec<_> = innocent.iter().map(|(id, _)| *id).collect();
                assert_eq!(plan.again, again, "{case}");
                let mut lost = plan.put_back.iter().filter(|it| it.from.is_none()).map(|it| &it.module);
                assert!(lost.by_ref().eq(guilty.iter().map(|(_, library)| &library.module)), "{case}");
                let file = blame.as_ref().and_then(|blame| blame.library.as_deref());
                let was_live = file.is_none_or(|file| before.iter().any(|it| it.is_file(file)));
                let is_nobodys = blame.is_none() && from_outside;
                let goes_back = is_live && guilty.is_empty() && was_live && !is_nobodys;
                let after = recovery.libraries();
                let expected = if goes_back { libraries(1, 0) } else { before };
                assert_eq!(after, expected, "{case}");
                assert_eq!(plan.is_past, is_live && guilty.is_empty() && !was_live, "{case}");
                if let Some(file) = file.filter(|_| guilty.is_empty() && is_live) {
                    assert!(!recovery.wanted().any(|it| it.file_name() == file.file_name()), "{case}");
                }
                // Whatever it was, it comes to an end.
                let is_gone = plan.is_past || !guilty.is_empty();
                let ends = (0..9).take_while(|_| recovery.plan(None, false).is_some()).count();
                assert_eq!(ends, RESUMES_MAX as usize - usize::from(!is_gone), "{case}");
            }
        }
    }

    #[test]
    fn a_swap_that_was_under_way_is_to_blame_and_leaves_what_was_live() {
        let mut recovery = swapped_twice();
        recovery.note_asked(1, &[library("tide", 7)]);
        check(&mut recovery, None, false, (30, &[put_back("tide", None, Some(0))]));
        for answer in
            [|it: &mut Recovery| it.note_refused(1), |it: &mut Recovery| it.note_live(libraries(2, 7))]
        {
            let mut recovery = swapped_twice();
            recovery.note_asked(1, &[library("tide", 7)]);
            answer(&mut recovery);
            let plan = recovery.plan(None, false).expect("it is gone on with");
            assert!(plan.put_back.iter().all(|it| it.from.is_some()), "{:?}", plan.put_back);
        }
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
