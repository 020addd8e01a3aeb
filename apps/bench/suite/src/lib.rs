//! The suite that `keel bench ecs` runs, in a module that is loaded as a game's modules are: each case is written as an
//! author would write it. Nothing here is part of any game.
//!
//! The cases of the same names in `apps/bench/peers` do the same with other engines; what both have in common is in
//! `keel_bench_suite_types::task`.

mod access;
mod changes;
mod events;
mod fragments;
mod heavy;
mod hierarchy;
mod many;
mod saving;
mod schedule;
mod simple;
mod tracked;
mod worlds;

use keel::prelude::*;

/// The module's state: none.
#[data]
#[derive(Default)]
pub struct Suite {}

#[view_model]
impl ViewModel for Suite {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        declare(setup);
        Ok(())
    }
}

/// Declares all cases, in the order of the report.
pub fn declare(setup: &mut Setup) {
    simple::declare_insert(setup);
    simple::declare_iter(setup);
    fragments::declare(setup);
    schedule::declare(setup);
    heavy::declare(setup);
    changes::declare(setup);
    tracked::declare(setup);
    saving::declare_serialize(setup);
    many::declare(setup);
    access::declare(setup);
    hierarchy::declare(setup);
    events::declare(setup);
    worlds::declare(setup);
    schedule::declare_overhead(setup);
    saving::declare_snapshot(setup);
}

keel::export_module! { view_model: Suite, models: [keel_bench_suite_types] }
