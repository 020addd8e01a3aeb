//! Cases, and all who do each.

use std::fmt;

use anyhow::bail;

use crate::ecs::protocol::{Case, Storage};

/// Keel's name among the engines.
pub(crate) const KEEL: &str = "keel";

/// One who does one case in one way.
pub(crate) trait Contestant {
    fn case(&self) -> &Case;

    /// Makes all that the case needs. How many bytes of memory it has come to, where that can be asked.
    fn prepare(&mut self) -> anyhow::Result<Option<u64>>;

    /// Iterates; how long it took, in nanoseconds.
    fn run(&mut self, iterations: u64) -> anyhow::Result<f64>;

    fn checksum(&mut self) -> anyhow::Result<Option<f64>>;

    /// Lets go of what was prepared.
    fn release(&mut self) -> anyhow::Result<()>;
}

/// One case, and all who do it.
pub(crate) struct Contest {
    pub(crate) name: String,
    pub(crate) contestants: Vec<Box<dyn Contestant>>,
}

impl fmt::Display for Contest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.name)?;
        for contestant in &self.contestants {
            let case = contestant.case();
            let version = case.version.as_deref().unwrap_or_default();
            writeln!(out, "    {:20} {version:8} {}", case.label(), case.form)?;
        }
        Ok(())
    }
}

impl Case {
    /// The engine, and the way if it is not its first.
    pub(crate) fn label(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{} ({variant})", self.engine),
            None => self.engine.clone(),
        }
    }

    /// Whether it keeps components as Keel does, and is somebody else.
    pub(crate) fn is_archetype_peer(&self) -> bool {
        self.engine != KEEL && self.storage == Storage::Archetypes
    }
}

/// Puts those together who do the same case, in the order in which the cases were declared first.
pub(crate) fn contests_of(contestants: Vec<Box<dyn Contestant>>) -> anyhow::Result<Vec<Contest>> {
    let mut contests: Vec<Contest> = Vec::new();
    for contestant in contestants {
        let (name, label) = (contestant.case().name.clone(), contestant.case().label());
        let Some(contest) = contests.iter_mut().find(|contest| contest.name == name) else {
            contests.push(Contest { name, contestants: vec![contestant] });
            continue;
        };
        if contest.contestants.iter().any(|other| other.case().label() == label) {
            bail!("`{name}` is declared twice for {label}; give one of them another name, or a `variant`");
        }
        contest.contestants.push(contestant);
    }
    Ok(contests)
}
