//! Types that no Rust type stands behind: what a schema must be for that, and the defaults that it gives.

use std::collections::HashSet;

use crate::builder::{FieldNotes, TypeNotes, VariantNotes};
use crate::bytes::corrupt;
use crate::layout::Layouts;
use crate::text::is_of_word;
use crate::{
    Field, FieldStyle, LiveSchema, ReflectError, Shape, StateError, TypeDef, TypeRef, TypeSchema, Value,
    ValueRef, Variant,
};

/// How many bytes the smallest value of a declared type may take: 1 MiB.
///
/// An array's length is one number in the schema, and each value of the type has as many elements.
pub const DECLARED_BYTES_MAX: u64 = 1 << 20;

impl LiveSchema {
    /// A type that nothing but its schema declares. A struct whose fields all have defaults has one, which is made of
    /// them; an enum has none until [`LiveSchema::with_default`] says one.
    ///
    /// # Errors
    /// [`StateError::Undeclarable`] when it is no struct or enum, when no value of one of its types ends, when one has more
    /// than [`DECLARED_BYTES_MAX`] bytes at least, when names are no names or not unique, or when there is something
    /// opaque in it.
    pub fn declared(schema: TypeSchema) -> Result<Self, StateError> {
        if !matches!(schema.root(), TypeRef::Named(_)) {
            let root = schema.name_of(schema.root());
            return Err(undeclarable(format!("{root} is no struct or enum"), "let it be the field of one"));
        }
        schema.types().iter().try_for_each(|def| check_names(&schema, def))?;
        check_sizes(&schema)?;
        let mut live = Self::from(schema);
        live.notes = live.schema.types().iter().map(notes_of).collect();
        live.fill_defaults();
        Ok(live)
    }

    /// The same type with `value` as its default; a part that is not named keeps the default that it had. `name` is what
    /// errors call the value.
    ///
    /// # Errors
    /// [`ReflectError`] when it is no value of the type.
    pub fn with_default(mut self, name: &str, value: ValueRef<'_>) -> Result<Self, ReflectError> {
        let bytes = self.encode(name, value)?;
        self.set_default(bytes);
        Ok(self)
    }

    /// The same type, with what people are told of it.
    #[must_use]
    pub fn with_doc(mut self, doc: &str) -> Self {
        if let TypeRef::Named(root) = *self.schema().root()
            && let Some(notes) = self.notes.get_mut(root as usize)
        {
            doc.clone_into(&mut notes.doc);
        }
        self
    }

    /// The same type with the value whose bytes these are as its default.
    ///
    /// # Errors
    /// [`StateError`] when they are not one value.
    pub fn with_encoded_default(mut self, bytes: &[u8]) -> Result<Self, StateError> {
        let mut rest = bytes;
        Value::decode(self.schema(), &mut rest)?;
        if !rest.is_empty() {
            return Err(StateError::TrailingBytes { left: rest.len() });
        }
        self.set_default(bytes.to_vec());
        Ok(self)
    }

    /// Reads one value off the front of `bytes`, which may be damaged: its bytes, with each set and map in the order of the
    /// bytes of its elements and each key once, as its last value.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are no value of the type; `bytes` is then where it was.
    pub fn canonical(&self, bytes: &mut &[u8]) -> Result<Vec<u8>, StateError> {
        let mut rest = *bytes;
        let mut value = Value::decode(self.schema(), &mut rest)?;
        let mut read = bytes[..bytes.len() - rest.len()].to_vec();
        if self.schema().is_unordered() {
            // What lies in a set of sets may have another place once its own doubles are gone.
            loop {
                drop_doubles(&mut value);
                let written = self
                    .encode("value", ValueRef::from(&value))
                    .map_err(|error| corrupt("a value of the schema", error))?;
                if written == read {
                    break;
                }
                value = Value::decode(self.schema(), &mut written.as_slice())?;
                read = written;
            }
        }
        *bytes = rest;
        Ok(read)
    }

