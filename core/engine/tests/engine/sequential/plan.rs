//! What a random schedule consists of: data, that an engine and a plain program are made of alike.

use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) const MODULES: [&str; 3] = ["sea0", "sea1", "sea2"];
pub(crate) const SETS: [&str; 2] = ["early", "late"];

/// What a system does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    StirA,
    PullA,
    Seep,
    Dry,
    SumA,
    PushB,
    Spawn,
    Cull,
    Mark,
    Unmark,
    Strip,
    Shout,
    Hear,
    Count,
    Decide,
    /// It has the whole frame.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Low,
    High,
}

/// When a system's turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Startup,
    Exit(Phase),
    Enter(Phase),
    Step,
    Frame,
}

impl Turn {
    pub(crate) fn is_in_stage_of(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// A condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Every(u64),
    Bang,
    In(Phase),
    SumIsEven,
}

#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) module: usize,
    pub(crate) kind: Kind,
    pub(crate) salt: u64,
    pub(crate) turn: Turn,
    pub(crate) when: When,
    pub(crate) sets: Vec<usize>,
    pub(crate) is_atomic: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    System(usize),
    Module(usize),
    Set(usize),
}

/// That `system` runs before or after others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) system: usize,
    pub(crate) is_before: bool,
    pub(crate) target: Target,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) systems: Vec<System>,
    pub(crate) edges: Vec<Edge>,
    /// Whether the first set runs before the second one.
    pub(crate) sets_in_order: bool,
    pub(crate) set_conditions: [When; SETS.len()],
    /// How many steps each frame has.
    pub(crate) frames: Vec<u32>,
}

impl Plan {
    pub(crate) fn path(&self, index: usize) -> String {
        format!("{}/s{index}", MODULES[self.systems[index].module])
    }

    /// What a system spawns has keys from here on.
    pub(crate) fn keys_of(&self, index: usize) -> u64 {
        1_000 * (1 + index as u64)
    }
}

impl Target {
    pub(crate) fn name(self, plan: &Plan) -> String {
        match self {
            Self::System(index) => plan.path(index),
            Self::Module(module) => format!("{}/", MODULES[module]),
            Self::Set(set) => SETS[set].to_owned(),
        }
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    use Kind::*;
    prop::sample::select(vec![
        StirA, PullA, Seep, Dry, SumA, PushB, Spawn, Spawn, Cull, Cull, Mark, Unmark, Strip, Shout, Hear,
        Count, Decide, Whole,
    ])
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::Low), Just(Phase::High)]
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        6 => Just(When::Always),
        1 => (2_u64..4).prop_map(When::Every),
        1 => Just(When::Bang),
        1 => phase().prop_map(When::In),
        1 => Just(When::SumIsEven),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        12 => Just(Turn::Step),
        1 => Just(Turn::Startup),
        1 => phase().prop_map(Turn::Exit),
        1 => phase().prop_map(Turn::Enter),
        2 => Just(Turn::Frame),
    ]
}

prop_compose! {
    fn system()(
        module in 0..MODULES.len(),
        kind in kind(),
        salt in any::<u64>(),
        turn in turn(),
        when in when(),
        sets in prop::sample::subsequence((0..SETS.len()).collect::<Vec<_>>(), 0..=1),
        is_atomic in prop::bool::weighted(0.1),
    ) -> System {
        System { module, kind, salt, turn, when, sets, is_atomic }
    }
}

/// Two systems with a place each in some order, so that what is said of systems makes no circle; or a system and a whole
/// module or set, which may.
fn edge(places: Vec<u64>) -> impl Strategy<Value = Edge> {
    let count = places.len();
    let of_systems = (0..count, 0..count).prop_map(move |(system, other)| {
        let is_before = (places[system], system) < (places[other], other);
        Edge { system, is_before, target: Target::System(other) }
    });
    let group =
        prop_oneof![(0..MODULES.len()).prop_map(Target::Module), (0..SETS.len()).prop_map(Target::Set),];
    let of_groups = (0..count, any::<bool>(), group).prop_map(|(system, is_before, target)| Edge {
        system,
        is_before,
        target,
    });
    prop_oneof![12 => of_systems, 1 => of_groups]
}

/// Any schedule.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let systems = vec((system(), any::<u64>()), 2..16);
    systems.prop_flat_map(|systems| {
        let (systems, places): (Vec<_>, Vec<_>) = systems.into_iter().unzip();
        let edges = vec(edge(places), 0..systems.len());
        let conditions = [when().boxed(), when().boxed()];
        let frames = vec(0_u32..4, 1..7);
        (Just(systems), edges, prop::bool::weighted(0.3), conditions, frames).prop_map(
            |(systems, edges, sets_in_order, set_conditions, frames)| Plan {
                systems,
                edges,
                sets_in_order,
                set_conditions,
                frames,
            },
        )
    })
}
