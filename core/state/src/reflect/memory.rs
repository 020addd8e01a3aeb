//! Values in memory: where the parts of a type lie, and following a path to one of them.
//!
//! What a path follows is evidence that only its type can give: [`Parts`] of a `T` are made by `T`'s own
//! implementation of [`Schema`]. A value is [`Lent`] by the [`TypeAccess`] of its type, and an
//! [`AccessPlan`](crate::AccessPlan) follows only values that were lent by the one it was made of. So a plan that was
//! made before a swap follows nothing that is there after it.

#![allow(unsafe_code, reason = "reflection follows addresses; this is the file that does")]

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use crate::reflect::parts::{Around, Form, Id, Leaf, PartsOf};
use crate::reflect::{Key, Misfit};
use crate::{AnyParts, Lent, LentMut, Number, Parts, Schema, TypeAccess, ValueRef};

/// Follows one step from a value to what is inside it. The last argument says whether that is to be written.
pub(crate) type Follow = unsafe fn(*mut u8, &Key, bool) -> Option<*mut u8>;

/// The number of an enum's variant, and the address of a field of its payload; 0 where it has no such field.
pub(crate) type Payload = unsafe fn(*const u8, usize) -> (u32, usize);

#[derive(Clone, Copy, Debug)]
pub(crate) struct IdLeaf {
    pub(crate) name: &'static str,
    get: unsafe fn(*const u8) -> u64,
    set: unsafe fn(*mut u8, u64) -> bool,
}

impl IdLeaf {
    pub(super) fn of<T: Id>() -> Self {
        Self { name: T::NAME, get: get_id::<T>, set: set_id::<T> }
    }
}

impl<T> Parts<T> {
    /// For an enum with these payloads. `#[data]` expands to a call of it.
    ///
    /// # Safety
    /// [`Schema::payload`] of `T` gives the number of a value's variant, and the address of that field of its payload
    /// which has the number in the schema. `variants` are the types of these fields, in the same order; where the
    /// address is 0, anything may stand. Another value of a field's type may be put there at any time.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn enumeration(variants: &[&[PartsOf]]) -> Self
    where
        T: Schema,
    {
        Self::new(Form::of_enum(payload::<T>, variants))
    }
}

impl TypeAccess {
    /// Lends the value at `place`, for one who knows where it lies and not what it is.
    ///
    /// # Safety
    /// A living value of the type that this is the access to is there, and is borrowed for `'a`.
    #[inline]
    pub unsafe fn lend_at<'a>(&self, place: *const u8) -> Lent<'a> {
        Lent::at(place, self.registration())
    }

    /// Lends the value at `place` to be read and written.
    ///
    /// # Safety
    /// As of [`TypeAccess::lend_at`], and it is borrowed mutably.
    #[inline]
    pub unsafe fn lend_mut_at<'a>(&self, place: *mut u8) -> LentMut<'a> {
        LentMut::at(place, self.registration())
    }
}

/// The value at `place`, for a step that reads or writes it.
///
/// # Safety
/// A living `T` is at `place`, borrowed for as long as what is followed from it, mutably if `W` is asked of it.
unsafe fn at<'a, T>(place: *mut u8) -> &'a T {
    // SAFETY: as this function asks.
    unsafe { &*place.cast::<T>() }
}

/// As [`at`], borrowed mutably.
///
/// # Safety
/// A living `T` is at `place`, borrowed mutably for as long as what is followed from it.
unsafe fn at_mut<'a, T>(place: *mut u8) -> &'a mut T {
    // SAFETY: as this function asks.
    unsafe { &mut *place.cast::<T>() }
}

fn shared<T>(value: Option<&T>) -> Option<*mut u8> {
    value.map(|value| (&raw const *value).cast_mut().cast())
}

fn mutable<T>(value: Option<&mut T>) -> Option<*mut u8> {
    value.map(|value| (&raw mut *value).cast())
}

macro_rules! follow {
    ($($name:ident<$($param:ident: $($bound:ident)+),*> |$value:ident: $ty:ty, $key:ident|
        $get:expr, $get_mut:expr;)*) => {$(
        /// # Safety
        /// A living value of the type is at `place`, borrowed for as long as what is followed, mutably if `write`.
        pub(super) unsafe fn $name<$($param: $($bound +)+),*>(place: *mut u8, $key: &Key, write: bool) -> Option<*mut u8> {
            match write {
                // SAFETY: as this function asks.
                false => { let $value = unsafe { at::<$ty>(place) }; shared($get) }
                // SAFETY: as this function asks.
                true => { let $value = unsafe { at_mut::<$ty>(place) }; mutable($get_mut) }
            }
        }
    )*};
}

