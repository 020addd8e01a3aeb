//! Values of any kind, borrowed; and what they become without a loss.

use crate::{Number, Value};

/// A value that is borrowed from where it lies: read without a copy, or to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// An option without a value.
    None,
    /// `()`
    Unit,
    /// `bool`
    Bool(bool),
    /// An integer of an unsigned type.
    Unsigned(u128),
    /// An integer of a signed type.
    Signed(i128),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `char`
    Char(char),
    /// `String`
    Text(&'a str),
    /// A `Vec<u8>` or an array of bytes.
    Bytes(&'a [u8]),
    /// The name of an enum's variant.
    Variant(&'a str),
    /// A value that has parts.
    Value(&'a Value),
}

/// Why a value is none of the type that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is of another kind.
    Kind,
    /// It is a number past the end of the type, or between two of its values.
    Bounds,
}

/// A type that a [`ValueRef`] can become, with a check that nothing is lost: an integer in the range of the type, a float
/// that is whole, an integer that a float can hold.
pub trait FromValue: Sized + 'static {
    /// What is expected, for errors.
    const EXPECTED: &'static str;

    /// The value as `Self`.
    ///
    /// # Errors
    /// Why it is none.
    fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit>;
}

impl ValueRef<'_> {
    /// The value as one of its own.
    pub fn to_value(&self) -> Value {
        match *self {
            Self::None => Value::Option(None),
            Self::Unit => Value::Unit,
            Self::Bool(value) => Value::Bool(value),
            Self::Unsigned(value) => Value::Unsigned(value),
            Self::Signed(value) => Value::Signed(value),
            Self::F32(value) => Value::F32(value.to_bits()),
            Self::F64(value) => Value::F64(value.to_bits()),
            Self::Char(value) => Value::Char(value),
            Self::Text(text) | Self::Variant(text) => Value::String(text.to_owned()),
            Self::Bytes(bytes) => {
                Value::Sequence(bytes.iter().map(|byte| Value::Unsigned(u128::from(*byte))).collect())
            }
            Self::Value(value) => value.clone(),
        }
    }

    /// What it is, for a person: `text "abc"`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Text(text) => format!("text {text:?}"),
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::Variant(name) => format!("variant {name}"),
            Self::Value(value) => shortened(&value.to_string()),
            other => other.to_value().to_string(),
        }
    }

    /// The bits of this number as one of type `number`, in the low end.
    #[inline]
    pub(crate) fn bits_as(&self, number: Number) -> Result<u128, Misfit> {
        match (number, *self) {
            (Number::F32, Self::F32(value)) => Ok(u128::from(value.to_bits())),
            (Number::F64, Self::F64(value)) => Ok(u128::from(value.to_bits())),
            (Number::F64, Self::F32(value)) => Ok(u128::from(f64::from(value).to_bits())),
            (Number::F32, Self::F64(value)) => narrow(value),
            (Number::F32 | Number::F64, Self::Unsigned(value)) => float_of(number, value, false),
            (Number::F32 | Number::F64, Self::Signed(value)) => {
                float_of(number, value.unsigned_abs(), value < 0)
            }
            (_, Self::Unsigned(value)) => within(number, value, false),
            (_, Self::Signed(value)) => within(number, value.unsigned_abs(), value < 0),
            (_, Self::F32(value)) => whole(number, f64::from(value)),
            (_, Self::F64(value)) => whole(number, value),
            _ => Err(Misfit::Kind),
        }
    }
}