    /// Notes the default of the whole value, and those of its fields.
    fn set_default(&mut self, bytes: Vec<u8>) {
        let TypeRef::Named(root) = *self.schema().root() else { return };
        let def = &self.schema.types()[root as usize];
        let notes = &mut self.notes[root as usize];
        if def.shape == Shape::Struct {
            let layouts = Layouts::of(self.schema.types());
            let mut rest = bytes.as_slice();
            for (field, notes) in def.variants[0].fields.iter().zip(&mut notes.variants[0].fields) {
                let before = rest;
                // They were just encoded or decoded.
                if layouts.skip(&layouts.layout(&field.ty), &mut rest, 0).is_err() {
                    return;
                }
                notes.default = Some(before[..before.len() - rest.len()].to_vec());
            }
        }
        notes.default = Some(bytes);
    }

    /// Gives a default to each struct whose fields all have one, from the inside out.
    fn fill_defaults(&mut self) {
        loop {
            let mut changed = false;
            // Types stand before those inside them, mostly.
            for index in (0..self.notes.len()).rev() {
                let def = &self.schema.types()[index];
                if def.shape == Shape::Enum || self.notes[index].default.is_some() {
                    continue;
                }
                let fields = def.variants[0].fields.iter().map(|field| self.type_default(&field.ty));
                if let Some(parts) = fields.collect::<Option<Vec<_>>>() {
                    self.notes[index].default = Some(parts.concat());
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

fn undeclarable(reason: String, next: &str) -> StateError {
    StateError::Undeclarable { reason, next: next.to_owned() }
}

/// Notes that say nothing yet.
fn notes_of(def: &TypeDef) -> TypeNotes {
    let fields = |variant: &Variant| vec![FieldNotes::default(); variant.fields.len()];
    let of_variant = |variant| VariantNotes { fields: fields(variant), ..VariantNotes::default() };
    TypeNotes { variants: def.variants.iter().map(of_variant).collect(), ..TypeNotes::default() }
}

/// Names stand in paths, so they must be readable there.
fn check_names(schema: &TypeSchema, def: &TypeDef) -> Result<(), StateError> {
    is_name(&def.name, "a type")?;
    let mut variants = HashSet::new();
    for variant in &def.variants {
        is_name(&variant.name, &format!("a variant of `{}`", def.name))?;
        if !variants.insert(&variant.name) {
            let reason = format!("`{}` has two variants `{}`", def.name, variant.name);
            return Err(undeclarable(reason, "rename one"));
        }
        check_fields(schema, def, variant)?;
    }
    Ok(())
}

fn check_fields(schema: &TypeSchema, def: &TypeDef, variant: &Variant) -> Result<(), StateError> {
    let mut names = HashSet::new();
    for (place, Field { name, ty }) in variant.fields.iter().enumerate() {
        is_name(name, &format!("a field of `{}`", def.name))?;
        if !names.insert(name) {
            return Err(undeclarable(format!("`{}` has two fields `{name}`", def.name), "rename one"));
        }
        let fits = match variant.style {
            FieldStyle::Unit => false,
            FieldStyle::Tuple => *name == place.to_string(),
            FieldStyle::Named => true,
        };
        if !fits {
            let reason = format!("field `{name}` of `{}` is not of the style that it has", def.name);
            return Err(undeclarable(reason, "give a tuple's fields their numbers as names"));
        }
        if is_opaque(ty) {
            let ty = schema.name_of(ty);
            let reason = format!("`{}.{name}` is {ty}, which only its own type can make", def.name);
            return Err(undeclarable(reason, "describe what is in it"));
        }
    }
    Ok(())
}

fn is_name(name: &str, of: &str) -> Result<(), StateError> {
    if !name.is_empty() && name.chars().all(is_of_word) {
        return Ok(());
    }
    Err(undeclarable(format!("`{name}` is no name of {of}"), "write letters, digits and `_`"))
}

fn is_opaque(ty: &TypeRef) -> bool {
    match ty {
        TypeRef::Opaque(_) => true,
        TypeRef::Option(inner)
        | TypeRef::Sequence(inner)
        | TypeRef::Set(inner)
        | TypeRef::Array(inner, _) => is_opaque(inner),
        TypeRef::Map(key, value) => is_opaque(key) || is_opaque(value),
        TypeRef::Tuple(types) => types.iter().any(is_opaque),
        _ => false,
    }
}

/// Sees to it that every type has a value, and one of reasonable size.
fn check_sizes(schema: &TypeSchema) -> Result<(), StateError> {
    // The least size of each type, as far as one is known: found from the inside out, and made smaller as other variants
    // become known.
    let mut least: Vec<Option<u64>> = vec![None; schema.types().len()];
    loop {
        let mut changed = false;
        for (index, def) in schema.types().iter().enumerate().rev() {
            let found = least_of_def(def, &least);
            if found.is_some() && least[index].is_none_or(|known| found < Some(known)) {
                least[index] = found;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for (def, least) in schema.types().iter().zip(least) {
        match least {
            None => {
                let reason = format!("no value of `{}` ends: it always contains another one", def.name);
                return Err(undeclarable(reason, "put an `Option` or a `Vec` around it"));
            }
            Some(bytes) if bytes > DECLARED_BYTES_MAX => {
                let reason = format!("each `{}` takes more than {DECLARED_BYTES_MAX} bytes", def.name);
                return Err(undeclarable(reason, "use a `Vec` in the place of a long array"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn least_of_def(def: &TypeDef, known: &[Option<u64>]) -> Option<u64> {
    let of_variant = |variant: &Variant| {
        let mut fields = variant.fields.iter().map(|field| least_of(&field.ty, known));
        fields.try_fold(0_u64, |sum, least| Some(sum.saturating_add(least?)))
    };
    let least = def.variants.iter().filter_map(of_variant).min()?;
    Some(if def.shape == Shape::Enum { least.saturating_add(4) } else { least })
}

fn least_of(ty: &TypeRef, known: &[Option<u64>]) -> Option<u64> {
    Some(match ty {
        TypeRef::Unit => 0,
        TypeRef::Bool | TypeRef::Char | TypeRef::Option(_) => 1,
        TypeRef::Number(number) => number.width() as u64,
        TypeRef::String | TypeRef::Sequence(_) | TypeRef::Set(_) | TypeRef::Map(..) | TypeRef::Opaque(_) => 8,
        TypeRef::Array(_, 0) => 0,
        // Elements without bytes take time.
        TypeRef::Array(inner, count) => least_of(inner, known)?.max(1).saturating_mul(*count),
        TypeRef::Tuple(types) => {
            let mut types = types.iter().map(|ty| least_of(ty, known));
            types.try_fold(0_u64, |sum, least| Some(sum.saturating_add(least?)))?
        }
        TypeRef::Named(index) => known[*index as usize]?,
    })
}

/// Leaves each element of a set and each key of a map there once. They lie in the order of their bytes.
fn drop_doubles(value: &mut Value) {
    match value {
        Value::Option(Some(inner)) => drop_doubles(inner),
        Value::Sequence(values) | Value::Tuple(values) => values.iter_mut().for_each(drop_doubles),
        Value::Set(values) => {
            values.iter_mut().for_each(drop_doubles);
            values.dedup();
        }
        Value::Map(entries) => {
            for (key, entry) in entries.iter_mut() {
                drop_doubles(key);
                drop_doubles(entry);
            }
            entries.reverse();
            entries.dedup_by(|next, kept| next.0 == kept.0);
            entries.reverse();
        }
        Value::Named { fields, .. } => fields.iter_mut().for_each(|(_, value)| drop_doubles(value)),
        _ => {}
    }
}
