//! A game of plain data, and systems that run one after the other: what any engine must come to.
//!
//! It is written from what the guide says of order, of when something takes effect, of events and of states, and shares
//! nothing with the engine.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{earlier, must_see};
use super::plan::{Kind, Phase, Plan, System, Turn, When};

/// So many entities there are at first.
pub(crate) const INITIAL: u64 = 10;

pub(crate) fn mix(value: u64, by: u64) -> u64 {
    (value ^ by).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// What a system chooses that does something to one entity: by its key, so that the order of entities is of no account.
pub(crate) fn first_of<T>(all: impl Iterator<Item = (u64, T)>, salt: u64) -> Option<(u64, T)> {
    all.min_by_key(|(key, _)| mix(*key, salt))
}

/// One entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its index and its generation: they tell in which order entities came and went.
    pub(crate) id: (u32, u32),
    pub(crate) a: Option<u64>,
    pub(crate) b: Option<u64>,
    pub(crate) s: Option<u64>,
    pub(crate) is_tagged: bool,
}

/// What can be seen of a game.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Game {
    pub(crate) rows: BTreeMap<u64, Row>,
    pub(crate) sum: u64,
    pub(crate) heard: u64,
    pub(crate) phase: Option<Phase>,
    /// The systems that failed, in the order in which it was noticed.
    pub(crate) faults: Vec<String>,
}

/// A change that waits.
#[derive(Clone, Debug)]
enum Change {
    Spawn { key: u64, salt: u64 },
    Despawn(u64),
    SetA(u64, u64),
    SetB(u64, u64),
    Tag(u64, u64),
    Untag(u64),
    Strip(u64),
    Send(u64),
    Next(Phase),
}

/// What systems have put off.
type Waiting = Vec<(usize, Vec<Change>)>;

/// All that a failing system leaves as it was.
#[derive(Clone, Default)]
struct State {
    game: Game,
    /// The ids that are free, the last one first, and the generation of each.
    free: Vec<u32>,
    generations: Vec<u32>,
    next: Option<Phase>,
    /// Each event with the step in which it was sent: what is sent between two steps is of the next one.
    events: Vec<(u64, u64)>,
    /// What systems keep: a number, and how many events they have heard.
    counts: Vec<u64>,
    heard: Vec<usize>,
}

/// A plan that is being run.
pub(crate) struct Run<'p> {
    plan: &'p Plan,
    order: &'p [usize],
    earlier: Vec<BTreeSet<usize>>,
    state: State,
    /// How many events the conditions of systems, and those of sets, have heard.
    heard_by_conditions: Vec<usize>,
    heard_by_sets: Vec<usize>,
    runs: Vec<u64>,
    is_started: bool,
    frame: u64,
    step: u64,
    /// Events of this step and later ones are still there.
    kept_from: u64,
    /// What the state becomes in this step.
    entered: Option<Phase>,
    left: Option<Phase>,
}

impl<'p> Run<'p> {
    pub(crate) fn new(plan: &'p Plan, order: &'p [usize]) -> Self {
        let count = plan.systems.len();
        let mut state = State { counts: vec![0; count], heard: vec![0; count], ..State::default() };
        (0..INITIAL).for_each(|key| state.spawn(key, key));
        Self {
            plan,
            order,
            earlier: earlier(plan),
            state,
            heard_by_conditions: vec![0; count],
            heard_by_sets: vec![0; plan.set_conditions.len()],
            runs: vec![0; count],
            is_started: false,
            frame: 0,
            step: 0,
            kept_from: 0,
            entered: None,
            left: None,
        }
    }

    pub(crate) fn runs(&self, system: usize) -> u64 {
        self.runs[system]
    }

    pub(crate) fn take_seen(&mut self) -> Game {
        let seen = self.state.game.clone();
        self.state.game.faults.clear();
        seen
    }

    pub(crate) fn frame(&mut self, steps: u32) {
        self.frame += 1;
        let first = self.step;
        (0..steps).for_each(|_| self.step());
        // The end of a frame sees the events of all of its steps.
        self.kept_from = first;
        self.stage(Turn::Frame, self.frame);
    }

    fn step(&mut self) {
        self.kept_from = self.step;
        if !std::mem::replace(&mut self.is_started, true) {
            self.stage(Turn::Startup, self.step);
        }
        let before = self.state.game.phase;
        (self.left, self.entered) = match before {
            // The game begins with it; what it is to become is of the next step.
            None => (None, Some(Phase::Low)),
            Some(before) => match self.state.next.take().filter(|next| *next != before) {
                Some(next) => (Some(before), Some(next)),
                None => (None, None),
            },
        };
        let turn = self.step + 1;
        if self.entered.is_some() {
            self.state.game.phase = before.or(self.entered);
            self.stage(Turn::Exit(Phase::Low), turn);
            self.state.game.phase = self.entered;
            self.stage(Turn::Enter(Phase::Low), turn);
        }
        self.stage(Turn::Step, turn);
        self.step = turn;
    }

