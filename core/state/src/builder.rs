//! Describing types: the [`Schema`] trait, and the builder that `#[data]` fills.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    Field, FieldStyle, Key, MovableFields, Parts, Plain, Shape, StateError, TypeDef, TypeRef, TypeSchema,
    Value, Variant, decode, encode_into,
};

/// [`Schema::schema`] of a type.
pub(crate) type Describe = fn(&mut SchemaBuilder) -> TypeRef;

/// A type whose bytes can be described. The `#[data]` attribute implements it.
///
/// The description must match what the type's `Serialize` writes; nothing can check that it does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no schema, so it can't be saved",
    note = "write `#[data]` above its declaration; for a type of another crate, `#[keel(opaque)]` on the field"
)]
pub trait Schema: 'static {
    /// Describes the type, adding it and the types inside it to `types` unless they are there.
    fn schema(types: &mut SchemaBuilder) -> TypeRef;

    /// Evidence that the type is plain data, if it is.
    #[doc(hidden)]
    fn plain() -> Option<Plain<Self>>
    where
        Self: Sized,
    {
        None
    }

    /// The fields that can be exchanged with those of another build of the type; none of what is no struct.
    #[doc(hidden)]
    fn movable_fields() -> MovableFields<Self>
    where
        Self: Sized,
    {
        MovableFields::default()
    }

    /// What values of the type are made of in memory.
    #[doc(hidden)]
    fn parts() -> Parts<Self>
    where
        Self: Sized,
    {
        Parts::of_fields(Self::movable_fields())
    }

    /// The number of the value's variant, and the address of field number `field` of its payload; 0 for a field that it
    /// has not, or that can't be reached. Zeros for what is no enum.
    #[doc(hidden)]
    fn payload(&self, field: usize) -> (u32, usize) {
        let _ = field;
        (0, 0)
    }

    /// What `find` finds of the key that stands in a path, if it can be one of this type.
    #[doc(hidden)]
    fn with_key<R>(key: &Key, find: impl FnOnce(&Self) -> Option<R>) -> Option<R>
    where
        Self: Sized,
    {
        let _ = (key, find);
        None
    }

    /// A struct whose fields have their defaults, if all have one that costs nothing to find; what decoding them would
    /// make.
    #[doc(hidden)]
    fn blank() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// A type as this build declares it: its schema, with what its author wrote for older states.
///
/// It holds functions of the module that declares the type: drop it before that module is unmapped.
#[derive(Clone, Debug)]
pub struct LiveSchema {
    pub(crate) schema: TypeSchema,
    pub(crate) notes: Vec<TypeNotes>,
    unseen: u64,
}

/// What the author of a type said of it that its bytes do not show.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeNotes {
    pub(crate) doc: String,
    pub(crate) default: Option<Vec<u8>>,
    pub(crate) variants: Vec<VariantNotes>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct VariantNotes {
    pub(crate) doc: String,
    pub(crate) renamed_from: Vec<String>,
    pub(crate) fields: Vec<FieldNotes>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FieldNotes {
    pub(crate) doc: String,
    pub(crate) default: Option<Vec<u8>>,
    pub(crate) renamed_from: Vec<String>,
    pub(crate) conversions: Vec<Conversion>,
}

pub(crate) type Convert = dyn Fn(&mut &[u8], &mut Vec<u8>) -> Result<(), StateError> + Send + Sync;

/// A function from an older type of a field to its present one, on their bytes.
#[derive(Clone)]
pub(crate) struct Conversion {
    pub(crate) from: TypeSchema,
    pub(crate) convert: Arc<Convert>,
}

impl fmt::Debug for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Conversion").field(&self.from).finish()
    }
}

impl LiveSchema {
    /// The schema of `T` with its author's notes. Runs `T`'s defaults.
    pub fn of<T: Schema + ?Sized>() -> Self {
        Self::described_by(T::schema)
    }

    /// [`LiveSchema::of`] the type that is described.
    pub(crate) fn described_by(describe: Describe) -> Self {
        let builder = SchemaBuilder { with_notes: true, ..SchemaBuilder::without_notes() };
        builder.describe(describe)
    }

