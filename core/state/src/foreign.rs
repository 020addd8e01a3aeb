//! Schemas of the standard library's types and of ids, as serde saves them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::num;
use std::sync::Arc;
use std::time::Duration;

use keel_core_types::{Atomic, ModelId, Shared, ThreadSafe};

use crate::__private::encoded;
use crate::{FieldStyle, FromValue, Id, Key, Number, Parts, Plain, Schema, SchemaBuilder, TypeRef, ValueRef};

macro_rules! leaf {
    ($($ty:ty => $schema:expr, $parts:expr;)*) => {$(
        impl Schema for $ty {
            fn schema(_: &mut SchemaBuilder) -> TypeRef {
                $schema
            }

            fn parts() -> Parts<Self> {
                $parts
            }
        }
    )*};
}

macro_rules! numbers {
    ($($ty:ty => $number:ident;)*) => {$(
        impl Schema for $ty {
            fn schema(_: &mut SchemaBuilder) -> TypeRef {
                TypeRef::Number(Number::$number)
            }

            fn parts() -> Parts<Self> {
                Parts::<Self>::leaf()
            }

            fn with_key<R>(key: &Key, find: impl FnOnce(&Self) -> Option<R>) -> Option<R> {
                let Key::Number(number) = key else { return None };
                find(&<Self as FromValue>::from_value(ValueRef::Signed(*number)).ok()?)
            }

            fn plain() -> Option<Plain<Self>> {
                // `usize` is saved in eight bytes, wherever it lives in fewer.
                Plain::number().filter(|_| size_of::<Self>() == Number::$number.width())
            }
        }
    )*};
}

leaf! {
    () => TypeRef::Unit, Parts::hidden();
    bool => TypeRef::Bool, Parts::<bool>::leaf();
    char => TypeRef::Char, Parts::<char>::leaf();
    ModelId => TypeRef::Number(Number::U64), Parts::id();
}

impl Schema for String {
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::String
    }

    fn parts() -> Parts<Self> {
        Parts::<Self>::leaf()
    }

    fn with_key<R>(key: &Key, find: impl FnOnce(&Self) -> Option<R>) -> Option<R> {
        match key {
            Key::Text(text) => find(text),
            Key::Number(_) => None,
        }
    }
}

impl Id for ModelId {
    const NAME: &'static str = "ModelId";

    fn to_bits(self) -> u64 {
        self.bits()
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Some(Self::from_bits(bits))
    }
}

impl Schema for str {
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::String
    }
}

numbers! {
    u8 => U8;
    u16 => U16;
    u32 => U32;
    u64 => U64;
    u128 => U128;
    usize => U64;
    i8 => I8;
    i16 => I16;
    i32 => I32;
    i64 => I64;
    i128 => I128;
    isize => I64;
    f32 => F32;
    f64 => F64;
}

macro_rules! generic {
    ($([$($param:ident)* $(: $bound:ident)?] $ty:ty => |$types:ident| $schema:expr $(, $parts:expr)?;)*) => {$(
        impl<$($param: Schema),*> Schema for $ty $(where K: $bound)? {
            fn schema($types: &mut SchemaBuilder) -> TypeRef {
                $schema
            }

            $(fn parts() -> Parts<Self> {
                $parts
            })?
        }
    )*};
}

generic! {
    [T] Option<T> => |types| TypeRef::Option(Box::new(T::schema(types))), Parts::option();
    [T] Vec<T> => |types| TypeRef::Sequence(Box::new(T::schema(types))), Parts::list();
    [T] VecDeque<T> => |types| TypeRef::Sequence(Box::new(T::schema(types))), Parts::deque();
    [T] [T] => |types| TypeRef::Sequence(Box::new(T::schema(types)));
    [T] BTreeSet<T> => |types| TypeRef::Set(Box::new(T::schema(types)));
    [K V : Ord] BTreeMap<K, V> => |types| TypeRef::Map(Box::new(K::schema(types)), Box::new(V::schema(types))),
        Parts::<Self>::map();
}

impl<T: Schema, S: 'static> Schema for HashSet<T, S> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Set(Box::new(T::schema(types)))
    }
}

impl<K: Schema + Eq + Hash, V: Schema, S: BuildHasher + 'static> Schema for HashMap<K, V, S> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Map(Box::new(K::schema(types)), Box::new(V::schema(types)))
    }

    fn parts() -> Parts<Self> {
        Parts::<Self>::map()
    }
}

impl<T: 'static> Schema for PhantomData<T> {
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Unit
    }
}

impl<T: Schema + ?Sized> Schema for Box<T> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        T::schema(types)
    }
}

impl<T: Schema + ?Sized> Schema for Arc<T> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        T::schema(types)
    }
}

// What guards itself is saved as what is in it, so that a field may begin or cease to.

impl<T: Schema + Copy + Send> Schema for Atomic<T> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        T::schema(types)
    }
}

impl<T: Schema + ThreadSafe> Schema for Shared<T> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        T::schema(types)
    }
}

impl Schema for Duration {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        types.structure::<Self>("Duration", FieldStyle::Named, |fields| {
            fields.field::<u64>("secs");
            fields.field::<u32>("nanos");
            fields.type_default(|| encoded(&Self::ZERO));
        })
    }
}

// A named type around the number, since zero is a value of the one and not of the other.
macro_rules! nonzero {
    ($($ty:ident $number:ty;)*) => {$(
        impl Schema for num::$ty {
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                types.structure::<Self>(stringify!($ty), FieldStyle::Tuple, |fields| {
                    fields.field::<$number>("0");
                })
            }
        }
    )*};
}

nonzero! {
    NonZeroU8 u8; NonZeroU16 u16; NonZeroU32 u32; NonZeroU64 u64; NonZeroU128 u128; NonZeroUsize usize;
    NonZeroI8 i8; NonZeroI16 i16; NonZeroI32 i32; NonZeroI64 i64; NonZeroI128 i128; NonZeroIsize isize;
}

// serde saves arrays up to this length.
macro_rules! arrays {
    ($($count:literal)*) => {$(
        impl<T: Schema> Schema for [T; $count] {
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                TypeRef::Array(Box::new(T::schema(types)), $count)
            }

            fn parts() -> Parts<Self> {
                Parts::array()
            }

            fn plain() -> Option<Plain<Self>> {
                Plain::array()
            }
        }
    )*};
}

arrays!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);

impl<T: 'static> Schema for [T; 0] {
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Unit
    }
}

macro_rules! tuples {
    ($($($name:ident)*;)*) => {$(
        impl<$($name: Schema),*> Schema for ($($name,)*) {
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                TypeRef::Tuple(vec![$($name::schema(types)),*])
            }

            fn parts() -> Parts<Self> {
                Parts::<Self>::tuple()
            }
        }
    )*};
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
}
