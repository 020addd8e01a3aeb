//! Taking turns: verification, warm-up, and rounds of one sample of each.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::ecs::contest::{Contest, Contestant};
use crate::ecs::report::{CaseReport, EngineFigures};
use crate::ecs::statistics::Spread;

/// Iterations before the results are compared. More than one, so that what a second iteration does to the state of the
/// first counts as well.
const VERIFIED: u64 = 2;

/// Results may differ by so much of themselves: sums that were made in another order.
const TOLERANCE: f64 = 1e-6;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rounds {
    /// Samples of each.
    count: usize,
    /// How long a sample takes, at least.
    sample: Duration,
}

impl Rounds {
    pub(crate) fn new(quick: bool) -> Self {
        let (count, sample_ms) = if quick { (5, 2) } else { (21, 10) };
        Self { count, sample: Duration::from_millis(sample_ms) }
    }

    /// Measures one case. All that was prepared for it is gone afterwards.
    pub(crate) fn run(self, contest: &mut Contest) -> anyhow::Result<CaseReport> {
        let outcome = self.measure(contest).with_context(|| format!("the case `{}`", contest.name));
        let released = contest.contestants.iter_mut().try_for_each(|contestant| contestant.release());
        let case = outcome?;
        released?;
        Ok(case)
    }

    fn measure(self, contest: &mut Contest) -> anyhow::Result<CaseReport> {
        let mut bytes = Vec::new();
        for contestant in &mut contest.contestants {
            bytes.push(contestant.prepare()?);
        }
        verify(contest)?;
        let mut iterations = Vec::new();
        for contestant in &mut contest.contestants {
            iterations.push(self.warm_up(&mut **contestant)?);
        }
        let mut samples = vec![Vec::new(); contest.contestants.len()];
        for round in 0..self.count {
            for turn in 0..samples.len() {
                // Who begins changes, so that nobody always comes after the same one.
                let index = (round + turn) % samples.len();
                let ns = contest.contestants[index].run(iterations[index])?;
                samples[index].push(ns / iterations[index] as f64);
            }
        }
        let of_one = contest.contestants.iter().zip(&samples).zip(bytes);
        let engines = of_one.map(|((contestant, samples), bytes)| figures(&**contestant, samples, bytes));
        Ok(CaseReport::new(&contest.name, engines.collect()).without(&contest.absent))
    }

    /// Runs until caches and branches are warm; how many iterations make a sample of the wanted length.
    fn warm_up(self, contestant: &mut dyn Contestant) -> anyhow::Result<u64> {
        let wanted_ns = self.sample.as_nanos() as f64;
        let mut iterations = 1;
        loop {
            let ns = contestant.run(iterations)?.max(1.0);
            let enough = (iterations as f64 * wanted_ns / ns).ceil();
            if ns >= wanted_ns / 4.0 {
                return Ok(enough.max(1.0) as u64);
            }
            // A first run that was slow must not end it.
            iterations = (enough as u64).clamp(iterations * 2, iterations * 64);
        }
    }
}

