//! The life cycle, exhaustively: every event in every state that can be reached, and two modules in every interleaving of
//! what can happen to them.

use std::collections::{BTreeMap, HashSet, VecDeque};

use keel_registry::{Event, Lifecycle, Running, State, WrongTransition};

/// What brings a next generation on, from which state and to which.
const WAY: [(Event, State, State); 7] = [
    (Event::Built, State::Building, State::Checking),
    (Event::CheckedForTrial, State::Checking, State::Trial),
    (Event::Checked, State::Checking, State::Swapping),
    (Event::Fits, State::Trial, State::Swapping),
    (Event::Swapped, State::Swapping, State::Probation),
    (Event::SwappedForGood, State::Swapping, State::Live),
    // Shown is what was shown before it.
    (Event::Unchanged, State::Building, State::Building),
];

/// What happens to the generation that runs, to which, and what runs then.
const RUN: [(Event, &[Running], Running); 6] = [
    (Event::Proven, &[Running::Probation], Running::Live),
    (Event::Faulted, &[Running::Probation, Running::Live], Running::Suspended),
    (Event::RolledBack, &SOMETHING, Running::Live),
    (Event::RolledBackOnProbation, &SOMETHING, Running::Probation),
    (Event::Reset, &SOMETHING, Running::Live),
    (Event::TakenOut, &SOMETHING, Running::Nothing),
];

const SOMETHING: [Running; 3] = [Running::Probation, Running::Live, Running::Suspended];

const UNDER_WAY: [State; 4] = [State::Building, State::Checking, State::Trial, State::Swapping];

/// All events there are; a new one must find its place in a table above.
fn events() -> Vec<Event> {
    let way = WAY.iter().map(|(event, ..)| *event);
    way.chain(RUN.iter().map(|(event, ..)| *event)).chain([Event::Saved, Event::Failed]).collect()
}

/// All life cycles that can be reached from `begin` by `steps`.
fn reachable<S: Copy + Eq + std::hash::Hash>(begin: S, steps: impl Fn(S) -> Vec<S>) -> HashSet<S> {
    let (mut known, mut queue) = (HashSet::from([begin]), VecDeque::from([begin]));
    while let Some(state) = queue.pop_front() {
        let news: Vec<_> = steps(state).into_iter().filter(|next| known.insert(*next)).collect();
        queue.extend(news);
    }
    known
}

fn after(mut lifecycle: Lifecycle, event: Event) -> Option<Lifecycle> {
    lifecycle.apply(event).ok().map(|_| lifecycle)
}

fn all() -> HashSet<Lifecycle> {
    reachable(Lifecycle::default(), |life| {
        events().into_iter().filter_map(|event| after(life, event)).collect()
    })
}

/// Whether the tables say that the event means something, and what is shown and what runs after it, as far as they say.
fn expected(life: Lifecycle, event: Event) -> Option<(Option<State>, Running)> {
    let (state, running) = (life.state(), life.running());
    if let Some((.., then)) = RUN.iter().find(|(of, from, _)| *of == event && from.contains(&running)) {
        return Some((UNDER_WAY.contains(&state).then_some(state), *then));
    }
    match event {
        Event::Saved => return Some((Some(State::Building), running)),
        Event::Failed if UNDER_WAY.contains(&state) => {
            let shown = if running == Running::Suspended { State::Suspended } else { State::Rejected };
            return Some((Some(shown), running));
        }
        Event::Unchanged if state == State::Building => return Some((None, running)),
        _ => {}
    }
    let (.., to) = WAY.iter().find(|(of, from, _)| *of == event && *from == state)?;
    let running = match to {
        State::Probation => Running::Probation,
        State::Live => Running::Live,
        _ => running,
    };
    Some((Some(*to), running))
}

#[test]
fn every_event_in_every_state_leads_where_the_tables_say_or_changes_nothing() {
    let (all, mut led_on) = (all(), 0);
    for life in &all {
        for event in events() {
            let (mut next, before) = (*life, life.state());
            match (next.apply(event), expected(*life, event)) {
                (Ok(state), Some((shown, running))) => {
                    assert_eq!(
                        (state, next.running()),
                        (shown.unwrap_or(state), running),
                        "{event:?} in {life:?}"
                    );
                    assert_eq!(state, next.state());
                    led_on += 1;
                }
                (Err(error), None) => {
                    assert_eq!((error, next), (WrongTransition { state: before, event }, *life));
                }
                (applied, expected) => panic!("{event:?} in {life:?}: {applied:?}, expected {expected:?}"),
            }
        }
    }
    let shown: HashSet<_> = all.iter().map(|life| life.state()).collect();
    assert_eq!(shown.len(), 9, "all states are reached");
    // None of four ways or one of them, one of four that run, refused or not; and so many of 40 times 15 lead on.
    assert_eq!((all.len(), led_on), (40, 278), "a change here is one of the tables");
}

