//! Schemas: what they say of types, how they are told apart, and how values are shown with them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use keel_module_macros::data;
use keel_state::{
    Field, FieldStyle, LiveSchema, Schema, Shape, StateError, TypeDef, TypeRef, TypeSchema, Value, Variant,
    decode_all, encode_into,
};
use serde::Serialize;

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Ship {
    hull: Hull,
    crew: Vec<String>,
    #[keel(skip)]
    cache: u64,
    weapon: Option<Weapon>,
    escorts: Vec<Ship>,
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Hull(f32, [u8; 2]);

#[data(crate = keel_state)]
#[derive(Clone, Debug, PartialEq)]
enum Weapon {
    None,
    Cannon(u32, bool),
    Laser { heat: f64 },
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Marker;

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Pair<A, B = u8>
where
    A: Clone,
{
    first: A,
    second: Vec<B>,
}

/// What serde knows and no schema does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
struct Foreign {
    secret: u16,
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Wrapper {
    #[keel(opaque)]
    foreign: Foreign,
    #[keel(opaque = "list of foreign")]
    list: Vec<Foreign>,
    r#type: u8,
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes).unwrap();
    bytes
}

fn check_shown<T: Schema>(expected: &str) {
    assert_eq!(TypeSchema::of::<T>().to_string(), expected);
}

#[test]
fn declarations_read_as_rust() {
    check_shown::<Ship>(
        "struct Ship {\n    hull: Hull,\n    crew: Vec<String>,\n    weapon: Option<Weapon>,\n    escorts: Vec<Ship>,\n}\n\
         struct Hull(f32, [u8; 2])\n\
         enum Weapon {\n    None,\n    Cannon(u32, bool),\n    Laser {\n        heat: f64,\n    },\n}",
    );
    check_shown::<Vec<Marker>>("Vec<Marker>\nstruct Marker");
    check_shown::<Pair<u8, (char, i128)>>("struct Pair {\n    first: u8,\n    second: Vec<(char, i128)>,\n}");
    check_shown::<Wrapper>(
        "struct Wrapper {\n    foreign: opaque Foreign,\n    list: opaque list of foreign,\n    type: u8,\n}",
    );
}

#[test]
fn types_of_the_standard_library_are_described_as_serde_saves_them() {
    check_shown::<(usize, isize, Arc<str>, Box<[u8]>)>("(u64, i64, String, Vec<u8>)");
    check_shown::<(HashMap<u8, ()>, BTreeMap<u8, ()>)>("(Map<u8, ()>, Map<u8, ()>)");
    check_shown::<(HashSet<u8>, BTreeSet<u8>, VecDeque<u8>)>("(Set<u8>, Set<u8>, Vec<u8>)");
    check_shown::<Option<String>>("Option<String>");
    check_shown::<Duration>("struct Duration {\n    secs: u64,\n    nanos: u32,\n}");
    check_shown::<std::num::NonZeroU8>("struct NonZeroU8(u8)");
    check_shown::<[[f32; 4]; 4]>("[[f32; 4]; 4]");
}

fn check_value<T: Schema + Serialize>(value: &T, expected: &str) {
    let mut bytes = encoded(value);
    bytes.push(9);
    let mut rest = bytes.as_slice();
    assert_eq!(TypeSchema::of::<T>().display(&mut rest).unwrap(), expected);
    assert_eq!(rest, [9], "the whole value was read");
    for end in 0..bytes.len() - 1 {
        assert!(TypeSchema::of::<T>().display(&mut &bytes[..end]).is_err());
    }
}

#[test]
fn values_are_shown_as_rust_writes_them() {
    let escort = Ship { weapon: Some(Weapon::Cannon(3, true)), ..Ship::default() };
    let ship = Ship {
        crew: vec!["Ann".to_owned()],
        cache: 5,
        weapon: Some(Weapon::Laser { heat: f64::NAN }),
        escorts: vec![escort],
        ..Ship::default()
    };
    check_value(
        &ship,
        "Ship { hull: Hull(0.0, [0, 0]), crew: [\"Ann\"], weapon: Some(Laser { heat: NaN }), escorts: \
         [Ship { hull: Hull(0.0, [0, 0]), crew: [], weapon: Some(Cannon(3, true)), escorts: [] }] }",
    );
    check_value(
        &(Weapon::None, 'x', -5_i8, u128::MAX),
        "(None, 'x', -5, 340282366920938463463374607431768211455)",
    );
    check_value(
        &Wrapper::default(),
        "Wrapper { foreign: <Foreign, 2 bytes>, list: <list of foreign, 8 bytes>, type: 0 }",
    );
    check_value(&HashSet::from([3_u8, 1, 2]), "{1, 2, 3}");
    check_value(&HashMap::from([(2_u8, 'b'), (1, 'a')]), "{1: 'a', 2: 'b'}");
    check_value(&Duration::new(1, 2), "Duration { secs: 1, nanos: 2 }");
}

#[test]
fn what_is_skipped_is_default_and_what_is_opaque_survives() {
    let ship = Ship { cache: 5, ..Ship::default() };
    assert_eq!(decode_all::<Ship>(&encoded(&ship)).unwrap(), Ship::default());
    let wrapper = Wrapper { foreign: Foreign { secret: 7 }, list: vec![Foreign { secret: 8 }], r#type: 1 };
    assert_eq!(decode_all::<Wrapper>(&encoded(&wrapper)).unwrap(), wrapper);
    let generic = Pair { first: 'a', second: vec![Marker] };
    assert_eq!(decode_all::<Pair<char, Marker>>(&encoded(&generic)).unwrap(), generic);
}

#[test]
fn a_schema_survives_and_its_hash_never_changes() {
    let schema = TypeSchema::of::<Ship>();
    assert_eq!(decode_all::<TypeSchema>(&encoded(&schema)).unwrap(), schema);
    assert_ne!(schema.hash(), TypeSchema::of::<Hull>().hash());
    assert_eq!(TypeSchema::of::<u32>().hash(), TypeSchema::of::<Box<u32>>().hash());
    assert_eq!(TypeSchema::of::<u64>().hash(), TypeSchema::of::<keel_core_types::ModelId>().hash());
    // Snapshots hold these hashes: another hash would make every column look changed.
    assert_eq!(TypeSchema::of::<Hull>().hash(), 0x7bac_85e9_4874_2362);
}

mod named {
    pub(super) mod a {
        #[keel_module_macros::data(crate = keel_state)]
        pub(crate) struct Name {
            #[keel(default = 1, renamed_from = "other")]
            x: u8,
        }
    }
    pub(super) mod b {
        #[keel_module_macros::data(crate = keel_state)]
        pub(crate) struct Name {
            x: u8,
        }
    }
    pub(super) mod c {
        #[keel_module_macros::data(crate = keel_state)]
        pub(crate) struct Name {
            y: u8,
        }
    }
}

#[test]
fn names_count_for_the_hash_and_notes_do_not() {
    let a = TypeSchema::of::<named::a::Name>();
    assert_eq!(a, TypeSchema::of::<named::b::Name>());
    assert_eq!(a.hash(), TypeSchema::of::<named::b::Name>().hash());
    assert_ne!(a.hash(), TypeSchema::of::<named::c::Name>().hash());
}

fn check_damaged(root: TypeRef, types: Vec<TypeDef>, expected: &str) {
    let error = TypeSchema::new(root.clone(), types.clone()).unwrap_err();
    assert!(matches!(&error, StateError::SchemaDamaged { reason } if reason.contains(expected)), "{error}");
    // The encoding of a schema is that of its parts.
    let error = decode_all::<TypeSchema>(&encoded(&(root, types))).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn damaged_schemas_are_refused() {
    let ship = TypeSchema::of::<Ship>().types().to_vec();
    check_damaged(TypeRef::Named(3), ship.clone(), "type 3 of 3");
    check_damaged(TypeRef::Unit, ship[..2].to_vec(), "type 2 of 2");
    check_damaged(TypeRef::Tuple(vec![TypeRef::Unit, TypeRef::Named(9)]), vec![], "type 9 of 0");
    let headless = TypeDef { variants: Vec::new(), ..ship[0].clone() };
    check_damaged(TypeRef::Unit, vec![headless], "struct `Ship` has 0");
    check_damaged(TypeRef::Unit, ship.into_iter().cycle().take(5000).collect(), "5000 types");
}

#[test]
fn hostile_schemas_end() {
    let huge = TypeRef::Array(Box::new(TypeRef::Unit), u64::MAX);
    let schema = TypeSchema::new(huge, Vec::new()).unwrap();
    assert!(Value::decode(&schema, &mut &[][..]).is_err());
    let mut inside_itself = TypeSchema::of::<named::b::Name>().types().to_vec();
    inside_itself[0].variants[0].fields[0].ty = TypeRef::Named(0);
    let schema = TypeSchema::new(TypeRef::Named(0), inside_itself).unwrap();
    assert!(matches!(Value::decode(&schema, &mut &[][..]), Err(StateError::TooDeep { .. })));
}

#[test]
fn differences_name_the_places() {
    let schema = TypeSchema::of::<Ship>();
    let value = |ship: &Ship| Value::decode(&schema, &mut encoded(ship).as_slice()).unwrap();
    let before = Ship {
        crew: vec!["Ann".to_owned()],
        weapon: Some(Weapon::Laser { heat: f64::NAN }),
        ..Ship::default()
    };
    assert_eq!(value(&before).differences(&value(&before)), []);

    let after = Ship {
        hull: Hull(0.0, [0, 1]),
        crew: vec!["Ann".to_owned(), "Bob".to_owned()],
        weapon: None,
        ..before.clone()
    };
    let shown: Vec<_> = value(&before)
        .differences(&value(&after))
        .iter()
        .map(|difference| {
            let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
            format!("{}: {} -> {}", difference.path, show(&difference.before), show(&difference.after))
        })
        .collect();
    assert_eq!(
        shown,
        [".hull.1[1]: 0 -> 1", ".crew[1]: - -> \"Bob\"", ".weapon: Some(Laser { heat: NaN }) -> None"]
    );
}

mod one {
    use super::data;

    #[data(crate = keel_state)]
    pub(super) struct Point {
        pub(super) small: u8,
        pub(super) large: u32,
    }
    #[data(crate = keel_state)]
    pub(super) enum Side {
        Left = 1,
        Right,
    }
    #[data(crate = keel_state)]
    pub(super) struct Holder {
        pub(super) points: Vec<Point>,
        pub(super) side: Side,
    }
}

mod other {
    use super::data;

    const LEFT: isize = 7;
    #[data(crate = keel_state)]
    #[repr(C)]
    pub(super) struct Point {
        pub(super) small: u8,
        pub(super) large: u32,
    }
    #[data(crate = keel_state)]
    pub(super) enum Side {
        Left = LEFT,
        Right,
    }
    #[data(crate = keel_state)]
    pub(super) struct Holder {
        pub(super) points: Vec<Point>,
        pub(super) side: super::one::Side,
    }
}

#[test]
fn how_a_type_lies_in_memory_is_told_apart_where_the_schema_is_the_same() {
    fn check<A: Schema, B: Schema>() {
        let (one, other) = (LiveSchema::of::<A>(), LiveSchema::of::<B>());
        assert_eq!(one.schema().hash(), other.schema().hash());
        assert_ne!(one.unseen_hash(), other.unseen_hash());
    }
    check::<one::Point, other::Point>();
    check::<one::Side, other::Side>();
    check::<one::Holder, other::Holder>();
    assert_eq!(LiveSchema::of::<one::Holder>().unseen_hash(), LiveSchema::of::<one::Holder>().unseen_hash());
}

#[test]
fn a_schema_that_was_read_asks_for_no_work_that_no_bytes_pay_for() {
    let array = |inner, count| TypeRef::Array(Box::new(inner), count);
    let byte = || TypeRef::Number(keel_state::Number::U8);
    let def = |name: usize, fields: Vec<TypeRef>| TypeDef {
        name: format!("T{name}"),
        shape: Shape::Struct,
        variants: vec![Variant {
            name: format!("T{name}"),
            style: FieldStyle::Tuple,
            fields: fields.into_iter().map(|ty| Field { name: "0".to_owned(), ty }).collect(),
        }],
    };
    let read = |root: TypeRef, types: Vec<TypeDef>| {
        let mut bytes = Vec::new();
        keel_state::encode_into(&TypeSchema::new(root, types).unwrap(), &mut bytes).unwrap();
        keel_state::decode_all::<TypeSchema>(&bytes).map_err(|error| error.to_string())
    };
    let refused = |root: TypeRef, types: Vec<TypeDef>| {
        let error = read(root, types).unwrap_err();
        assert!(error.contains("more than 65536 parts without bytes"), "{error}");
    };
    // Bytes pay for as many elements as there are, a list for its own, and what contains itself in a list ends.
    read(array(byte(), 1 << 40), Vec::new()).unwrap();
    read(array(TypeRef::Unit, 1 << 16), Vec::new()).unwrap();
    read(TypeRef::Named(0), vec![def(0, vec![TypeRef::Sequence(Box::new(TypeRef::Named(0))), byte()])])
        .unwrap();
    refused(array(TypeRef::Unit, 1 << 60), Vec::new());
    refused(array(array(TypeRef::Unit, 1000), 1000), Vec::new());
    refused(TypeRef::Sequence(Box::new(TypeRef::Unit)), vec![def(0, vec![array(TypeRef::Unit, 1 << 17)])]);
    refused(TypeRef::Named(0), vec![def(0, vec![TypeRef::Named(0)])]);
    // Each one twice in the next: a table of 40 types, and values of 2 to the power of 40 parts; in either order.
    let chain = |next: fn(usize) -> usize| {
        let types =
            (0..40).map(|index| def(index, vec![TypeRef::Named(next(index) as u32 % 40); 2])).collect();
        refused(TypeRef::Named(0), types);
    };
    chain(|index| index + 1);
    chain(|index| index + 39);
}
