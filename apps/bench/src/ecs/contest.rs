//! Cases, and all who do each.

use std::fmt;

use anyhow::bail;

use crate::ecs::protocol::{Absent, Case, Storage};

/// Keel's name among the engines.
pub(crate) const KEEL: &str = "keel";

/// The way of Keel that is a plain `for` loop: it is compared with the first way.
pub(crate) const PLAIN: &str = "for";

/// The way of Keel in which the same systems are called by hand, one after the other: what its schedule is compared with.
pub(crate) const SEQUENCE: &str = "sequence";

/// The way of Keel that knows the types: what names and paths are compared with.
pub(crate) const TYPED: &str = "typed";

/// What stands for a figure where an engine can't do the case.
pub(crate) const ABSENT: &str = "—";

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
    /// Who can't do it.
    pub(crate) absent: Vec<Absent>,
}

impl fmt::Display for Contest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.name)?;
        for contestant in &self.contestants {
            let case = contestant.case();
            let version = case.version.as_deref().unwrap_or_default();
            writeln!(out, "    {:20} {version:8} {}", case.label(), case.form)?;
        }
        for absent in &self.absent {
            writeln!(out, "    {:20} {ABSENT:8} {}", absent.engine, absent.why)?;
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

    /// Whether it is only there for Keel to be compared with: it does without what the case is about.
    pub(crate) fn is_yardstick(&self) -> bool {
        self.engine == KEEL && self.variant.as_deref().is_some_and(|way| [SEQUENCE, TYPED].contains(&way))
    }

    /// Whether it keeps components as Keel does, and is somebody else.
    pub(crate) fn is_archetype_peer(&self) -> bool {
        self.engine != KEEL && self.storage == Storage::Archetypes
    }
}

impl Absent {
    /// Whether it is this case that is missing.
    pub(crate) fn is_of(&self, case: &str) -> bool {
        self.case == case.split_once('/').map_or(case, |(family, _)| family)
    }
}

/// Puts those together who do the same case, or can't, in the order in which the cases were declared first.
pub(crate) fn contests_of(
    contestants: Vec<Box<dyn Contestant>>,
    absent: &[Absent],
) -> anyhow::Result<Vec<Contest>> {
    let mut contests: Vec<Contest> = Vec::new();
    for contestant in contestants {
        let (name, label) = (contestant.case().name.clone(), contestant.case().label());
        let Some(contest) = contests.iter_mut().find(|contest| contest.name == name) else {
            let absent = absent.iter().filter(|absent| absent.is_of(&name)).cloned().collect();
            contests.push(Contest { name, contestants: vec![contestant], absent });
            continue;
        };
        if contest.contestants.iter().any(|other| other.case().label() == label) {
            bail!("`{name}` is declared twice for {label}; give one of them another name, or a `variant`");
        }
        contest.contestants.push(contestant);
    }
    Ok(contests)
}