    /// Runs the systems of a stage. `turn` is what `every` counts.
    fn stage(&mut self, stage: Turn, turn: u64) {
        let (plan, mut waiting, mut segment) = (self.plan, Vec::new(), Vec::new());
        let is_own = |index: &usize| plan.systems[*index].turn.is_in_stage_of(stage);
        let own: Vec<_> = self.order.iter().copied().filter(is_own).collect();
        let passes = self.ask_sets(&own, turn);
        for index in own {
            if segment.iter().any(|first| must_see(plan, &self.earlier, *first, index)) {
                self.apply(&mut waiting);
                segment.clear();
            }
            segment.push(index);
            let system = &plan.systems[index];
            let is_due = match system.turn {
                Turn::Exit(phase) => self.left == Some(phase),
                Turn::Enter(phase) => self.entered == Some(phase),
                Turn::Startup | Turn::Step | Turn::Frame => true,
            };
            let passes = is_due && system.sets.iter().all(|set| passes[*set]);
            if passes && self.holds(system.when, index, turn) {
                self.run(index, &mut waiting);
            }
        }
        self.apply(&mut waiting);
    }

    fn run(&mut self, index: usize, waiting: &mut Waiting) {
        let system = &self.plan.systems[index];
        self.runs[index] += 1;
        let before = system.is_atomic.then(|| self.state.clone());
        let keys = self.plan.keys_of(index);
        waiting.push((index, self.state.run(system, index, keys, self.kept_from)));
        let Some(before) = before else { return };
        let faults = self.state.game.faults.len();
        self.apply(waiting);
        if self.state.game.faults.len() > faults {
            let failed = std::mem::replace(&mut self.state, before);
            self.state.game.faults = failed.game.faults;
        }
    }

    /// Asks the conditions of the sets that have systems in the stage, at its beginning.
    fn ask_sets(&mut self, own: &[usize], turn: u64) -> Vec<bool> {
        (0..self.plan.set_conditions.len())
            .map(|set| {
                let is_asked = own.iter().any(|index| self.plan.systems[*index].sets.contains(&set));
                let place = self.plan.systems.len() + set;
                is_asked && self.holds(self.plan.set_conditions[set], place, turn)
            })
            .collect()
    }

    /// Whether a condition holds; those of sets come after those of systems.
    fn holds(&mut self, when: When, place: usize, turn: u64) -> bool {
        let heard = match place.checked_sub(self.plan.systems.len()) {
            None => &mut self.heard_by_conditions[place],
            Some(set) => &mut self.heard_by_sets[set],
        };
        match when {
            When::Always => true,
            When::Every(turns) => turn.is_multiple_of(turns),
            When::Bang => {
                let new = self.state.events[*heard..].iter().any(|(sent, _)| *sent >= self.kept_from);
                *heard = self.state.events.len();
                new
            }
            When::In(phase) => self.state.game.phase == Some(phase),
            When::SumIsEven => self.state.game.sum.is_multiple_of(2),
        }
    }

    /// Does what systems have put off, in their order.
    fn apply(&mut self, waiting: &mut Waiting) {
        for (index, changes) in waiting.drain(..) {
            let failed =
                changes.into_iter().filter(|change| !self.state.apply(change, self.step + 1)).count();
            if failed > 0 {
                self.state.game.faults.push(self.plan.path(index));
            }
        }
    }
}

