//! `keel bench ecs`: the cases of the workspace's modules of benchmarks, and the same cases done by other engines, in one
//! run.
//!
//! Keel's side is code of modules that are loaded as a game's are; the others run in a process of their own. All that do a
//! case take turns, a sample each, so that a disturbance meets all; only one works at a time. What they have computed is
//! compared before anything is timed.

mod cases;
mod contest;
#[path = "../../peers/src/memory.rs"]
mod memory;
mod modules;
mod page;
mod peers;
#[path = "../../peers/src/protocol.rs"]
#[allow(dead_code, reason = "each side makes requests or answers, and reads the others")]
mod protocol;
mod report;
mod rounds;
mod statistics;
mod table;
mod ways;

use std::path::Path;

use anyhow::bail;

use self::cases::Selection;
use self::contest::{Contest, Contestant, contests_of};
use self::modules::BenchModules;
use self::peers::Peers;
use crate::swap::Machine;

pub use self::page::{EcsPage, EcsPlot};
pub use self::report::{CaseReport, EcsBench, EngineFigures};
pub use self::statistics::{Spread, quantile};

/// What is measured, and against whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EcsOptions {
    /// Names of cases, the beginnings of names, or patterns with `*`; all cases if there is none.
    pub cases: Vec<String>,
    /// The engines, by the names of their features; all if there is none, and `none` for none.
    pub against: Vec<String>,
    /// A look within a minute, instead of figures to be quoted.
    pub quick: bool,
}

/// Measures in the workspace at `root`. `told` is called with what is going on.
///
/// # Errors
/// When no case is selected, a module of benchmarks can't be built or loaded, a case fails, or engines disagree on what a
/// case computes. An engine that can't be built is told, and left out.
pub fn run(root: &Path, options: &EcsOptions, mut told: impl FnMut(&str)) -> anyhow::Result<EcsBench> {
    memory::keep_freed();
    let rounds = rounds::Rounds::new(options.quick);
    let mut all = contests(root, options, &mut told)?;
    let mut report = EcsBench::new(Machine::this());
    for contest in &mut all {
        let case = rounds.run(contest)?;
        told(&table::line(&case));
        report.add(contest, case);
    }
    Ok(report)
}

/// The cases that [`run`] would measure, each with the engines that do it and how.
///
/// # Errors
/// As [`run`].
pub fn list(root: &Path, options: &EcsOptions, mut told: impl FnMut(&str)) -> anyhow::Result<String> {
    let all = contests(root, options, &mut told)?;
    Ok(all.iter().map(ToString::to_string).collect())
}

fn contests(root: &Path, options: &EcsOptions, told: &mut impl FnMut(&str)) -> anyhow::Result<Vec<Contest>> {
    let selection = Selection::new(&options.cases);
    told("building the modules of benchmarks");
    let modules = BenchModules::build(root)?;
    let mut contestants: Vec<Box<dyn Contestant>> = modules.into_contestants()?;
    let mut absent = Vec::new();
    if let Some(peers) = Peers::start(root, &options.against, told)? {
        let (others, missing) = peers.into_contestants()?;
        contestants.extend(others);
        absent = missing;
    }
    let all = contests_of(contestants, &absent)?;
    let names: Vec<_> = all.iter().map(|contest| contest.name.clone()).collect();
    let selected = selection.of(&names)?;
    let contests: Vec<_> = all.into_iter().filter(|contest| selected.contains(&contest.name)).collect();
    if contests.is_empty() {
        bail!("there is no case; declare one with `setup.bench` in a module with `kind = \"bench\"`");
    }
    Ok(contests)
}
