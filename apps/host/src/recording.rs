//! What this host records.

use keel::module::{FINGERPRINT, Fingerprint};
pub(crate) use keel_recording::{
    Change, Game, Head, Parts, Record, RecordedModule, Recording, RecordingWriter, differing, take_up,
};

/// The version of this Keel, its sources and what they were built with.
pub(crate) fn built_with() -> String {
    let Fingerprint { rustc, target, profile, flags, facade } = FINGERPRINT;
    format!("{} {facade}, {rustc}, {target}, {profile} {flags}", env!("CARGO_PKG_VERSION"))
}
