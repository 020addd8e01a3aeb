//! Migration between hand-written versions of types.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    unreachable_pub,
    missing_docs,
    reason = "the versions of a type have the visibility a component has"
)]

use std::collections::{BTreeMap, BTreeSet};

use keel_state::{
    Change, LiveSchema, Loss, Migration, Schema, StateError, TypeSchema, decode_all, encode_into,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes).unwrap();
    bytes
}

fn plan<Old: Schema, New: Schema>() -> Migration {
    Migration::plan(&TypeSchema::of::<Old>(), &LiveSchema::of::<New>())
}

fn migrated<New: DeserializeOwned>(migration: &Migration, saved: &[u8]) -> Result<New, StateError> {
    let (mut rest, mut out) = (saved, vec![9]);
    let result = migration.apply(&mut rest, &mut out);
    if let Err(error) = result {
        assert_eq!((rest, out.as_slice()), (saved, &[9][..]), "a failed migration moves nothing");
        return Err(error);
    }
    assert!(rest.is_empty(), "the whole value was read");
    Ok(decode_all(&out[1..]).unwrap())
}

/// Migrates `old` and expects `new`, and one line for each change.
#[track_caller]
fn check<Old, New>(old: Old, new: New, changes: &[&str])
where
    Old: Schema + Serialize,
    New: Schema + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let migration = plan::<Old, New>();
    let shown: Vec<_> = migration.changes().iter().map(Change::to_string).collect();
    assert_eq!(shown, changes);
    let saved = encoded(&old);
    let lossless = migration.losses().all(|change| change.loss() == Loss::Possible);
    if lossless && !migration.is_lossy() {
        assert_eq!(migrated::<New>(&migration, &saved).unwrap(), new);
    }
    let migration = migration.accept_losses();
    assert_eq!(migrated::<New>(&migration, &saved).unwrap(), new);
    check_column::<New>(&migration, &saved, &new);
    check_damaged(&migration, &saved);
}

fn check_column<New: DeserializeOwned + PartialEq + std::fmt::Debug>(
    migration: &Migration,
    saved: &[u8],
    new: &New,
) {
    let column = saved.repeat(3);
    let (mut rest, mut out) = (column.as_slice(), Vec::new());
    migration.apply_column(3, &mut rest, &mut out).unwrap();
    assert!(rest.is_empty());
    let mut out = out.as_slice();
    for _ in 0..3 {
        assert_eq!(&keel_state::decode::<New>(&mut out).unwrap(), new);
    }
    assert!(out.is_empty());
}

/// Cut off anywhere is an error; any byte changed is a value or an error.
fn check_damaged(migration: &Migration, saved: &[u8]) {
    for end in 0..saved.len() {
        assert!(migration.apply(&mut &saved[..end], &mut Vec::new()).is_err(), "{end} bytes were enough");
        for byte in [0, 1, 0x7f, 0xff] {
            let mut damaged = saved.to_vec();
            damaged[end] = byte;
            let mut out = Vec::new();
            let _ = migration.apply(&mut damaged.as_slice(), &mut out);
            assert!(out.len() < 1 << 20, "the output grew to {}", out.len());
        }
    }
}

