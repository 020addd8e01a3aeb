//! From values of any kind to the bytes of a type, with every conversion checked.

use crate::reflect::Misfit;
use crate::reflect::tree::known;
use crate::{
    DEPTH_MAX, FieldPath, FieldStyle, LiveSchema, Number, ReflectError, Shape, TypeRef, Value, ValueRef,
    Variant,
};

impl LiveSchema {
    /// The bytes of `value` as one of this type: numbers in range, variants and fields by their names. A field that is
    /// not named becomes what it is in a state that lacks it. `name` is what errors call the value.
    ///
    /// ```
    /// use keel_module_macros::data;
    /// use keel_state::{LiveSchema, Value, decode};
    ///
    /// #[data(crate = keel_state)]
    /// struct Ship { hull: f32, #[keel(default = 3)] crew: u8 }
    ///
    /// let live = LiveSchema::of::<Ship>();
    /// let bytes = live.encode("ship", (&Value::named([("hull", 1.into())])).into())?;
    /// let ship: Ship = decode(&mut bytes.as_slice()).unwrap();
    /// assert_eq!((ship.hull, ship.crew), (1.0, 3));
    ///
    /// let wrong = live.encode("ship", (&Value::named([("mast", 1.into())])).into()).unwrap_err();
    /// assert_eq!(wrong.to_string(), "`ship` (Ship) has no field `mast`; there are hull, crew");
    /// # Ok::<(), keel_state::ReflectError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReflectError`] that names the part which does not fit.
    pub fn encode(&self, name: &str, value: ValueRef<'_>) -> Result<Vec<u8>, ReflectError> {
        let mut out = Vec::new();
        encode(self, self.schema().root(), value, name, &mut out)?;
        Ok(out)
    }
}

/// Appends the bytes of `value` as a `ty`; `at` is what errors call the place.
pub(super) fn encode(
    live: &LiveSchema,
    ty: &TypeRef,
    value: ValueRef<'_>,
    at: &str,
    out: &mut Vec<u8>,
) -> Result<(), ReflectError> {
    Encoder { live, name: at, trail: Vec::new(), depth: 0, out }.value(ty, value)
}

/// `value` as a `ty` would be decoded.
pub(super) fn cast(
    live: &LiveSchema,
    ty: &TypeRef,
    value: ValueRef<'_>,
    at: &str,
    path: &FieldPath,
) -> Result<Value, ReflectError> {
    let mut bytes = Vec::new();
    encode(live, ty, value, at, &mut bytes)?;
    decoded(live, ty, &bytes, path)
}

/// The value of a `ty` whose bytes these are.
pub(super) fn decoded(
    live: &LiveSchema,
    ty: &TypeRef,
    bytes: &[u8],
    path: &FieldPath,
) -> Result<Value, ReflectError> {
    Value::decode_type(live.schema(), ty, &mut &*bytes).map_err(|error| ReflectError::WrongKind {
        path: path.type_name().to_owned(),
        expected: live.schema().name_of(ty),
        found: format!("bytes of another ({error})"),
        hint: "let its `Serialize` write what its schema says".to_owned(),
    })
}

