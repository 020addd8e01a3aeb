//! The order in which modules load, and the circles that make one impossible.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use keel_core_types::ModuleId;

use crate::{Conflict, ModuleKind, ModuleManifest};

/// For each module, by index, the modules whose views it requires, optional ones included: a view that is
/// there is loaded before its user.
pub(crate) struct ViewGraph<'a> {
    modules: &'a [ModuleManifest],
    needed: Vec<BTreeSet<usize>>,
}

impl<'a> ViewGraph<'a> {
    pub(crate) fn new(modules: &'a [ModuleManifest]) -> Self {
        let mut providers = BTreeMap::new();
        for (index, module) in modules.iter().enumerate() {
            for provided in &module.provides {
                providers.entry(provided.view.as_str()).or_insert(index);
            }
        }
        let needed_by = |module: &ModuleManifest| {
            module
                .requires
                .iter()
                .filter_map(|required| providers.get(required.view.as_str()).copied())
                .collect()
        };
        Self { modules, needed: modules.iter().map(needed_by).collect() }
    }

    /// Modules in waves: models first, and each later one after all it requires. Those on a circle are left
    /// out; [`ViewGraph::cycles`] names them.
    pub(crate) fn waves(&self) -> Vec<Vec<ModuleId>> {
        let is_model = |index: &usize| self.modules[*index].kind == ModuleKind::Model;
        let (models, mut waiting): (Vec<usize>, Vec<usize>) = (0..self.modules.len()).partition(is_model);
        let mut loaded: BTreeSet<usize> = models.iter().copied().collect();
        let mut waves = vec![models];
        while !waiting.is_empty() {
            let is_ready = |index: &usize| self.needed[*index].is_subset(&loaded);
            let (ready, later): (Vec<usize>, Vec<usize>) = waiting.iter().copied().partition(is_ready);
            if ready.is_empty() {
                break;
            }
            loaded.extend(&ready);
            waves.push(ready);
            waiting = later;
        }
        let ids = |wave: &Vec<usize>| wave.iter().map(|index| self.modules[*index].id).collect();
        waves.iter().filter(|wave| !wave.is_empty()).map(ids).collect()
    }

    /// Circles that together name every module on one: the shortest through each not yet named, written from
    /// its first module by name.
    pub(crate) fn cycles(&self) -> Vec<Conflict> {
        let mut seen = BTreeSet::new();
        let mut cycles = Vec::new();
        for start in 0..self.modules.len() {
            // Its circle was found from another of its modules. A longer one through modules that are all
            // named shows up when the shorter ones are gone.
            if seen.contains(&start) {
                continue;
            }
            if let Some(path) = self.shortest_cycle(start) {
                cycles.push(self.cycle(&path));
                seen.extend(path);
            }
        }
        cycles
    }

    fn cycle(&self, path: &[usize]) -> Conflict {
        // Modules are sorted by name, so the smallest index is the first name.
        let first = path.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
        let rotated = path[first..].iter().chain(&path[..first]);
        Conflict::Cycle { path: rotated.map(|index| self.modules[*index].name.clone()).collect() }
    }

    fn shortest_cycle(&self, start: usize) -> Option<Vec<usize>> {
        let mut came_from = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(module) = open.pop_front() {
            for &next in &self.needed[module] {
                if next == start {
                    return Some(path_to(module, start, &came_from));
                }
                if let Entry::Vacant(entry) = came_from.entry(next) {
                    entry.insert(module);
                    open.push_back(next);
                }
            }
        }
        None
    }
}

fn path_to(end: usize, start: usize, came_from: &BTreeMap<usize, usize>) -> Vec<usize> {
    let mut path = vec![end];
    let mut module = end;
    while module != start {
        module = came_from[&module];
        path.push(module);
    }
    path.reverse();
    path
}
