//! Values by the names of their parts: every way to a place leads to the same value.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use keel_module_macros::data;
use keel_state::{
    AccessPlan, FieldPath, FromValue, LiveSchema, Schema, TypeAccess, Value, ValueRef, decode_all,
    encode_into,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Vector {
    x: f32,
    y: f64,
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Calm,
    Afraid {
        since: u32,
        of: String,
        #[keel(skip)]
        cache: u8,
        at: Vector,
    },
    Hungry(i16, #[keel(opaque)] String, Vec<u8>),
}

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Item {
    name: String,
    count: u8,
}

/// Something of everything.
#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Everything {
    small: u8,
    signed: i64,
    wide: u128,
    size: usize,
    truth: bool,
    letter: char,
    text: String,
    place: Vector,
    pair: (u16, Vector),
    row: [i32; 3],
    raw: [u8; 4],
    blob: Vec<u8>,
    items: Vec<Item>,
    queue: VecDeque<u32>,
    tree: BTreeMap<String, Vector>,
    hashed: HashMap<i32, String>,
    set: BTreeSet<u8>,
    maybe: Option<Vector>,
    deep: Option<Option<u8>>,
    mood: Mood,
    boxed: Box<Item>,
    time: Duration,
    #[keel(skip)]
    cache: Vec<u32>,
    #[keel(opaque)]
    hidden: String,
    unit: (),
}

impl Drop for Item {
    fn drop(&mut self) {}
}

/// A type with what leads into its values.
struct Type<T> {
    live: LiveSchema,
    access: TypeAccess,
    of: std::marker::PhantomData<T>,
}

impl<T: Schema + Serialize + DeserializeOwned> Type<T> {
    fn new() -> Self {
        Self { live: LiveSchema::of::<T>(), access: TypeAccess::of::<T>(), of: std::marker::PhantomData }
    }

    fn plan(&self, path: &str) -> AccessPlan {
        self.try_plan(path).unwrap()
    }

    fn try_plan(&self, path: &str) -> Result<AccessPlan, String> {
        let path = FieldPath::parse(path).map_err(|error| error.to_string())?;
        AccessPlan::new(&path, &self.live, &self.access).map_err(|error| error.to_string())
    }

    /// By way of the bytes.
    fn get(&self, value: &T, path: &str) -> Result<Value, String> {
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes).unwrap();
        let found = self.try_plan(path)?.get_encoded(&self.live, &bytes).map_err(|error| error.to_string());
        let direct = self.encoded_plan(path)?;
        // An option on the way that is `None` is what is read, as in memory.
        if let Some(direct) = direct.read_encoded(&bytes).filter(|direct| *direct != ValueRef::None) {
            let shown = found.as_ref().map(Value::to_string).unwrap();
            let direct = direct.to_value().to_string();
            // An enum's payload is no part of its name.
            assert!(shown.trim_matches('"').starts_with(direct.trim_matches('"')), "{path}");
        }
        found
    }

    /// For values that lie encoded.
    fn encoded_plan(&self, path: &str) -> Result<AccessPlan, String> {
        let path = FieldPath::parse(path).map_err(|error| error.to_string())?;
        AccessPlan::new(&path, &self.live, &TypeAccess::of_encoded()).map_err(|error| error.to_string())
    }

    /// As a world does where values lie encoded; the value as text.
    fn write_bytes(&self, value: &T, path: &str, new: ValueRef<'_>) -> Result<String, String> {
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes).unwrap();
        let plan = self.encoded_plan(path)?;
        match plan.write_encoded(&mut bytes, &new) {
            Some(done) => done.map_err(|error| error.to_string())?,
            None => bytes = plan.set_encoded(&self.live, &bytes, new).map_err(|error| error.to_string())?,
        }
        Ok(self.live.schema().display(&mut bytes.as_slice()).unwrap())
    }

    /// In memory, where that is possible.
    fn read<R: FromValue>(&self, value: &T, path: &str) -> R {
        let plan = self.plan(path);
        let found = plan.read(self.access.lend(value)).unwrap_or_else(|| panic!("{path} is not there"));
        let other = self.get(value, path).unwrap();
        assert_eq!(found.to_value().to_string(), ValueRef::from(&other).to_value().to_string(), "{path}");
        plan.read_as(self.access.lend(value)).unwrap().unwrap()
    }

    /// As a world does: in place, or by way of the bytes. Where values lie encoded, the same comes out.
    fn write(&self, value: &mut T, path: &str, new: ValueRef<'_>) -> Result<(), String> {
        let expected = self.write_bytes(value, path, new);
        let written = self.write_here(value, path, new);
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes).unwrap();
        let found = self.live.schema().display(&mut bytes.as_slice()).unwrap();
        assert_eq!(written.clone().map(|()| found), expected, "{path}");
        written
    }

    fn write_here(&self, value: &mut T, path: &str, new: ValueRef<'_>) -> Result<(), String> {
        let plan = self.try_plan(path)?;
        if let Some(done) = plan.write(&mut self.access.lend_mut(value), &new) {
            return done.map_err(|error| error.to_string());
        }
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes).unwrap();
        let bytes = plan.set_encoded(&self.live, &bytes, new).map_err(|error| error.to_string())?;
        let mut changed: T = decode_all(&bytes).unwrap();
        plan.exchange(&mut self.access.lend_mut(value), &mut self.access.lend_mut(&mut changed));
        Ok(())
    }
}