/// `new` as the payload of a variant.
pub(super) fn payload(live: &LiveSchema, index: u32, variant: usize, new: ValueRef<'_>) -> Value {
    let variant = &live.schema().types()[index as usize].variants[variant];
    let numbered = |values: &[Value]| {
        values.iter().enumerate().map(|(place, value)| (place.to_string(), value.clone())).collect()
    };
    let fields = match new {
        ValueRef::Unit | ValueRef::None => Vec::new(),
        ValueRef::Value(Value::Named { fields, .. }) => fields.clone(),
        ValueRef::Value(Value::Map(entries)) => {
            entries.iter().map(|(name, value)| (text_of(name), value.clone())).collect()
        }
        ValueRef::Value(Value::Tuple(values) | Value::Sequence(values)) => numbered(values),
        single => vec![("0".to_owned(), single.to_value())],
    };
    let (name, style) = (Some(variant.name.clone()), FieldStyle::Named);
    Value::Named { name: String::new(), variant: name, style, fields }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What to write where a `ty` is expected.
pub(super) fn hint(live: Option<&LiveSchema>, ty: &TypeRef) -> String {
    let text = match ty {
        TypeRef::Number(Number::F32 | Number::F64) => "write a number",
        TypeRef::Number(number) => return integer_hint(*number),
        TypeRef::Bool => "write true or false",
        TypeRef::Char => "write a character",
        TypeRef::String => "write a text",
        TypeRef::Unit => "write `()`",
        TypeRef::Option(inner) => return format!("{}, or None", hint(live, inner)),
        TypeRef::Sequence(_) | TypeRef::Set(_) => "write a list",
        TypeRef::Array(_, count) => return format!("write a list of {count}"),
        TypeRef::Tuple(types) => return format!("write a list of {}", types.len()),
        TypeRef::Map(..) => "write a map",
        TypeRef::Opaque(_) => "only its own type can make it",
        TypeRef::Named(index) => match live.map(|live| &live.schema().types()[*index as usize]) {
            Some(def) if def.shape == Shape::Enum => {
                return format!("there {}", known(def.variants.iter().map(|it| it.name.as_str())));
            }
            _ => "write values by the names of its fields",
        },
    };
    text.to_owned()
}

fn integer_hint(number: Number) -> String {
    let bits = 8 * number.width() as u32;
    match number {
        Number::I8 | Number::I16 | Number::I32 | Number::I64 | Number::I128 => {
            let end = i128::MAX >> (128 - bits);
            format!("write a whole number from {} to {end}", -end - 1)
        }
        _ => format!("write a whole number from 0 to {}", u128::MAX >> (128 - bits)),
    }
}

pub(super) fn misfit(
    misfit: Misfit,
    path: String,
    expected: String,
    value: &ValueRef<'_>,
    hint: &str,
) -> ReflectError {
    let (found, hint) = (value.describe(), hint.to_owned());
    match misfit {
        Misfit::Kind => ReflectError::WrongKind { path, expected, found, hint },
        Misfit::Bounds => ReflectError::OutOfBounds { path, expected, found, hint },
    }
}

struct Encoder<'a> {
    live: &'a LiveSchema,
    /// What errors call the value.
    name: &'a str,
    /// The way from it to the part that is encoded now.
    trail: Vec<Place<'a>>,
    depth: usize,
    out: &'a mut Vec<u8>,
}

/// A part of what is around it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a Value),
}

impl<'a> Encoder<'a> {
    /// The place, for errors.
    #[cold]
    fn at(&self) -> String {
        let mut at = self.name.to_owned();
        for place in &self.trail {
            at.push_str(&match place {
                Place::Field(name) => format!(".{name}"),
                Place::Index(index) => format!("[{index}]"),
                Place::Key(key) => format!("[{key}]"),
            });
        }
        at
    }

    fn value(&mut self, ty: &TypeRef, value: ValueRef<'a>) -> Result<(), ReflectError> {
        if self.depth == DEPTH_MAX {
            return Err(ReflectError::TooDeep { path: self.at(), limit: DEPTH_MAX });
        }
        self.depth += 1;
        let done = self.shallow(ty, value);
        self.depth -= 1;
        done
    }

    fn part(&mut self, place: Place<'a>, ty: &TypeRef, value: ValueRef<'a>) -> Result<(), ReflectError> {
        self.trail.push(place);
        self.value(ty, value)?;
        self.trail.pop();
        Ok(())
    }

    fn shallow(&mut self, ty: &TypeRef, value: ValueRef<'a>) -> Result<(), ReflectError> {
        match (ty, value) {
            (TypeRef::Unit, ValueRef::Unit) => {}
            (TypeRef::Bool, ValueRef::Bool(value)) => self.out.push(value.into()),
            (TypeRef::Number(number), value) => {
                let bits = value.bits_as(*number).map_err(|misfit| self.misfit(misfit, ty, &value))?;
                self.out.extend_from_slice(&bits.to_le_bytes()[..number.width()]);
            }
            (TypeRef::Char, ValueRef::Char(value)) => self.character(value),
            (TypeRef::Char, ValueRef::Text(text)) => match (text.chars().next(), text.chars().count()) {
                (Some(value), 1) => self.character(value),
                _ => return Err(self.misfit(Misfit::Kind, ty, &value)),
            },
            (TypeRef::String, ValueRef::Text(text) | ValueRef::Variant(text)) => {
                self.length(text.len());
                self.out.extend_from_slice(text.as_bytes());
            }
            (TypeRef::String, ValueRef::Char(value)) => {
                self.length(value.len_utf8());
                self.character(value);
            }
            (TypeRef::Option(_), ValueRef::None) => self.out.push(0),
            (TypeRef::Option(inner), ValueRef::Value(Value::Option(Some(value)))) => {
                self.out.push(1);
                self.value(inner, ValueRef::from(&**value))?;
            }
            (_, ValueRef::Value(Value::Option(Some(value)))) => self.value(ty, ValueRef::from(&**value))?,
            (TypeRef::Option(inner), value) => {
                self.out.push(1);
                self.value(inner, value)?;
            }
            (TypeRef::Named(index), value) => self.named(*index, value)?,
            (TypeRef::Opaque(expected), ValueRef::Value(Value::Opaque { name, bytes }))
                if name == expected =>
            {
                self.length(bytes.len());
                self.out.extend_from_slice(bytes);
            }
            (_, ValueRef::Bytes(bytes)) => self.bytes(ty, bytes)?,
            (_, ValueRef::Value(inner)) => self.list(ty, inner)?,
            _ => return Err(self.misfit(Misfit::Kind, ty, &value)),
        }
        Ok(())
    }

