//! Following a path through the bytes of an encoded value, for values that nobody decodes.

use std::any::{Any, TypeId};
use std::sync::Arc;

use crate::bytes::{take, take_char, take_prefixed, take_str};
use crate::layout::{Layout, Layouts, array};
use crate::reflect::Misfit;
use crate::reflect::memory::Stopped;
use crate::reflect::tree::{self, Hop, Spot};
use crate::{FieldPath, LiveSchema, Number, Shape, TypeRef, ValueRef};

/// A way from the bytes of a value to those of one of its parts.
#[derive(Clone, Debug)]
pub(super) struct EncodedWay {
    layouts: Arc<Layouts>,
    steps: Vec<Step>,
    end: End,
}

#[derive(Clone, Debug)]
enum Step {
    /// Past so many bytes.
    Offset(usize),
    /// Past a value whose length is in its bytes.
    Skip(Layout),
    /// Into an option.
    Through,
    /// Into the payload of this variant.
    Variant(u32),
    /// Into a list, past so many elements, which are laid out so together.
    Element(usize, Layout),
}

/// What stands at its end: what is read as one value.
#[derive(Clone, Debug)]
enum End {
    Number(Number),
    Bool,
    Char,
    Text,
    Bytes,
    ByteArray(usize),
    /// The names of the variants.
    Enum(Vec<String>),
}

impl EncodedWay {
    /// The way along `path`, which the type has; none through an entry of a map, and to what has parts.
    pub(super) fn plan(path: &FieldPath, live: &LiveSchema) -> Option<Self> {
        let layouts = Arc::new(Layouts::of(live.schema().types()));
        let mut way = Self { layouts, steps: Vec::new(), end: End::Bool };
        let mut spot = Spot::Type(live.schema().root());
        for count in 0..path.segments().len() {
            loop {
                let (hop, next) = tree::next(live, spot, path, count).ok()?;
                way.enter(live, spot, &hop)?;
                spot = next;
                if hop != Hop::Through {
                    break;
                }
            }
        }
        while let Spot::Type(TypeRef::Option(inner)) = spot {
            way.steps.push(Step::Through);
            spot = Spot::Type(inner);
        }
        let Spot::Type(ty) = spot else { return None };
        way.end = End::of(live, ty)?;
        Some(way)
    }

    fn enter(&mut self, live: &LiveSchema, spot: Spot<'_>, hop: &Hop) -> Option<()> {
        match (hop, spot) {
            (Hop::Through, _) => self.steps.push(Step::Through),
            (Hop::Variant(variant), _) => self.steps.push(Step::Variant(*variant as u32)),
            (Hop::Field(field), Spot::Type(TypeRef::Tuple(types))) => {
                types[..*field].iter().for_each(|ty| self.skip(ty));
            }
            (Hop::Field(field), Spot::Type(TypeRef::Named(index))) => {
                self.skip_fields(live, *index, 0, *field)
            }
            (Hop::Field(field), Spot::Variant(index, variant)) => {
                self.skip_fields(live, index, variant, *field);
            }
            (Hop::Element(index), Spot::Type(TypeRef::Sequence(inner))) => {
                let before = array(*index as u64, self.layouts.layout(inner));
                self.steps.push(Step::Element(*index, before));
            }
            (Hop::Element(index), Spot::Type(TypeRef::Array(inner, count))) if (*index as u64) < *count => {
                self.skip_layout(array(*index as u64, self.layouts.layout(inner)));
            }
            _ => return None,
        }
        Some(())
    }

    fn skip_fields(&mut self, live: &LiveSchema, index: u32, variant: usize, end: usize) {
        let fields = &live.schema().types()[index as usize].variants[variant].fields;
        fields[..end].iter().for_each(|field| self.skip(&field.ty));
    }

    fn skip(&mut self, ty: &TypeRef) {
        self.skip_layout(self.layouts.layout(ty));
    }