fn everything() -> Everything {
    let mut everything = Everything {
        small: 7,
        signed: -9,
        text: "keel".to_owned(),
        place: Vector { x: 1.5, y: -2.5 },
        pair: (3, Vector { x: 4.0, y: 5.0 }),
        row: [1, -2, 3],
        raw: [9, 8, 7, 6],
        blob: vec![1, 2, 3],
        queue: VecDeque::from([10, 20]),
        hidden: "unseen".to_owned(),
        cache: vec![5, 6],
        time: Duration::new(3, 4),
        ..Everything::default()
    };
    for (name, count) in [("rope", 1), ("sail", 2)] {
        let mut item = Item::default();
        name.clone_into(&mut item.name);
        item.count = count;
        everything.items.push(item);
    }
    everything.tree.insert("bow".to_owned(), Vector { x: 8.0, y: 9.0 });
    everything.hashed.insert(-4, "minus four".to_owned());
    everything.maybe = Some(Vector { x: 6.0, y: 7.0 });
    everything.mood =
        Mood::Afraid { since: 12, of: "sharks".to_owned(), cache: 3, at: Vector { x: 2.0, y: 3.0 } };
    everything
}

#[test]
fn leaves_are_read_where_they_lie() {
    let ty = Type::<Everything>::new();
    let value = everything();
    assert_eq!(ty.read::<u8>(&value, "E.small"), 7);
    assert_eq!(ty.read::<i64>(&value, "E.signed"), -9);
    assert_eq!(ty.read::<f32>(&value, "E.place.x"), 1.5);
    assert_eq!(ty.read::<f64>(&value, "E.pair.1.y"), 5.0);
    assert_eq!(ty.read::<i32>(&value, "E.row[1]"), -2);
    assert_eq!(ty.read::<Vec<u8>>(&value, "E.raw"), [9, 8, 7, 6]);
    assert_eq!(ty.read::<String>(&value, "E.items[1].name"), "sail");
    assert_eq!(ty.read::<u32>(&value, "E.queue[1]"), 20);
    assert_eq!(ty.read::<f32>(&value, "E.tree[\"bow\"].x"), 8.0);
    assert_eq!(ty.read::<String>(&value, "E.hashed[-4]"), "minus four");
    assert_eq!(ty.read::<Option<f32>>(&value, "E.maybe.x"), Some(6.0));
    assert_eq!(ty.read::<Option<u8>>(&value, "E.deep"), None);
    assert_eq!(ty.read::<u32>(&value, "E.mood.Afraid.since"), 12);
    assert_eq!(ty.read::<f64>(&value, "E.mood.Afraid.at.y"), 3.0);
    let (text, blob) = (ty.plan("E.text"), ty.plan("E.blob"));
    let lent = ty.access.lend(&value);
    // Not copies, but what is there.
    assert!(matches!(text.read(lent), Some(ValueRef::Text(found)) if found.as_ptr() == value.text.as_ptr()));
    assert!(matches!(blob.read(lent), Some(ValueRef::Bytes(found)) if found.as_ptr() == value.blob.as_ptr()));
    assert_eq!(ty.plan("E.mood").read(lent), Some(ValueRef::Variant("Afraid")));
}