impl State {
    fn spawn(&mut self, key: u64, salt: u64) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.generations.push(1);
            self.generations.len() as u32 - 1
        });
        let id = (index, self.generations[index as usize]);
        let (a, b, s) = (Some(mix(key, 1)), Some(mix(key, 2)), Some(mix(key, 3)));
        let row = match salt % 4 {
            0 => Row { id, a, ..Row::default() },
            1 => Row { id, a, b, ..Row::default() },
            2 => Row { id, b, s, ..Row::default() },
            _ => Row { id, a, s, is_tagged: true, ..Row::default() },
        };
        self.game.rows.insert(key, row);
    }

    /// Makes a change; false when it is to an entity that is gone.
    fn apply(&mut self, change: &Change, step: u64) -> bool {
        let rows = &mut self.game.rows;
        match *change {
            Change::Spawn { key, salt } => self.spawn(key, salt),
            Change::Send(value) => self.events.push((step, value)),
            Change::Next(phase) => self.next = Some(phase),
            Change::Despawn(key) => {
                let Some(row) = rows.remove(&key) else { return false };
                self.generations[row.id.0 as usize] += 1;
                self.free.push(row.id.0);
            }
            Change::SetA(key, _)
            | Change::SetB(key, _)
            | Change::Tag(key, _)
            | Change::Untag(key)
            | Change::Strip(key) => {
                let Some(row) = rows.get_mut(&key) else { return false };
                match *change {
                    Change::SetA(_, value) => row.a = Some(value),
                    Change::SetB(_, value) => row.b = Some(value),
                    Change::Tag(_, value) => (row.is_tagged, row.s) = (true, Some(value)),
                    Change::Untag(_) => row.is_tagged = false,
                    _ => row.s = None,
                }
            }
        }
        true
    }

    fn first(&self, salt: u64, is_it: impl Fn(&Row) -> bool) -> Option<u64> {
        let keys = self.game.rows.iter().filter(|(_, row)| is_it(row)).map(|(key, _)| (*key, ()));
        first_of(keys, salt).map(|(key, ())| key)
    }

    /// Runs the code of one system; what it puts off is returned.
    fn run(&mut self, system: &System, index: usize, keys: u64, kept_from: u64) -> Vec<Change> {
        let (sum, salt, mut changes) = (self.game.sum, system.salt, Vec::new());
        let rows = &mut self.game.rows;
        match system.kind {
            Kind::StirA => {
                rows.values_mut().filter_map(|row| row.a.as_mut()).for_each(|a| *a = mix(*a, salt))
            }
            Kind::PullA => {
                rows.values_mut().for_each(|row| row.a = row.a.map(|a| row.b.map_or(a, |b| mix(a ^ b, salt))))
            }
            Kind::Seep => rows.values_mut().filter(|row| row.is_tagged).for_each(|row| {
                row.s = row.s.map(|s| row.a.map_or(s, |a| mix(s ^ a, salt)));
            }),
            Kind::Dry => rows
                .values_mut()
                .filter(|row| !row.is_tagged)
                .for_each(|row| row.s = row.s.map(|s| mix(s, salt))),
            Kind::SumA => {
                let total = rows.values().filter_map(|row| row.a).fold(0, u64::wrapping_add);
                self.game.sum = mix(sum ^ total, salt);
            }
            Kind::PushB => rows.values_mut().for_each(|row| row.b = row.b.map(|b| mix(b ^ sum, salt))),
            Kind::Spawn => {
                self.counts[index] += 1;
                changes.push(Change::Spawn { key: keys + self.counts[index], salt });
            }
            Kind::Cull if rows.len() > 6 => {
                let found = self.first(salt, |_| true);
                changes.extend(found.map(Change::Despawn));
                changes.extend(found.filter(|_| salt.is_multiple_of(8)).map(|key| Change::SetA(key, key)));
            }
            Kind::Cull => {}
            Kind::Mark => changes
                .extend(self.first(salt, |row| !row.is_tagged).map(|key| Change::Tag(key, mix(key, salt)))),
            Kind::Unmark => {
                let found = self.first(salt, |row| row.is_tagged);
                found
                    .into_iter()
                    .for_each(|key| changes.extend([Change::Untag(key), Change::SetB(key, mix(key, salt))]));
            }
            Kind::Strip => changes.extend(self.first(salt, |row| row.s.is_some()).map(Change::Strip)),
            Kind::Shout => changes.extend([Change::Send(mix(sum, salt)), Change::Send(salt)]),
            Kind::Hear => {
                let new = &self.events[self.heard[index]..];
                let kept = new.iter().filter(|(sent, _)| *sent >= kept_from);
                self.game.heard = kept.fold(self.game.heard, |heard, (_, value)| mix(heard ^ value, salt));
                self.heard[index] = self.events.len();
            }
            Kind::Count => {
                let count = mix(self.counts[index], salt);
                self.counts[index] = count;
                rows.values_mut().for_each(|row| row.b = row.b.map(|b| b ^ count));
            }
            Kind::Decide => {
                let is_high = mix(self.game.heard ^ sum, salt).is_multiple_of(2);
                changes.push(Change::Next(if is_high { Phase::High } else { Phase::Low }));
            }
            Kind::Whole => {
                rows.values_mut().filter_map(|row| row.a.as_mut()).for_each(|a| *a = mix(*a, salt));
                self.counts[index] += 1;
                let key = keys + 2 * self.counts[index];
                self.spawn(key, 0);
                self.game.rows.entry(key).and_modify(|row| row.a = Some(salt));
                changes.push(Change::Spawn { key: key + 1, salt });
            }
        }
        changes
    }
}
