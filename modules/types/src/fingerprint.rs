//! What a host and a module must have in common.

use keel_module_macros::locked_hash;

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
    /// Two hashes, each of 16 hex digits: of the sources of Keel's crates in the facade, and of what Cargo.lock says
    /// of all others.
    pub facade: &'static str,
}

/// What this facade was built with. A module holds its own copy of this constant, from when it was compiled.
pub const FINGERPRINT: Fingerprint = Fingerprint {
    rustc: env!("KEEL_RUSTC"),
    target: env!("KEEL_TARGET"),
    profile: env!("KEEL_PROFILE"),
    flags: env!("KEEL_FLAGS"),
    facade: FACADE_HASH,
};

/// See [`Fingerprint::facade`].
const FACADE_HASH: &str = match std::str::from_utf8(&FACADE_HASH_BYTES) {
    Ok(text) => text,
    Err(_) => "",
};

const FACADE_HASH_BYTES: [u8; 32] = joined(env!("KEEL_FACADE"), locked_hash!("keel"));

/// The two hashes, one after the other; `concat!` takes no macro of ours.
const fn joined(sources: &str, locked: &str) -> [u8; 32] {
    let mut joined = [b'0'; 32];
    let mut index = 0;
    while index < 16 {
        joined[index] = sources.as_bytes()[index];
        joined[16 + index] = locked.as_bytes()[index];
        index += 1;
    }
    joined
}

static FACADE: u8 = 0;

/// An address inside the one facade of this process. Whoever gets another address here has linked a second copy of
/// the facade, with statics and types of its own.
#[inline(never)]
pub fn facade_address() -> usize {
    (&raw const FACADE).addr()
}