#[test]
fn leaves_are_read_where_they_lie_in_the_bytes() {
    let ty = Type::<Everything>::new();
    let mut bytes = Vec::new();
    encode_into(&everything(), &mut bytes).unwrap();
    #[track_caller]
    fn check(ty: &Type<Everything>, bytes: &[u8], path: &str, expected: ValueRef<'_>) {
        let plan = ty.encoded_plan(path).unwrap();
        assert!(plan.is_direct(), "{path}");
        assert_eq!(plan.read_encoded(bytes), Some(expected), "{path}");
    }
    check(&ty, &bytes, "E.small", ValueRef::Unsigned(7));
    check(&ty, &bytes, "E.signed", ValueRef::Signed(-9));
    check(&ty, &bytes, "E.text", ValueRef::Text("keel"));
    check(&ty, &bytes, "E.pair.1.y", ValueRef::F64(5.0));
    check(&ty, &bytes, "E.row[1]", ValueRef::Signed(-2));
    check(&ty, &bytes, "E.raw", ValueRef::Bytes(&[9, 8, 7, 6]));
    check(&ty, &bytes, "E.blob", ValueRef::Bytes(&[1, 2, 3]));
    check(&ty, &bytes, "E.items[1].name", ValueRef::Text("sail"));
    check(&ty, &bytes, "E.queue[1]", ValueRef::Unsigned(20));
    check(&ty, &bytes, "E.maybe.x", ValueRef::F32(6.0));
    check(&ty, &bytes, "E.deep", ValueRef::None);
    check(&ty, &bytes, "E.mood", ValueRef::Variant("Afraid"));
    check(&ty, &bytes, "E.mood.Afraid.at.y", ValueRef::F64(3.0));
    check(&ty, &bytes, "E.letter", ValueRef::Char('\0'));
    for path in ["E.tree[\"bow\"].x", "E.items[2].name", "E.mood.Hungry.0", "E.place", "E.set", "E.items"] {
        assert_eq!(ty.encoded_plan(path).unwrap().read_encoded(&bytes), None, "{path}");
    }
    for end in 0..bytes.len() {
        // Bytes that end too early are read as nothing, never past their end.
        let plan = ty.encoded_plan("E.mood.Afraid.at.y").unwrap();
        let read = plan.read_encoded(&bytes[..end]);
        assert!(matches!(read, None | Some(ValueRef::F64(3.0))), "{end}");
    }
}

#[test]
fn what_has_no_place_in_memory_is_read_by_its_bytes() {
    let ty = Type::<Everything>::new();
    let value = everything();
    for path in ["E.time.secs", "E.boxed.count", "E.items", "E.maybe", "E.mood.Afraid", "E.raw[2]"] {
        assert_eq!(ty.plan(path).read(ty.access.lend(&value)), None, "{path}");
    }
    assert_eq!(ty.get(&value, "E.time.secs").unwrap(), 3_u64.into());
    assert_eq!(ty.get(&value, "E.boxed.count").unwrap(), 0_u8.into());
    assert_eq!(ty.get(&value, "E.raw[2]").unwrap(), 7_u8.into());
    assert_eq!(ty.get(&value, "E.maybe").unwrap().to_string(), "Vector { x: 6.0, y: 7.0 }");
}

#[track_caller]
fn check_write(path: &str, new: Value, assign: impl FnOnce(&mut Everything)) {
    let ty = Type::<Everything>::new();
    let (mut written, mut assigned) = (everything(), everything());
    ty.write(&mut written, path, ValueRef::from(&new)).unwrap();
    assign(&mut assigned);
    assert_eq!(written, assigned);
}

