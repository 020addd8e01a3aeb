//! What values are made of in memory: evidence that only their own types can give.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use crate::reflect::memory::{
    Follow, IdLeaf, Payload, follow_deque, follow_hashed, follow_option, follow_tree, follow_vec,
};
use crate::{FieldKey, LiveSchema, MovableFields, Number, Schema, TypeAccess, TypeRef};

/// What the values of `T` are made of in memory, vouched for by `T`.
pub struct Parts<T> {
    form: Form,
    of: PhantomData<fn() -> T>,
}

/// What the values of a type are made of in memory, without the type.
#[derive(Clone, Debug)]
pub struct AnyParts {
    pub(crate) form: Form,
    /// In bytes.
    pub(crate) size: usize,
}

/// A function that says the parts of a type: types may contain themselves.
pub(crate) type PartsOf = fn() -> AnyParts;

/// How the values of a type are reached into.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Not at all: only their bytes are known.
    Hidden,
    Leaf(Leaf),
    /// The fields that are not skipped, by their number in the schema.
    Struct(Vec<FieldKey>),
    /// Offsets and types.
    Tuple(Vec<(usize, PartsOf)>),
    Array {
        element: PartsOf,
        count: usize,
    },
    /// Something around values that are found when they are asked for.
    Around {
        kind: Around,
        inner: PartsOf,
        follow: Follow,
    },
    /// The types of the payloads.
    Enum {
        payload: Payload,
        variants: Vec<Vec<PartsOf>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    Option,
    List,
    Map,
}

/// A value without parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf {
    Bool,
    Number(Number),
    Char,
    /// `String`
    Text,
    /// `Vec<u8>`
    Bytes,
    /// An array of so many.
    ByteArray(usize),
    Id(IdLeaf),
}

/// A number with a meaning of its own, of which not every value is one.
#[doc(hidden)]
pub trait Id: Copy + Schema {
    /// What a person calls it.
    const NAME: &'static str;

    fn to_bits(self) -> u64;

    fn from_bits(bits: u64) -> Option<Self>;
}

impl<T> fmt::Debug for Parts<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.form.fmt(out)
    }
}

impl AnyParts {
    /// The parts of `T`.
    #[doc(hidden)]
    pub fn of<T: Schema>() -> Self {
        Self { form: T::parts().form, size: size_of::<T>() }
    }

    /// For a type that nothing is known of.
    #[doc(hidden)]
    pub fn hidden<T>() -> Self {
        Self { form: Form::Hidden, size: size_of::<T>() }
    }

    /// What it is read and written as, if it has no parts.
    #[inline]
    pub(super) fn leaf(&self) -> Option<Leaf> {
        match self.form {
            Form::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    /// What the type is called beside its schema, if it is an id.
    pub fn id_name(&self) -> Option<&'static str> {
        match self.form {
            Form::Leaf(Leaf::Id(id)) => Some(id.name),
            _ => None,
        }
    }

    /// What field number `field` of a variant is made of (variant 0 for a struct), and where in a struct it begins.
    pub fn field(&self, variant: usize, field: usize) -> Option<(Option<usize>, Self)> {
        match &self.form {
            Form::Struct(fields) => {
                let key = fields.iter().find(|key| key.path == [field])?;
                Some((Some(key.offset), (key.parts)()))
            }
            Form::Enum { variants, .. } => Some((None, variants.get(variant)?.get(field)?())),
            _ => None,
        }
    }
}

impl Form {
    fn of_fields(mut fields: Vec<FieldKey>) -> Self {
        fields.retain(|field| field.path.len() == 1);
        if fields.is_empty() { Self::Hidden } else { Self::Struct(fields) }
    }

    pub(super) fn of_enum(payload: Payload, variants: &[&[PartsOf]]) -> Self {
        Self::Enum { payload, variants: variants.iter().map(|fields| fields.to_vec()).collect() }
    }
}

impl TypeAccess {
    /// What the named types of `live`, which describes the same type, are made of; nothing is known of those that can't be
    /// reached in memory.
    pub fn named_parts(&self, live: &LiveSchema) -> Vec<AnyParts> {
        let mut found = vec![None; live.schema().types().len()];
        collect(live, live.schema().root(), self.parts(), &mut found);
        found.into_iter().map(|parts| parts.unwrap_or_else(AnyParts::hidden::<()>)).collect()
    }
}

fn collect(live: &LiveSchema, ty: &TypeRef, parts: AnyParts, found: &mut [Option<AnyParts>]) {
    match (ty, &parts.form) {
        (TypeRef::Named(index), _) if found[*index as usize].is_none() => {
            found[*index as usize] = Some(parts.clone());
            for (variant, def) in live.schema().types()[*index as usize].variants.iter().enumerate() {
                for (number, field) in def.fields.iter().enumerate() {
                    if let Some((_, parts)) = parts.field(variant, number) {
                        collect(live, &field.ty, parts, found);
                    }
                }
            }
        }
        (TypeRef::Tuple(types), Form::Tuple(fields)) => {
            types.iter().zip(fields).for_each(|(ty, (_, parts))| collect(live, ty, parts(), found));
        }
        (TypeRef::Array(ty, _), Form::Array { element, .. }) => collect(live, ty, element(), found),
        (TypeRef::Sequence(ty) | TypeRef::Option(ty) | TypeRef::Map(_, ty), Form::Around { inner, .. }) => {
            collect(live, ty, inner(), found)
        }
        _ => {}
    }
}

impl<T> Parts<T> {
    pub(super) const fn new(form: Form) -> Self {
        Self { form, of: PhantomData }
    }

