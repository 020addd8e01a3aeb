//! Which library of each module is live, and which were before it: what there is to go back to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use crate::protocol::Library;

/// How many changes are remembered. More than are ever gone back.
const CHANGES_MAX: usize = 32;

/// The live libraries and those before them.
#[derive(Default)]
pub(crate) struct Lineage {
    live: BTreeMap<String, Library>,
    /// Oldest first.
    changes: VecDeque<Change>,
}

/// Modules that were exchanged together, each with what was live before; `None` if it is new.
type Change = BTreeMap<String, Option<Library>>;

impl Lineage {
    /// Nothing to go back to: all was built anew.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The engine has told which libraries are live.
    pub(crate) fn note_live(&mut self, libraries: Vec<Library>) {
        let now: BTreeMap<_, _> = libraries.into_iter().map(|it| (it.module.clone(), it)).collect();
        let before = std::mem::replace(&mut self.live, now);
        if before.is_empty() {
            return;
        }
        before.keys().for_each(|name| self.forget_gone(name));
        let is_other =
            |name: &&String| before.get(*name).map(|it| &it.path) != self.live.get(*name).map(|it| &it.path);
        let exchanged: Vec<_> = self.live.keys().filter(is_other).cloned().collect();
        let mut change = Change::new();
        for name in exchanged {
            if !self.has_gone_back(&name) {
                change.insert(name.clone(), before.get(&name).cloned());
            }
        }
        if !change.is_empty() {
            self.changes.push_back(change);
            if self.changes.len() > CHANGES_MAX {
                self.changes.pop_front();
            }
        }
    }

