//! Random numbers that are part of the world's state.

use keel_module_macros::resource;

/// A random number generator whose state is saved with the world, so that the same seed gives the same game.
#[resource(crate = keel_ecs, name = "keel.Random")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number in `low..high`, for `low < high`; `low` itself otherwise.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + self.with(|source| source.f32()) * (high - low).max(0.0)
    }

    /// A whole number in `0..end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        if end == 0 { 0 } else { self.with(|source| source.u32(0..end)) }
    }

    /// True in one of `n` cases; never for `n` = 0.
    pub fn one_in(&mut self, n: u32) -> bool {
        n > 0 && self.below(n) == 0
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.with(|source| source.u64(..))
    }

    fn with<T>(&mut self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        let mut source = fastrand::Rng::with_seed(self.state);
        let drawn = draw(&mut source);
        self.state = source.get_seed();
        drawn
    }
}