#[test]
fn writing_is_assigning() {
    check_write("E.small", 255.into(), |it| it.small = 255);
    check_write("E.signed", 2.0.into(), |it| it.signed = 2);
    check_write("E.place.x", 3.into(), |it| it.place.x = 3.0);
    check_write("E.letter", "x".into(), |it| it.letter = 'x');
    check_write("E.text", "hull".into(), |it| it.text = "hull".to_owned());
    check_write("E.text", 'h'.into(), |it| it.text = "h".to_owned());
    check_write("E.pair.0", 6.into(), |it| it.pair.0 = 6);
    check_write("E.row[2]", (-1).into(), |it| it.row[2] = -1);
    check_write("E.raw[2]", 1.into(), |it| it.raw[2] = 1);
    check_write("E.items[0].count", 9.into(), |it| it.items[0].count = 9);
    check_write("E.tree[\"bow\"].y", 1.into(), |it| it.tree.get_mut("bow").unwrap().y = 1.0);
    check_write("E.mood.Afraid.of", "orcas".into(), |it| {
        let Mood::Afraid { of, .. } = &mut it.mood else { panic!() };
        *of = "orcas".to_owned();
    });
    check_write("E.maybe.x", 1.into(), |it| it.maybe.as_mut().unwrap().x = 1.0);
    check_write("E.boxed.count", 4.into(), |it| it.boxed.count = 4);
    check_write("E.time.secs", 1.into(), |it| it.time = Duration::new(1, 4));
}

#[test]
fn what_has_parts_is_written_whole() {
    check_write("E.mood", "Calm".into(), |it| it.mood = Mood::Calm);
    check_write("E.mood", Value::variant("Hungry", [("0", 3.into()), ("2", vec![1, 2].into())]), |it| {
        it.mood = Mood::Hungry(3, String::new(), vec![1, 2]);
    });
    check_write("E.maybe", Value::Option(None), |it| it.maybe = None);
    check_write("E.maybe", Value::named([("y", 1.into())]), |it| it.maybe = Some(Vector { x: 0.0, y: 1.0 }));
    check_write("E.deep", 4.into(), |it| it.deep = Some(Some(4)));
    check_write("E.tree[\"stern\"]", Value::named([("x", 1.into())]), |it| {
        it.tree.insert("stern".to_owned(), Vector { x: 1.0, y: 0.0 });
    });
    check_write("E.hashed[7]", "seven".into(), |it| {
        it.hashed.insert(7, "seven".to_owned());
    });
    check_write("E.row", vec![4, 5, 6].into(), |it| it.row = [4, 5, 6]);
    check_write("E.items", Value::Sequence(Vec::new()), |it| it.items.clear());
    check_write("E.set", vec![3, 1].into(), |it| it.set = BTreeSet::from([1, 3]));
    check_write("E.blob", vec![4, 5].into(), |it| it.blob = vec![4, 5]);
}