    /// The schema of the type that is described, without notes. Runs no default.
    pub(crate) fn without_notes(describe: Describe) -> Self {
        SchemaBuilder::without_notes().describe(describe)
    }

    /// The schema alone, as it is stored beside the values.
    pub fn schema(&self) -> &TypeSchema {
        &self.schema
    }

    /// A hash of what the schema does not show: name, type, size and alignment of each field that is skipped or opaque,
    /// `#[repr(...)]`, and the numbers that are given to variants.
    /// Equal schemas with other hashes are types that lie otherwise in memory.
    pub fn unseen_hash(&self) -> u64 {
        self.unseen
    }

    pub(crate) fn into_schema(self) -> TypeSchema {
        self.schema
    }

    pub(crate) fn variant_notes(&self, ty: u32, variant: usize) -> Option<&VariantNotes> {
        self.notes.get(ty as usize)?.variants.get(variant)
    }

    /// The doc comment of a named type; empty if there is none.
    pub fn type_doc(&self, ty: u32) -> &str {
        self.notes.get(ty as usize).map_or("", |notes| &notes.doc)
    }

    /// The doc comment of a variant of an enum; empty if there is none.
    pub fn variant_doc(&self, ty: u32, variant: usize) -> &str {
        self.variant_notes(ty, variant).map_or("", |notes| &notes.doc)
    }

    /// The doc comment of a field of a variant (0 for a struct); empty if there is none.
    pub fn field_doc(&self, ty: u32, variant: usize, field: usize) -> &str {
        let notes = self.variant_notes(ty, variant).and_then(|notes| notes.fields.get(field));
        notes.map_or("", |notes| &notes.doc)
    }

    /// The value of type `ty`, which is part of this one, whose bytes these are.
    ///
    /// # Errors
    /// [`StateError`] when they are none.
    pub fn value_of(&self, ty: &TypeRef, bytes: &[u8]) -> Result<Value, StateError> {
        Value::decode_type(&self.schema, ty, &mut &*bytes)
    }

    /// The encoded default of field number `field` of a named type's variant (0 for a struct), as it is used
    /// when an older state lacks the field: `#[keel(default = ...)]`, or else the default of the field's type.
    pub fn field_default(&self, ty: u32, variant: usize, field: usize) -> Option<Vec<u8>> {
        let notes = self.variant_notes(ty, variant).and_then(|notes| notes.fields.get(field));
        let field = self.schema.types().get(ty as usize)?.variants.get(variant)?.fields.get(field)?;
        notes.and_then(|notes| notes.default.clone()).or_else(|| self.type_default(&field.ty))
    }

    /// The encoded default of a type: what `Default` gives where the type implements it.
    pub fn type_default(&self, ty: &TypeRef) -> Option<Vec<u8>> {
        Some(match ty {
            TypeRef::Unit => Vec::new(),
            TypeRef::Bool | TypeRef::Char | TypeRef::Option(_) => vec![0],
            TypeRef::Number(number) => vec![0; number.width()],
            TypeRef::String | TypeRef::Sequence(_) | TypeRef::Set(_) | TypeRef::Map(..) => vec![0; 8],
            TypeRef::Array(inner, count) => self.type_default(inner)?.repeat(usize::try_from(*count).ok()?),
            TypeRef::Tuple(inner) => {
                inner.iter().map(|ty| self.type_default(ty)).collect::<Option<Vec<_>>>()?.concat()
            }
            TypeRef::Named(index) => self.notes.get(*index as usize)?.default.clone()?,
            TypeRef::Opaque(_) => return None,
        })
    }
}

/// A schema without notes, as read from a file: its named types have no defaults.
impl From<TypeSchema> for LiveSchema {
    fn from(schema: TypeSchema) -> Self {
        Self { schema, notes: Vec::new(), unseen: 0 }
    }
}

/// Collects the named types that a type is made of.
#[derive(Debug)]
pub struct SchemaBuilder {
    types: Vec<TypeDef>,
    notes: Vec<TypeNotes>,
    known: HashMap<TypeId, u32>,
    with_notes: bool,
    /// What [`LiveSchema::unseen_hash`] is a hash of.
    unseen: String,
}

