//! Following a path through a schema, and through a value that was decoded with it.

use crate::reflect::encode;
use crate::{FieldPath, Key, LiveSchema, ReflectError, Segment, Shape, TypeRef, Value, ValueRef};

/// Where a path stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot<'s> {
    Type(&'s TypeRef),
    /// At a variant of the named type with this number.
    Variant(u32, usize),
}

/// How it comes to the next spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// Into an option, which takes no segment.
    Through,
    /// To a field of a struct, a variant or a tuple, by its number.
    Field(usize),
    /// To a variant, by its number.
    Variant(usize),
    Element(usize),
    Entry,
}

/// The spot inside all options.
pub(super) fn within_options(mut spot: Spot<'_>) -> Spot<'_> {
    while let Spot::Type(TypeRef::Option(inner)) = spot {
        spot = Spot::Type(inner);
    }
    spot
}

/// From `spot` by segment number `count` of `path`.
pub(super) fn next<'s>(
    live: &'s LiveSchema,
    spot: Spot<'s>,
    path: &FieldPath,
    count: usize,
) -> Result<(Hop, Spot<'s>), ReflectError> {
    let segment = &path.segments()[count];
    let types = live.schema().types();
    let found = match (spot, segment) {
        (Spot::Type(TypeRef::Option(inner)), _) => Some((Hop::Through, Spot::Type(inner))),
        (Spot::Type(TypeRef::Named(index)), Segment::Name(name)) => {
            let def = &types[*index as usize];
            match def.shape {
                Shape::Struct => return field_of(live, *index, 0, name, path, count),
                Shape::Enum => {
                    let variant = def.variants.iter().position(|variant| variant.name == *name);
                    let variant = variant.ok_or_else(|| ReflectError::NoSuchVariant {
                        path: path.up_to(count),
                        ty: def.name.clone(),
                        variant: name.clone(),
                        known: known(def.variants.iter().map(|variant| variant.name.as_str())),
                    })?;
                    Some((Hop::Variant(variant), Spot::Variant(*index, variant)))
                }
            }
        }
        (Spot::Variant(index, variant), Segment::Name(name)) => {
            return field_of(live, index, variant, name, path, count);
        }
        (Spot::Type(TypeRef::Tuple(types)), Segment::Name(name)) => {
            let place = name.parse().ok().filter(|place: &usize| *place < types.len());
            place.map(|place| (Hop::Field(place), Spot::Type(&types[place])))
        }
        (Spot::Type(TypeRef::Sequence(inner) | TypeRef::Array(inner, _)), Segment::Key(key)) => {
            let Key::Number(number) = key else { return Err(no_such_part(live, spot, path, count)) };
            usize::try_from(*number).ok().map(|index| (Hop::Element(index), Spot::Type(inner)))
        }
        (Spot::Type(TypeRef::Map(_, value)), Segment::Key(_)) => Some((Hop::Entry, Spot::Type(value))),
        _ => None,
    };
    found.ok_or_else(|| no_such_part(live, spot, path, count))
}

fn field_of<'s>(
    live: &'s LiveSchema,
    index: u32,
    variant: usize,
    name: &str,
    path: &FieldPath,
    count: usize,
) -> Result<(Hop, Spot<'s>), ReflectError> {
    let def = &live.schema().types()[index as usize];
    let fields = &def.variants[variant].fields;
    match fields.iter().position(|field| field.name == name) {
        Some(place) => Ok((Hop::Field(place), Spot::Type(&fields[place].ty))),
        None => Err(ReflectError::NoSuchField {
            path: path.up_to(count),
            ty: def.name.clone(),
            field: name.to_owned(),
            known: known(fields.iter().map(|field| field.name.as_str())),
        }),
    }
}

/// `are a, b`, to follow "there".
pub(super) fn known<'n>(names: impl Iterator<Item = &'n str>) -> String {
    match names.collect::<Vec<_>>() {
        names if names.is_empty() => "are none".to_owned(),
        names if names.len() == 1 => format!("is {}", names[0]),
        names => format!("are {}", names.join(", ")),
    }
}