/// Without consent, migrating `old` is an error that says `expected`.
#[track_caller]
fn check_refused<Old: Schema + Serialize, New: Schema + DeserializeOwned + std::fmt::Debug>(
    migration: Migration,
    old: &Old,
    expected: &str,
) {
    let error = migrated::<New>(&migration, &encoded(old)).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

/// Declares types in a module of their own, so that old and new may have the same names.
macro_rules! version {
    ($module:ident $($item:item)*) => {
        mod $module {
            #[allow(unused_imports, reason = "not every version needs all")]
            use std::collections::{BTreeMap, BTreeSet, HashMap};
            $(
                #[keel_module_macros::data(crate = keel_state)]
                #[derive(Clone, Debug, PartialEq)]
                $item
            )*
        }
    };
}

version! { plain_old
    pub struct Ship { pub x: f32, pub y: f32, pub crew: u16, pub name: String }
}
version! { plain_new
    pub struct Ship { pub x: f32, pub y: f32, #[keel(default = 7)] pub fuel: u8, pub crew: u16, pub name: String, pub log: Vec<String> }
}
version! { plain_moved
    pub struct Ship { pub name: String, pub crew: u32, #[keel(renamed_from = "y")] pub depth: f64, pub x: f32 }
}

#[test]
fn fields_are_matched_by_name() {
    let old = plain_old::Ship { x: 1.0, y: 2.0, crew: 3, name: "A".to_owned() };
    check(old.clone(), old.clone(), &[]);
    assert!(plan::<plain_old::Ship, plain_old::Ship>().is_identity());
    check(
        old.clone(),
        plain_new::Ship { x: 1.0, y: 2.0, fuel: 7, crew: 3, name: "A".to_owned(), log: vec![] },
        &["`Ship.fuel` is new and takes its default", "`Ship.log` is new and takes its default"],
    );
    check(
        old,
        plain_moved::Ship { name: "A".to_owned(), crew: 3, depth: 2.0, x: 1.0 },
        &[
            "`Ship.crew` is converted from u16 to u32",
            "`Ship.depth` was called `y`",
            "`Ship.depth` is converted from f32 to f64",
        ],
    );
    check_refused::<_, plain_old::Ship>(
        plan::<plain_new::Ship, plain_old::Ship>(),
        &plain_new::Ship { x: 1.0, y: 2.0, fuel: 7, crew: 3, name: "A".to_owned(), log: vec![] },
        "`Ship.fuel` of type u8 is gone, its values are dropped\n`Ship.log` of type Vec<String> is gone",
    );
    check(
        plain_new::Ship { x: 1.0, y: 2.0, fuel: 7, crew: 3, name: "A".to_owned(), log: vec!["b".to_owned()] },
        plain_old::Ship { x: 1.0, y: 2.0, crew: 3, name: "A".to_owned() },
        &[
            "`Ship.fuel` of type u8 is gone, its values are dropped",
            "`Ship.log` of type Vec<String> is gone, its values are dropped",
        ],
    );
}

version! { renamed_old pub struct Ship { pub hull: f32, pub text: String, pub spare: u8 } }
version! { renamed_new
    pub struct Ship { #[keel(renamed_from = "hull")] pub armor: f32, #[keel(renamed_from = "a", renamed_from = "text")] pub name: String,
        #[keel(renamed_from = "armor")] pub spare: u8 }
}
version! { renamed_type pub struct Boat { pub hull: f32, pub text: String, pub spare: u8 } }

#[test]
fn a_rename_alone_moves_no_bytes() {
    let old = renamed_old::Ship { hull: 1.0, text: "t".to_owned(), spare: 4 };
    check(
        old.clone(),
        renamed_new::Ship { armor: 1.0, name: "t".to_owned(), spare: 4 },
        &["`Ship.armor` was called `hull`", "`Ship.name` was called `text`"],
    );
    assert!(plan::<renamed_old::Ship, renamed_new::Ship>().is_identity());
    let boat = renamed_type::Boat { hull: 1.0, text: "t".to_owned(), spare: 4 };
    check(old, boat, &["`Boat` was called `Ship`"]);
}

version! { swapped_old pub struct S { pub a: u8, pub b: u32, pub c: [u8; 3], pub d: u16 } }
version! { swapped_new pub struct S { pub d: u32, pub c: [u8; 3], #[keel(default = 1.5)] pub e: f32, pub a: u8, pub b: u32 } }
version! { shuffled_old pub struct S { pub a: String, pub b: u8, pub c: Vec<u16>, pub d: u32 } }
version! { shuffled_new pub struct S { pub d: u32, pub c: Vec<u32>, pub b: u8, pub a: String } }

#[test]
fn fields_may_change_their_order() {
    check(
        swapped_old::S { a: 1, b: 2, c: [3, 4, 5], d: 6 },
        swapped_new::S { d: 6, c: [3, 4, 5], e: 1.5, a: 1, b: 2 },
        &["`S.d` is converted from u16 to u32", "`S.e` is new and takes its default"],
    );
    check(
        shuffled_old::S { a: "x".to_owned(), b: 1, c: vec![2, 3], d: 4 },
        shuffled_new::S { d: 4, c: vec![2, 3], b: 1, a: "x".to_owned() },
        &["`S.c[]` is converted from u16 to u32"],
    );
}

version! { nested_old
    pub struct Fleet { pub ships: Vec<Ship>, pub flag: Option<Ship>, pub by_name: BTreeMap<String, Ship>, pub pair: (u8, Ship), pub three: [Ship; 2], pub ids: BTreeSet<u8> }
    pub struct Ship { pub hull: Hull, pub id: u32 }
    pub struct Hull { pub plates: Vec<u8> }
}
version! { nested_new
    pub struct Fleet { pub ships: Vec<Ship>, pub flag: Option<Ship>, pub by_name: BTreeMap<String, Ship>, pub pair: (u8, Ship), pub three: [Ship; 2], pub ids: BTreeSet<u16> }
    pub struct Ship { pub hull: Hull, pub id: u32 }
    pub struct Hull { pub plates: Vec<u8>, #[keel(default = 0.5)] pub armor: f32 }
}

#[test]
fn nested_types_migrate_wherever_they_are() {
    let old =
        |id| nested_old::Ship { hull: nested_old::Hull { plates: vec![id; id as usize] }, id: id.into() };
    let new = |id| nested_new::Ship {
        hull: nested_new::Hull { plates: vec![id; id as usize], armor: 0.5 },
        id: id.into(),
    };
    check(
        nested_old::Fleet {
            ships: vec![old(1), old(2)],
            flag: Some(old(3)),
            by_name: BTreeMap::from([("a".to_owned(), old(4)), ("b".to_owned(), old(0))]),
            pair: (9, old(5)),
            three: [old(6), old(7)],
            ids: BTreeSet::from([1, 2]),
        },
        nested_new::Fleet {
            ships: vec![new(1), new(2)],
            flag: Some(new(3)),
            by_name: BTreeMap::from([("a".to_owned(), new(4)), ("b".to_owned(), new(0))]),
            pair: (9, new(5)),
            three: [new(6), new(7)],
            ids: BTreeSet::from([1, 2]),
        },
        &[
            "`Fleet.ships[].hull.armor` is new and takes its default",
            "`Fleet.flag.hull.armor` is new and takes its default",
            "`Fleet.by_name[].hull.armor` is new and takes its default",
            "`Fleet.pair.1.hull.armor` is new and takes its default",
            "`Fleet.three[].hull.armor` is new and takes its default",
            "`Fleet.ids[]` is converted from u8 to u16",
        ],
    );
}

version! { weapon_old
    pub enum Weapon { None, Cannon(u32, String), Laser { heat: f32 }, Harpoon(Vec<u8>) }
}
version! { weapon_new
    pub enum Weapon {
        Mine,
        Laser { #[keel(default = 3)] charges: u8, heat: f32 },
        #[keel(renamed_from = "Cannon")]
        Gun(u64, String),
        None,
        Harpoon(Vec<u8>),
    }
}
version! { weapon_less
    #[derive(Default)]
    pub enum Weapon { #[default] None, Cannon(u32, String) }
}
version! { weapon_more
    pub enum Weapon { None, Cannon(u32, String), Laser { heat: f32 }, Harpoon(Vec<u8>), Mine }
}

#[test]
fn variants_are_matched_by_name() {
    use weapon_new::Weapon as New;
    use weapon_old::Weapon as Old;
    let changes = [
        "`Weapon::Gun` was called `Cannon`",
        "`Weapon::Gun.0` is converted from u32 to u64",
        "`Weapon::Laser.charges` is new and takes its default",
    ];
    check(Old::None, New::None, &changes);
    check(Old::Cannon(5, "x".to_owned()), New::Gun(5, "x".to_owned()), &changes);
    check(Old::Laser { heat: 0.5 }, New::Laser { charges: 3, heat: 0.5 }, &changes);
    check(Old::Harpoon(vec![1, 2]), New::Harpoon(vec![1, 2]), &changes);
    check(Old::Harpoon(vec![1, 2]), weapon_more::Weapon::Harpoon(vec![1, 2]), &[]);
    assert!(plan::<Old, weapon_more::Weapon>().is_identity());
}

#[test]
fn a_removed_variant_is_lost_only_by_the_values_that_have_it() {
    use weapon_less::Weapon as New;
    use weapon_old::Weapon as Old;
    let changes = [
        "`Weapon::Laser` is gone; values that have it become the default",
        "`Weapon::Harpoon` is gone; values that have it become the default",
    ];
    check(Old::Cannon(5, "x".to_owned()), New::Cannon(5, "x".to_owned()), &changes);
    check(Old::Laser { heat: 1.0 }, New::None, &changes);
    check(Old::Harpoon(vec![1]), New::None, &changes);
    let kept = migrated::<New>(&plan::<Old, New>(), &encoded(&Old::Cannon(5, "x".to_owned())));
    assert_eq!(kept.unwrap(), New::Cannon(5, "x".to_owned()));
    check_refused::<_, New>(plan::<Old, New>(), &Old::Harpoon(vec![1]), "`Weapon`: a value is `Harpoon`");
    // Without a default there is nothing to become, with consent or without.
    let backwards = plan::<weapon_more::Weapon, Old>().accept_losses();
    check_refused::<_, Old>(backwards, &weapon_more::Weapon::Mine, "there is no default");
}

version! { tree_old
    pub struct Tree { pub value: u16, pub children: Vec<Tree>, pub table: BTreeMap<u8, Branch> }
    pub enum Branch { End, More(Box<Tree>) }
}
version! { tree_new
    pub struct Tree { pub children: Vec<Tree>, pub value: u32, #[keel(default = "n".to_owned())] pub name: String, pub table: BTreeMap<u8, Branch> }
    pub enum Branch { More(Box<Tree>), End }
}

#[test]
fn types_that_contain_themselves_migrate_at_every_depth() {
    fn old(depth: u16) -> tree_old::Tree {
        let children = (0..depth).map(old).collect();
        let more =
            if depth == 0 { tree_old::Branch::End } else { tree_old::Branch::More(Box::new(old(depth - 1))) };
        tree_old::Tree {
            value: depth,
            children,
            table: BTreeMap::from([(1, more), (2, tree_old::Branch::End)]),
        }
    }
    fn new(depth: u16) -> tree_new::Tree {
        let children = (0..depth).map(new).collect();
        let more =
            if depth == 0 { tree_new::Branch::End } else { tree_new::Branch::More(Box::new(new(depth - 1))) };
        let table = BTreeMap::from([(1, more), (2, tree_new::Branch::End)]);
        tree_new::Tree { children, value: depth.into(), name: "n".to_owned(), table }
    }
    check(
        old(3),
        new(3),
        &["`Tree.value` is converted from u16 to u32", "`Tree.name` is new and takes its default"],
    );
}

#[test]
fn recursion_without_end_is_an_error() {
    let nested = [7_u16.to_le_bytes().to_vec(), 1_u64.to_le_bytes().to_vec()].concat().repeat(100_000);
    let error = plan::<tree_old::Tree, tree_new::Tree>().apply(&mut nested.as_slice(), &mut Vec::new());
    assert!(matches!(error, Err(StateError::TooDeep { .. })));
    let error = plan::<tree_old::Tree, tree_old::Tree>().apply(&mut nested.as_slice(), &mut Vec::new());
    assert!(matches!(error, Err(StateError::TooDeep { .. })));
}

/// Migrates a number, with consent, and says whether it would have gone without.
#[track_caller]
fn check_number<Old, New>(old: Old, new: New, exact: bool)
where
    Old: Schema + Serialize + Copy,
    New: Schema + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let migration = plan::<Old, New>();
    assert_eq!(migrated::<New>(&migration, &encoded(&old)).is_ok(), exact);
    assert_eq!(migrated::<New>(&migration.accept_losses(), &encoded(&old)).unwrap(), new);
}

#[test]
fn numbers_become_the_nearest_of_their_new_type() {
    check_number(-1_i8, -1_i128, true);
    check_number(-1_i8, 0_u8, false);
    check_number(200_u8, 127_i8, false);
    check_number(200_u8, 200_i16, true);
    check_number(i64::MIN, i32::MIN, false);
    check_number(u128::MAX, u64::MAX, false);
    check_number(u128::MAX, f32::MAX, false);
    check_number(i128::MIN, f64::from(-2.0_f32.powi(127)), true);
    check_number(16_777_217_u32, 16_777_216.0_f32, false);
    check_number(16_777_217_u32, 16_777_217.0_f64, true);
    check_number(i64::MAX, 9_223_372_036_854_775_807_i64 as f64, false);
    check_number(0_u64, 0.0_f32, true);
    check_number(2.5_f64, 3_i32, false);
    check_number(-2.0_f64, -2_i32, true);
    check_number(-2.0_f64, 0_u32, false);
    check_number(255.0_f32, 255_u8, true);
    check_number(256.0_f32, 255_u8, false);
    check_number(9_223_372_036_854_775_808.0_f64, i64::MAX, false);
    check_number(-9_223_372_036_854_775_808.0_f64, i64::MIN, true);
    check_number(f64::NAN, 0_u8, false);
    check_number(f64::INFINITY, f32::INFINITY, true);
    check_number(1e300_f64, f32::MAX, false);
    check_number(0.5_f64, 0.5_f32, true);
    check_number(0.1_f64, 0.1_f32, false);
}

#[test]
fn widening_loses_nothing_and_narrowing_may() {
    let lossless = [
        plan::<u8, u16>(),
        plan::<u8, i16>(),
        plan::<u32, f64>(),
        plan::<f32, f64>(),
        plan::<u16, i32>(),
        plan::<i16, f32>(),
        plan::<u16, f32>(),
        plan::<u64, u128>(),
        plan::<u64, i128>(),
    ];
    assert!(lossless.iter().all(|migration| !migration.is_lossy() && !migration.is_identity()));
    let lossy = [
        plan::<u16, u8>(),
        plan::<u8, i8>(),
        plan::<i8, u64>(),
        plan::<u32, f32>(),
        plan::<u64, f64>(),
        plan::<f64, f32>(),
        plan::<f64, i128>(),
        plan::<i64, f64>(),
        plan::<u128, i128>(),
    ];
    assert!(lossy.iter().all(Migration::is_lossy));
    assert!(plan::<usize, u64>().is_identity());
}

version! { option_old pub struct S { pub a: u8, pub b: Option<u16>, pub c: Option<u8> } }
version! { option_new pub struct S { pub a: Option<u16>, #[keel(default = 5)] pub b: u16, pub c: Option<u16> } }

#[test]
fn options_come_and_go() {
    let changes = [
        "`S.a` is converted from u8 to Option<u16>",
        "`S.a` is converted from u8 to u16",
        "`S.b` is narrowed from Option<u16> to u16; values that do not fit are changed",
        "`S.c` is converted from u8 to u16",
    ];
    let old = |b| option_old::S { a: 1, b, c: Some(2) };
    let new = |b| option_new::S { a: Some(1), b, c: Some(2) };
    check(old(Some(3)), new(3), &changes);
    check(old(None), new(5), &changes);
    let migration = plan::<option_old::S, option_new::S>();
    assert_eq!(migrated::<option_new::S>(&migration, &encoded(&old(Some(3)))).unwrap(), new(3));
    check_refused::<_, option_new::S>(migration, &old(None), "`S.b`: a value is `None`");
}

#[test]
fn containers_take_each_other_where_nothing_is_lost() {
    check(
        BTreeSet::from([1_u8, 2]),
        vec![1_u16, 2],
        &["`Vec<u16>` is converted from Set<u8> to Vec<u16>", "`Vec<u16>[]` is converted from u8 to u16"],
    );
    check([1_u8, 2], vec![1_u8, 2], &["`Vec<u8>` is converted from [u8; 2] to Vec<u8>"]);
    check(vec![[1_u8, 2]; 3], vec![[1_u32, 2]; 3], &["`Vec<[u32; 2]>[][]` is converted from u8 to u32"]);
    check(
        vec!["a".to_owned()],
        BTreeSet::<String>::new(),
        &[
            "`Set<String>` was Vec<String> and is Set<String>: its values are replaced by the default; `#[keel(convert_from(...))]` would keep them",
        ],
    );
}

version! { foreign_old pub struct S { pub a: String, pub b: Vec<String>, pub c: u8, pub w: W } pub struct W { pub x: u8 } }
version! { foreign_new
    pub struct S { #[keel(default = 4)] pub a: u32, pub b: Vec<u8>, pub c: char, pub w: W }
    pub struct W { pub x: std::num::NonZeroU8 }
}
version! { foreign_default
    pub struct S { pub a: String, pub b: Vec<String>, pub c: u8, #[keel(default = W::B)] pub w: W }
    pub enum W { A, B }
}

#[test]
fn incompatible_types_take_the_default_with_consent() {
    check(
        foreign_old::S { a: "x".to_owned(), b: vec!["y".to_owned()], c: 1, w: foreign_old::W { x: 2 } },
        foreign_default::S { a: "x".to_owned(), b: vec!["y".to_owned()], c: 1, w: foreign_default::W::B },
        &[
            "`S.w` was W and is W: its values are replaced by the default; `#[keel(convert_from(...))]` would keep them",
        ],
    );
    let old = foreign_old::S { a: "x".to_owned(), b: vec![], c: 1, w: foreign_old::W { x: 2 } };
    let migration = plan::<foreign_old::S, foreign_new::S>().accept_losses();
    let losses: Vec<_> = migration.losses().map(|change| (change.path(), change.loss())).collect();
    let certain = Loss::Certain;
    assert_eq!(losses, [("S.a", certain), ("S.b", certain), ("S.c", certain), ("S.w.x", Loss::Impossible)]);
    check_refused::<_, foreign_new::S>(migration, &old, "`S.w.x` was u8 and is NonZeroU8: it has no default");
}

version! { added_old pub struct S { pub a: u8 } }
version! { added_new pub struct S { pub a: u8, pub b: NoDefault, pub c: WithDefault } pub struct NoDefault { pub x: u8 } #[derive(Default)] pub struct WithDefault { pub x: u8 } }

#[test]
fn an_added_field_without_a_default_is_named() {
    let migration = plan::<added_old::S, added_new::S>();
    let shown: Vec<_> = migration.changes().iter().map(Change::to_string).collect();
    assert_eq!(
        shown,
        [
            "`S.b` is new and its type NoDefault has no default; add `#[keel(default = ...)]`",
            "`S.c` is new and takes its default",
        ]
    );
    check_refused::<_, added_new::S>(migration.accept_losses(), &added_old::S { a: 1 }, "`S.b` is new");
}

version! { degrees pub struct Turn { pub angle_degrees: f32, pub name: String, pub speed: Speed } pub struct Speed { pub knots: u16 } }
version! { radians
    pub struct Turn {
        #[keel(renamed_from = "angle_degrees", convert_from(f32, f32::to_radians))]
        pub angle: f32,
        #[keel(convert_from(String, |name: String| name.into_bytes()), convert_from(u8, |letter| vec![letter]))]
        pub name: Vec<u8>,
        #[keel(convert_from(OldSpeed, |old: OldSpeed| f32::from(old.knots) * 0.5))]
        pub speed: f32,
    }
    pub struct OldSpeed { pub knots: u16 }
}
version! { radians_later
    pub struct Turn { #[keel(convert_from(f32, f32::to_radians))] pub angle: f32, pub name: Vec<u8>, pub speed: f32, pub more: u8 }
}

#[test]
fn the_author_may_convert() {
    let new = radians::Turn { angle: 180_f32.to_radians(), name: b"t".to_vec(), speed: 4.0 };
    check(
        degrees::Turn { angle_degrees: 180.0, name: "t".to_owned(), speed: degrees::Speed { knots: 8 } },
        new.clone(),
        &[
            "`Turn.angle` was called `angle_degrees`",
            "`Turn.angle` is converted from f32 to f32",
            "`Turn.name` is converted from String to Vec<u8>",
            "`Turn.speed` is converted from Speed to f32",
        ],
    );
    // What was converted once is not converted again.
    let radians::Turn { angle, name, speed } = new.clone();
    check(
        new,
        radians_later::Turn { angle, name, speed, more: 0 },
        &["`Turn.more` is new and takes its default"],
    );
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Foreign {
    secret: Vec<u16>,
}

version! { opaque_old pub struct S { pub a: u8, #[keel(opaque)] pub f: crate::Foreign, pub b: u8 } }
version! { opaque_new pub struct S { pub b: u16, #[keel(opaque)] pub f: crate::Foreign, #[keel(opaque)] pub added: crate::Foreign } }
version! { opaque_next pub struct S { pub a: u8, #[keel(opaque = "Foreign 2")] pub f: crate::Foreign, pub b: u8 } }

#[test]
fn what_is_around_an_opaque_field_migrates() {
    let foreign = Foreign { secret: vec![1, 2] };
    let old = opaque_old::S { a: 1, f: foreign.clone(), b: 2 };
    check(
        old.clone(),
        opaque_new::S { b: 2, f: foreign.clone(), added: Foreign::default() },
        &[
            "`S.b` is converted from u8 to u16",
            "`S.added` is new and takes its default",
            "`S.a` of type u8 is gone, its values are dropped",
        ],
    );
    check(
        old,
        opaque_next::S { a: 1, f: Foreign::default(), b: 2 },
        &[
            "`S.f` was opaque crate::Foreign and is opaque Foreign 2: its values are replaced by the default; `#[keel(convert_from(...))]` would keep them",
        ],
    );
}

#[test]
fn endless_claims_are_refused() {
    version! { empty_old pub struct S; }
    version! { empty_new pub struct S { pub a: u64 } }
    let claim = u64::MAX.to_le_bytes();
    let migration = plan::<Vec<empty_old::S>, Vec<empty_new::S>>();
    assert!(migration.apply(&mut &claim[..], &mut Vec::new()).is_err());
    assert!(plan::<Vec<()>, Vec<()>>().apply(&mut &claim[..], &mut Vec::new()).is_err());
    // A column's count is the caller's: a million and more entities may have the same marker.
    let mut out = Vec::new();
    plan::<empty_old::S, empty_new::S>().apply_column(3_000_000, &mut &[][..], &mut out).unwrap();
    assert_eq!(out.len(), 24_000_000);
    plan::<empty_old::S, empty_old::S>().apply_column(3_000_000, &mut &[][..], &mut out).unwrap();
}