    fn bytes(&mut self, ty: &TypeRef, bytes: &[u8]) -> Result<(), ReflectError> {
        let byte = TypeRef::Number(Number::U8);
        match ty {
            TypeRef::Sequence(inner) if **inner == byte => self.length(bytes.len()),
            TypeRef::Array(inner, count) if **inner == byte && *count == bytes.len() as u64 => {}
            _ => return Err(self.misfit(Misfit::Kind, ty, &ValueRef::Bytes(bytes))),
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn list(&mut self, ty: &TypeRef, value: &'a Value) -> Result<(), ReflectError> {
        match (ty, value) {
            (
                TypeRef::Sequence(inner) | TypeRef::Set(inner),
                Value::Sequence(values) | Value::Set(values) | Value::Tuple(values),
            ) => {
                self.length(values.len());
                self.elements(values.iter().map(|value| (&**inner, value)))
            }
            (TypeRef::Array(inner, count), Value::Sequence(values) | Value::Tuple(values))
                if values.len() as u64 == *count =>
            {
                self.elements(values.iter().map(|value| (&**inner, value)))
            }
            (TypeRef::Tuple(types), Value::Tuple(values) | Value::Sequence(values))
                if values.len() == types.len() =>
            {
                self.elements(types.iter().zip(values))
            }
            (TypeRef::Map(key, value), Value::Map(entries)) => {
                self.length(entries.len());
                for (name, entry) in entries {
                    self.part(Place::Key(name), key, ValueRef::from(name))?;
                    self.part(Place::Key(name), value, ValueRef::from(entry))?;
                }
                Ok(())
            }
            // An array of none has no bytes, and `()` is what its schema says.
            (TypeRef::Unit, Value::Sequence(values) | Value::Tuple(values)) if values.is_empty() => Ok(()),
            _ => Err(self.misfit(Misfit::Kind, ty, &ValueRef::Value(value))),
        }
    }

    fn elements<'t>(
        &mut self,
        values: impl Iterator<Item = (&'t TypeRef, &'a Value)>,
    ) -> Result<(), ReflectError> {
        let mut values = values.enumerate();
        values.try_for_each(|(place, (ty, value))| self.part(Place::Index(place), ty, ValueRef::from(value)))
    }

    fn named(&mut self, index: u32, value: ValueRef<'a>) -> Result<(), ReflectError> {
        let live = self.live;
        let def = &live.schema().types()[index as usize];
        if def.shape == Shape::Struct {
            return self.structure(index, &def.variants[0], value);
        }
        let ty = TypeRef::Named(index);
        let (name, fields) = match value {
            ValueRef::Text(name) | ValueRef::Variant(name) => (name, Fields::None),
            ValueRef::Value(Value::Named { variant: Some(name), fields, .. }) => {
                (name.as_str(), Fields::Named(fields.iter().map(|(name, value)| (&**name, value)).collect()))
            }
            ValueRef::Value(Value::Map(entries)) if entries.len() == 1 => match &entries[0] {
                (Value::String(name), payload) => {
                    (name.as_str(), Fields::of_payload(ValueRef::from(payload)))
                }
                _ => return Err(self.misfit(Misfit::Kind, &ty, &value)),
            },
            _ => return Err(self.misfit(Misfit::Kind, &ty, &value)),
        };
        let number = def.variants.iter().position(|variant| variant.name == *name);
        let number = number.ok_or_else(|| ReflectError::NoSuchVariant {
            path: self.at(),
            ty: def.name.clone(),
            variant: name.to_owned(),
            known: known(def.variants.iter().map(|variant| variant.name.as_str())),
        })?;
        self.out.extend_from_slice(&(number as u32).to_le_bytes());
        self.fields(index, number, &def.variants[number], &fields)
    }

    fn structure(&mut self, index: u32, of: &'a Variant, value: ValueRef<'a>) -> Result<(), ReflectError> {
        let fields = match Fields::of(value) {
            // What is around a single value may be left out.
            Fields::Wrong if of.style == FieldStyle::Tuple && of.fields.len() == 1 => {
                return self.part(Place::Field("0"), &of.fields[0].ty, value);
            }
            Fields::Wrong => return Err(self.misfit(Misfit::Kind, &TypeRef::Named(index), &value)),
            fields => fields,
        };
        self.fields(index, 0, of, &fields)
    }

    fn fields(
        &mut self,
        index: u32,
        number: usize,
        of: &'a Variant,
        given: &Fields<'a>,
    ) -> Result<(), ReflectError> {
        let live = self.live;
        let ty = || live.schema().types()[index as usize].name.clone();
        if let Some(unknown) = given.unknown(of) {
            return Err(ReflectError::NoSuchField {
                path: self.at(),
                ty: ty(),
                field: unknown,
                known: known(of.fields.iter().map(|field| field.name.as_str())),
            });
        }
        for (place, field) in of.fields.iter().enumerate() {
            match given.get(place, &field.name) {
                Some(value) => self.part(Place::Field(&field.name), &field.ty, value)?,
                None => match live.field_default(index, number, place) {
                    Some(bytes) => self.out.extend_from_slice(&bytes),
                    None => {
                        return Err(ReflectError::MissingField {
                            path: self.at(),
                            field: field.name.clone(),
                            ty: live.schema().name_of(&field.ty),
                        });
                    }
                },
            }
        }
        Ok(())
    }

    fn character(&mut self, value: char) {
        let mut buffer = [0; 4];
        self.out.extend_from_slice(value.encode_utf8(&mut buffer).as_bytes());
    }

    fn length(&mut self, length: usize) {
        self.out.extend_from_slice(&(length as u64).to_le_bytes());
    }

    #[cold]
    fn misfit(&self, reason: Misfit, ty: &TypeRef, value: &ValueRef<'_>) -> ReflectError {
        let expected = self.live.schema().name_of(ty);
        misfit(reason, self.at(), expected, value, &hint(Some(self.live), ty))
    }
}

/// What is given for the fields of a struct or a variant.
enum Fields<'v> {
    None,
    Named(Vec<(&'v str, &'v Value)>),
    InOrder(&'v [Value]),
    /// A single value for the first field.
    Single(ValueRef<'v>),
    /// No fields at all.
    Wrong,
}

impl<'v> Fields<'v> {
    fn of(value: ValueRef<'v>) -> Self {
        match value {
            ValueRef::Unit => Self::None,
            ValueRef::Value(Value::Named { variant: None, fields, .. }) => {
                Self::Named(fields.iter().map(|(name, value)| (&**name, value)).collect())
            }
            ValueRef::Value(Value::Map(entries)) => {
                let named = entries.iter().map(|(name, value)| match name {
                    Value::String(name) => Some((&**name, value)),
                    _ => None,
                });
                named.collect::<Option<_>>().map_or(Self::Wrong, Self::Named)
            }
            ValueRef::Value(Value::Tuple(values) | Value::Sequence(values)) => Self::InOrder(values),
            _ => Self::Wrong,
        }
    }

    /// For a variant, whose only field may be given by its value alone.
    fn of_payload(value: ValueRef<'v>) -> Self {
        match Self::of(value) {
            Self::Wrong => Self::Single(value),
            fields => fields,
        }
    }

    fn get(&self, place: usize, name: &str) -> Option<ValueRef<'v>> {
        match self {
            Self::Named(fields) => {
                fields.iter().find(|(given, _)| *given == name).map(|(_, value)| ValueRef::from(*value))
            }
            Self::InOrder(values) => values.get(place).map(ValueRef::from),
            Self::Single(value) => (place == 0).then_some(*value),
            Self::None | Self::Wrong => None,
        }
    }

    /// A name that is no field's, or a value past the last field.
    fn unknown(&self, of: &Variant) -> Option<String> {
        match self {
            Self::Named(fields) => fields
                .iter()
                .find(|(given, _)| of.fields.iter().all(|field| field.name != *given))
                .map(|(given, _)| (*given).to_owned()),
            Self::InOrder(values) => (values.len() > of.fields.len()).then(|| of.fields.len().to_string()),
            Self::Single(_) => of.fields.is_empty().then(|| "0".to_owned()),
            Self::None | Self::Wrong => None,
        }
    }
}
