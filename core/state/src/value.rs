//! Values for people: decoded with nothing but a schema, to be shown and compared.

use std::fmt;

use crate::bytes::{corrupt, take_array, take_char, take_flag, take_length, take_prefixed, take_str};
use crate::{DEPTH_MAX, EMPTY_MAX, FieldStyle, Number, Shape, StateError, TypeDef, TypeRef, TypeSchema};

/// A value of any type. Equal where the bytes are equal: `NaN` equals itself, and sets and maps are in the
/// order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are named as the types are")]
pub enum Value {
    Unit,
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    /// The bits of the number.
    F32(u32),
    /// The bits of the number.
    F64(u64),
    Char(char),
    String(String),
    Option(Option<Box<Value>>),
    /// A sequence or array.
    Sequence(Vec<Value>),
    Set(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Tuple(Vec<Value>),
    /// A struct, or an enum in one of its variants.
    Named {
        name: String,
        variant: Option<String>,
        style: FieldStyle,
        fields: Vec<(String, Value)>,
    },
    /// The bytes of a type that only serde knows.
    Opaque {
        name: String,
        bytes: Vec<u8>,
    },
}

/// One place where two values differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, from the root: `.hull.armor`, `.crew[2]`; empty for the value itself.
    pub path: String,
    /// What the first value has there, if it has anything.
    pub before: Option<Value>,
    /// What the second value has there, if it has anything.
    pub after: Option<Value>,
}

impl Value {
    /// Reads a value of `schema` off the front of `bytes`.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are no value of the schema.
    pub fn decode(schema: &TypeSchema, bytes: &mut &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader { schema, bytes, depth: 0, empty: 0 };
        let value = reader.value(schema.root())?;
        *bytes = reader.bytes;
        Ok(value)
    }

    /// As [`Value::decode`], for a type that is part of `schema`.
    pub(crate) fn decode_type(
        schema: &TypeSchema,
        ty: &TypeRef,
        bytes: &mut &[u8],
    ) -> Result<Self, StateError> {
        Reader { schema, bytes, depth: 0, empty: 0 }.value(ty)
    }

    /// Where `self` and `after` differ, in the order of the fields; empty if they are equal.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        compare(Some(self), Some(after), "", &mut found);
        found
    }
}

struct Reader<'s, 'a> {
    schema: &'s TypeSchema,
    bytes: &'a [u8],
    depth: usize,
    empty: usize,
}

impl Reader<'_, '_> {
    fn value(&mut self, ty: &TypeRef) -> Result<Value, StateError> {
        if self.depth == DEPTH_MAX {
            return Err(StateError::TooDeep { limit: DEPTH_MAX });
        }
        self.depth += 1;
        let left = self.bytes.len();
        let value = self.shallow(ty)?;
        self.depth -= 1;
        if self.bytes.len() == left {
            self.empty += 1;
            if self.empty > EMPTY_MAX {
                return Err(corrupt(&format!("at most {EMPTY_MAX} values without bytes"), "more"));
            }
        }
        Ok(value)
    }

