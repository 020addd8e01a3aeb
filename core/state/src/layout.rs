//! How to find the end of a value without decoding it.

use crate::bytes::{check_count, corrupt, take, take_array, take_char, take_flag, take_length};
use crate::{DEPTH_MAX, Shape, StateError, TypeDef, TypeRef};

/// The extent of a type's values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    /// Always as many bytes.
    Fixed(usize),
    Char,
    Option(Box<Layout>),
    /// A length, and as many elements.
    Sequence(Box<Layout>),
    Array(usize, Box<Layout>),
    Group(Vec<Layout>),
    /// The number of a variant, and its payload.
    Enum(Vec<Layout>),
    /// The named type at this place.
    Named(u32),
}

impl Layout {
    /// The width, if it is the same for all values.
    pub(crate) fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(width) => Some(*width),
            _ => None,
        }
    }

    /// The least bytes a value takes; at least 1 where the width varies.
    pub(crate) fn width_min(&self) -> usize {
        self.fixed().unwrap_or(1)
    }
}

/// The layouts of all named types of a schema.
#[derive(Clone, Debug)]
pub(crate) struct Layouts {
    named: Vec<Layout>,
}

impl Layouts {
    pub(crate) fn of(types: &[TypeDef]) -> Self {
        let mut layouts = Self { named: (0..types.len()).map(|index| Layout::Named(index as u32)).collect() };
        // Which widths are fixed is found from the inside out, one level in each pass, without recursion: a
        // damaged schema may chain as many types as it likes. Types stand before those inside them.
        loop {
            let mut changed = false;
            for (index, def) in types.iter().enumerate().rev() {
                if layouts.named[index].fixed().is_none()
                    && let layout @ Layout::Fixed(_) = layouts.def(def)
                {
                    layouts.named[index] = layout;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let varying: Vec<_> = types.iter().map(|def| layouts.def(def)).collect();
        Self { named: varying }
    }

    fn def(&self, def: &TypeDef) -> Layout {
        let variants: Vec<_> = def
            .variants
            .iter()
            .map(|variant| group(variant.fields.iter().map(|field| self.layout(&field.ty)).collect()))
            .collect();
        match def.shape {
            Shape::Struct => variants.into_iter().next().unwrap_or(Layout::Fixed(0)),
            // Whether the number is one of a variant is seen when the value is decoded.
            Shape::Enum if variants.iter().all(|payload| *payload == Layout::Fixed(0)) => Layout::Fixed(4),
            Shape::Enum => Layout::Enum(variants),
        }
    }

    /// The layout of `ty`.
    pub(crate) fn layout(&self, ty: &TypeRef) -> Layout {
        match ty {
            TypeRef::Unit => Layout::Fixed(0),
            TypeRef::Bool => Layout::Fixed(1),
            TypeRef::Number(number) => Layout::Fixed(number.width()),
            TypeRef::Char => Layout::Char,
            TypeRef::String | TypeRef::Opaque(_) => Layout::Sequence(Box::new(Layout::Fixed(1))),
            TypeRef::Option(inner) => Layout::Option(Box::new(self.layout(inner))),
            TypeRef::Sequence(inner) | TypeRef::Set(inner) => Layout::Sequence(Box::new(self.layout(inner))),
            TypeRef::Map(key, value) => {
                Layout::Sequence(Box::new(group(vec![self.layout(key), self.layout(value)])))
            }
            TypeRef::Array(inner, count) => array(*count, self.layout(inner)),
            TypeRef::Tuple(inner) => group(inner.iter().map(|ty| self.layout(ty)).collect()),
            TypeRef::Named(index) => match &self.named[*index as usize] {
                fixed @ Layout::Fixed(_) => fixed.clone(),
                _ => Layout::Named(*index),
            },
        }
    }

    /// Moves `bytes` past one value.
    pub(crate) fn skip(&self, layout: &Layout, bytes: &mut &[u8], depth: usize) -> Result<(), StateError> {
        match layout {
            Layout::Fixed(width) => take(bytes, *width).map(drop),
            Layout::Char => take_char(bytes).map(drop),
            Layout::Option(inner) => match take_flag(bytes, "an option")? {
                true => self.skip(inner, bytes, depth),
                false => Ok(()),
            },
            Layout::Sequence(inner) => {
                let count = take_length(bytes)?;
                self.skip_many(count, inner, bytes, depth)
            }
            Layout::Array(count, inner) => self.skip_many(*count, inner, bytes, depth),
            Layout::Group(parts) => parts.iter().try_for_each(|part| self.skip(part, bytes, depth)),
            Layout::Enum(variants) => {
                let number = u32::from_le_bytes(take_array(bytes)?);
                let payload = variants
                    .get(number as usize)
                    .ok_or_else(|| corrupt("the number of a variant", number))?;
                self.skip(payload, bytes, depth)
            }
            Layout::Named(_) if depth == DEPTH_MAX => Err(StateError::TooDeep { limit: DEPTH_MAX }),
            Layout::Named(index) => self.skip(&self.named[*index as usize], bytes, depth + 1),
        }
    }

    fn skip_many(
        &self,
        count: usize,
        inner: &Layout,
        bytes: &mut &[u8],
        depth: usize,
    ) -> Result<(), StateError> {
        if let Some(width) = inner.fixed() {
            check_count(bytes, count, width)?;
            return take(bytes, count * width).map(drop);
        }
        check_count(bytes, count, 1)?;
        (0..count).try_for_each(|_| self.skip(inner, bytes, depth))
    }
}

/// Several values one after another.
pub(crate) fn group(parts: Vec<Layout>) -> Layout {
    let width = parts.iter().try_fold(0_usize, |sum, part| Some(sum.saturating_add(part.fixed()?)));
    width.map_or(Layout::Group(parts), Layout::Fixed)
}

/// So many values of one layout, without their number.
pub(crate) fn array(count: u64, inner: Layout) -> Layout {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match inner.fixed() {
        _ if count == 0 => Layout::Fixed(0),
        Some(width) => Layout::Fixed(count.saturating_mul(width)),
        None => Layout::Array(count, Box::new(inner)),
    }
}
