//! The engines, one in each file.

#[cfg(feature = "bevy")]
mod bevy;
#[cfg(feature = "flecs")]
mod flecs;
mod floor;
#[cfg(feature = "hecs")]
mod hecs;
#[cfg(feature = "legion")]
mod legion;
#[cfg(feature = "shipyard")]
mod shipyard;
#[cfg(feature = "sparsey")]
mod sparsey;

use crate::routine::Cases;

/// The cases of all engines that were built, each by itself.
pub(crate) fn all() -> Vec<Cases> {
    let engines: &[fn() -> Cases] = &[
        self::floor::cases,
        #[cfg(feature = "hecs")]
        self::hecs::cases,
        #[cfg(feature = "bevy")]
        self::bevy::cases,
        #[cfg(feature = "flecs")]
        self::flecs::cases,
        #[cfg(feature = "legion")]
        self::legion::cases,
        #[cfg(feature = "shipyard")]
        self::shipyard::cases,
        #[cfg(feature = "sparsey")]
        self::sparsey::cases,
    ];
    engines.iter().map(|cases| cases()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::task::CASES;

    #[test]
    fn every_engine_does_each_case_or_says_why_not() {
        for cases in super::all() {
            let engine = cases.engine();
            let (entries, absent) = cases.into_parts();
            let family = |name: &str| name.split('/').next().map(str::to_owned);
            let done: BTreeSet<_> = entries.iter().filter_map(|entry| family(&entry.case.name)).collect();
            let missing: BTreeSet<_> = absent.iter().map(|absent| absent.case.clone()).collect();
            let both: Vec<_> = done.intersection(&missing).collect();
            assert!(both.is_empty(), "{engine} does these, and says why not: {both:?}");
            let told: BTreeSet<_> = done.union(&missing).map(String::as_str).collect();
            assert_eq!(told, BTreeSet::from(CASES), "{engine}");
            assert!(absent.iter().all(|absent| !absent.why.is_empty()), "{absent:?}");
        }
    }
}
