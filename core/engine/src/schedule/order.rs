//! Who runs before whom, and the order that follows from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::descriptor::Order;
use super::{Set, Stage, System};
use crate::{EngineError, ModuleTag};

/// For each system, those that run before it because somebody says so.
pub(super) type Waits = Vec<BTreeSet<usize>>;

/// The systems by the names that others know them by.
struct Names<'s> {
    systems: HashMap<(&'s str, &'s str), usize>,
    modules: HashMap<&'s str, Vec<usize>>,
    sets: HashMap<&'s str, Vec<usize>>,
}

impl<'s> Names<'s> {
    fn of(systems: &'s [System]) -> Self {
        let mut names = Self { systems: HashMap::new(), modules: HashMap::new(), sets: HashMap::new() };
        for (index, system) in systems.iter().enumerate() {
            names.systems.insert((system.module.name(), system.descriptor.name()), index);
            names.modules.entry(system.module.name()).or_default().push(index);
            for set in &system.descriptor.sets {
                names.sets.entry(set).or_default().push(index);
            }
        }
        names
    }

    /// The systems that `module` means by `reference`.
    fn named(&self, reference: &str, module: &ModuleTag) -> Vec<usize> {
        match reference.split_once('/') {
            None => self.systems.get(&(module.name(), reference)).copied().into_iter().collect(),
            Some((module, "")) => self.modules.get(module).cloned().unwrap_or_default(),
            Some(path) => self.systems.get(&path).copied().into_iter().collect(),
        }
    }

    fn in_set(&self, set: &str) -> &[usize] {
        self.sets.get(set).map_or(&[], Vec::as_slice)
    }

    /// Those before and those after which something of `module` runs that has this order.
    fn around(&self, order: &Order, module: &ModuleTag) -> (Vec<usize>, Vec<usize>) {
        let all = |names: &[String], sets: &[String]| {
            let named = names.iter().flat_map(|name| self.named(name, module));
            named.chain(sets.iter().flat_map(|set| self.in_set(set).iter().copied())).collect()
        };
        (all(&order.before, &order.before_sets), all(&order.after, &order.after_sets))
    }
}

/// Who waits for whom, by what systems and sets say, and by `order`, of paths.
pub(super) fn waits(systems: &[System], sets: &[Set], order: &BTreeSet<(String, String)>) -> Waits {
    let names = Names::of(systems);
    let mut waits = vec![BTreeSet::new(); systems.len()];
    let mut place = |members: &[usize], (before, after): (Vec<usize>, Vec<usize>)| {
        for member in members {
            before.iter().filter(|later| *later != member).for_each(|later| {
                waits[*later].insert(*member);
            });
            waits[*member].extend(after.iter().copied().filter(|earlier| earlier != member));
        }
    };
    for (index, system) in systems.iter().enumerate() {
        place(&[index], names.around(&system.descriptor.order, &system.module));
    }
    for set in sets {
        place(names.in_set(&set.name), names.around(&set.order, &set.module));
    }
    let find = |path: &str| path.split_once('/').and_then(|path| names.systems.get(&path).copied());
    for (first, then) in order {
        if let (Some(first), Some(then)) = (find(first), find(then)) {
            waits[then].insert(first);
        }
    }
    waits
}

/// The order in which the systems run.
///
/// Of those that wait for nobody, the first of each module, as it registered them, are next. In turns, all of these are
/// taken that have the whole frame, and then all that have parameters, by the names of their modules; so systems of
/// several modules that may run side by side come to stand side by side, whatever each module does beside them.
pub(super) fn sorted(systems: &[System], waits: &Waits) -> Result<Vec<usize>, EngineError> {
    let mut left: Vec<usize> = waits.iter().map(BTreeSet::len).collect();
    let mut then: Vec<Vec<usize>> = vec![Vec::new(); systems.len()];
    for (index, earlier) in waits.iter().enumerate() {
        earlier.iter().for_each(|earlier| then[*earlier].push(index));
    }
    let mut ready = Ready { systems, queues: BTreeMap::new(), takes_exclusive: true };
    (0..systems.len()).filter(|index| left[*index] == 0).for_each(|index| ready.add(index));
    let mut order = Vec::with_capacity(systems.len());
    while let Some(done) = ready.next() {
        order.push(done);
        for later in &then[done] {
            left[*later] -= 1;
            if left[*later] == 0 {
                ready.add(*later);
            }
        }
    }
    if order.len() < systems.len() {
        return Err(EngineError::OrderCycle { cycle: cycle(systems, waits, &order) });
    }
    Ok(order)
}

/// Systems that wait for nobody any more.
struct Ready<'s> {
    systems: &'s [System],
    /// By module and stage, each as it was registered.
    queues: BTreeMap<(&'s str, Stage), BTreeSet<(u64, usize)>>,
    /// Whether those are taken that have the whole frame.
    takes_exclusive: bool,
}

impl Ready<'_> {
    fn add(&mut self, index: usize) {
        let system = &self.systems[index];
        let queue = self.queues.entry((system.module.name(), system.descriptor.stage)).or_default();
        queue.insert((system.turn, index));
    }

    fn next(&mut self) -> Option<usize> {
        let index = self.find().or_else(|| {
            self.takes_exclusive = !self.takes_exclusive;
            self.find()
        })?;
        let system = &self.systems[index];
        let key = (system.module.name(), system.descriptor.stage);
        let queue = self.queues.get_mut(&key)?;
        queue.pop_first();
        if queue.is_empty() {
            self.queues.remove(&key);
        }
        Some(index)
    }

    /// The first of those whose turn it is.
    fn find(&self) -> Option<usize> {
        let first = self.queues.iter().filter_map(|((module, _), queue)| {
            let (turn, index) = queue.first()?;
            Some((*module, *turn, *index))
        });
        let is_taken = |index: usize| self.systems[index].is_exclusive == self.takes_exclusive;
        first.filter(|(_, _, index)| is_taken(*index)).min().map(|(_, _, index)| index)
    }
}

/// Follows one wait after the other until a system comes again.
fn cycle(systems: &[System], waits: &Waits, done: &[usize]) -> String {
    let done: BTreeSet<_> = done.iter().copied().collect();
    let open: BTreeMap<usize, Vec<usize>> = (0..systems.len())
        .filter(|index| !done.contains(index))
        .map(|index| (index, waits[index].difference(&done).copied().collect()))
        .collect();
    let mut path: Vec<usize> = open.keys().take(1).copied().collect();
    while let Some(next) = path.last().and_then(|last| open.get(last)?.first()).copied() {
        if let Some(start) = path.iter().position(|index| *index == next) {
            path = path.split_off(start);
            path.push(next);
            break;
        }
        path.push(next);
    }
    let names: Vec<_> = path.into_iter().rev().map(|index| systems[index].path()).collect();
    names.join(" -> ")
}