fn shortened(text: &str) -> String {
    const LENGTH_MAX: usize = 60;
    match text.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The nearest `f32`: what is written as `0.1` means that one.
fn narrow(value: f64) -> Result<u128, Misfit> {
    let narrow = value as f32;
    match narrow.is_infinite() && value.is_finite() {
        true => Err(Misfit::Bounds),
        false => Ok(u128::from(narrow.to_bits())),
    }
}

/// An integer as a float, if there is one that is the same.
fn float_of(number: Number, magnitude: u128, is_negative: bool) -> Result<u128, Misfit> {
    let digits = if number == Number::F32 { f32::MANTISSA_DIGITS } else { f64::MANTISSA_DIGITS };
    let value = if magnitude <= 1 << digits {
        // As nearly all are; a wide integer takes its time.
        magnitude as u64 as f64
    } else {
        let significant = u128::BITS - magnitude.leading_zeros() - magnitude.trailing_zeros();
        if significant > digits {
            return Err(Misfit::Bounds);
        }
        magnitude as f64
    };
    let value = if is_negative { -value } else { value };
    Ok(match number {
        Number::F32 => u128::from((value as f32).to_bits()),
        _ => u128::from(value.to_bits()),
    })
}

/// An integer as one of another type.
#[inline]
fn within(number: Number, magnitude: u128, is_negative: bool) -> Result<u128, Misfit> {
    let bits = 8 * number.width() as u32;
    let is_signed = matches!(number, Number::I8 | Number::I16 | Number::I32 | Number::I64 | Number::I128);
    let end = u128::MAX >> (128 - bits) >> u32::from(is_signed);
    match is_negative {
        false if magnitude <= end => Ok(magnitude),
        true if magnitude == 0 => Ok(0),
        true if is_signed && magnitude <= end + 1 => Ok(magnitude.wrapping_neg()),
        _ => Err(Misfit::Bounds),
    }
}

/// A float as an integer, if it is one.
fn whole(number: Number, value: f64) -> Result<u128, Misfit> {
    // Past this, `as` would saturate.
    if value.fract() != 0.0 || value.abs() >= 2f64.powi(127) {
        return Err(Misfit::Bounds);
    }
    within(number, value.abs() as u128, value < 0.0)
}

macro_rules! numbers {
    ($($ty:ident $number:ident |$bits:ident| $from:expr;)*) => {$(
        impl FromValue for $ty {
            const EXPECTED: &'static str = stringify!($ty);

            #[inline]
            fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit> {
                value.bits_as(Number::$number).map(|$bits| $from)
            }
        }
    )*};
}

numbers! {
    u8 U8 |bits| bits as u8;
    u16 U16 |bits| bits as u16;
    u32 U32 |bits| bits as u32;
    u64 U64 |bits| bits as u64;
    u128 U128 |bits| bits;
    usize U64 |bits| bits as usize;
    i8 I8 |bits| bits as i8;
    i16 I16 |bits| bits as i16;
    i32 I32 |bits| bits as i32;
    i64 I64 |bits| bits as i64;
    i128 I128 |bits| bits as i128;
    isize I64 |bits| bits as isize;
    f32 F32 |bits| f32::from_bits(bits as u32);
    f64 F64 |bits| f64::from_bits(bits as u64);
}

macro_rules! others {
    ($($ty:ty, $expected:literal, $($kind:pat => $value:expr),+;)*) => {$(
        impl FromValue for $ty {
            const EXPECTED: &'static str = $expected;

            #[inline]
            fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit> {
                match value {
                    $($kind => Ok($value),)+
                    _ => Err(Misfit::Kind),
                }
            }
        }
    )*};
}

others! {
    (), "()", ValueRef::Unit => ();
    bool, "bool", ValueRef::Bool(value) => value;
    char, "char", ValueRef::Char(value) => value;
    String, "String", ValueRef::Text(text) | ValueRef::Variant(text) => text.to_owned();
    Vec<u8>, "bytes", ValueRef::Bytes(bytes) => bytes.to_owned();
}

impl FromValue for Value {
    const EXPECTED: &'static str = "a value";

    fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit> {
        Ok(value.to_value())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    #[inline]
    fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit> {
        match value {
            ValueRef::None => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! into {
    ($($ty:ty => |$value:ident| $reference:expr, $owned:expr;)*) => {$(
        impl From<$ty> for ValueRef<'_> {
            #[inline]
            fn from($value: $ty) -> Self {
                $reference
            }
        }

        impl From<$ty> for Value {
            fn from($value: $ty) -> Self {
                $owned
            }
        }
    )*};
}

into! {
    () => |_unit| ValueRef::Unit, Value::Unit;
    bool => |value| ValueRef::Bool(value), Value::Bool(value);
    u8 => |value| ValueRef::Unsigned(value.into()), Value::Unsigned(value.into());
    u16 => |value| ValueRef::Unsigned(value.into()), Value::Unsigned(value.into());
    u32 => |value| ValueRef::Unsigned(value.into()), Value::Unsigned(value.into());
    u64 => |value| ValueRef::Unsigned(value.into()), Value::Unsigned(value.into());
    u128 => |value| ValueRef::Unsigned(value), Value::Unsigned(value);
    usize => |value| ValueRef::Unsigned(value as u128), Value::Unsigned(value as u128);
    i8 => |value| ValueRef::Signed(value.into()), Value::Signed(value.into());
    i16 => |value| ValueRef::Signed(value.into()), Value::Signed(value.into());
    i32 => |value| ValueRef::Signed(value.into()), Value::Signed(value.into());
    i64 => |value| ValueRef::Signed(value.into()), Value::Signed(value.into());
    i128 => |value| ValueRef::Signed(value), Value::Signed(value);
    isize => |value| ValueRef::Signed(value as i128), Value::Signed(value as i128);
    f32 => |value| ValueRef::F32(value), Value::F32(value.to_bits());
    f64 => |value| ValueRef::F64(value), Value::F64(value.to_bits());
    char => |value| ValueRef::Char(value), Value::Char(value);
}

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for ValueRef<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for ValueRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for ValueRef<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Unit => Self::Unit,
            Value::Bool(value) => Self::Bool(*value),
            Value::Unsigned(value) => Self::Unsigned(*value),
            Value::Signed(value) => Self::Signed(*value),
            Value::F32(bits) => Self::F32(f32::from_bits(*bits)),
            Value::F64(bits) => Self::F64(f64::from_bits(*bits)),
            Value::Char(value) => Self::Char(*value),
            Value::String(text) => Self::Text(text),
            Value::Option(None) => Self::None,
            Value::Named { variant: Some(name), fields, .. } if fields.is_empty() => Self::Variant(name),
            value => Self::Value(value),
        }
    }
}

impl<'a, T: Into<ValueRef<'a>>> From<Option<T>> for ValueRef<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Sequence(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        Self::Option(value.map(|value| Box::new(value.into())))
    }
}

impl Value {
    /// Values by names, to become a struct, or a map whose keys are texts.
    ///
    /// ```
    /// use keel_state::Value;
    ///
    /// let position = Value::named([("x", 1.5.into()), ("y", 2.into())]);
    /// assert_eq!(position.to_string(), r#"{"x": 1.5, "y": 2}"#);
    /// ```
    pub fn named<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Self {
        Self::Map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A variant of an enum with values by names, which are numbers for a payload without names. A variant without a
    /// payload may be written as the text of its name, too.
    pub fn variant<'n>(name: &str, fields: impl IntoIterator<Item = (&'n str, Value)>) -> Self {
        Self::Named {
            name: String::new(),
            variant: Some(name.to_owned()),
            style: crate::FieldStyle::Named,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}
