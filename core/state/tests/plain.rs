//! Which types are plain data, and that their bytes are what the encoding writes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keel_module_macros::data;
use keel_state::{Schema, encode_into};
use serde::Serialize;

#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    x: f32,
    y: f32,
}

// The compiler puts large fields first, unless it is told not to.
#[data(crate = keel_state)]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Nested {
    at: Place,
    way: [Place; 2],
    mass: f32,
}

#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair(u16, i16);

#[data(crate = keel_state)]
struct Generic<T> {
    value: T,
}

#[data(crate = keel_state)]
struct Moved {
    first: u32,
    large: u64,
    last: u32,
}

#[data(crate = keel_state)]
struct Gap {
    small: u8,
    large: u32,
}

#[data(crate = keel_state)]
struct Truth {
    is: bool,
}

#[data(crate = keel_state)]
struct Text {
    text: String,
}

#[data(crate = keel_state)]
struct Skipping {
    kept: u32,
    #[keel(skip)]
    _left_out: u32,
}

#[data(crate = keel_state)]
struct Opaque {
    #[keel(opaque)]
    value: u32,
}

#[data(crate = keel_state)]
struct Dropping {
    value: u32,
}

impl Drop for Dropping {
    fn drop(&mut self) {
        self.value = 0;
    }
}

#[data(crate = keel_state)]
struct Empty;

#[data(crate = keel_state)]
enum Choice {
    One,
    Two,
}

#[track_caller]
fn check_plain<T: Schema + Serialize + PartialEq + std::fmt::Debug + Clone>(values: &[T]) {
    let plain = T::plain().expect("it is plain");
    let mut encoded = Vec::new();
    values.iter().for_each(|value| encode_into(value, &mut encoded).unwrap());
    assert_eq!(plain.bytes(values), encoded);
    assert_eq!(plain.values(&encoded).collect::<Vec<_>>(), values);
    // From any address, and with something behind.
    let moved: Vec<u8> = [7].into_iter().chain(encoded.iter().copied()).chain([7]).collect();
    let mut rest = &moved[1..];
    assert_eq!(plain.take(values.len(), &mut rest).unwrap().collect::<Vec<_>>(), values);
    assert_eq!(rest, [7]);
    assert!(plain.take(1 + values.len(), &mut &encoded[..]).is_err());
    assert!(plain.take(usize::MAX, &mut &encoded[..]).is_err());
}

#[test]
fn numbers_side_by_side_are_plain() {
    check_plain(&[1_u8, 2, 255]);
    check_plain(&[-1.5_f32, f32::INFINITY]);
    check_plain(&[u128::MAX, 3]);
    check_plain(&[[1_i64, 2], [3, 4]]);
    let place = Place { x: 1.0, y: -2.0 };
    check_plain(&[place, place]);
    check_plain(&[Nested { at: place, way: [place; 2], mass: 9.0 }]);
    check_plain(&[Pair(1, -1)]);
    assert!(Generic::<u64>::plain().is_some());
}

#[test]
fn whatever_has_gaps_or_forbidden_bytes_or_more_than_is_saved_is_not() {
    assert!(bool::plain().is_none());
    assert!(char::plain().is_none());
    assert!(<()>::plain().is_none());
    assert!(String::plain().is_none());
    assert!(Option::<u32>::plain().is_none());
    assert!(Vec::<u32>::plain().is_none());
    assert!(std::num::NonZeroU32::plain().is_none());
    assert!(Generic::<bool>::plain().is_none());
    assert!(Moved::plain().is_none(), "its fields lie in another order than they are saved in");
    assert!(Gap::plain().is_none());
    assert!(Truth::plain().is_none());
    assert!(Text::plain().is_none());
    assert!(Skipping::plain().is_none());
    assert!(Opaque::plain().is_none());
    assert!(Dropping::plain().is_none());
    assert!(Empty::plain().is_none());
    assert!(Choice::plain().is_none());
    assert!(<[Truth; 2]>::plain().is_none());
}
