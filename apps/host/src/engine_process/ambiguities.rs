//! Systems whose order nobody has said: which of them have not been told yet.

use std::collections::BTreeSet;

use keel::engine::{Ambiguity, Schedule};

use crate::event::AmbiguityLine;

/// The pairs that there are, and were told.
#[derive(Default)]
pub(crate) struct KnownAmbiguities {
    known: BTreeSet<Ambiguity>,
}

impl KnownAmbiguities {
    /// The pairs that there were not when this was asked last, in order. One that has gone and come back is news again.
    pub(crate) fn news(&mut self, schedule: &Schedule) -> Vec<AmbiguityLine> {
        let now: BTreeSet<_> = schedule.ambiguities().into_iter().collect();
        let news = now.difference(&self.known).map(|Ambiguity { first, second, shared }| AmbiguityLine {
            first: first.clone(),
            second: second.clone(),
            shared: shared.clone(),
        });
        let news = news.collect();
        self.known = now;
        news
    }
}

#[cfg(test)]
mod tests {
    use keel::engine::{Engine, EngineConfig, ModuleCode, ModuleTag, SystemDescriptor};
    use keel::prelude::*;

    use super::*;

    #[resource]
    #[derive(Default)]
    struct Tide {}

    /// `swim/NAME` for each of `systems`, all of which write the tide; `after` says after which of them.
    fn swim(engine: &mut Engine, systems: &[(&str, Option<&str>)]) {
        let tag = ModuleTag::new("swim");
        let mut setup = Setup::new();
        for (name, after) in systems {
            let mut descriptor = SystemDescriptor::new(name);
            if let Some(after) = after {
                descriptor = descriptor.after(after);
            }
            setup.system_with(descriptor, |_: ResMut<Tide>| {});
        }
        engine.exchange(vec![setup.into_code(&tag)]).unwrap();
    }

    #[test]
    fn a_pair_is_told_when_it_comes_and_when_it_comes_back() {
        let mut engine = Engine::new(EngineConfig::default());
        let mut known = KnownAmbiguities::default();
        assert_eq!(known.news(engine.schedule()), []);
        swim(&mut engine, &[("rise", None), ("fall", None)]);
        let pair = AmbiguityLine {
            first: "swim/rise".to_owned(),
            second: "swim/fall".to_owned(),
            shared: "Tide".to_owned(),
        };
        assert_eq!(known.news(engine.schedule()), std::slice::from_ref(&pair));
        assert_eq!(known.news(engine.schedule()), [], "it is known");
        swim(&mut engine, &[("rise", None), ("fall", Some("rise"))]);
        assert_eq!(known.news(engine.schedule()), []);
        swim(&mut engine, &[("rise", None), ("fall", None)]);
        assert_eq!(known.news(engine.schedule()), [pair]);
        engine.exchange(vec![ModuleCode::new(&ModuleTag::new("swim"))]).unwrap();
        assert_eq!(known.news(engine.schedule()), []);
    }
}