follow! {
    follow_option<T: Schema> |option: Option<T>, _key| option.as_ref(), option.as_mut();
    follow_vec<T: Schema> |list: Vec<T>, key| list.get(index(key)), list.get_mut(index(key));
    follow_deque<T: Schema> |list: VecDeque<T>, key| list.get(index(key)), list.get_mut(index(key));
    follow_tree<K: Schema Ord, V: Schema> |map: BTreeMap<K, V>, key|
        K::with_key(key, |key| map.get(key)), K::with_key(key, |key| map.get_mut(key));
    follow_hashed<K: Schema Eq Hash, V: Schema, S: BuildHasher> |map: HashMap<K, V, S>, key|
        K::with_key(key, |key| map.get(key)), K::with_key(key, |key| map.get_mut(key));
}

/// No list is as long as this.
fn index(key: &Key) -> usize {
    match key {
        Key::Number(number) => usize::try_from(*number).unwrap_or(usize::MAX),
        Key::Text(_) => usize::MAX,
    }
}

/// # Safety
/// A living `T` is at `place`, borrowed.
unsafe fn payload<T: Schema>(place: *const u8, field: usize) -> (u32, usize) {
    // SAFETY: as this function asks.
    unsafe { &*place.cast::<T>() }.payload(field)
}

/// # Safety
/// A living `T` is at `place`, borrowed.
unsafe fn get_id<T: Id>(place: *const u8) -> u64 {
    // SAFETY: as this function asks.
    unsafe { *place.cast::<T>() }.to_bits()
}

/// # Safety
/// A living `T` is at `place`, borrowed mutably.
unsafe fn set_id<T: Id>(place: *mut u8, bits: u64) -> bool {
    let Some(id) = T::from_bits(bits) else { return false };
    // SAFETY: as this function asks; an id owns nothing that would have to be dropped.
    unsafe { place.cast::<T>().write(id) };
    true
}

/// A way from a value to one of its parts, in memory. It knows what stands at its end, and goes on only into that.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// Of the registration whose values it leads through.
    registration: u64,
    /// From the value to the place of the first step.
    offset: usize,
    steps: Vec<Step>,
    end: AnyParts,
    /// The type of the end, if it is a number, a `bool` or a `char`.
    plain: Option<TypeId>,
}

#[derive(Clone, Debug)]
struct Step {
    how: How,
    /// From what the step leads to, to the place of the next.
    offset: usize,
    /// Of the place that the step begins at.
    size: usize,
}

#[derive(Clone, Debug)]
enum How {
    Follow { follow: Follow, key: Key, is_option: bool },
    Field { payload: Payload, variant: u32, field: usize },
}

/// Where a way stopped before its end.
pub(super) enum Stopped {
    /// At an option without a value, behind which there are only options.
    AtNone,
    Elsewhere,
}

impl Way {
    /// The way to the value itself.
    pub(super) fn begin(access: &TypeAccess) -> Self {
        let (registration, end) = (access.registration(), access.parts());
        let plain = end.leaf().and_then(plain_type);
        Self { registration, offset: 0, steps: Vec::new(), end, plain }
    }

    /// What stands at its end.
    pub(super) fn end(&self) -> &AnyParts {
        &self.end
    }

    /// Into a field of the struct or tuple at its end; whether it could.
    pub(super) fn enter_field(&mut self, field: usize) -> bool {
        let found = match &self.end.form {
            Form::Struct(fields) => {
                let key = fields.iter().find(|key| key.path == [field]);
                key.map(|key| (key.offset, (key.parts)()))
            }
            Form::Tuple(fields) => fields.get(field).map(|(offset, parts)| (*offset, parts())),
            _ => None,
        };
        found.map(|(offset, parts)| self.come_to(offset, parts)).is_some()
    }

