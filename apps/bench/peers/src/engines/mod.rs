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

use crate::routine::{Cases, Entry};

/// The cases of all engines that were built.
pub(crate) fn all() -> Vec<Entry> {
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
    engines.iter().flat_map(|cases| cases().into_entries()).collect()
}