    fn skip_layout(&mut self, layout: Layout) {
        match (layout.fixed(), self.steps.last_mut()) {
            (Some(0), _) => {}
            (Some(width), Some(Step::Offset(offset))) => *offset += width,
            (Some(width), _) => self.steps.push(Step::Offset(width)),
            (None, _) => self.steps.push(Step::Skip(layout)),
        }
    }

    /// Where the end begins.
    fn follow(&self, bytes: &[u8]) -> Result<usize, Stopped> {
        let mut at = 0;
        for (number, step) in self.steps.iter().enumerate() {
            at = self.step(step, bytes, at).ok_or_else(|| {
                let only_options = self.steps[number..].iter().all(|step| matches!(step, Step::Through));
                if only_options { Stopped::AtNone } else { Stopped::Elsewhere }
            })?;
        }
        Ok(at)
    }

    fn step(&self, step: &Step, bytes: &[u8], at: usize) -> Option<usize> {
        let skip = |layout: &Layout, at: usize| {
            let mut rest = bytes.get(at..)?;
            self.layouts.skip(layout, &mut rest, 0).ok()?;
            Some(bytes.len() - rest.len())
        };
        match step {
            Step::Offset(offset) => Some(at + offset),
            Step::Skip(layout) => skip(layout, at),
            Step::Through => (*bytes.get(at)? == 1).then_some(at + 1),
            Step::Variant(variant) => (bytes.get(at..at + 4)? == variant.to_le_bytes()).then_some(at + 4),
            Step::Element(index, before) => {
                let count = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
                if *index as u64 >= count {
                    return None;
                }
                skip(before, at + 8)
            }
        }
    }

    /// Reads what is at the end; stops elsewhere where there is nothing now.
    pub(super) fn read<'a>(&'a self, bytes: &'a [u8]) -> Result<ValueRef<'a>, Stopped> {
        let at = self.follow(bytes)?;
        let rest = bytes.get(at..).ok_or(Stopped::Elsewhere)?;
        self.end.read(rest).ok_or(Stopped::Elsewhere)
    }