fn no_such_part(live: &LiveSchema, spot: Spot<'_>, path: &FieldPath, count: usize) -> ReflectError {
    let schema = live.schema();
    let (ty, hint) = match spot {
        Spot::Variant(index, _) => (schema.types()[index as usize].name.clone(), "name a field: `.field`"),
        Spot::Type(ty) => {
            let hint = match ty {
                TypeRef::Named(_) => "name a field: `.field`",
                TypeRef::Tuple(_) => "name a field by its number: `.0`",
                TypeRef::Sequence(_) | TypeRef::Array(..) => "name an element by its number: `[0]`",
                TypeRef::Map(..) => "name an entry by its key: `[\"key\"]`, or `[1]`",
                TypeRef::Set(_) => "read and write the whole set",
                TypeRef::Opaque(_) => "only its own type can look inside",
                _ => "end the path before it",
            };
            (schema.name_of(ty), hint)
        }
    };
    let segment = path.segments()[count].to_string();
    ReflectError::NoSuchPart { path: path.up_to(count), ty, segment, hint: hint.to_owned() }
}

/// What is at `path` in `whole`, which has the type that `live` describes.
pub(super) fn get<'v>(
    live: &LiveSchema,
    path: &FieldPath,
    whole: &'v Value,
) -> Result<&'v Value, ReflectError> {
    let (mut value, mut spot) = (whole, Spot::Type(live.schema().root()));
    for count in 0..path.segments().len() {
        loop {
            let (hop, next) = next(live, spot, path, count)?;
            value = inside(live, value, spot, &hop, path, count)?;
            spot = next;
            if hop != Hop::Through {
                break;
            }
        }
    }
    Ok(value)
}

fn inside<'v>(
    live: &LiveSchema,
    value: &'v Value,
    spot: Spot<'_>,
    hop: &Hop,
    path: &FieldPath,
    count: usize,
) -> Result<&'v Value, ReflectError> {
    let found = match (hop, value) {
        (Hop::Through, Value::Option(Some(inner))) => Some(&**inner),
        (Hop::Field(place), Value::Named { fields, .. }) => fields.get(*place).map(|(_, value)| value),
        (Hop::Field(place), Value::Tuple(fields)) => fields.get(*place),
        (Hop::Variant(variant), Value::Named { variant: Some(name), .. }) => {
            (*name == variant_name(live, spot, *variant)).then_some(value)
        }
        (Hop::Element(index), Value::Sequence(values)) => values.get(*index),
        (Hop::Entry, Value::Map(entries)) => {
            let key = key_value(live, spot, path, count)?;
            entries.iter().find(|(found, _)| *found == key).map(|(_, value)| value)
        }
        _ => None,
    };
    found.ok_or_else(|| absent(live, value, spot, hop, path, count))
}

fn variant_name(live: &LiveSchema, spot: Spot<'_>, variant: usize) -> String {
    match spot {
        Spot::Type(TypeRef::Named(index)) => {
            live.schema().types()[*index as usize].variants[variant].name.clone()
        }
        _ => String::new(),
    }
}

/// The key of segment `count`, as the map at `spot` has it.
fn key_value(
    live: &LiveSchema,
    spot: Spot<'_>,
    path: &FieldPath,
    count: usize,
) -> Result<Value, ReflectError> {
    let (Spot::Type(TypeRef::Map(ty, _)), Segment::Key(key)) = (spot, &path.segments()[count]) else {
        return Err(no_such_part(live, spot, path, count));
    };
    let key = match key {
        Key::Number(number) => ValueRef::Signed(*number),
        Key::Text(text) => ValueRef::Text(text),
    };
    encode::cast(live, ty, key, &path.up_to(count + 1), path)
}

/// Why there is nothing where `hop` leads.
fn absent(
    live: &LiveSchema,
    value: &Value,
    spot: Spot<'_>,
    hop: &Hop,
    path: &FieldPath,
    count: usize,
) -> ReflectError {
    let place = path.up_to(count);
    match (hop, value) {
        (Hop::Through, _) => ReflectError::Nothing { path: place },
        (Hop::Variant(variant), Value::Named { variant: Some(found), .. }) => ReflectError::OtherVariant {
            path: place,
            expected: variant_name(live, spot, *variant),
            found: found.clone(),
        },
        (Hop::Element(index), Value::Sequence(values)) => {
            ReflectError::OutOfRange { path: place, index: *index, length: values.len() }
        }
        (Hop::Entry, _) => {
            let key = path.segments()[count].to_string();
            ReflectError::NoEntry { path: place, key: key.trim_matches(['[', ']']).to_owned() }
        }
        _ => no_such_part(live, spot, path, count),
    }
}

