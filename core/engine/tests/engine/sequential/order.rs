//! In which order the systems of a plan run, and when one must see what another one has put off: as the guide has it.

use std::collections::BTreeSet;

use super::plan::{Edge, Kind, Plan, System, Target, When};

/// For each system, those that somebody puts before it.
pub(crate) fn earlier(plan: &Plan) -> Vec<BTreeSet<usize>> {
    let mut earlier = vec![BTreeSet::new(); plan.systems.len()];
    let of = |is_it: &dyn Fn(&System) -> bool| -> Vec<usize> {
        (0..plan.systems.len()).filter(|index| is_it(&plan.systems[*index])).collect()
    };
    let in_set = |set: usize| of(&|system| system.sets.contains(&set));
    let mut pairs = Vec::new();
    for Edge { system, is_before, target } in &plan.edges {
        let others = match target {
            Target::System(other) => vec![*other],
            Target::Module(module) => of(&|system| system.module == *module),
            Target::Set(set) => in_set(*set),
        };
        pairs.extend(
            others.into_iter().map(|other| if *is_before { (*system, other) } else { (other, *system) }),
        );
    }
    if plan.sets_in_order {
        pairs.extend(
            in_set(0).into_iter().flat_map(|first| in_set(1).into_iter().map(move |then| (first, then))),
        );
    }
    pairs.into_iter().filter(|(first, then)| first != then).for_each(|(first, then)| {
        earlier[then].insert(first);
    });
    earlier
}

/// The order of all systems; none where they wait for each other.
///
/// Where nobody says who comes first, modules run by their names, and the systems of one stage and module as they were
/// registered; those that have the whole frame and those that don't take turns.
pub(crate) fn order_of(plan: &Plan) -> Option<Vec<usize>> {
    let (earlier, mut order, mut whole, mut misses) = (earlier(plan), Vec::new(), true, 0);
    while order.len() < plan.systems.len() {
        let is_free =
            |index: &usize| !order.contains(index) && earlier[*index].iter().all(|it| order.contains(it));
        let free: Vec<_> = (0..plan.systems.len()).filter(is_free).collect();
        let are_together = |one: usize, other: usize| {
            let (one, other) = (&plan.systems[one], &plan.systems[other]);
            one.module == other.module && one.turn.is_in_stage_of(other.turn)
        };
        let is_first =
            |index: &usize| free.iter().all(|other| other >= index || !are_together(*other, *index));
        let heads = free.iter().copied().filter(is_first);
        let heads = heads.filter(|index| (plan.systems[*index].kind == Kind::Whole) == whole);
        match heads.min_by_key(|index| (plan.systems[*index].module, *index)) {
            Some(index) => {
                order.push(index);
                misses = 0;
            }
            None if misses == 2 => return None,
            None => {
                whole = !whole;
                misses += 1;
            }
        }
    }
    Some(order)
}

// What systems use.

/// A parameter: what it reads and writes, and the components by which it tells entities apart.
struct Use {
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    with: &'static [&'static str],
    without: &'static [&'static str],
}

const fn uses(
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    with: &'static [&'static str],
    without: &'static [&'static str],
) -> Use {
    Use { reads, writes, with, without }
}

impl Use {
    fn conflicts_with(&self, other: &Self) -> bool {
        let share = |ours: &[&str], theirs: &[&str]| ours.iter().any(|name| theirs.contains(name));
        let apart = share(self.with, other.without) || share(self.without, other.with);
        let clash = share(self.writes, other.writes)
            || share(self.writes, other.reads)
            || share(self.reads, other.writes);
        clash && !apart
    }
}

fn params(kind: Kind) -> Vec<Use> {
    match kind {
        Kind::StirA => vec![uses(&[], &["A"], &["A"], &[])],
        Kind::PullA => vec![uses(&["B"], &["A"], &["A", "B"], &[])],
        Kind::Seep => vec![uses(&["A"], &["S"], &["A", "S", "Tag"], &[])],
        Kind::Dry => vec![uses(&[], &["S"], &["S"], &["Tag"])],
        Kind::SumA => vec![uses(&["A"], &[], &["A"], &[]), uses(&[], &["Sum"], &[], &[])],
        Kind::PushB => vec![uses(&[], &["B"], &["B"], &[]), uses(&["Sum"], &[], &[], &[])],
        Kind::Spawn | Kind::Whole => vec![],
        Kind::Cull => vec![uses(&["Key"], &[], &["Key"], &[])],
        Kind::Mark => vec![uses(&["Key"], &[], &["Key"], &["Tag"])],
        Kind::Unmark => vec![uses(&["Key"], &[], &["Key", "Tag"], &[])],
        Kind::Strip => vec![uses(&["Key", "S"], &[], &["Key", "S"], &[])],
        Kind::Shout => vec![uses(&["Sum"], &[], &[], &[])],
        Kind::Hear => vec![uses(&["Bang"], &[], &[], &[]), uses(&[], &["Heard"], &[], &[])],
        Kind::Count => vec![uses(&[], &["B"], &["B"], &[])],
        Kind::Decide => vec![uses(&["Heard", "Sum"], &[], &[], &[])],
    }
}

fn uses_of(system: &System) -> Vec<Use> {
    let mut all = params(system.kind);
    all.extend(match system.when {
        When::Always | When::Every(_) => None,
        When::Bang => Some(uses(&["Bang"], &[], &[], &[])),
        When::In(_) => Some(uses(&["Phase"], &[], &[], &[])),
        When::SumIsEven => Some(uses(&["Sum"], &[], &[], &[])),
    });
    all
}

fn has_commands(kind: Kind) -> bool {
    matches!(kind, Kind::Spawn | Kind::Cull | Kind::Mark | Kind::Unmark | Kind::Strip)
}

/// Whether system `then` must see what `first`, which ran before it, has put off.
pub(crate) fn must_see(plan: &Plan, earlier: &[BTreeSet<usize>], first: usize, then: usize) -> bool {
    let (one, other) = (&plan.systems[first], &plan.systems[then]);
    let defers = has_commands(one.kind) || matches!(one.kind, Kind::Shout | Kind::Decide);
    let is_alone = |system: &System| system.kind == Kind::Whole || system.is_atomic;
    let conflict =
        || uses_of(one).iter().any(|ours| uses_of(other).iter().any(|theirs| ours.conflicts_with(theirs)));
    let hears = other.kind == Kind::Hear || other.when == When::Bang;
    is_alone(one)
        || is_alone(other)
        || (defers && earlier[then].contains(&first))
        || (has_commands(one.kind) && conflict())
        || (one.kind == Kind::Shout && hears)
}