    fn shallow(&mut self, ty: &TypeRef) -> Result<Value, StateError> {
        Ok(match ty {
            TypeRef::Unit => Value::Unit,
            TypeRef::Bool => Value::Bool(take_flag(&mut self.bytes, "a bool")?),
            TypeRef::Number(number) => self.number(*number)?,
            TypeRef::Char => Value::Char(take_char(&mut self.bytes)?),
            TypeRef::String => {
                let length = take_length(&mut self.bytes)?;
                Value::String(take_str(&mut self.bytes, length)?.to_owned())
            }
            TypeRef::Option(inner) => Value::Option(match take_flag(&mut self.bytes, "an option")? {
                true => Some(Box::new(self.value(inner)?)),
                false => None,
            }),
            TypeRef::Sequence(inner) => {
                let count = self.count()?;
                Value::Sequence(self.values(count, inner)?)
            }
            TypeRef::Set(inner) => {
                let count = self.count()?;
                Value::Set(self.sorted(count, |reader| reader.value(inner))?)
            }
            TypeRef::Map(key, value) => {
                let count = self.count()?;
                Value::Map(self.sorted(count, |reader| Ok((reader.value(key)?, reader.value(value)?)))?)
            }
            TypeRef::Array(inner, count) => {
                Value::Sequence(self.values(usize::try_from(*count).unwrap_or(usize::MAX), inner)?)
            }
            TypeRef::Tuple(inner) => {
                Value::Tuple(inner.iter().map(|ty| self.value(ty)).collect::<Result<_, _>>()?)
            }
            TypeRef::Named(index) => self.named(&self.schema.types()[*index as usize])?,
            TypeRef::Opaque(name) => {
                Value::Opaque { name: name.clone(), bytes: take_prefixed(&mut self.bytes)?.to_vec() }
            }
        })
    }

    fn number(&mut self, number: Number) -> Result<Value, StateError> {
        let bytes = crate::bytes::take(&mut self.bytes, number.width())?;
        let mut wide = [0; 16];
        wide[..bytes.len()].copy_from_slice(bytes);
        let unsigned = u128::from_le_bytes(wide);
        let unused = 128 - 8 * bytes.len() as u32;
        Ok(match number {
            Number::F32 => Value::F32(unsigned as u32),
            Number::F64 => Value::F64(unsigned as u64),
            Number::U8 | Number::U16 | Number::U32 | Number::U64 | Number::U128 => Value::Unsigned(unsigned),
            Number::I8 | Number::I16 | Number::I32 | Number::I64 | Number::I128 => {
                Value::Signed((unsigned << unused) as i128 >> unused)
            }
        })
    }

    fn count(&mut self) -> Result<usize, StateError> {
        take_length(&mut self.bytes)
    }

    fn values(&mut self, count: usize, ty: &TypeRef) -> Result<Vec<Value>, StateError> {
        (0..count).map(|_| self.value(ty)).collect()
    }

    /// What `read` reads `count` times, in the order of the bytes it was read from: a hashed set or map is
    /// saved in another order each time.
    fn sorted<T>(
        &mut self,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, StateError>,
    ) -> Result<Vec<T>, StateError> {
        let mut found = Vec::new();
        for _ in 0..count {
            let before = self.bytes;
            let value = read(self)?;
            found.push((&before[..before.len() - self.bytes.len()], value));
        }
        found.sort_by(|a, b| a.0.cmp(b.0));
        Ok(found.into_iter().map(|(_, value)| value).collect())
    }

    fn named(&mut self, def: &TypeDef) -> Result<Value, StateError> {
        let number = match def.shape {
            Shape::Struct => 0,
            Shape::Enum => u32::from_le_bytes(take_array(&mut self.bytes)?),
        };
        let variant =
            def.variants.get(number as usize).ok_or_else(|| corrupt("the number of a variant", number))?;
        let fields = variant
            .fields
            .iter()
            .map(|field| Ok((field.name.clone(), self.value(&field.ty)?)))
            .collect::<Result<_, StateError>>()?;
        Ok(Value::Named {
            name: def.name.clone(),
            variant: (def.shape == Shape::Enum).then(|| variant.name.clone()),
            style: variant.style,
            fields,
        })
    }
}