#[track_caller]
fn check_refused(path: &str, new: ValueRef<'_>, expected: &str) {
    let ty = Type::<Everything>::new();
    let mut value = everything();
    assert_eq!(ty.write(&mut value, path, new).unwrap_err(), expected);
    assert_eq!(value, everything(), "what is refused changes nothing");
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_write() {
    check_refused("E.place.x", "abc".into(), "E.place.x is f32; found text \"abc\"; write a number");
    check_refused(
        "E.small",
        256.into(),
        "E.small is u8; 256 does not fit; write a whole number from 0 to 255",
    );
    check_refused(
        "E.signed",
        0.5.into(),
        "E.signed is i64; 0.5 does not fit; write a whole number from -9223372036854775808 to 9223372036854775807",
    );
    check_refused("E.place.x", 16_777_217.into(), "E.place.x is f32; 16777217 does not fit; write a number");
    check_refused("E.truth", 1.into(), "E.truth is bool; found 1; write true or false");
    check_refused("E.letter", "ab".into(), "E.letter is char; found text \"ab\"; write a character");
    check_refused(
        "E.mood",
        "Angry".into(),
        "`E.mood` (Mood) has no variant `Angry`; there are Calm, Afraid, Hungry",
    );
    check_refused("E.raw", [1_u8, 2].as_slice().into(), "E.raw is [u8; 4]; found 2 bytes; write a list of 4");
    check_refused(
        "E.hidden",
        "x".into(),
        "E.hidden is opaque String; found text \"x\"; only its own type can make it",
    );
    check_refused("E.place.z", 1.into(), "`E.place` (Vector) has no field `z`; there are x, y");
    check_refused(
        "E.items[2].count",
        1.into(),
        "`E.items` has 2 elements, and none at 2; write the whole list to add to it",
    );
    check_refused(
        "E.row[3]",
        1.into(),
        "`E.row` has 3 elements, and none at 3; write the whole list to add to it",
    );
    check_refused(
        "E.mood.Hungry.0",
        1.into(),
        "`E.mood` is Afraid now, not Hungry; write a whole `Hungry` there first",
    );
    check_refused("E.set[1]", 1.into(), "`E.set` is Set<u8> and has no `[1]`; read and write the whole set");
    check_refused(
        "E.items.name",
        1.into(),
        "`E.items` is Vec<Item> and has no `.name`; name an element by its number: `[0]`",
    );
    let wrong = Value::named([("x", 1.into()), ("w", 1.into())]);
    check_refused("E.place", (&wrong).into(), "`E.place` (Vector) has no field `w`; there are x, y");
}

#[test]
fn what_is_not_there_is_told() {
    let ty = Type::<Everything>::new();
    let mut value = everything();
    value.maybe = None;
    assert_eq!(ty.get(&value, "E.maybe.x").unwrap_err(), "`E.maybe` is None; write a value there first");
    assert_eq!(ty.get(&value, "E.tree[\"keel\"]").unwrap_err(), "`E.tree` has no entry \"keel\"; write one");
    assert_eq!(
        ty.plan("E.text").convert::<f32>(ValueRef::Text("keel")).unwrap_err().to_string(),
        "E.text is String; text \"keel\" is no f32; read it as String"
    );
    assert_eq!(
        ty.plan("E.signed").convert::<u8>(ValueRef::Signed(-9)).unwrap_err().to_string(),
        "E.signed is i64; -9 does not fit into u8; read it as i64"
    );
}

#[test]
fn paths_are_read_as_they_are_written() {
    for text in ["A", "A.b.c", "A.b[3].c", "A.m[\"x.y]\\\"\"][-2].0"] {
        assert_eq!(FieldPath::parse(text).unwrap().to_string(), text);
    }
    for text in ["", ".a", "A.", "A..b", "A[", "A[x]", "A[\"x]", "A[\"x\"", "A[1]b", "A b.c"] {
        let error = FieldPath::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` is no path: ")), "{error}");
    }
}

#[test]
#[should_panic = "the plan was made for another registration"]
fn a_plan_follows_no_value_of_another_registration() {
    let (one, other) = (Type::<Vector>::new(), Type::<Vector>::new());
    let _ = one.plan("V.x").read(other.access.lend(&Vector::default()));
}

#[test]
#[should_panic = "a value of another type was lent"]
fn an_access_lends_no_value_of_another_type() {
    let _ = Type::<Vector>::new().access.lend(&Item::default());
}

fn value_of_everything() -> impl Strategy<Value = Everything> {
    let vector = || (any::<f32>(), any::<f64>()).prop_map(|(x, y)| Vector { x, y });
    let item = ("[a-z]{0,4}", any::<u8>()).prop_map(|(name, count)| {
        let mut item = Item::default();
        (item.name, item.count) = (name, count);
        item
    });
    let mood = prop_oneof![
        Just(Mood::Calm),
        (any::<u32>(), "[a-z]{0,4}", vector()).prop_map(|(since, of, at)| Mood::Afraid {
            since,
            of,
            cache: 1,
            at
        }),
        (any::<i16>(), "[a-z]{0,4}", prop::collection::vec(any::<u8>(), 0..3))
            .prop_map(|(a, b, c)| Mood::Hungry(a, b, c)),
    ];
    let numbers = (any::<u8>(), any::<i64>(), any::<u128>(), any::<usize>(), any::<bool>(), any::<char>());
    let flat = (vector(), (any::<u16>(), vector()), any::<[i32; 3]>(), any::<[u8; 4]>(), ".{0,5}");
    let lists = (
        prop::collection::vec(item.clone(), 0..4),
        prop::collection::vec_deque(any::<u32>(), 0..4),
        prop::collection::btree_map("[a-z]{0,2}", vector(), 0..3),
        prop::collection::hash_map(any::<i32>(), ".{0,3}", 0..3),
        prop::collection::vec(any::<u8>(), 0..5),
    );
    let rest = (prop::option::of(vector()), prop::option::of(prop::option::of(any::<u8>())), mood, item);
    (numbers, flat, lists, rest).prop_map(|(numbers, flat, lists, rest)| Everything {
        small: numbers.0,
        signed: numbers.1,
        wide: numbers.2,
        size: numbers.3,
        truth: numbers.4,
        letter: numbers.5,
        place: flat.0,
        pair: flat.1,
        row: flat.2,
        raw: flat.3,
        text: flat.4,
        items: lists.0,
        queue: lists.1,
        tree: lists.2,
        hashed: lists.3,
        blob: lists.4,
        maybe: rest.0,
        deep: rest.1,
        mood: rest.2,
        boxed: Box::new(rest.3),
        cache: vec![1],
        ..Everything::default()
    })
}

/// The paths of all leaves that `value` has, found by its bytes.
fn paths_of(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Named { variant, fields, .. } => {
            let path = variant.as_ref().map_or(path.to_owned(), |name| format!("{path}.{name}"));
            fields.iter().for_each(|(name, value)| paths_of(value, &format!("{path}.{name}"), found));
        }
        Value::Tuple(values) => {
            (0..).zip(values).for_each(|(place, value)| paths_of(value, &format!("{path}.{place}"), found));
        }
        Value::Sequence(values) => {
            (0..).zip(values).for_each(|(place, value)| paths_of(value, &format!("{path}[{place}]"), found));
        }
        Value::Map(entries) => {
            entries.iter().for_each(|(key, value)| paths_of(value, &format!("{path}[{key}]"), found));
        }
        Value::Option(Some(inner)) => paths_of(inner, path, found),
        Value::Option(None) | Value::Set(_) | Value::Opaque { .. } => {}
        _ => found.push(path.to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 128 }, ..ProptestConfig::default() })]

    /// A leaf read in memory is the leaf in the bytes, and one written by its path is one that was assigned: all leaves of
    /// one value are written into another of the same shape, one by one, and nothing else changes.
    #[test]
    fn every_leaf_is_read_and_written_by_its_path(value in value_of_everything()) {
        let ty = Type::<Everything>::new();
        let mut paths = Vec::new();
        paths_of(&ty.get(&value, "E").unwrap(), "E", &mut paths);
        let mut written = value.clone();
        // Miri takes its time, and the other tests show it each way once.
        for path in paths.iter().step_by(if cfg!(miri) { 7 } else { 1 }) {
            let plan = ty.plan(path);
            let by_bytes = ty.get(&value, path).unwrap();
            if let Some(read) = plan.read(ty.access.lend(&value)) {
                prop_assert_eq!(read.to_value(), by_bytes.clone(), "{}", path);
            }
            // Another value, and then the first again.
            let other = match &by_bytes {
                Value::Bool(value) => Value::Bool(!value),
                Value::Char(_) => Value::Char(if by_bytes == '#'.into() { '!' } else { '#' }),
                Value::String(text) => Value::String(format!("{text}#")),
                Value::Unit => Value::Unit,
                number if ["1", "1.0"].contains(&&*number.to_string()) => 2.into(),
                _ => 1.into(),
            };
            ty.write(&mut written, path, (&other).into()).unwrap();
            prop_assert_eq!(ty.get(&written, path).unwrap() == by_bytes, other == Value::Unit, "{}", path);
            ty.write(&mut written, path, (&by_bytes).into()).unwrap();
        }
        prop_assert_eq!(ty.get(&written, "E").unwrap(), ty.get(&value, "E").unwrap());
        prop_assert_eq!(&written.cache, &value.cache);
    }
}