impl SchemaBuilder {
    pub(crate) fn without_notes() -> Self {
        let (types, notes, known) = (Vec::new(), Vec::new(), HashMap::new());
        Self { types, notes, known, with_notes: false, unseen: String::new() }
    }

    fn describe(mut self, describe: Describe) -> LiveSchema {
        let root = describe(&mut self);
        self.finish(root)
    }

    fn finish(self, root: TypeRef) -> LiveSchema {
        LiveSchema {
            schema: TypeSchema::new(root, self.types)
                .expect("a type of Rust is within the limits of a schema"),
            notes: self.notes,
            unseen: xxhash_rust::xxh3::xxh3_64(self.unseen.as_bytes()),
        }
    }

    fn laid_out(&mut self, place: usize, how: &str) {
        // The number of types so far says in which of them it is.
        self.unseen.push_str(&format!("{:?} {how}\n", (self.types.len(), place)));
    }

    /// Describes struct `T`, unless that was done before.
    pub fn structure<T: 'static>(
        &mut self,
        name: &str,
        style: FieldStyle,
        describe: impl FnOnce(&mut FieldsBuilder<'_>),
    ) -> TypeRef {
        self.define::<T>(name, Shape::Struct, |types| {
            types.variant(name, style, describe);
            types.notes.doc = types.notes.variants.last().map(|notes| notes.doc.clone()).unwrap_or_default();
        })
    }

    /// Describes enum `T`, unless that was done before.
    pub fn enumeration<T: 'static>(
        &mut self,
        name: &str,
        describe: impl FnOnce(&mut VariantsBuilder<'_>),
    ) -> TypeRef {
        self.define::<T>(name, Shape::Enum, describe)
    }

    fn define<T: 'static>(
        &mut self,
        name: &str,
        shape: Shape,
        describe: impl FnOnce(&mut VariantsBuilder<'_>),
    ) -> TypeRef {
        if let Some(&index) = self.known.get(&TypeId::of::<T>()) {
            return TypeRef::Named(index);
        }
        // The place is taken before the fields are described, since they may contain the type itself.
        let index = self.types.len();
        self.known.insert(TypeId::of::<T>(), index as u32);
        self.types.push(TypeDef { name: name.to_owned(), shape, variants: Vec::new() });
        self.notes.push(TypeNotes::default());

        let mut variants = VariantsBuilder { types: self, variants: Vec::new(), notes: TypeNotes::default() };
        describe(&mut variants);
        let VariantsBuilder { variants, notes, .. } = variants;
        self.types[index].variants = variants;
        self.notes[index] = notes;
        TypeRef::Named(index as u32)
    }
}

/// Describes the variants of one type.
#[derive(Debug)]
pub struct VariantsBuilder<'a> {
    types: &'a mut SchemaBuilder,
    variants: Vec<Variant>,
    notes: TypeNotes,
}

impl VariantsBuilder<'_> {
    /// Adds the next variant.
    pub fn variant(
        &mut self,
        name: &str,
        style: FieldStyle,
        describe: impl FnOnce(&mut FieldsBuilder<'_>),
    ) -> &mut Self {
        let mut fields = FieldsBuilder {
            types: self.types,
            fields: Vec::new(),
            notes: VariantNotes::default(),
            type_default: None,
        };
        describe(&mut fields);
        let FieldsBuilder { fields, notes, type_default, .. } = fields;
        self.variants.push(Variant { name: name.to_owned(), style, fields });
        self.notes.variants.push(notes);
        self.notes.default = type_default.or(self.notes.default.take());
        self
    }

    /// Notes what says how the type lies in memory and is not in its schema, such as `#[repr(u8)]`.
    pub fn laid_out(&mut self, how: &str) -> &mut Self {
        self.types.laid_out(self.variants.len(), how);
        self
    }

    /// Says what the type's own default is, already encoded; called only where defaults are wanted.
    pub fn type_default(&mut self, default: impl FnOnce() -> Option<Vec<u8>>) -> &mut Self {
        if self.types.with_notes {
            self.notes.default = default();
        }
        self
    }

    /// Says what the type's doc comment is. It is no part of the schema: a type whose comment has changed is the same.
    pub fn type_doc(&mut self, doc: &str) -> &mut Self {
        if self.types.with_notes {
            doc.clone_into(&mut self.notes.doc);
        }
        self
    }
}

