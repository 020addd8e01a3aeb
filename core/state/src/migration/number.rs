//! Numbers from one type to another.

use crate::Number;

/// A conversion between two number types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cast {
    pub(super) from: Number,
    pub(super) to: Number,
}

/// A number of any type, read without loss.
#[derive(Clone, Copy, Debug)]
enum Wide {
    Unsigned(u128),
    Negative(i128),
    Float(f64),
}

impl Cast {
    /// Whether every value of `from` is a value of `to`.
    pub(super) fn is_lossless(self) -> bool {
        let (from, to) = (bits(self.from), bits(self.to));
        match (is_float(self.from), is_float(self.to)) {
            (true, true) => from.value <= to.value,
            (true, false) => false,
            (false, _) => from.value <= to.value && (to.signed || !from.signed),
        }
    }

    /// Writes the value of `from` in `saved` as the nearest one of `to` into `live`; false if it is another.
    #[inline]
    pub(super) fn apply(self, saved: &[u8], live: &mut [u8]) -> bool {
        match read(self.from, saved) {
            Wide::Float(value) if is_float(self.to) => write_float(self.to, value, live),
            Wide::Float(value) => write_rounded(self.to, value, live),
            Wide::Unsigned(value) if is_float(self.to) => write_nearest(self.to, false, value, live),
            Wide::Negative(value) if is_float(self.to) => {
                write_nearest(self.to, true, value.unsigned_abs(), live)
            }
            Wide::Unsigned(value) => {
                let bounded = value.min(bounds(self.to).1);
                write_bits(bounded, live);
                bounded == value
            }
            Wide::Negative(value) => {
                let bounded = value.max(bounds(self.to).0);
                write_bits(bounded as u128, live);
                bounded == value
            }
        }
    }
}

struct Bits {
    /// How many bits the magnitude of any value may have and still be exact.
    value: u32,
    signed: bool,
}

fn bits(number: Number) -> Bits {
    let width = 8 * number.width() as u32;
    match number {
        Number::F32 => Bits { value: f32::MANTISSA_DIGITS, signed: true },
        Number::F64 => Bits { value: f64::MANTISSA_DIGITS, signed: true },
        _ if is_signed(number) => Bits { value: width - 1, signed: true },
        _ => Bits { value: width, signed: false },
    }
}

fn is_float(number: Number) -> bool {
    matches!(number, Number::F32 | Number::F64)
}

fn is_signed(number: Number) -> bool {
    matches!(number, Number::I8 | Number::I16 | Number::I32 | Number::I64 | Number::I128)
}

/// The least and the greatest value of an integer type.
fn bounds(number: Number) -> (i128, u128) {
    let unused = 128 - 8 * number.width() as u32;
    match is_signed(number) {
        true => (i128::MIN >> unused, i128::MAX as u128 >> unused),
        false => (0, u128::MAX >> unused),
    }
}

#[inline]
fn read(number: Number, saved: &[u8]) -> Wide {
    let mut wide = [0; 16];
    wide[..saved.len()].copy_from_slice(saved);
    let unsigned = u128::from_le_bytes(wide);
    match number {
        Number::F32 => Wide::Float(f32::from_bits(unsigned as u32).into()),
        Number::F64 => Wide::Float(f64::from_bits(unsigned as u64)),
        _ if is_signed(number) => {
            let unused = 128 - 8 * number.width() as u32;
            match (unsigned << unused) as i128 >> unused {
                value @ ..0 => Wide::Negative(value),
                value => Wide::Unsigned(value as u128),
            }
        }
        _ => Wide::Unsigned(unsigned),
    }
}

fn write_bits(value: u128, live: &mut [u8]) {
    let width = live.len();
    live.copy_from_slice(&value.to_le_bytes()[..width]);
}

fn write_float(to: Number, value: f64, live: &mut [u8]) -> bool {
    if to == Number::F64 {
        write_bits(value.to_bits().into(), live);
        return true;
    }
    // A finite value stays finite: infinity is not what is nearest to it.
    let narrow = match value.is_finite() {
        true => (value as f32).clamp(f32::MIN, f32::MAX),
        false => value as f32,
    };
    write_bits(narrow.to_bits().into(), live);
    value.is_nan() || f64::from(narrow) == value
}

fn write_rounded(to: Number, value: f64, live: &mut [u8]) -> bool {
    let (least, greatest) = bounds(to);
    let rounded = value.round();
    let written = match rounded < 0.0 {
        true => (rounded as i128).max(least) as u128,
        false => (rounded as u128).min(greatest),
    };
    write_bits(written, live);
    // `least` is a power of two (or zero), and `greatest` one less than one: exact as floats, or rounded up to
    // the power, which is past the greatest value.
    let fits = match greatest as f64 {
        bound if bound as u128 == greatest && greatest < 1 << f64::MANTISSA_DIGITS => rounded <= bound,
        bound => rounded < bound,
    };
    rounded == value && fits && rounded >= least as f64
}

fn write_nearest(to: Number, negative: bool, magnitude: u128, live: &mut [u8]) -> bool {
    let sign = if negative { -1.0 } else { 1.0 };
    match to {
        Number::F32 => {
            let value = (magnitude as f32).min(f32::MAX).copysign(sign as f32);
            write_bits(value.to_bits().into(), live);
        }
        _ => write_bits((magnitude as f64).copysign(sign).to_bits().into(), live),
    }
    magnitude == 0 || 128 - magnitude.leading_zeros() - magnitude.trailing_zeros() <= bits(to).value
}