    /// Into a field of a variant of the enum at its end; whether it could.
    pub(super) fn enter_variant(&mut self, variant: usize, field: usize) -> bool {
        let Form::Enum { payload, variants } = &self.end.form else { return false };
        let Some(parts) = variants.get(variant).and_then(|fields| fields.get(field)) else { return false };
        let (how, parts) = (How::Field { payload: *payload, variant: variant as u32, field }, parts());
        self.step(how, parts);
        true
    }

    /// Into an element of the list or array at its end, or an entry of the map; whether it could.
    pub(super) fn enter_key(&mut self, key: &Key) -> bool {
        match self.end.form {
            Form::Array { element, count, .. } => {
                let parts = element();
                let place = index(key);
                let is_there = place < count;
                if is_there {
                    self.come_to(place * parts.size, parts);
                }
                is_there
            }
            Form::Around { kind: Around::List | Around::Map, inner, follow } => {
                self.step(How::Follow { follow, key: key.clone(), is_option: false }, inner());
                true
            }
            _ => false,
        }
    }

    /// Into the option at its end; whether it could.
    pub(super) fn enter_option(&mut self) -> bool {
        let Form::Around { kind: Around::Option, inner, follow } = self.end.form else { return false };
        self.step(How::Follow { follow, key: Key::Number(0), is_option: true }, inner());
        true
    }

    fn come_to(&mut self, offset: usize, parts: AnyParts) {
        match self.steps.last_mut() {
            Some(step) => step.offset += offset,
            None => self.offset += offset,
        }
        self.end_at(parts);
    }

    fn step(&mut self, how: How, parts: AnyParts) {
        self.steps.push(Step { how, offset: 0, size: self.end.size });
        self.end_at(parts);
    }

    fn end_at(&mut self, parts: AnyParts) {
        self.plain = parts.leaf().and_then(plain_type);
        self.end = parts;
    }

    #[inline]
    fn check(&self, registration: u64) {
        assert!(self.registration == registration, "the plan was made for another registration of the type");
    }

    /// The place of the end in the value at `place`.
    #[inline]
    fn follow(&self, place: *mut u8, write: bool) -> Result<*mut u8, Stopped> {
        let place = place.wrapping_add(self.offset);
        if self.steps.is_empty() { Ok(place) } else { self.follow_steps(place, write) }
    }

    fn follow_steps(&self, mut place: *mut u8, write: bool) -> Result<*mut u8, Stopped> {
        for (number, step) in self.steps.iter().enumerate() {
            place = step.follow(place, write).ok_or_else(|| {
                let mut rest = self.steps[number..].iter();
                match rest.all(|step| matches!(step.how, How::Follow { is_option: true, .. })) {
                    true => Stopped::AtNone,
                    false => Stopped::Elsewhere,
                }
            })?;
        }
        Ok(place)
    }