    /// Nothing is known but the bytes.
    pub const fn hidden() -> Self {
        Self::new(Form::Hidden)
    }

    /// The fields that a struct vouches for.
    #[inline]
    pub(crate) fn of_fields(fields: MovableFields<T>) -> Self {
        Self::new(Form::of_fields(fields.into_own()))
    }
}

/// Numbers and the like: their own type says that a value of it is there.
macro_rules! leaves {
    ($($ty:ty => $leaf:expr;)*) => {$(
        impl Parts<$ty> {
            pub(crate) fn leaf() -> Self {
                Self::new(Form::Leaf($leaf))
            }
        }
    )*};
}

leaves! {
    bool => Leaf::Bool;
    char => Leaf::Char;
    String => Leaf::Text;
    u8 => Leaf::Number(Number::U8);
    u16 => Leaf::Number(Number::U16);
    u32 => Leaf::Number(Number::U32);
    u64 => Leaf::Number(Number::U64);
    u128 => Leaf::Number(Number::U128);
    i8 => Leaf::Number(Number::I8);
    i16 => Leaf::Number(Number::I16);
    i32 => Leaf::Number(Number::I32);
    i64 => Leaf::Number(Number::I64);
    i128 => Leaf::Number(Number::I128);
    f32 => Leaf::Number(Number::F32);
    f64 => Leaf::Number(Number::F64);
}

// As wide as the machine; saved in eight bytes.
#[cfg(target_pointer_width = "64")]
leaves! {
    usize => Leaf::Number(Number::U64);
    isize => Leaf::Number(Number::I64);
}

#[cfg(not(target_pointer_width = "64"))]
impl Parts<usize> {
    pub(crate) fn leaf() -> Self {
        Self::hidden()
    }
}

#[cfg(not(target_pointer_width = "64"))]
impl Parts<isize> {
    pub(crate) fn leaf() -> Self {
        Self::hidden()
    }
}

impl<T: Id> Parts<T> {
    /// For an id.
    #[doc(hidden)]
    pub fn id() -> Self {
        Self::new(Form::Leaf(Leaf::Id(IdLeaf::of::<T>())))
    }
}

fn is_byte<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<u8>()
}

impl<T: Schema> Parts<Option<T>> {
    pub(crate) fn option() -> Self {
        Self::new(Form::Around { kind: Around::Option, inner: AnyParts::of::<T>, follow: follow_option::<T> })
    }
}

impl<T: Schema> Parts<Vec<T>> {
    pub(crate) fn list() -> Self {
        if is_byte::<T>() {
            return Self::new(Form::Leaf(Leaf::Bytes));
        }
        Self::new(Form::Around { kind: Around::List, inner: AnyParts::of::<T>, follow: follow_vec::<T> })
    }
}

impl<T: Schema> Parts<VecDeque<T>> {
    pub(crate) fn deque() -> Self {
        Self::new(Form::Around { kind: Around::List, inner: AnyParts::of::<T>, follow: follow_deque::<T> })
    }
}

impl<K: Schema + Ord, V: Schema> Parts<BTreeMap<K, V>> {
    pub(crate) fn map() -> Self {
        Self::new(Form::Around { kind: Around::Map, inner: AnyParts::of::<V>, follow: follow_tree::<K, V> })
    }
}

impl<K: Schema + Eq + Hash, V: Schema, S: BuildHasher> Parts<HashMap<K, V, S>> {
    pub(crate) fn map() -> Self {
        let follow = follow_hashed::<K, V, S>;
        Self::new(Form::Around { kind: Around::Map, inner: AnyParts::of::<V>, follow })
    }
}

impl<T: Schema, const N: usize> Parts<[T; N]> {
    pub(crate) fn array() -> Self {
        if is_byte::<T>() {
            return Self::new(Form::Leaf(Leaf::ByteArray(N)));
        }
        Self::new(Form::Array { element: AnyParts::of::<T>, count: N })
    }
}

macro_rules! tuples {
    ($($ty:ty => $($name:ident $place:tt)*;)*) => {$(
        impl<$($name: Schema),*> Parts<$ty> {
            pub(crate) fn tuple() -> Self {
                Self::new(Form::Tuple(vec![
                    $((std::mem::offset_of!($ty, $place), AnyParts::of::<$name>)),*
                ]))
            }
        }
    )*};
}

tuples! {
    (A,) => A 0;
    (A, B) => A 0 B 1;
    (A, B, C) => A 0 B 1 C 2;
    (A, B, C, D) => A 0 B 1 C 2 D 3;
    (A, B, C, D, E) => A 0 B 1 C 2 D 3 E 4;
    (A, B, C, D, E, F) => A 0 B 1 C 2 D 3 E 4 F 5;
    (A, B, C, D, E, F, G) => A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    (A, B, C, D, E, F, G, H) => A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}