#[test]
fn what_runs_is_let_go_by_nothing_but_its_successor_its_removal_or_its_own_failed_start() {
    for life in all() {
        for (event, next) in events().into_iter().filter_map(|event| Some((event, after(life, event)?))) {
            let (was, is) = (life.running(), next.running());
            let was_under_way = UNDER_WAY.contains(&life.state());
            match event {
                Event::TakenOut => assert_eq!(is, Running::Nothing),
                Event::Swapped | Event::SwappedForGood => assert_ne!(is, Running::Nothing),
                _ => assert_eq!(was == Running::Nothing, is == Running::Nothing, "{event:?} in {life:?}"),
            }
            let is_of_run = RUN.iter().any(|(of, ..)| *of == event);
            assert!(is_of_run || was == is || matches!(event, Event::Swapped | Event::SwappedForGood));
            assert!(
                !is_of_run || !was_under_way || life.state() == next.state(),
                "what is under way goes on"
            );
            if event == Event::Failed {
                assert!(
                    matches!(next.state(), State::Rejected | State::Suspended),
                    "an error ends somewhere"
                );
            }
        }
    }
}

#[test]
fn from_everywhere_a_mended_source_leads_to_a_module_that_runs() {
    for life in all() {
        let mended = [Event::Saved, Event::Built, Event::Checked, Event::SwappedForGood];
        let live = mended.into_iter().try_fold(life, after).map(|life| (life.state(), life.running()));
        assert_eq!(live, Some((State::Live, Running::Live)), "from {life:?}");
    }
}

#[test]
fn a_wrong_event_is_told_as_a_defect_of_the_host() {
    let text = Lifecycle::default().apply(Event::Built).unwrap_err().to_string();
    assert_eq!(
        text,
        "a module that is Watching can't take Built; this is a defect of the host, please report it"
    );
}

/// What a game has of one module: the real life cycle, and beside it, what is really bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Module {
    life: Lifecycle,
    /// The generation whose code is bound.
    bound: Option<Code>,
    /// The one before it, as long as the ring has it.
    before: Option<Code>,
    /// Whether one of them has run once.
    was_bound: bool,
}

/// A generation, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Code {
    proven: bool,
    suspended: bool,
}

const PROVEN: Code = Code { proven: true, suspended: false };

type Game = [Module; 2];

const NEW: Module = Module { life: NOTHING, bound: None, before: None, was_bound: false };
const NOTHING: Lifecycle = Lifecycle::new();

impl Module {
    /// Applies an event of the life cycle, which must mean something.
    fn event(mut self, event: Event) -> Self {
        self.life.apply(event).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        self
    }

    fn is_on_probation(self) -> bool {
        self.bound.is_some_and(|code| !code.proven && !code.suspended)
            && self.life.running() == Running::Probation
    }

    fn has_swapped(self) -> Self {
        let good = self.bound.filter(|code| !code.suspended).or(self.before);
        let event = if good.is_some() { Event::Swapped } else { Event::SwappedForGood };
        let bound = Some(Code { proven: good.is_none(), suspended: false });
        Self { bound, before: good, was_bound: true, ..self.event(event) }
    }

    /// What the code before does that is put back.
    fn has_gone_back(self) -> Self {
        let Some(before) = self.before else { return self };
        let event = if before.proven { Event::RolledBack } else { Event::RolledBackOnProbation };
        Self { bound: Some(before), before: None, ..self.event(event) }
    }

    fn has_faulted(self) -> Self {
        let bound = self.bound.map(|code| Code { suspended: true, ..code });
        Self { bound, ..self.event(Event::Faulted) }
    }

    fn has_been_reset(self) -> Self {
        match self.bound {
            None => self,
            Some(_) => Self { bound: Some(PROVEN), ..self.event(Event::Reset) },
        }
    }

