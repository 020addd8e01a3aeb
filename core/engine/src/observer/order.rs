//! In which order observers run.

use std::collections::BTreeSet;

use super::Observer;
use crate::EngineError;

/// The places of `observers` in the order in which they run: as they are, but for what they ask for.
///
/// # Errors
/// [`EngineError::ObserverCycle`]
pub(super) fn sorted(observers: &[&Observer]) -> Result<Vec<usize>, EngineError> {
    let waits = waits(observers);
    let (mut order, mut left) =
        (Vec::with_capacity(observers.len()), BTreeSet::from_iter(0..observers.len()));
    while !left.is_empty() {
        let free = left.iter().copied().find(|place| waits[*place].is_disjoint(&left));
        let free =
            free.ok_or_else(|| EngineError::ObserverCycle { cycle: cycle(observers, &waits, &left) })?;
        left.remove(&free);
        order.push(free);
    }
    Ok(order)
}

/// For each observer, those that run before it.
fn waits(observers: &[&Observer]) -> Vec<BTreeSet<usize>> {
    let mut waits = vec![BTreeSet::new(); observers.len()];
    for (place, observer) in observers.iter().enumerate() {
        let named = |name: &str| {
            let all = observers.iter().enumerate();
            let found = all.filter(|(other, it)| *other != place && is_named(it, name, observer));
            found.map(|(other, _)| other).collect::<Vec<_>>()
        };
        for later in observer.descriptor.before.iter().flat_map(|name| named(name)) {
            waits[later].insert(place);
        }
        waits[place].extend(observer.descriptor.after.iter().flat_map(|name| named(name)));
    }
    waits
}

/// Whether `asking` means `observer` by `name`.
fn is_named(observer: &Observer, name: &str, asking: &Observer) -> bool {
    match name.split_once('/') {
        None => observer.module == asking.module && observer.descriptor.name == name,
        Some((module, "")) => observer.module.name() == module,
        Some((module, name)) => observer.module.name() == module && observer.descriptor.name == name,
    }
}

/// A round among those that are left: each waits for another one of them.
fn cycle(observers: &[&Observer], waits: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> String {
    let mut way: Vec<usize> = left.first().copied().into_iter().collect();
    while let Some(next) = way.last().and_then(|last| waits[*last].intersection(left).next().copied()) {
        let begin = way.iter().position(|place| *place == next);
        way.push(next);
        if let Some(begin) = begin {
            way.drain(..begin);
            break;
        }
    }
    let names = way.iter().rev().map(|place| format!("`{}`", observers[*place].path()));
    names.collect::<Vec<_>>().join(" -> ")
}