    /// Reads the number, `bool` or `char` at the end; `None` if it is no `T`, or not there.
    #[inline]
    pub(super) fn read_plain<T: 'static>(&self, lent: Lent<'_>) -> Option<T> {
        self.check(lent.registration);
        if self.plain != Some(TypeId::of::<T>()) {
            return None;
        }
        let place = self.follow(lent.place.cast_mut(), false).ok()?;
        // SAFETY: as in `Way::read`; and the end says that it is a `T`, which may be copied.
        Some(unsafe { place.cast::<T>().read() })
    }

    /// Reads an `f32` or a narrow integer at the end as an `f64`, as scripts do; `None` if it is none, or not there.
    #[inline]
    pub(super) fn read_float(&self, lent: Lent<'_>) -> Option<f64> {
        self.check(lent.registration);
        let Form::Leaf(Leaf::Number(number @ (Number::F32 | Number::I32 | Number::U32))) = self.end.form
        else {
            return None;
        };
        let place = self.follow(lent.place.cast_mut(), false).ok()?;
        // SAFETY: as in `Way::read`; and the end says the type.
        Some(unsafe {
            match number {
                Number::F32 => f64::from(place.cast::<f32>().read()),
                Number::I32 => f64::from(place.cast::<i32>().read()),
                _ => f64::from(place.cast::<u32>().read()),
            }
        })
    }

    /// Reads the leaf at the end; stops elsewhere if there is none.
    #[inline]
    pub(super) fn read<'a>(&self, lent: Lent<'a>) -> Result<ValueRef<'a>, Stopped> {
        self.check(lent.registration);
        let Some(leaf) = self.end.leaf() else { return Err(Stopped::Elsewhere) };
        let place = self.follow(lent.place.cast_mut(), false)?;
        // SAFETY: the value was lent by the registration whose parts the way has followed from the value on, so a value
        // of the leaf's type is here, borrowed for `'a`.
        Ok(unsafe { read_leaf(leaf, place) })
    }

    /// The number of the variant of the enum at the end; stops elsewhere if there is none.
    pub(super) fn variant(&self, lent: Lent<'_>) -> Result<u32, Stopped> {
        self.check(lent.registration);
        let Form::Enum { payload, .. } = self.end.form else { return Err(Stopped::Elsewhere) };
        let place = self.follow(lent.place.cast_mut(), false)?;
        // SAFETY: as in `Way::read`, for the enum.
        Ok(unsafe { payload(place, usize::MAX) }.0)
    }

    /// Writes the leaf at the end, which is unchanged if the value does not fit; stops elsewhere if there is none.
    #[inline]
    pub(super) fn write(
        &self,
        lent: &mut LentMut<'_>,
        value: &ValueRef<'_>,
    ) -> Result<Result<(), Misfit>, Stopped> {
        self.check(lent.registration);
        let Some(leaf) = self.end.leaf() else { return Err(Stopped::Elsewhere) };
        let place = self.follow(lent.place, true)?;
        // SAFETY: as in `Way::read`, and the value was lent mutably.
        Ok(unsafe { write_leaf(leaf, place, value) })
    }

    /// Exchanges the innermost place that both values have on the way.
    pub(super) fn exchange(&self, one: &mut LentMut<'_>, other: &mut LentMut<'_>) {
        self.check(one.registration);
        self.check(other.registration);
        let mut places = (one.place.wrapping_add(self.offset), other.place.wrapping_add(self.offset));
        let mut size = self.end.size;
        for step in &self.steps {
            match (step.follow(places.0, true), step.follow(places.1, true)) {
                (Some(one), Some(other)) => places = (one, other),
                _ => {
                    size = step.size;
                    break;
                }
            }
        }
        // SAFETY: both are places of one type of this size, in two values that are lent mutably and so don't overlap;
        // values may be moved as bytes.
        unsafe { std::ptr::swap_nonoverlapping(places.0, places.1, size) }
    }
}

fn plain_type(leaf: Leaf) -> Option<TypeId> {
    Some(match leaf {
        Leaf::Bool => TypeId::of::<bool>(),
        Leaf::Char => TypeId::of::<char>(),
        Leaf::Number(number) => match number {
            Number::U8 => TypeId::of::<u8>(),
            Number::U16 => TypeId::of::<u16>(),
            Number::U32 => TypeId::of::<u32>(),
            Number::U64 => TypeId::of::<u64>(),
            Number::U128 => TypeId::of::<u128>(),
            Number::I8 => TypeId::of::<i8>(),
            Number::I16 => TypeId::of::<i16>(),
            Number::I32 => TypeId::of::<i32>(),
            Number::I64 => TypeId::of::<i64>(),
            Number::I128 => TypeId::of::<i128>(),
            Number::F32 => TypeId::of::<f32>(),
            Number::F64 => TypeId::of::<f64>(),
        },
        _ => return None,
    })
}

impl Step {
    fn follow(&self, place: *mut u8, write: bool) -> Option<*mut u8> {
        let inside = match &self.how {
            // SAFETY: a value of the type that the step was made of is here: `Way` has followed its parts to it. It is
            // borrowed as `write` says.
            How::Follow { follow, key, .. } => unsafe { follow(place, key, write) }?,
            How::Field { payload, variant, field } => {
                // SAFETY: as above.
                let (found, address) = unsafe { payload(place, *field) };
                if found != *variant || address == 0 {
                    return None;
                }
                // By the distance, so that what may be done with the enum may be done with its field.
                place.wrapping_add(address - place.addr())
            }
        };
        Some(inside.wrapping_add(self.offset))
    }
}