fn compare(before: Option<&Value>, after: Option<&Value>, path: &str, found: &mut Vec<Difference>) {
    match (before, after) {
        (Some(Value::Sequence(a)), Some(Value::Sequence(b))) => {
            compare_places(a.iter(), b.iter(), |index| format!("{path}[{index}]"), found);
        }
        (Some(Value::Tuple(a)), Some(Value::Tuple(b))) => {
            compare_places(a.iter(), b.iter(), |index| format!("{path}.{index}"), found);
        }
        (Some(Value::Option(Some(a))), Some(Value::Option(Some(b)))) => {
            compare(Some(a), Some(b), path, found)
        }
        (Some(Value::Map(a)), Some(Value::Map(b))) => compare_maps(a, b, path, found),
        (
            Some(Value::Named { name, variant, fields: a, .. }),
            Some(Value::Named { name: other, variant: other_variant, fields: b, .. }),
        ) if name == other && variant == other_variant => {
            for (field, value) in a {
                compare(Some(value), find(b, field), &format!("{path}.{field}"), found);
            }
            for (field, value) in b.iter().filter(|(field, _)| find(a, field).is_none()) {
                compare(None, Some(value), &format!("{path}.{field}"), found);
            }
        }
        (before, after) if before == after => {}
        (before, after) => {
            found.push(Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned() })
        }
    }
}

fn compare_places<'a>(
    before: impl Iterator<Item = &'a Value>,
    after: impl Iterator<Item = &'a Value>,
    path: impl Fn(usize) -> String,
    found: &mut Vec<Difference>,
) {
    let (mut before, mut after) = (before.fuse(), after.fuse());
    for index in 0.. {
        let pair = (before.next(), after.next());
        if pair == (None, None) {
            return;
        }
        compare(pair.0, pair.1, &path(index), found);
    }
}

fn compare_maps(
    before: &[(Value, Value)],
    after: &[(Value, Value)],
    path: &str,
    found: &mut Vec<Difference>,
) {
    for (key, value) in before {
        compare(Some(value), find(after, key), &format!("{path}[{key}]"), found);
    }
    for (key, value) in after.iter().filter(|(key, _)| find(before, key).is_none()) {
        compare(None, Some(value), &format!("{path}[{key}]"), found);
    }
}

fn find<'a, K: PartialEq>(entries: &'a [(K, Value)], key: &K) -> Option<&'a Value> {
    entries.iter().find(|entry| entry.0 == *key).map(|entry| &entry.1)
}

/// As Rust writes values, in one line.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => out.write_str("()"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Signed(value) => write!(out, "{value}"),
            Self::F32(bits) => write!(out, "{:?}", f32::from_bits(*bits)),
            Self::F64(bits) => write!(out, "{:?}", f64::from_bits(*bits)),
            Self::Char(value) => write!(out, "{value:?}"),
            Self::String(value) => write!(out, "{value:?}"),
            Self::Option(None) => out.write_str("None"),
            Self::Option(Some(value)) => write!(out, "Some({value})"),
            Self::Sequence(values) => write_list(out, "[", values, "]"),
            Self::Set(values) => write_list(out, "{", values, "}"),
            Self::Map(entries) => {
                let shown: Vec<_> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                write_list(out, "{", &shown, "}")
            }
            Self::Tuple(values) => write_list(out, "(", values, ")"),
            Self::Named { name, variant, style, fields } => {
                out.write_str(variant.as_ref().unwrap_or(name))?;
                write_fields(out, *style, fields)
            }
            Self::Opaque { name, bytes } => write!(out, "<{name}, {} bytes>", bytes.len()),
        }
    }
}

fn write_list(
    out: &mut fmt::Formatter<'_>,
    open: &str,
    values: &[impl fmt::Display],
    close: &str,
) -> fmt::Result {
    out.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        write!(out, "{}{value}", if index == 0 { "" } else { ", " })?;
    }
    out.write_str(close)
}

fn write_fields(out: &mut fmt::Formatter<'_>, style: FieldStyle, fields: &[(String, Value)]) -> fmt::Result {
    match style {
        FieldStyle::Unit => Ok(()),
        FieldStyle::Tuple => {
            let values: Vec<_> = fields.iter().map(|(_, value)| value).collect();
            write_list(out, "(", &values, ")")
        }
        FieldStyle::Named => {
            let values: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            write_list(out, " { ", &values, " }")
        }
    }
}