/// Puts `new` at `path` in `whole`. An option on the way that is `None` becomes the default of what is in it, and an entry
/// that is not there is added.
pub(super) fn set(
    live: &LiveSchema,
    path: &FieldPath,
    whole: &mut Value,
    new: ValueRef<'_>,
) -> Result<(), ReflectError> {
    let (mut value, mut spot) = (whole, Spot::Type(live.schema().root()));
    for count in 0..path.segments().len() {
        loop {
            let (hop, next) = next(live, spot, path, count)?;
            make_room(live, value, spot, next, &hop, path, count)?;
            value = inside_mut(live, value, spot, &hop, path, count)?;
            spot = next;
            if hop != Hop::Through {
                break;
            }
        }
    }
    let at = path.to_string();
    *value = match spot {
        Spot::Type(ty) => encode::cast(live, ty, new, &at, path)?,
        Spot::Variant(index, variant) => {
            let payload = encode::payload(live, index, variant, new);
            encode::cast(live, &TypeRef::Named(index), ValueRef::from(&payload), &at, path)?
        }
    };
    Ok(())
}

fn make_room(
    live: &LiveSchema,
    value: &mut Value,
    spot: Spot<'_>,
    next: Spot<'_>,
    hop: &Hop,
    path: &FieldPath,
    count: usize,
) -> Result<(), ReflectError> {
    let Spot::Type(inner) = next else { return Ok(()) };
    match (hop, value) {
        (Hop::Through, Value::Option(option @ None)) => {
            *option = Some(Box::new(default_of(live, inner, path, count)?));
        }
        (Hop::Entry, Value::Map(entries)) => {
            let key = key_value(live, spot, path, count)?;
            if !entries.iter().any(|(found, _)| *found == key) {
                // What is written there at once needs no default.
                let is_last = count + 1 == path.segments().len();
                let value = if is_last { Value::Unit } else { default_of(live, inner, path, count + 1)? };
                entries.push((key, value));
            }
        }
        _ => {}
    }
    Ok(())
}

fn default_of(
    live: &LiveSchema,
    ty: &TypeRef,
    path: &FieldPath,
    count: usize,
) -> Result<Value, ReflectError> {
    let nothing = || ReflectError::Nothing { path: path.up_to(count) };
    let bytes = live.type_default(ty).ok_or_else(nothing)?;
    encode::decoded(live, ty, &bytes, path)
}

fn inside_mut<'v>(
    live: &LiveSchema,
    value: &'v mut Value,
    spot: Spot<'_>,
    hop: &Hop,
    path: &FieldPath,
    count: usize,
) -> Result<&'v mut Value, ReflectError> {
    // That it is there is asked first: what is lent out can't be asked any more.
    inside(live, value, spot, hop, path, count)?;
    let key = match hop {
        Hop::Entry => Some(key_value(live, spot, path, count)?),
        _ => None,
    };
    let found = match (hop, value) {
        (Hop::Through, Value::Option(Some(inner))) => Some(&mut **inner),
        (Hop::Field(place), Value::Named { fields, .. }) => fields.get_mut(*place).map(|(_, value)| value),
        (Hop::Field(place), Value::Tuple(fields)) => fields.get_mut(*place),
        (Hop::Variant(_), value) => Some(value),
        (Hop::Element(index), Value::Sequence(values)) => values.get_mut(*index),
        (Hop::Entry, Value::Map(entries)) => entries
            .iter_mut()
            .find(|(found, _)| key.as_ref().is_some_and(|key| *found == *key))
            .map(|(_, value)| value),
        _ => None,
    };
    found.ok_or_else(|| no_such_part(live, spot, path, count))
}