/// # Safety
/// A living value of the leaf's type is at `place`, borrowed for `'a`.
#[inline]
unsafe fn read_leaf<'a>(leaf: Leaf, place: *const u8) -> ValueRef<'a> {
    /// # Safety
    /// As that of `read_leaf`, for a `T`.
    #[inline(always)]
    unsafe fn get<'a, T>(place: *const u8) -> &'a T {
        // SAFETY: as this function asks.
        unsafe { &*place.cast::<T>() }
    }
    // SAFETY: the leaf says the type.
    unsafe {
        match leaf {
            Leaf::Number(Number::F32) => ValueRef::F32(*get(place)),
            Leaf::Number(Number::F64) => ValueRef::F64(*get(place)),
            Leaf::Number(Number::U8) => ValueRef::Unsigned((*get::<u8>(place)).into()),
            Leaf::Number(Number::U16) => ValueRef::Unsigned((*get::<u16>(place)).into()),
            Leaf::Number(Number::U32) => ValueRef::Unsigned((*get::<u32>(place)).into()),
            Leaf::Number(Number::U64) => ValueRef::Unsigned((*get::<u64>(place)).into()),
            Leaf::Number(Number::U128) => ValueRef::Unsigned(*get::<u128>(place)),
            Leaf::Number(Number::I8) => ValueRef::Signed((*get::<i8>(place)).into()),
            Leaf::Number(Number::I16) => ValueRef::Signed((*get::<i16>(place)).into()),
            Leaf::Number(Number::I32) => ValueRef::Signed((*get::<i32>(place)).into()),
            Leaf::Number(Number::I64) => ValueRef::Signed((*get::<i64>(place)).into()),
            Leaf::Number(Number::I128) => ValueRef::Signed(*get::<i128>(place)),
            Leaf::Bool => ValueRef::Bool(*get(place)),
            Leaf::Char => ValueRef::Char(*get(place)),
            Leaf::Text => ValueRef::Text(get::<String>(place)),
            Leaf::Bytes => ValueRef::Bytes(get::<Vec<u8>>(place)),
            Leaf::ByteArray(count) => ValueRef::Bytes(std::slice::from_raw_parts(place, count)),
            Leaf::Id(id) => ValueRef::Unsigned((id.get)(place).into()),
        }
    }
}

/// # Safety
/// A living value of the leaf's type is at `place`, borrowed mutably.
#[inline]
unsafe fn write_leaf(leaf: Leaf, place: *mut u8, value: &ValueRef<'_>) -> Result<(), Misfit> {
    match (leaf, value) {
        // SAFETY: the leaf says the type, here and below.
        (Leaf::Number(Number::F32), ValueRef::F32(value)) => unsafe { place.cast::<f32>().write(*value) },
        // SAFETY: as above.
        (Leaf::Number(Number::F64), ValueRef::F64(value)) => unsafe { place.cast::<f64>().write(*value) },
        (Leaf::Number(number), value) => {
            let bits = value.bits_as(number)?;
            // SAFETY: as above; the type owns nothing, and any bits are a number.
            unsafe {
                match number.width() {
                    1 => place.write(bits as u8),
                    2 => place.cast::<u16>().write(bits as u16),
                    4 => place.cast::<u32>().write(bits as u32),
                    8 => place.cast::<u64>().write(bits as u64),
                    _ => place.cast::<u128>().write(bits),
                }
            }
        }
        // SAFETY: as above.
        (Leaf::Bool, ValueRef::Bool(value)) => unsafe { place.cast::<bool>().write(*value) },
        // SAFETY: as above.
        (Leaf::Char, ValueRef::Char(value)) => unsafe { place.cast::<char>().write(*value) },
        (Leaf::Text, ValueRef::Text(text) | ValueRef::Variant(text)) => {
            // SAFETY: as above.
            let place = unsafe { at_mut::<String>(place) };
            place.clear();
            place.push_str(text);
        }
        (Leaf::Bytes, ValueRef::Bytes(bytes)) => {
            // SAFETY: as above.
            let place = unsafe { at_mut::<Vec<u8>>(place) };
            place.clear();
            place.extend_from_slice(bytes);
        }
        (Leaf::ByteArray(count), ValueRef::Bytes(bytes)) if bytes.len() == count => {
            // SAFETY: as above; `bytes` are borrowed elsewhere and so don't overlap what is borrowed mutably.
            unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), count) }
        }
        (Leaf::Id(id), value) => {
            let bits = value.bits_as(Number::U64)? as u64;
            // SAFETY: as above.
            if !unsafe { (id.set)(place, bits) } {
                return Err(Misfit::Bounds);
            }
        }
        _ => return Err(Misfit::Kind),
    }
    Ok(())
}
