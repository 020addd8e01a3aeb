//! Types that nothing but their schema declares: as text, what is refused, and their defaults.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use keel_state::{LiveSchema, Migration, TypeDef, TypeRef, TypeSchema, Value, ValueRef};
use proptest::prelude::*;

fn declare(text: &str) -> LiveSchema {
    LiveSchema::declared(text.parse().unwrap()).unwrap()
}

#[track_caller]
fn check_text(text: &str, expected: &str) {
    assert_eq!(text.parse::<TypeSchema>().unwrap_err().to_string(), expected);
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let refused = LiveSchema::declared(text.parse().unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
}

/// `value` made of what is given, as text.
fn made(live: &LiveSchema, value: &Value) -> String {
    let bytes = live.encode("value", ValueRef::from(value)).unwrap();
    live.schema().display(&mut bytes.as_slice()).unwrap()
}

#[test]
fn declarations_are_read_as_they_are_written() {
    let text = "struct Ship {\n    hull: [Plank; 2],\n    crew: Map<String, (u8, bool)>,\n    mood: Option<Mood>,\n}\n\
                struct Plank(f32, Set<char>)\nenum Mood {\n    Calm,\n    Afraid {\n        since: u32,\n    },\n    \
                Hungry(Vec<Ship>, ()),\n}\nstruct Marker";
    let schema: TypeSchema = text.parse().unwrap();
    assert_eq!(schema.to_string(), text);
    let dense = "struct Ship{hull:[Plank;2],crew:Map<String,(u8,bool)>,mood:Option<Mood>,} // the ship\n\
                 struct Plank(f32,Set<char>);enum Mood{Calm,Afraid{since:u32},Hungry(Vec<Ship>,())}struct Marker;";
    assert_eq!(dense.parse::<TypeSchema>().unwrap(), schema);
    assert_eq!(*"Vec<u8>".parse::<TypeSchema>().unwrap().root(), *TypeSchema::of::<Vec<u8>>().root());
}

#[test]
fn a_text_that_declares_no_types_is_refused_with_its_line() {
    check_text("", "line 1: the end stands where a type should; declare types as Rust does");
    check_text("struct", "line 1: the end stands where a type's name should; declare types as Rust does");
    check_text(
        "struct A {\n    x f32\n}",
        "line 2: `f32` stands where `:` should; declare types as Rust does",
    );
    check_text("struct A { x: f33 }", "line 1: `f33` is no type; declare it in the same text");
    check_text(
        "struct A {\n  x: f32\n  y: f32 }",
        "line 3: `y` stands where `,` or `}` should; declare types as Rust does",
    );
    check_text(
        "struct A { x: [f32; many] }",
        "line 1: `many` stands where the array's length should; declare types as Rust does",
    );
    check_text("struct A\nenum A { }", "line 2: `A` is declared twice; rename one of them");
    check_text(
        "struct A { x: f32 } 7",
        "line 1: `7` stands where `struct` or `enum` should; declare types as Rust does",
    );
    check_text("struct A { x: Vec<f32 }", "line 1: `}` stands where `>` should; declare types as Rust does");
    let deep = format!("struct A {{ x: {}u8{} }}", "Vec<".repeat(200), ">".repeat(200));
    check_text(&deep, "line 1: types lie more than 128 deep; name some of them");
}

#[test]
fn what_no_value_can_be_made_of_is_refused() {
    check_refused("f32", "f32 is no struct or enum; let it be the field of one");
    check_refused(
        "struct A { a: A }",
        "no value of `A` ends: it always contains another one; put an `Option` or a `Vec` around it",
    );
    check_refused(
        "struct A { b: [B; 1] } enum B { Some(A), Also { a: A } }",
        "no value of `A` ends: it always contains another one; put an `Option` or a `Vec` around it",
    );
    check_refused(
        "enum Never {}",
        "no value of `Never` ends: it always contains another one; put an `Option` or a `Vec` around it",
    );
    check_refused(
        "struct A { a: [[u8; 100000]; 100000] }",
        "each `A` takes more than 1048576 bytes; use a `Vec` in the place of a long array",
    );
    check_refused(
        "struct A { a: [(); 4294967296] }",
        "each `A` takes more than 1048576 bytes; use a `Vec` in the place of a long array",
    );
    check_refused("struct A { a: u8, a: u8 }", "`A` has two fields `a`; rename one");
    check_refused("enum A { B, B }", "`A` has two variants `B`; rename one");
    check_refused(
        "struct A { a: Option<opaque Secret> }",
        "`A.a` is Option<opaque Secret>, which only its own type can make; describe what is in it",
    );
    let bad = TypeDef {
        name: "a b".to_owned(),
        ..TypeSchema::clone(declare("struct A").schema()).types()[0].clone()
    };
    let refused = LiveSchema::declared(TypeSchema::new(TypeRef::Named(0), vec![bad]).unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "`a b` is no name of a type; write letters, digits and `_`");
    // An end is enough.
    declare("struct A { next: Option<A>, all: Vec<A>, b: B } enum B { Leaf, Tree(A) }");
}

#[test]
fn structs_have_the_defaults_of_their_fields() {
    let text =
        "struct Ship { hull: Hull, crew: u8, name: String } struct Hull { planks: [f32; 2], at: (u8, bool) }";
    let live = declare(text);
    assert_eq!(
        made(&live, &Value::named([("crew", 3.into())])),
        "Ship { hull: Hull { planks: [0.0, 0.0], at: (0, false) }, crew: 3, name: \"\" }"
    );
    let given =
        Value::named([("name", "Keel".into()), ("hull", Value::named([("planks", vec![1, 2].into())]))]);
    let live = live.with_default("Ship", ValueRef::from(&given)).unwrap();
    assert_eq!(
        made(&live, &Value::named([("crew", 3.into())])),
        "Ship { hull: Hull { planks: [1.0, 2.0], at: (0, false) }, crew: 3, name: \"Keel\" }"
    );
    let wrong = Value::named([("mast", 1.into())]);
    let wrong = live.with_default("Ship", ValueRef::from(&wrong)).unwrap_err();
    assert_eq!(wrong.to_string(), "`Ship` (Ship) has no field `mast`; there are hull, crew, name");
}

#[test]
fn an_enum_has_the_default_that_it_is_given() {
    let text = "struct Crew { mood: Mood } enum Mood { Calm, Afraid { since: u32 } }";
    let live = declare(text);
    assert!(live.encode("Crew", ValueRef::from(&Value::named([]))).is_err(), "nobody says which variant");
    let given = Value::named([("mood", "Calm".into())]);
    let live = live.with_default("Crew", ValueRef::from(&given)).unwrap();
    assert_eq!(made(&live, &Value::named([])), "Crew { mood: Calm }");
    // What is new in a type becomes its default in older values.
    let migration = Migration::plan(&"struct Crew { }".parse().unwrap(), &live);
    let mut bytes = Vec::new();
    migration.apply(&mut [].as_slice(), &mut bytes).unwrap();
    assert_eq!(live.schema().display(&mut bytes.as_slice()).unwrap(), "Crew { mood: Calm }");
}

#[test]
fn sets_and_maps_lie_in_one_order() {
    let live = declare("struct A { tags: Set<u8>, of: Map<u8, Set<u8>> }");
    let entry = |key: u8, values: Vec<u8>| (key.into(), values.into());
    let value = Value::named([
        ("tags", vec![3, 1, 3].into()),
        ("of", Value::Map(vec![entry(2, vec![5, 4]), entry(1, vec![]), entry(2, vec![4, 5, 5])])),
    ]);
    let mut bytes = live.encode("A", ValueRef::from(&value)).unwrap();
    bytes.push(9);
    let mut rest = bytes.as_slice();
    let canonical = live.canonical(&mut rest).unwrap();
    assert_eq!(rest, [9], "one value was read");
    assert_eq!(
        live.schema().display(&mut canonical.as_slice()).unwrap(),
        "A { tags: {1, 3}, of: {1: {}, 2: {4, 5}} }"
    );
    assert_eq!(live.canonical(&mut canonical.as_slice()).unwrap(), canonical);
    let cut = &mut &canonical[..5];
    assert!(live.canonical(cut).is_err());
    assert_eq!(cut.len(), 5, "nothing was read of what is no value");
}

/// Any type, of those that are declared.
fn any_type(named: u32) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["u8", "i128", "f64", "bool", "char", "String", "()"])
            .prop_map(str::to_owned),
        (0..named).prop_map(|index| format!("T{index}")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| format!("Option<{it}>")),
            inner.clone().prop_map(|it| format!("Vec<{it}>")),
            inner.clone().prop_map(|it| format!("Set<{it}>")),
            (inner.clone(), 0..4).prop_map(|(it, count)| format!("[{it}; {count}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("Map<{a}, {b}>")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}, {b})")),
        ]
    })
}