    /// The libraries that are live.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Library> {
        self.live.values()
    }

    /// The libraries that are live, and all that can be gone back to.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Library> {
        let before = self.changes.iter().flat_map(|change| change.values().flatten());
        self.live.values().chain(before)
    }

    /// The modules that were exchanged last.
    pub(crate) fn newest(&self) -> Option<Vec<String>> {
        self.changes.back().map(|change| change.keys().cloned().collect())
    }

    /// How often each live module was swapped.
    pub(crate) fn generations(&self) -> BTreeMap<String, u64> {
        self.live.iter().map(|(name, library)| (name.clone(), library.generation)).collect()
    }

    /// Puts back what was live before the newest change of `module`, and whatever else was exchanged with it then or
    /// has been since: modules that were exchanged together agree on their types. One that was new then is left out.
    /// False if it was never exchanged.
    pub(crate) fn put_back(&mut self, module: &str) -> bool {
        let Some(first) = self.changes.iter().rposition(|change| change.contains_key(module)) else {
            return false;
        };
        let mut concerned: BTreeSet<_> = self.changes[first].keys().cloned().collect();
        let (mut undone, mut staying) = (Vec::new(), VecDeque::new());
        for (index, change) in std::mem::take(&mut self.changes).into_iter().enumerate() {
            if index < first || change.keys().all(|name| !concerned.contains(name)) {
                staying.push_back(change);
            } else {
                concerned.extend(change.keys().cloned());
                undone.push(change);
            }
        }
        self.changes = staying;
        for (name, before) in undone.into_iter().rev().flatten() {
            match before {
                Some(library) => drop(self.live.insert(name, library)),
                None => drop(self.live.remove(&name)),
            }
        }
        true
    }

    /// Puts back whatever was exchanged since these libraries were live. A module whose library of then is not one of those
    /// before it stays as it is: it was taken back from that one.
    pub(crate) fn put_back_to(&mut self, libraries: &[Library]) {
        for then in libraries {
            let is_other = |now: &Library| now.path != then.path;
            while self.was_before(then)
                && self.live.get(&then.module).is_some_and(is_other)
                && self.put_back(&then.module)
            {}
        }
    }

    /// Strikes out a library that is not live any more: nothing is put back to it. What it was exchanged with, and what
    /// came after it, is then one change.
    pub(crate) fn forget(&mut self, file: &Path) {
        let is_it = |before: &Option<Library>| before.as_ref().is_some_and(|before| before.is_file(file));
        let Some(index) = self.changes.iter().position(|change| change.values().any(is_it)) else { return };
        let Some(newer) = self.changes.remove(index) else { return };
        let exchanged =
            |change: &Change| newer.iter().any(|(name, it)| is_it(it) && change.contains_key(name));
        // Where there is none, the game began with it.
        if let Some(older) = self.changes.iter_mut().take(index).rev().find(|it| exchanged(it)) {
            for (name, before) in newer {
                older.entry(name).or_insert(before);
            }
        }
    }

    /// Whether a library was live before the one of its module that is.
    fn was_before(&self, library: &Library) -> bool {
        let before = self.changes.iter().filter_map(|change| change.get(&library.module)?.as_ref());
        before.into_iter().any(|before| before.path == library.path)
    }

    /// Leaves a module out. False if it isn't live.
    pub(crate) fn leave_out(&mut self, module: &str) -> bool {
        self.live.remove(module).is_some()
    }

    /// Takes a module out: neither it nor what was before it is to be live again.
    pub(crate) fn remove(&mut self, module: &str) {
        self.live.remove(module);
        self.forget_gone(module);
    }

    /// Forgets a module that is not live any more: it was removed.
    fn forget_gone(&mut self, module: &str) {
        if !self.live.contains_key(module) {
            self.changes.iter_mut().for_each(|change| drop(change.remove(module)));
            self.changes.retain(|change| !change.is_empty());
        }
    }

    /// Whether the library that is live now was live before. If so, all changes of the module since are forgotten: it
    /// must not be put back to what it was taken back from.
    fn has_gone_back(&mut self, module: &str) -> bool {
        let Some(now) = self.live.get(module).map(|library| library.path.clone()) else { return false };
        let is_it = |change: &Change| {
            change.get(module).is_some_and(|before| before.as_ref().is_some_and(|before| before.path == now))
        };
        let Some(first) = self.changes.iter().position(is_it) else { return false };
        self.changes.iter_mut().skip(first).for_each(|change| drop(change.remove(module)));
        self.changes.retain(|change| !change.is_empty());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Libraries as `swim-1`: the module and its generation.
    fn libraries(names: &str) -> Vec<Library> {
        let library = |name: &str| {
            let (module, generation) = name.rsplit_once('-').expect("a generation");
            let generation = generation.parse().expect("a number");
            Library { module: module.to_owned(), path: format!("{name}.so").into(), generation, stated: None }
        };
        names.split_whitespace().map(library).collect()
    }

    fn lineage(steps: &[&str]) -> Lineage {
        let mut lineage = Lineage::default();
        steps.iter().for_each(|step| lineage.note_live(libraries(step)));
        lineage
    }

    fn live(lineage: &Lineage) -> String {
        lineage.live().map(|it| format!("{}-{}", it.module, it.generation)).collect::<Vec<_>>().join(" ")
    }

    /// After `steps`, `module` is put back as often as there are `expected` live libraries.
    #[track_caller]
    fn check(steps: &[&str], module: &str, expected: &[&str]) {
        let mut lineage = lineage(steps);
        for expected in expected {
            assert!(lineage.put_back(module), "there is something before {}", live(&lineage));
            assert_eq!(live(&lineage), *expected);
        }
        assert!(!lineage.put_back(module), "nothing is before {}", live(&lineage));
    }

    #[test]
    fn a_module_goes_back_one_generation_at_a_time() {
        let steps = ["swim-0 tide-0", "swim-1 tide-0", "swim-1 tide-1", "swim-2 tide-1"];
        check(&steps, "swim", &["swim-1 tide-1", "swim-0 tide-1"]);
        check(&steps, "tide", &["swim-2 tide-0"]);
        check(&steps, "hunt", &[]);
        assert_eq!(lineage(&steps).newest(), Some(vec!["swim".to_owned()]));
        assert_eq!(lineage(&steps[..1]).newest(), None, "what a game begins with is before nothing");
    }

    #[test]
    fn what_was_exchanged_together_goes_back_together() {
        let steps = ["a-0 b-0 c-0", "a-1 b-1 c-0", "a-1 b-2 c-0", "a-1 b-2 c-1"];
        check(&steps, "a", &["a-0 b-0 c-1"]);
        check(&steps, "b", &["a-1 b-1 c-1", "a-0 b-0 c-1"]);
        let steps = ["a-0 b-0 c-0", "a-1 b-1 c-0", "a-1 b-2 c-1"];
        check(&steps, "a", &["a-0 b-0 c-0"]);
    }

    #[test]
    fn a_module_that_was_new_is_left_out_and_one_that_was_removed_stays_away() {
        check(&["a-0", "a-0 b-0"], "b", &["a-0"]);
        check(&["a-0 b-0", "a-0 b-1", "a-0"], "b", &[]);
        let mut lineage = lineage(&["a-0 b-3"]);
        assert!(lineage.leave_out("b") && !lineage.leave_out("b"));
        assert_eq!(live(&lineage), "a-0");
    }

    #[test]
    fn code_goes_back_to_what_it_was_at_a_time() {
        let mut lineage = lineage(&["a-0 b-0", "a-1 b-0", "a-2 b-0", "a-2 b-1", "a-3 b-1"]);
        lineage.put_back_to(&libraries("a-3 b-1"));
        assert_eq!(live(&lineage), "a-3 b-1");
        lineage.put_back_to(&libraries("a-1 b-0"));
        assert_eq!(live(&lineage), "a-1 b-0");
        lineage.put_back_to(&libraries("a-7 b-0"));
        assert_eq!(live(&lineage), "a-1 b-0", "it was never before it");
    }

    #[test]
    fn a_module_that_was_taken_back_stays_what_it_is_for_a_game_from_before() {
        let mut taken_back = libraries("a-0 b-3");
        taken_back[1].path = "b-1.so".into();
        let mut lineage = lineage(&["a-0", "a-0 b-0", "a-0 b-1", "a-0 b-2"]);
        lineage.note_live(taken_back);
        lineage.put_back_to(&libraries("a-0 b-2"));
        assert_eq!(live(&lineage), "a-0 b-3", "neither older, nor left out");
    }

    #[test]
    fn what_the_engine_has_taken_back_itself_is_never_put_back() {
        let taken_back = |file: &str| {
            let mut libraries = libraries("a-3");
            libraries[0].path = file.into();
            libraries
        };
        let mut lineage = lineage(&["a-0", "a-1", "a-2"]);
        // As the third generation, but with the library of the first.
        lineage.note_live(taken_back("a-1.so"));
        assert!(lineage.put_back("a"));
        assert_eq!(live(&lineage), "a-0");
        assert!(!lineage.put_back("a"));
    }

    /// After `steps`, this library is struck out, and `module` is put back as often as there are `expected`.
    #[track_caller]
    fn check_forgotten(steps: &[&str], forgotten: &str, module: &str, expected: &[&str]) {
        let mut lineage = lineage(steps);
        let before = live(&lineage);
        lineage.forget(&Path::new("/run").join(format!("{forgotten}.so")));
        assert_eq!(live(&lineage), before);
        for expected in expected {
            assert!(lineage.put_back(module), "there is something before {}", live(&lineage));
            assert_eq!(live(&lineage), *expected);
        }
        assert!(!lineage.put_back(module), "nothing is before {}", live(&lineage));
    }

    #[test]
    fn nothing_is_put_back_to_what_was_struck_out() {
        let steps = ["a-0 b-0", "a-1 b-0", "a-2 b-0", "a-2 b-1", "a-3 b-1"];
        check_forgotten(&steps, "a-2", "a", &["a-1 b-1", "a-0 b-1"]);
        check_forgotten(&steps, "a-1", "a", &["a-2 b-1", "a-0 b-1"]);
        check_forgotten(&steps, "a-0", "a", &["a-2 b-1", "a-1 b-1"]);
        check_forgotten(&steps, "b-0", "b", &[]);
        check_forgotten(&steps, "a-7", "b", &["a-3 b-0"]);
        // What was exchanged with it, goes back with it.
        let steps = ["a-0 b-0", "a-1 b-1", "a-1 b-2", "a-2 b-2"];
        check_forgotten(&steps, "a-1", "a", &["a-0 b-0"]);
        check_forgotten(&steps, "b-1", "a", &["a-1 b-2", "a-0 b-0"]);
        let steps = ["a-0 b-0", "a-1 b-0", "a-2 b-1"];
        check_forgotten(&steps, "a-1", "b", &["a-0 b-0"]);
        check_forgotten(&steps[1..], "a-1", "b", &[]);
    }

    #[test]
    fn no_more_is_remembered_than_is_of_use() {
        let mut lineage = lineage(&["a-0"]);
        (1..1000).for_each(|number| lineage.note_live(libraries(&format!("a-{number}"))));
        assert_eq!(lineage.changes.len(), CHANGES_MAX);
    }
}
