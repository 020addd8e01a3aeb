//! Running observers for what has happened, one after the other, until nothing is left.

use keel_crash::Thread;
use keel_ecs::Occurrence;

use super::code::ObserverRun;
use super::{Observer, Observers};
use crate::fault::catch;
use crate::param::SystemContext;
use crate::runtime::Runtime;
use crate::schedule::{Outcome, Place};

/// An occurrence that so many observers have led to, one by the other, is handed to none.
const CHAIN_MAX: u32 = 64;

/// So many occurrences may be led to at one point, and [`REACTIONS_EACH_MAX`] more for each that nobody's reaction led to.
const REACTIONS_MAX: usize = 100_000;

/// See [`REACTIONS_MAX`].
const REACTIONS_EACH_MAX: usize = 16;

/// At most so many observers of a chain are named.
const NAMED_MAX: usize = 8;

/// One run of one observer that something was put off by.
struct Link {
    observer: usize,
    /// The occurrence that it ran for has this cause.
    cause: u32,
    /// How many runs have led to this one, and one.
    length: u32,
}

/// Which runs of observers have led to what: a cause is the number of a link, and one.
#[derive(Default)]
struct Chains {
    links: Vec<Link>,
    /// How many occurrences were led to by none.
    roots: usize,
    reactions: usize,
}

impl Chains {
    fn link(&self, cause: u32) -> Option<&Link> {
        self.links.get((cause as usize).checked_sub(1)?)
    }

    fn length(&self, cause: u32) -> u32 {
        self.link(cause).map_or(0, |link| link.length)
    }

    /// The cause of what a run of `observer` for an occurrence with this cause leads to.
    fn add(&mut self, observer: usize, cause: u32) -> u32 {
        let length = self.length(cause) + 1;
        self.links.push(Link { observer, cause, length });
        self.links.len() as u32
    }

    /// The runs that have led to this cause, the last one first.
    fn up(&self, cause: u32) -> impl Iterator<Item = &Link> {
        std::iter::successors(self.link(cause), |link| self.link(link.cause))
    }

    /// Counts an occurrence; whether there are too many by now.
    fn is_too_much(&mut self, cause: u32) -> bool {
        match cause {
            0 => self.roots += 1,
            _ => self.reactions += 1,
        }
        self.reactions > REACTIONS_MAX + REACTIONS_EACH_MAX * self.roots
    }

    /// The observers that have led to this cause, the last of them once more at the beginning if it is there already.
    fn describe(&self, cause: u32, observers: &[Observer]) -> String {
        let mut numbers = Vec::new();
        for link in self.up(cause) {
            let is_round = numbers.contains(&link.observer);
            numbers.push(link.observer);
            if is_round || numbers.len() == NAMED_MAX {
                break;
            }
        }
        let names = numbers.iter().rev().map(|number| {
            let observer = &observers[*number];
            format!("`{}` ({})", observer.path(), observer.code.observes)
        });
        names.collect::<Vec<_>>().join(" -> ")
    }
}

impl Runtime {
    /// Says to the world what is observed.
    pub(crate) fn watch(&mut self) {
        self.world.observe(self.observers.targets());
    }

    /// Calls the observers of all that has happened, and of what comes of that.
    #[inline]
    pub(crate) fn react(&mut self, place: &Place<'_>) {
        if !self.observers.is_empty() && self.world.has_occurrences() {
            self.run_observers(place);
        }
    }

    fn run_observers(&mut self, place: &Place<'_>) {
        let mut observers = std::mem::take(&mut self.observers);
        let mut chains = Chains::default();
        let mut is_told = false;
        while let Some(occurrence) = self.world.next_occurrence() {
            let cause = occurrence.cause();
            let is_too_much = chains.is_too_much(cause);
            if !is_too_much && chains.length(cause) <= CHAIN_MAX {
                self.tell(&occurrence, &mut observers, &mut chains, place);
                continue;
            }
            let dropped = if is_too_much { self.world.forget_caused() } else { 0 };
            if !std::mem::replace(&mut is_told, true) {
                self.note_endless(cause, dropped, &chains, &observers);
            }
        }
        self.world.set_cause(0);
        self.observers = observers;
    }

    /// Calls the observers of one occurrence.
    fn tell(
        &mut self,
        occurrence: &Occurrence,
        observers: &mut Observers,
        chains: &mut Chains,
        place: &Place<'_>,
    ) {
        let Observers { all, by_target, .. } = observers;
        let numbers = by_target.get(&(occurrence.occasion(), occurrence.id()));
        for number in numbers.into_iter().flatten() {
            let Observer { module, descriptor, mark, code, .. } = &mut all[*number];
            if self.suspended.contains(&module.id()) {
                continue;
            }
            let changes = self.world.reserve_changes(1);
            let context = SystemContext { occurrence: Some(occurrence), changes, ..place.context(self) };
            let _running = Thread::current().enter(*mark);
            let ObserverRun { code: run, last_run } = code.code.get_mut();
            let mut outcome: Outcome = catch(|| run.run(&context, last_run)).into();
            if code.uses.defers() {
                let waiting = self.world.waiting_occurrences();
                self.world.set_cause(chains.add(*number, occurrence.cause()));
                outcome = self.apply(&mut **run, outcome);
                self.world.set_cause(0);
                if self.world.waiting_occurrences() == waiting {
                    chains.links.pop();
                }
            }
            let name = Observer::local_name(&descriptor.name);
            self.note(module, &name, outcome);
            self.trace(module, &name);
        }
    }

    fn note_endless(&mut self, cause: u32, dropped: usize, chains: &Chains, observers: &Observers) {
        let Some(last) = chains.link(cause) else { return };
        let Observer { module, descriptor, .. } = &observers.all[last.observer];
        let message = format!(
            "observers lead to each other without an end: {}; after {} in a row it was cut, and {dropped} more occurrences \
             were dropped; let one of them change only what is not yet as it wants it",
            chains.describe(cause, &observers.all),
            chains.length(cause),
        );
        self.note(module, &Observer::local_name(&descriptor.name), Outcome::Failed(message));
    }
}