    /// Another engine has started with what ran, or with what ran before it.
    fn has_resumed(self, blamed: bool) -> Self {
        let code = if blamed { self.before.or(self.bound) } else { self.bound };
        let mut next = Self { life: NOTHING, ..self };
        if code.is_some() {
            let way = [Event::Saved, Event::Built, Event::Checked, Event::SwappedForGood];
            next = way.into_iter().fold(next, Self::event);
            next.bound = Some(PROVEN);
            // What came before stays to be gone back to; what ended the engine does not.
            next.before = self.before.filter(|_| !blamed);
        }
        next
    }

    /// All that can happen to one module by itself.
    fn steps(self) -> Vec<Self> {
        let mut steps = vec![self.event(Event::Saved)];
        match self.life.state() {
            State::Building => {
                steps.extend([Event::Built, Event::Unchanged, Event::Failed].map(|event| self.event(event)));
            }
            State::Checking => {
                let events = [Event::Checked, Event::CheckedForTrial, Event::Failed];
                steps.extend(events.map(|event| self.event(event)));
            }
            State::Trial => steps.extend([Event::Fits, Event::Failed].map(|event| self.event(event))),
            State::Swapping => steps.extend([self.has_swapped(), self.event(Event::Failed)]),
            _ => {}
        }
        match self.bound {
            Some(code) if !code.suspended => {
                // In a probation the way back comes first; where it fails, the module is suspended.
                steps.push(self.has_faulted());
                if self.is_on_probation() {
                    let proven = Some(Code { proven: true, ..code });
                    steps.push(Self { bound: proven, ..self.event(Event::Proven) });
                }
            }
            _ => {}
        }
        if self.bound.is_some() {
            steps.push(self.has_gone_back());
            // Removed: it is as if it had never been.
            steps.push(NEW);
        }
        steps
    }

    /// What must always hold.
    fn check(self) {
        let running = match self.bound {
            None => Running::Nothing,
            Some(Code { suspended: true, .. }) => Running::Suspended,
            Some(Code { proven: true, .. }) => Running::Live,
            Some(_) => Running::Probation,
        };
        assert_eq!(self.life.running(), running, "the life cycle knows what is bound: {self:?}");
        assert_eq!(
            self.bound.is_some(),
            self.was_bound,
            "never none once one was, and none before: {self:?}"
        );
        let shown = match self.life.state() {
            State::Watching => vec![Running::Nothing],
            State::Live => vec![Running::Live],
            State::Probation => vec![Running::Probation],
            State::Suspended => vec![Running::Suspended],
            // The old one goes on until the new one is good.
            State::Rejected => vec![Running::Nothing, Running::Live, Running::Probation],
            _ => return,
        };
        assert!(shown.contains(&running), "{self:?}");
    }
}

/// All that can happen next in a game of two modules.
fn steps(game: Game) -> Vec<Game> {
    let [one, other] = game;
    let mut steps: Vec<_> = one.steps().into_iter().map(|one| [one, other]).collect();
    steps.extend(other.steps().into_iter().map(|other| [one, other]));
    if game.iter().all(|module| module.life.state() == State::Swapping) {
        steps.push(game.map(Module::has_swapped));
        steps.push(game.map(|module| module.event(Event::Failed)));
    }
    if game.iter().all(|module| module.is_on_probation()) {
        steps.push(game.map(Module::has_gone_back));
    }
    steps.push(game.map(Module::has_been_reset));
    // The engine dies, and the supervisor goes on with what ran, or with what ran before the one to blame.
    steps.extend(
        [(false, false), (true, false), (false, true), (true, true)]
            .map(|(first, second)| [one.has_resumed(first), other.has_resumed(second)]),
    );
    steps
}

#[test]
fn two_modules_in_every_interleaving_each_have_one_generation_bound() {
    let all = reachable([NEW; 2], |game| {
        let next = steps(game);
        next.iter().flatten().for_each(|module| module.check());
        next
    });
    let mut by_state: BTreeMap<String, usize> = BTreeMap::new();
    for [one, other] in &all {
        *by_state.entry(format!("{:?} {:?}", one.life.state(), other.life.state())).or_default() += 1;
    }
    assert_eq!(by_state.len(), 9 * 9, "every state of one in every state of the other");
    assert!(all.len() > 1000, "{}", all.len());
}
