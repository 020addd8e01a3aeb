//! Which fields of a type can move by themselves, and where they are.

use std::mem::offset_of;

use keel_module_macros::data;
use keel_state::{FieldKey, LiveSchema, Migration, Schema, TypeSchema};

#[data(crate = keel_state)]
#[derive(Default)]
struct Inner {
    first: u8,
    text: String,
}

#[data(crate = keel_state)]
struct Outer {
    name: String,
    #[keel(skip)]
    _cache: Vec<u8>,
    #[keel(opaque)]
    hidden: String,
    inner: Inner,
    boxed: Box<Inner>,
}

#[data(crate = keel_state)]
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Packed {
    small: u8,
    large: u32,
}

#[data(crate = keel_state)]
struct Dropped {
    text: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {}
}

#[data(crate = keel_state)]
struct Generic<T>(T, Vec<T>);

#[data(crate = keel_state)]
struct Holder {
    dropped: Dropped,
}

#[track_caller]
fn check<T: Schema>(expected: &[&[usize]]) {
    let fields = T::movable_fields().into_vec();
    assert_eq!(fields.iter().map(|field| field.path.as_slice()).collect::<Vec<_>>(), expected);
}

#[test]
fn fields_are_found_by_their_number_in_the_schema() {
    check::<Inner>(&[&[0], &[1]]);
    check::<Outer>(&[&[0], &[2], &[2, 0], &[2, 1], &[3]]);
    check::<Generic<Inner>>(&[&[0], &[0, 0], &[0, 1], &[1]]);
    check::<Vec<Inner>>(&[]);
}

#[test]
fn what_can_not_be_taken_apart_stays_together() {
    check::<Packed>(&[]);
    check::<Dropped>(&[]);
    check::<Holder>(&[&[0]]);
}

#[test]
fn offsets_are_those_of_the_fields() {
    let fields = Outer::movable_fields().into_vec();
    let text = fields.iter().find(|field| field.path == [2, 1]).unwrap();
    assert_eq!(text.offset, offset_of!(Outer, inner) + offset_of!(Inner, text));
    assert_eq!(text.size, size_of::<String>());
    assert!(text.needs_drop);
    let number = fields.iter().find(|field| field.path == [2, 0]).unwrap();
    assert_eq!(number.offset, offset_of!(Outer, inner) + offset_of!(Inner, first));
    assert_eq!((number.size, number.needs_drop), (1, false));
}

fn keys<T: Schema>() -> Vec<FieldKey> {
    T::movable_fields().into_vec()
}

mod changed {
    use super::{Inner, data};

    #[data(crate = keel_state)]
    pub(super) struct Outer {
        pub(super) inner: Inner,
        pub(super) name: String,
        #[keel(default = 4)]
        pub(super) added: u16,
    }
}

#[test]
fn what_moves_leaves_something_small_in_its_place() {
    let (old, new) = (keys::<Outer>(), keys::<changed::Outer>());
    let (saved, live) = (TypeSchema::of::<Outer>(), LiveSchema::of::<changed::Outer>());
    let moving = Migration::plan_moving(&saved, &live, &old, &new).unwrap();
    // `inner` as a whole, and `name`.
    assert_eq!(moving.fields(), [(1, 0), (0, 3)]);
    assert!(moving.template().is_err(), "`boxed` and `hidden` are gone, and nobody has consented");
    let template = moving.accept_losses().template().unwrap().unwrap();
    let blank: changed::Outer = keel_state::decode_all(&template).unwrap();
    assert_eq!((blank.inner.text.as_str(), blank.name.as_str(), blank.added), ("", "", 4));
}

mod claimed {
    use keel_state::__private::Probe;
    use keel_state::FieldList;

    use super::data;

    /// Has the name of what `#[data]` asks, and lies.
    #[allow(dead_code, reason = "nobody may call it")]
    pub(super) trait Liar {
        fn add_movable(self, fields: &mut FieldList, index: usize, offset: usize);
    }

    impl<T> Liar for Probe<T> {
        fn add_movable(self, fields: &mut FieldList, index: usize, offset: usize) {
            fields.add::<String>(index, offset + 4096);
        }
    }

    #[data(crate = keel_state)]
    pub(super) struct Believed {
        pub(super) number: u32,
    }
}

#[test]
fn no_trait_of_an_author_answers_for_a_field() {
    let fields = claimed::Believed::movable_fields().into_vec();
    assert_eq!((fields[0].offset, fields[0].size), (offset_of!(claimed::Believed, number), size_of::<u32>()));
}
