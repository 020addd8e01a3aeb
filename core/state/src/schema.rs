//! What bytes mean: a type, and a table of the named types it is made of.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::builder::Describe;
use crate::work::check_parts;
use crate::{LiveSchema, Schema, StateError, Value, encode_into};

/// How many named types one schema may have: 4,096.
pub const TYPES_MAX: usize = 4096;

/// An integer or floating-point type. `usize` is [`Number::U64`] and `isize` is [`Number::I64`], as they are saved.
#[expect(missing_docs, reason = "the variants are named as the types are")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Number {
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
}

impl Number {
    /// How many bytes the number takes.
    pub const fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::U128 | Self::I128 => 16,
        }
    }

    /// The type's name in Rust.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// A type, as far as its bytes go. Named types are referred to by their place in [`TypeSchema::types`], so that
/// a type may contain itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeRef {
    /// `()`, and anything else without bytes.
    Unit,
    /// `bool`
    Bool,
    /// An integer or floating-point type.
    Number(Number),
    /// `char`
    Char,
    /// `String` and `str`
    String,
    /// `Option`
    Option(Box<TypeRef>),
    /// `Vec`, `VecDeque` and slices.
    Sequence(Box<TypeRef>),
    /// `HashSet` and `BTreeSet`
    Set(Box<TypeRef>),
    /// `HashMap` and `BTreeMap`: key and value.
    Map(Box<TypeRef>, Box<TypeRef>),
    /// An array and its length.
    Array(Box<TypeRef>, u64),
    /// A tuple of at least one element.
    Tuple(Vec<TypeRef>),
    /// The named type at this place in the table.
    Named(u32),
    /// A type that only serde knows, by the name its user gave it. Saved as length-prefixed bytes, so that what
    /// stands around it can be migrated; what is inside never is. Equal to an opaque of the same name alone.
    Opaque(String),
}

/// A field of a struct or a variant. Fields without names are called `0`, `1` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The field's type.
    pub ty: TypeRef,
}

/// How fields are written: it changes how they are shown, not their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldStyle {
    /// `struct A;`
    Unit,
    /// `struct A(f32);`
    Tuple,
    /// `struct A { x: f32 }`
    Named,
}

/// A variant of an enum, or the only one of a struct (which then has the struct's name).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variant {
    /// The variant's name.
    pub name: String,
    /// How its fields are written.
    pub style: FieldStyle,
    /// Its payload.
    pub fields: Vec<Field>,
}

/// Whether a named type is a struct or an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// Exactly one variant, whose number is not saved.
    Struct,
    /// Any number of variants, told apart by a `u32`.
    Enum,
}

/// A named type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TypeDef {
    /// The type's name, without its module.
    pub name: String,
    /// Struct or enum.
    pub shape: Shape,
    /// In the order of their numbers; exactly one for a struct.
    pub variants: Vec<Variant>,
}

/// The schema of one type: what must be stored beside its values for anyone to read them later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct TypeSchema {
    root: TypeRef,
    types: Vec<TypeDef>,
}

#[derive(Deserialize)]
struct Unchecked {
    root: TypeRef,
    types: Vec<TypeDef>,
}

impl TryFrom<Unchecked> for TypeSchema {
    type Error = StateError;

    fn try_from(unchecked: Unchecked) -> Result<Self, StateError> {
        let schema = Self::new(unchecked.root, unchecked.types)?;
        // Only what was read: a schema that a type describes is bounded by the type.
        check_parts(&schema.root, &schema.types)?;
        Ok(schema)
    }
}

impl TypeSchema {
    /// The schema of `T`.
    pub fn of<T: Schema + ?Sized>() -> Self {
        Self::described_by(T::schema)
    }

    /// [`TypeSchema::of`] the type that is described: all of it that need not be compiled for each type, which modules would
    /// wait for at each change.
    pub(crate) fn described_by(describe: Describe) -> Self {
        LiveSchema::without_notes(describe).into_schema()
    }

    /// A schema from its parts.
    ///
    /// # Errors
    /// [`StateError::SchemaDamaged`] when a named type is referred to that is not in the table, a struct does not
    /// have exactly one variant, or there are more than [`TYPES_MAX`] types.
    pub fn new(root: TypeRef, types: Vec<TypeDef>) -> Result<Self, StateError> {
        let damaged = |reason: String| Err(StateError::SchemaDamaged { reason });
        if types.len() > TYPES_MAX {
            return damaged(format!("it has {} types, at most {TYPES_MAX} are allowed", types.len()));
        }
        if let Some(def) = types.iter().find(|def| def.shape == Shape::Struct && def.variants.len() != 1) {
            return damaged(format!("struct `{}` has {} lists of fields", def.name, def.variants.len()));
        }
        let fields = types.iter().flat_map(|def| &def.variants).flat_map(|variant| &variant.fields);
        for ty in fields.map(|field| &field.ty).chain([&root]) {
            if let Some(index) = ty.find_named(&|index| index as usize >= types.len()) {
                return damaged(format!("it refers to type {index} of {}", types.len()));
            }
        }
        Ok(Self { root, types })
    }