/// Describes the fields of a struct or variant, in their order.
#[derive(Debug)]
pub struct FieldsBuilder<'a> {
    types: &'a mut SchemaBuilder,
    fields: Vec<Field>,
    notes: VariantNotes,
    type_default: Option<Vec<u8>>,
}

impl FieldsBuilder<'_> {
    /// Adds a field of type `T`.
    pub fn field<T: Schema + ?Sized>(&mut self, name: &str) -> FieldBuilder<'_> {
        let ty = T::schema(self.types);
        self.add(name, ty)
    }

    /// Adds a field that is saved as length-prefixed bytes and known by the name of its type alone.
    pub fn opaque(&mut self, name: &str, type_name: &str) -> FieldBuilder<'_> {
        self.add(name, TypeRef::Opaque(type_name.to_owned()))
    }

    /// Notes a field of type `T` whose inside the schema does not show: two builds of the type may agree on what is
    /// saved and have different things at one place in memory.
    pub fn unseen<T>(&mut self, name: &str) -> &mut Self {
        let (ty, size, align) = (std::any::type_name::<T>(), size_of::<T>(), align_of::<T>());
        self.laid_out(&format!("{name}: {ty} {size} {align}"))
    }

    /// Notes what says how the struct or variant lies in memory and is not in its schema, such as `#[repr(C)]` or a
    /// variant's number.
    pub fn laid_out(&mut self, how: &str) -> &mut Self {
        self.types.laid_out(self.fields.len(), how);
        self
    }

    /// Says that this variant had other names.
    pub fn variant_renamed_from(&mut self, old: &str) -> &mut Self {
        self.notes.renamed_from.push(old.to_owned());
        self
    }

    /// Says what the struct's own default is, already encoded; called only where defaults are wanted.
    pub fn type_default(&mut self, default: impl FnOnce() -> Option<Vec<u8>>) -> &mut Self {
        if self.types.with_notes {
            self.type_default = default();
        }
        self
    }

    /// Says what the doc comments are: that of the variant (or of the struct, as its type's), and those of the fields that
    /// were added, in their order.
    pub fn docs(&mut self, of_variant: &str, of_fields: &[&str]) -> &mut Self {
        if self.types.with_notes {
            of_variant.clone_into(&mut self.notes.doc);
            for (notes, doc) in self.notes.fields.iter_mut().zip(of_fields) {
                (*doc).clone_into(&mut notes.doc);
            }
        }
        self
    }

    fn add(&mut self, name: &str, ty: TypeRef) -> FieldBuilder<'_> {
        self.fields.push(Field { name: name.to_owned(), ty });
        self.notes.fields.push(FieldNotes::default());
        let index = self.notes.fields.len() - 1;
        FieldBuilder { with_notes: self.types.with_notes, notes: &mut self.notes.fields[index] }
    }
}

/// Adds what the author said of one field.
#[derive(Debug)]
pub struct FieldBuilder<'a> {
    with_notes: bool,
    notes: &'a mut FieldNotes,
}

impl FieldBuilder<'_> {
    /// The field was called `old` before.
    pub fn renamed_from(self, old: &str) -> Self {
        self.notes.renamed_from.push(old.to_owned());
        self
    }

    /// What the field is in a state that lacks it, already encoded; called only where defaults are wanted.
    pub fn default(self, default: impl FnOnce() -> Option<Vec<u8>>) -> Self {
        if self.with_notes {
            self.notes.default = default();
        }
        self
    }

    /// How a value of the field's older type becomes one of its present type.
    pub fn convert_from<Old, New>(self, convert: fn(Old) -> New) -> Self
    where
        Old: Schema + DeserializeOwned,
        New: Serialize + 'static,
    {
        if self.with_notes {
            self.notes.conversions.push(Conversion {
                from: TypeSchema::of::<Old>(),
                convert: Arc::new(move |saved, out| encode_into(&convert(decode(saved)?), out)),
            });
        }
        self
    }
}