/// Lets each do the same few iterations and compares what they have computed: a case that computes something else is
/// faster or slower for that.
fn verify(contest: &mut Contest) -> anyhow::Result<()> {
    let mut known: Option<(String, f64)> = None;
    for contestant in &mut contest.contestants {
        contestant.run(VERIFIED)?;
        let Some(found) = contestant.checksum()? else { continue };
        let label = contestant.case().label();
        let Some((first, expected)) = &known else {
            known = Some((label, found));
            continue;
        };
        ensure!(
            (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
            "{first} computes {expected}, and {label} {found}: they don't do the same; mend one of them"
        );
    }
    Ok(())
}

fn figures(contestant: &dyn Contestant, samples_ns: &[f64], bytes: Option<u64>) -> EngineFigures {
    let case = contestant.case();
    let unit_ns = if case.operations > 1 { case.operations as f64 } else { 1e3 };
    let samples: Vec<_> = samples_ns.iter().map(|ns| ns / unit_ns).collect();
    let per_entity = |(entities, bytes): (u64, u64)| bytes as f64 / entities as f64;
    EngineFigures {
        case: case.clone(),
        spread: Spread::of(&samples),
        bytes_per_entity: case.entities.zip(bytes).map(per_entity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::protocol::{Case, Storage};

    /// One that takes so long for an iteration, and computes a number.
    struct Fake {
        case: Case,
        iteration_ns: f64,
        result: Option<f64>,
        log: std::rc::Rc<std::cell::RefCell<Vec<String>>>,
    }

    impl Contestant for Fake {
        fn case(&self) -> &Case {
            &self.case
        }

        fn prepare(&mut self) -> anyhow::Result<Option<u64>> {
            self.log.borrow_mut().push(format!("{} is prepared", self.case.engine));
            Ok(Some(800))
        }

        fn run(&mut self, iterations: u64) -> anyhow::Result<f64> {
            self.log.borrow_mut().push(self.case.engine.clone());
            Ok(self.iteration_ns * iterations as f64)
        }

        fn checksum(&mut self) -> anyhow::Result<Option<f64>> {
            Ok(self.result)
        }

        fn release(&mut self) -> anyhow::Result<()> {
            self.log.borrow_mut().push(format!("{} is released", self.case.engine));
            Ok(())
        }
    }

    type Log = std::rc::Rc<std::cell::RefCell<Vec<String>>>;

    fn contest(engines: &[(&str, f64, Option<f64>)], operations: u64) -> (Contest, Log) {
        let log = Log::default();
        let contestant = |(engine, iteration_ns, result): &(&str, f64, Option<f64>)| -> Box<dyn Contestant> {
            let case = Case {
                name: "case".to_owned(),
                engine: (*engine).to_owned(),
                version: None,
                variant: None,
                form: "as it comes".to_owned(),
                storage: Storage::Archetypes,
                operations,
                entities: Some(100),
            };
            Box::new(Fake { case, iteration_ns: *iteration_ns, result: *result, log: log.clone() })
        };
        let contestants = engines.iter().map(contestant).collect();
        (Contest { name: "case".to_owned(), contestants, absent: Vec::new() }, log)
    }

    #[test]
    fn a_figure_is_the_time_of_an_iteration_or_of_an_operation() {
        let (mut by_iteration, _) = contest(&[("a", 5_000.0, None)], 1);
        let report = Rounds::new(true).run(&mut by_iteration).unwrap();
        assert_eq!((report.unit, report.engines[0].spread.median), ("us", 5.0));
        assert_eq!(report.engines[0].bytes_per_entity, Some(8.0));
        let (mut by_operation, _) = contest(&[("a", 5_000.0, None)], 100);
        let report = Rounds::new(true).run(&mut by_operation).unwrap();
        assert_eq!((report.unit, report.engines[0].spread.median), ("ns", 50.0));
    }

    #[test]
    fn all_are_prepared_before_any_runs_and_take_turns_and_are_let_go() {
        let (mut two, log) = contest(&[("a", 1e7, Some(2.0)), ("b", 1e7, Some(2.0))], 1);
        Rounds::new(true).run(&mut two).unwrap();
        let log = log.borrow().join(" ");
        let turns = "a b b a a b b a a b";
        assert_eq!(log, format!("a is prepared b is prepared a b a b {turns} a is released b is released"));
    }

    #[test]
    fn those_who_compute_something_else_are_not_timed() {
        let (mut differ, log) = contest(&[("a", 1.0, Some(2.0)), ("b", 1.0, None), ("c", 1.0, Some(2.1))], 1);
        let error = format!("{:#}", Rounds::new(true).run(&mut differ).unwrap_err());
        assert_eq!(
            error,
            "the case `case`: a computes 2, and c 2.1: they don't do the same; mend one of them"
        );
        assert!(log.borrow().join(" ").ends_with("a is released b is released c is released"), "{log:?}");
        let (mut agree, _) = contest(&[("a", 1e6, Some(3e9)), ("b", 1e6, Some(3e9 + 1.0))], 1);
        assert!(Rounds::new(true).run(&mut agree).is_ok());
    }

    #[test]
    fn a_sample_has_as_many_iterations_as_make_it_long_enough() {
        let (mut contest, _) = contest(&[("a", 10.0, None)], 1);
        let rounds = Rounds::new(true);
        assert_eq!(rounds.warm_up(&mut *contest.contestants[0]).unwrap(), 200_000);
        let (mut slow, _) = self::contest(&[("a", 1e9, None)], 1);
        assert_eq!(rounds.warm_up(&mut *slow.contestants[0]).unwrap(), 1);
    }
}