    /// The type described.
    pub fn root(&self) -> &TypeRef {
        &self.root
    }

    /// The named types that [`TypeRef::Named`] counts.
    pub fn types(&self) -> &[TypeDef] {
        &self.types
    }

    /// The same for equal schemas in every process and build: XXH3 of the encoded schema, so names, order and
    /// types count, defaults and attributes don't.
    pub fn hash(&self) -> u64 {
        let mut bytes = Vec::new();
        encode_into(self, &mut bytes).expect("a schema holds nothing that bincode refuses");
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }

    /// Whether equal values may have different bytes: a hashed map or set is saved in another order each time.
    pub fn is_unordered(&self) -> bool {
        fn has_set(ty: &TypeRef) -> bool {
            match ty {
                TypeRef::Set(_) | TypeRef::Map(..) => true,
                TypeRef::Option(inner) | TypeRef::Sequence(inner) | TypeRef::Array(inner, _) => {
                    has_set(inner)
                }
                TypeRef::Tuple(inner) => inner.iter().any(has_set),
                _ => false,
            }
        }
        let variants = self.types.iter().flat_map(|def| &def.variants);
        let fields = variants.flat_map(|variant| &variant.fields).map(|field| &field.ty);
        fields.chain([&self.root]).any(has_set)
    }

    /// `ty` as a person would write it.
    pub fn name_of(&self, ty: &TypeRef) -> String {
        let mut name = String::new();
        self.write_name(ty, &mut name);
        name
    }

    /// Reads one value off the front of `bytes` and shows it, for people.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are no value of this schema.
    pub fn display(&self, bytes: &mut &[u8]) -> Result<String, StateError> {
        Ok(Value::decode(self, bytes)?.to_string())
    }

    fn write_name(&self, ty: &TypeRef, out: &mut String) {
        let mut list = |open: &str, types: &[&TypeRef], close: &str| {
            out.push_str(open);
            for (index, ty) in types.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                self.write_name(ty, out);
            }
            out.push_str(close);
        };
        match ty {
            TypeRef::Unit => out.push_str("()"),
            TypeRef::Bool => out.push_str("bool"),
            TypeRef::Number(number) => out.push_str(number.name()),
            TypeRef::Char => out.push_str("char"),
            TypeRef::String => out.push_str("String"),
            TypeRef::Option(inner) => list("Option<", &[inner], ">"),
            TypeRef::Sequence(inner) => list("Vec<", &[inner], ">"),
            TypeRef::Set(inner) => list("Set<", &[inner], ">"),
            TypeRef::Map(key, value) => list("Map<", &[key, value], ">"),
            TypeRef::Array(inner, count) => list("[", &[inner], &format!("; {count}]")),
            TypeRef::Tuple(inner) => list("(", &inner.iter().collect::<Vec<_>>(), ")"),
            TypeRef::Named(index) => out.push_str(&self.types[*index as usize].name),
            TypeRef::Opaque(name) => {
                out.push_str("opaque ");
                out.push_str(name);
            }
        }
    }

    fn write_fields(&self, variant: &Variant, indent: &str, out: &mut String) {
        match variant.style {
            FieldStyle::Unit => {}
            FieldStyle::Tuple => {
                let types: Vec<_> = variant.fields.iter().map(|field| self.name_of(&field.ty)).collect();
                out.push_str(&format!("({})", types.join(", ")));
            }
            FieldStyle::Named => {
                out.push_str(" {\n");
                for field in &variant.fields {
                    out.push_str(&format!("{indent}    {}: {},\n", field.name, self.name_of(&field.ty)));
                }
                out.push_str(&format!("{indent}}}"));
            }
        }
    }
}

impl TypeRef {
    fn find_named(&self, wanted: &impl Fn(u32) -> bool) -> Option<u32> {
        match self {
            Self::Named(index) => wanted(*index).then_some(*index),
            Self::Option(inner) | Self::Sequence(inner) | Self::Set(inner) | Self::Array(inner, _) => {
                inner.find_named(wanted)
            }
            Self::Map(key, value) => key.find_named(wanted).or_else(|| value.find_named(wanted)),
            Self::Tuple(inner) => inner.iter().find_map(|ty| ty.find_named(wanted)),
            _ => None,
        }
    }
}

/// The declarations, as Rust writes them; a root that is no named type comes first.
impl fmt::Display for TypeSchema {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if !matches!(self.root, TypeRef::Named(_)) {
            writeln!(text, "{}", self.name_of(&self.root))?;
        }
        for def in &self.types {
            match def.shape {
                Shape::Struct => {
                    text.push_str(&format!("struct {}", def.name));
                    self.write_fields(&def.variants[0], "", &mut text);
                }
                Shape::Enum => {
                    text.push_str(&format!("enum {} {{\n", def.name));
                    for variant in &def.variants {
                        text.push_str(&format!("    {}", variant.name));
                        self.write_fields(variant, "    ", &mut text);
                        text.push_str(",\n");
                    }
                    text.push('}');
                }
            }
            text.push('\n');
        }
        out.write_str(text.trim_end())
    }
}
