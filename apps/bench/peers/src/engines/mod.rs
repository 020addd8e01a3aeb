//! The engines, one in each file.

#[cfg(feature = "bevy")]
mod bevy;
mod floor;
#[cfg(feature = "hecs")]
mod hecs;

use crate::routine::{Cases, Entry};

/// The cases of all engines that were built.
pub(crate) fn all() -> Vec<Entry> {
    let engines: &[fn() -> Cases] = &[
        self::floor::cases,
        #[cfg(feature = "hecs")]
        self::hecs::cases,
        #[cfg(feature = "bevy")]
        self::bevy::cases,
    ];
    engines.iter().flat_map(|cases| cases().into_entries()).collect()
}
