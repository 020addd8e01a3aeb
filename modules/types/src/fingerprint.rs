//! What a host and a module must have in common.

/// The compiler, target, profile, flags and facade sources that something was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// `rustc --version`, which names the commit.
    pub rustc: &'static str,
    /// The target triple.
    pub target: &'static str,
    /// The profile's root, optimisation level, debug assertions and panic strategy.
    pub profile: &'static str,
    /// RUSTFLAGS, separated by spaces.
    pub flags: &'static str,
    /// A hash of the sources of all crates that are compiled into the facade, and of Cargo.lock, as 16 hex digits.
    pub facade: &'static str,
}

/// What this facade was built with. A module holds its own copy of this constant, from when it was compiled.
pub const FINGERPRINT: Fingerprint = Fingerprint {
    rustc: env!("KEEL_RUSTC"),
    target: env!("KEEL_TARGET"),
    profile: env!("KEEL_PROFILE"),
    flags: env!("KEEL_FLAGS"),
    facade: env!("KEEL_FACADE"),
};

static FACADE: u8 = 0;

/// An address inside the one facade of this process. Whoever gets another address here has linked a second copy of
/// the facade, with statics and types of its own.
#[inline(never)]
pub fn facade_address() -> usize {
    (&raw const FACADE).addr()
}
