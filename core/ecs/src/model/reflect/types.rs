//! The types of a world, for those who don't know them.

use keel_core_types::ComponentId;
use keel_state::{AnyParts, Field, FieldStyle, LiveSchema, Shape, TypeRef, Value};

use crate::{EcsError, ModelTypeInfo, ModelTypeKind, World};

/// A component, resource or event with all that it is made of: names, types, defaults, and what its author wrote about it.
/// Plain data: it may be kept across a swap.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeReflection {
    /// The declared name, with which its paths begin.
    pub name: String,
    /// The hash of the name.
    pub id: ComponentId,
    /// Component, resource or event.
    pub kind: ModelTypeKind,
    /// Whether it was defined at run time: no Rust type stands behind it, and its values lie encoded.
    pub is_defined: bool,
    /// Its doc comment.
    pub doc: String,
    /// Its type; [`TypeRef::Named`] counts [`TypeReflection::types`].
    pub root: TypeRef,
    /// The structs and enums that it is made of.
    pub types: Vec<NamedReflection>,
    /// Its default, if it has one.
    pub default: Option<Value>,
    /// Size in bytes, as it lies in memory; what it owns on the heap not counted, and so not the bytes of a value that lies
    /// encoded.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
}

/// A struct or an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedReflection {
    /// The type's name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Struct or enum.
    pub shape: Shape,
    /// The variants in their order; exactly one for a struct.
    pub variants: Vec<VariantReflection>,
}

/// A variant of an enum, or all of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantReflection {
    /// The variant's name, or the struct's.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Whether its fields have names.
    pub style: FieldStyle,
    /// In the order of their declaration, without those that are skipped.
    pub fields: Vec<FieldReflection>,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldReflection {
    /// The field's name; its number if it has none.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Its type.
    pub ty: TypeRef,
    /// Its type, as its author would write it.
    pub type_name: String,
    /// Where it begins in its struct, in bytes; `None` in an enum, and where only its bytes are known.
    pub offset: Option<usize>,
    /// What it is where it is not named, if it need not be.
    pub default: Option<Value>,
}

impl TypeReflection {
    fn of(info: &ModelTypeInfo) -> Self {
        let live = info.live_schema();
        let root = live.schema().root().clone();
        let summary = info.summary();
        let parts = info.access().named_parts(live);
        let types = live.schema().types().iter().zip(&parts).enumerate();
        let types = types.map(|(index, (def, parts))| NamedReflection {
            name: def.name.clone(),
            doc: live.type_doc(index as u32).to_owned(),
            shape: def.shape,
            variants: (0..def.variants.len())
                .map(|variant| variant_of(live, parts, index, variant))
                .collect(),
        });
        Self {
            doc: match root {
                TypeRef::Named(index) => live.type_doc(index).to_owned(),
                _ => String::new(),
            },
            default: live.type_default(&root).and_then(|bytes| info.saved(bytes).value().ok()),
            name: summary.name,
            id: summary.id,
            kind: summary.kind,
            is_defined: info.is_defined(),
            types: types.collect(),
            root,
            size: summary.size,
            align: summary.align,
        }
    }

    /// The struct or enum that it is, if it is one.
    pub fn named(&self) -> Option<&NamedReflection> {
        match self.root {
            TypeRef::Named(index) => self.types.get(index as usize),
            _ => None,
        }
    }

    /// Its fields, if it is a struct.
    pub fn fields(&self) -> &[FieldReflection] {
        let of_struct = self.named().filter(|named| named.shape == Shape::Struct);
        of_struct.and_then(|named| named.variants.first()).map_or(&[], |variant| &variant.fields)
    }
}

fn variant_of(live: &LiveSchema, parts: &AnyParts, index: usize, variant: usize) -> VariantReflection {
    let def = &live.schema().types()[index].variants[variant];
    let fields = def.fields.iter().enumerate();
    VariantReflection {
        name: def.name.clone(),
        doc: live.variant_doc(index as u32, variant).to_owned(),
        style: def.style,
        fields: fields
            .map(|(number, field)| field_of(live, parts, (index, variant, number), field))
            .collect(),
    }
}

fn field_of(
    live: &LiveSchema,
    parts: &AnyParts,
    (index, variant, number): (usize, usize, usize),
    field: &Field,
) -> FieldReflection {
    let inside = parts.field(variant, number);
    let id_name = inside.as_ref().and_then(|(_, parts)| parts.id_name());
    let default = live.field_default(index as u32, variant, number);
    FieldReflection {
        name: field.name.clone(),
        doc: live.field_doc(index as u32, variant, number).to_owned(),
        ty: field.ty.clone(),
        type_name: id_name.map_or_else(|| live.schema().name_of(&field.ty), str::to_owned),
        offset: inside.and_then(|(offset, _)| offset),
        default: default.and_then(|bytes| live.value_of(&field.ty, &bytes).ok()),
    }
}

/// Types.
impl World {
    /// All that is known of the component, resource or event called `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    pub fn reflect(&self, name: &str) -> Result<TypeReflection, EcsError> {
        self.type_named(name).map(|info| TypeReflection::of(info))
    }

    /// All that is known of all types, sorted by name.
    pub fn reflect_all(&self) -> Vec<TypeReflection> {
        let mut types: Vec<_> = self.types().map(|info| TypeReflection::of(info)).collect();
        types.sort_by(|a, b| a.name.cmp(&b.name));
        types
    }
}