    /// Reads the number at the end, if there is a `T`.
    #[inline]
    pub(super) fn read_plain<T: 'static>(&self, bytes: &[u8]) -> Option<T> {
        let End::Number(number) = self.end else { return None };
        read_plain_number(number, bytes.get(self.follow(bytes).ok()?..)?)
    }

    /// Writes what is at the end, if that takes as many bytes as before: a number, a `bool`, an array of bytes. None
    /// otherwise.
    pub(super) fn write(&self, bytes: &mut [u8], value: &ValueRef<'_>) -> Option<Result<(), Misfit>> {
        let at = self.follow(bytes).ok()?;
        match (&self.end, value) {
            (End::Number(number), value) => match value.bits_as(*number) {
                Ok(bits) => write_number(*number, bits, bytes.get_mut(at..)?).map(Ok),
                Err(misfit) => Some(Err(misfit)),
            },
            (End::Bool, ValueRef::Bool(value)) => {
                *bytes.get_mut(at)? = u8::from(*value);
                Some(Ok(()))
            }
            (End::ByteArray(count), ValueRef::Bytes(new)) if new.len() == *count => {
                bytes.get_mut(at..at + count)?.copy_from_slice(new);
                Some(Ok(()))
            }
            _ => None,
        }
    }

    /// The number at the end, if there is one.
    pub(super) fn number(&self) -> Option<Number> {
        match self.end {
            End::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl End {
    fn of(live: &LiveSchema, ty: &TypeRef) -> Option<Self> {
        let is_byte = |ty: &TypeRef| *ty == TypeRef::Number(Number::U8);
        Some(match ty {
            TypeRef::Number(number) => Self::Number(*number),
            TypeRef::Bool => Self::Bool,
            TypeRef::Char => Self::Char,
            TypeRef::String => Self::Text,
            TypeRef::Sequence(inner) if is_byte(inner) => Self::Bytes,
            TypeRef::Array(inner, count) if is_byte(inner) => Self::ByteArray(usize::try_from(*count).ok()?),
            TypeRef::Named(index) => {
                let def = &live.schema().types()[*index as usize];
                if def.shape == Shape::Struct {
                    return None;
                }
                Self::Enum(def.variants.iter().map(|variant| variant.name.clone()).collect())
            }
            _ => return None,
        })
    }

    fn read<'a>(&'a self, mut bytes: &'a [u8]) -> Option<ValueRef<'a>> {
        let bytes = &mut bytes;
        Some(match self {
            Self::Number(number) => read_number(*number, bytes)?,
            Self::Bool => ValueRef::Bool(*bytes.first()? == 1),
            Self::Char => ValueRef::Char(take_char(bytes).ok()?),
            Self::Text => {
                let text = take_prefixed(bytes).ok()?;
                ValueRef::Text(take_str(&mut &*text, text.len()).ok()?)
            }
            Self::Bytes => ValueRef::Bytes(take_prefixed(bytes).ok()?),
            Self::ByteArray(count) => ValueRef::Bytes(take(bytes, *count).ok()?),
            Self::Enum(names) => {
                let number = u32::from_le_bytes(*bytes.first_chunk()?);
                ValueRef::Variant(names.get(number as usize)?)
            }
        })
    }
}

/// A number in its own width, little endian; none if there are too few bytes.
#[inline]
fn read_number<'a>(number: Number, bytes: &[u8]) -> Option<ValueRef<'a>> {
    macro_rules! take {
        ($ty:ty) => {
            <$ty>::from_le_bytes(*bytes.first_chunk()?)
        };
    }
    Some(match number {
        Number::F32 => ValueRef::F32(take!(f32)),
        Number::F64 => ValueRef::F64(take!(f64)),
        Number::U8 => ValueRef::Unsigned(take!(u8).into()),
        Number::U16 => ValueRef::Unsigned(take!(u16).into()),
        Number::U32 => ValueRef::Unsigned(take!(u32).into()),
        Number::U64 => ValueRef::Unsigned(take!(u64).into()),
        Number::U128 => ValueRef::Unsigned(take!(u128)),
        Number::I8 => ValueRef::Signed(take!(i8).into()),
        Number::I16 => ValueRef::Signed(take!(i16).into()),
        Number::I32 => ValueRef::Signed(take!(i32).into()),
        Number::I64 => ValueRef::Signed(take!(i64).into()),
        Number::I128 => ValueRef::Signed(take!(i128)),
    })
}

/// As [`read_number`], if it is a `T`: then nothing has to be converted.
#[inline]
fn read_plain_number<T: 'static>(number: Number, bytes: &[u8]) -> Option<T> {
    macro_rules! plain {
        ($($name:ident $ty:ty),*) => {
            match number {
                $(Number::$name if TypeId::of::<T>() == TypeId::of::<$ty>() => {
                    let found: &mut dyn Any = &mut Some(<$ty>::from_le_bytes(*bytes.first_chunk()?));
                    found.downcast_mut::<Option<T>>()?.take()
                })*
                _ => None,
            }
        };
    }
    plain!(
        F32 f32, F64 f64, U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, I8 i8, I16 i16, I32 i32, I64 i64, I128 i128
    )
}

/// Writes the low end of `bits` in the width of the number; none if there is less room.
#[inline]
fn write_number(number: Number, bits: u128, room: &mut [u8]) -> Option<()> {
    match number.width() {
        1 => *room.first_chunk_mut()? = (bits as u8).to_le_bytes(),
        2 => *room.first_chunk_mut()? = (bits as u16).to_le_bytes(),
        4 => *room.first_chunk_mut()? = (bits as u32).to_le_bytes(),
        8 => *room.first_chunk_mut()? = (bits as u64).to_le_bytes(),
        _ => *room.first_chunk_mut()? = bits.to_le_bytes(),
    }
    Some(())
}