/// So many structs and enums.
fn any_schema(count: u32) -> impl Strategy<Value = String> {
    let fields = prop::collection::vec(any_type(count), 0..3);
    let def = (fields, 0..4).prop_map(|(types, style)| match style {
        0 => format!("({})", types.join(", ")),
        1 => format!(
            "{{ {} }}",
            types.iter().enumerate().map(|(place, ty)| format!("f{place}: {ty}, ")).collect::<String>()
        ),
        2 => format!("enum {{ A({}), B }}", types.join(", ")),
        _ => String::new(),
    });
    prop::collection::vec(def, count as usize).prop_map(|defs| {
        let declared = defs.iter().enumerate().map(|(place, def)| match def.strip_prefix("enum") {
            Some(variants) => format!("enum T{place}{variants}\n"),
            None => format!("struct T{place}{def}\n"),
        });
        declared.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(text in any_schema(3)) {
        let schema: TypeSchema = text.parse().unwrap();
        prop_assert_eq!(schema.to_string().parse::<TypeSchema>().unwrap(), schema);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(struct|enum|[A-C<>(){}\\[\\];:, ]|u8|2)*") {
        // No panic, no stack overflow; a schema that came out is one.
        if let Ok(schema) = text.parse::<TypeSchema>() {
            prop_assert_eq!(schema.to_string().parse::<TypeSchema>().unwrap(), schema);
        }
    }

    #[test]
    fn a_default_is_a_value(text in any_schema(3)) {
        let Ok(live) = LiveSchema::declared(text.parse().unwrap()) else { return Ok(()) };
        if let Some(default) = live.type_default(live.schema().root()) {
            let mut rest = default.as_slice();
            prop_assert_eq!(&live.canonical(&mut rest).unwrap(), &default);
            prop_assert!(rest.is_empty());
        }
    }
}
