//! Places and directions, and the one curved function of the simulation.

use std::ops::{Add, AddAssign, Mul, Sub};

use keel::data;

/// A place or a direction in metres: `x` to the right, `y` down from the surface.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vector {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Vector {
    /// No way at all.
    pub const ZERO: Self = Self::new(0.0, 0.0);

    /// The vector with these parts.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// How long it is, squared: cheaper than [`Vector::length`], and enough to compare.
    #[inline]
    pub fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    /// How long it is.
    #[inline]
    pub fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// The same direction, 1 long; zero stays zero.
    #[inline]
    #[must_use]
    pub fn direction(self) -> Self {
        let length = self.length();
        if length > 0.0 { self * (1.0 / length) } else { Self::ZERO }
    }

    /// The same direction, at most `length` long.
    #[inline]
    #[must_use]
    pub fn at_most(self, length: f32) -> Self {
        let squared = self.length_squared();
        if squared > length * length { self * (length / squared.sqrt()) } else { self }
    }

    /// Turned by a quarter, clockwise as seen on a screen.
    #[inline]
    #[must_use]
    pub fn turned(self) -> Self {
        Self::new(-self.y, self.x)
    }

    /// The vector `part` of the way to `other`.
    #[inline]
    #[must_use]
    pub fn towards(self, other: Self, part: f32) -> Self {
        self + (other - self) * part
    }

    /// How much of it goes the way of `other`, times `other`'s length.
    #[inline]
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }
}

impl Add for Vector {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl AddAssign for Vector {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vector {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Vector {
    type Output = Self;

    #[inline]
    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

/// A smooth wave between -1 and 1 that repeats with every whole number of `turns`; 0 at 0, 1 at a quarter.
///
/// Two parabolas, not `f32::sin`, whose last bits differ between platforms and even between builds: a world that
/// uses it would not come out the same everywhere.
#[inline]
pub fn wave(turns: f32) -> f32 {
    let part = turns - turns.floor();
    let half = part * 2.0;
    if half < 1.0 { 4.0 * half * (1.0 - half) } else { -4.0 * (half - 1.0) * (2.0 - half) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_repeats() {
        for (turns, height) in [(0.0, 0.0), (0.25, 1.0), (0.5, 0.0), (0.75, -1.0), (-0.25, -1.0), (3.25, 1.0)]
        {
            assert_eq!(wave(turns), height, "at {turns}");
        }
    }

    #[test]
    fn at_most_leaves_short_vectors_alone() {
        let vector = Vector::new(3.0, 4.0);
        assert_eq!(vector.at_most(5.0), vector);
        assert_eq!(vector.at_most(1.0), vector.direction());
        assert_eq!(Vector::ZERO.direction(), Vector::ZERO);
    }

    #[test]
    fn turning_four_times_is_standing_still() {
        let vector = Vector::new(2.0, -1.0);
        assert_eq!(vector.dot(vector.turned()), 0.0);
        assert_eq!(vector.turned().turned().turned().turned(), vector);
    }
}
