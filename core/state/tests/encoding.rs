//! Encoding: the format is bincode's, and no bytes do harm.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, HashMap};

use keel_state::{DEPTH_MAX, StateError, decode, decode_all, encode_column, encode_into};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Number(i128),
    Pair(char, bool),
    Branch { name: String, children: Vec<Tree>, extra: Option<Box<Tree>> },
    Table(BTreeMap<String, (u8, f32)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Node(Vec<Node>);

fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes).unwrap();
    bytes
}

#[track_caller]
fn check_column<T: Serialize>(values: &[T]) {
    let mut column = vec![1];
    encode_column(values, &mut column).unwrap();
    let mut expected = vec![1];
    values.iter().for_each(|value| encode_into(value, &mut expected).unwrap());
    assert_eq!(column, expected);
}

#[test]
fn a_column_is_its_values_one_after_another() {
    check_column::<u8>(&[]);
    check_column(&[(); 3]);
    check_column(&(0..1000_u32).map(|number| (number as f32, number)).collect::<Vec<_>>());
    // With gaps in memory, longer than in memory, and of a width that only some values share with memory.
    check_column(&(0..1000_u32).map(|number| (number as u8, number)).collect::<Vec<_>>());
    check_column(&vec!["a text that is longer than three words".to_owned(); 3]);
    check_column(&["sixteen letters!".to_owned(), "few".to_owned(), "sixteen letters!".to_owned()]);
    check_column(
        &(0..600_u32).map(|number| "x".repeat(if number < 500 { 16 } else { 3 })).collect::<Vec<_>>(),
    );
}

#[test]
fn a_column_that_cannot_be_encoded_leaves_nothing_behind() {
    struct Refusing(u32);
    impl Serialize for Refusing {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 == 700 { Err(serde::ser::Error::custom("no")) } else { self.0.serialize(serializer) }
        }
    }
    let mut column = vec![1];
    assert!(encode_column(&(0..1000).map(Refusing).collect::<Vec<_>>(), &mut column).is_err());
    assert_eq!(column, [1]);
}

fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = encoded(value);
    let format = bincode::config::standard().with_fixed_int_encoding();
    assert_eq!(bytes, bincode::serde::encode_to_vec(value, format).unwrap());
    assert_eq!(&decode_all::<T>(&bytes).unwrap(), value);
    for end in 0..bytes.len() {
        assert!(decode_all::<T>(&bytes[..end]).is_err(), "{end} of {} bytes were enough", bytes.len());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(decode_all::<T>(&longer), Err(StateError::TrailingBytes { left: 1 })));
    let mut rest = longer.as_slice();
    assert_eq!(&decode::<T>(&mut rest).unwrap(), value);
    assert_eq!(rest, [0]);
}

#[test]
fn every_shape_survives_and_is_bincode() {
    check(&(1_u8, 2_u16, 3_u32, 4_u64, 5_u128, 6_usize));
    check(&(-1_i8, -2_i16, -3_i32, -4_i64, -5_i128, -6_isize));
    check(&(0.5_f32, f64::MIN, true, 'a', 'ß', '€', '🦀'));
    check(&("text".to_owned(), vec![Some(1), None], [1_u8; 3], ((), (7_u8,))));
    check(&HashMap::from([("a".to_owned(), vec![1_u64])]));
    check(&std::time::Duration::from_millis(1500));
    check(&std::num::NonZeroU32::new(7));
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Leaf),
        any::<i128>().prop_map(Tree::Number),
        any::<(char, bool)>().prop_map(|(letter, flag)| Tree::Pair(letter, flag)),
        proptest::collection::btree_map("[a-z]{0,3}", (any::<u8>(), -9.0_f32..9.0), 0..3)
            .prop_map(Tree::Table),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = proptest::collection::vec(inner.clone(), 0..4);
        (".{0,4}", children, proptest::option::of(inner.prop_map(Box::new)))
            .prop_map(|(name, children, extra)| Tree::Branch { name, children, extra })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_survive_and_are_bincode(tree in tree()) {
        check(&tree);
    }

    #[test]
    fn damaged_bytes_are_a_value_or_an_error(tree in tree(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&tree);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode_all::<Tree>(&bytes);
        let _ = decode_all::<(Vec<u64>, String)>(&bytes);
    }
}

fn check_hostile<T: DeserializeOwned>(bytes: &[u8], expected: &str) {
    let Err(error) = decode_all::<T>(bytes) else { panic!("the bytes were accepted") };
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn lengths_are_checked_before_anything_is_allocated() {
    let endless = u64::MAX.to_le_bytes();
    check_hostile::<Vec<u8>>(&endless, "too early");
    check_hostile::<String>(&endless, "too early");
    check_hostile::<Vec<u64>>(&endless, "too early");
    check_hostile::<HashMap<u64, u64>>(&endless, "too early");
    check_hostile::<Vec<()>>(&endless, "without bytes");
    check_hostile::<Vec<[u64; 0]>>(&(u64::MAX / 2).to_le_bytes(), "without bytes");
}

#[test]
fn depth_is_limited_and_the_limit_fits_into_a_thread_of_two_mebibytes() {
    let nested = |depth: usize| [1_u64.to_le_bytes().repeat(depth), vec![0; 8]].concat();
    check_hostile::<Node>(&nested(1_000_000), "nests deeper");
    // Each `Node` is a newtype and a sequence.
    let deepest = nested(DEPTH_MAX / 2 - 1);
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let decoded = small.spawn(move || decode_all::<Node>(&deepest).map(|node| encoded(&node) == deepest));
    assert!(decoded.unwrap().join().unwrap().unwrap());
}

#[test]
fn values_that_no_type_has_are_named() {
    check_hostile::<bool>(&[2], "a bool was expected, 2 was found");
    check_hostile::<Option<u8>>(&[7, 0], "an option was expected");
    check_hostile::<char>(&[0xff], "a character was expected");
    check_hostile::<char>(&[0xed, 0xa0, 0x80], "UTF-8");
    check_hostile::<Tree>(&9_u32.to_le_bytes(), "variant index");
    check_hostile::<String>(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff], "UTF-8");
}

#[test]
fn a_failed_encoding_leaves_nothing_behind() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("on purpose"))
        }
    }
    let mut out = vec![1, 2];
    assert!(matches!(encode_into(&(5_u64, Refuses), &mut out), Err(StateError::Encode(_))));
    assert_eq!(out, [1, 2]);
}

#[test]
fn what_an_error_says_is_its_own() {
    // Decoding is generic code of whoever calls it: a literal in the error would lie in the module that decoded, which
    // may be unmapped before the error is shown.
    let Err(StateError::Corrupt { expected, .. }) = decode_all::<bool>(&[7]) else { panic!("7 is no bool") };
    let expected: String = expected;
    assert!(!expected.is_empty());
}
