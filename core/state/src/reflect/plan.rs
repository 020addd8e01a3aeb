//! Paths that were looked up.

use std::any::{Any, TypeId};

use crate::reflect::encoded::EncodedWay;
use crate::reflect::memory::{Stopped, Way};
use crate::reflect::parts::{Form, Leaf};
use crate::reflect::tree::{self, Hop, Spot};
use crate::reflect::{Misfit, encode};
use crate::{
    FieldPath, FromValue, Lent, LentMut, LiveSchema, Number, ReflectError, Segment, TypeAccess, TypeRef,
    Value, ValueRef,
};

/// A [`FieldPath`] in the values of one registration of a type: looked up once, followed often.
///
/// ```
/// use keel_module_macros::data;
/// use keel_state::{AccessPlan, LiveSchema, TypeAccess, ValueRef};
///
/// #[data(crate = keel_state)]
/// struct Ship { hull: f32, name: String }
///
/// let (live, access) = (LiveSchema::of::<Ship>(), TypeAccess::of::<Ship>());
/// let hull = AccessPlan::new(&"Ship.hull".parse()?, &live, &access)?;
/// let mut ship = Ship { hull: 0.5, name: "Keel".to_owned() };
/// assert_eq!(hull.read(access.lend(&ship)), Some(ValueRef::F32(0.5)));
/// assert_eq!(hull.write(&mut access.lend_mut(&mut ship), &1.into()), Some(Ok(())));
/// assert_eq!(ship.hull, 1.0);
/// # Ok::<(), keel_state::ReflectError>(())
/// ```
///
/// It holds functions of the module that made the [`TypeAccess`], and calls them only for values which that access has
/// lent: so it may be kept when the module goes, and does nothing then.
#[derive(Clone, Debug)]
pub struct AccessPlan {
    path: FieldPath,
    type_name: String,
    way: Way,
    end: End,
    /// The way through the bytes, where values lie encoded.
    encoded: Option<EncodedWay>,
}

/// What stands where the way ends.
#[derive(Clone, Debug)]
enum End {
    Leaf,
    /// An enum, and the names of its variants.
    Enum(Vec<String>),
    /// What has parts; or more of the path that can't be followed in memory.
    Whole,
}

impl AccessPlan {
    /// Looks up `path` in the type that `live` describes and `access` leads to.
    ///
    /// # Errors
    /// [`ReflectError`] when the type has no such place.
    pub fn new(path: &FieldPath, live: &LiveSchema, access: &TypeAccess) -> Result<Self, ReflectError> {
        let mut planner = Planner { way: Way::begin(access), is_cut: false, variant: None };
        let mut spot = Spot::Type(live.schema().root());
        for (count, segment) in path.segments().iter().enumerate() {
            loop {
                let (hop, next) = tree::next(live, spot, path, count)?;
                planner.hop(&hop, segment, path, count)?;
                spot = next;
                if hop != Hop::Through {
                    break;
                }
            }
        }
        // What is in an option is what its path names.
        while !planner.is_cut && planner.way.enter_option() {}
        let end = planner.end(live, spot);
        let type_name = planner.type_name(live, spot);
        let encoded = if access.is_encoded() { EncodedWay::plan(path, live) } else { None };
        Ok(Self { path: path.clone(), type_name, way: planner.way, end, encoded })
    }

    /// The path that was looked up.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The type of what is there, as its author would write it.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Whether the place is read where it lies while the value has it, and not by way of the whole value.
    pub fn is_direct(&self) -> bool {
        !matches!(self.end, End::Whole) || self.encoded.is_some()
    }

    /// Reads what is there in the bytes of a value, without a copy, where values lie encoded. None as in
    /// [`AccessPlan::read`].
    #[inline]
    pub fn read_encoded<'a>(&'a self, bytes: &'a [u8]) -> Option<ValueRef<'a>> {
        match self.encoded.as_ref()?.read(bytes) {
            Ok(value) => Some(value),
            Err(Stopped::AtNone) => Some(ValueRef::None),
            Err(Stopped::Elsewhere) => None,
        }
    }

    /// Reads what is there in the bytes of a value as a `T`, where values lie encoded. None as in [`AccessPlan::read`].
    ///
    /// # Errors
    /// [`ReflectError::NotReadable`] when it is no `T`.
    #[inline]
    pub fn read_encoded_as<T: FromValue>(&self, bytes: &[u8]) -> Option<Result<T, Box<ReflectError>>> {
        if let Some(found) = self.encoded.as_ref()?.read_plain(bytes) {
            return Some(Ok(found));
        }
        let value = self.read_encoded(bytes)?;
        Some(T::from_value(value).map_err(|misfit| Box::new(self.not_readable(value, misfit, T::EXPECTED))))
    }

    /// Writes what is there into the bytes of a value, where values lie encoded and the new value takes as many bytes as the
    /// old one. None otherwise: [`AccessPlan::set_encoded`] is the other way. The bytes are unchanged after an error.
    #[inline]
    pub fn write_encoded(
        &self,
        bytes: &mut [u8],
        value: &ValueRef<'_>,
    ) -> Option<Result<(), Box<ReflectError>>> {
        if matches!(value, ValueRef::None | ValueRef::Value(_)) {
            return None;
        }
        let way = self.encoded.as_ref()?;
        match way.write(bytes, value)? {
            Ok(()) => Some(Ok(())),
            Err(misfit) => Some(Err(Box::new(self.no_number(misfit, way.number()?, value)))),
        }
    }

    /// Reads what is there, without a copy. None if it has parts, is not there now, or can't be reached in memory:
    /// [`AccessPlan::get_encoded`] reads it then, or says why not.
    ///
    /// # Panics
    /// When the value was lent by another registration.
    #[inline]
    pub fn read<'a>(&'a self, lent: Lent<'a>) -> Option<ValueRef<'a>> {
        let found = match &self.end {
            End::Leaf => self.way.read(lent),
            End::Enum(names) => self
                .way
                .variant(lent)
                .and_then(|number| names.get(number as usize).ok_or(Stopped::Elsewhere))
                .map(|name| ValueRef::Variant(name)),
            End::Whole => return None,
        };
        match found {
            Ok(value) => Some(value),
            Err(Stopped::AtNone) => Some(ValueRef::None),
            Err(Stopped::Elsewhere) => None,
        }
    }

    /// Reads the number, `bool` or `char` that is there, or a narrow number as an `f64`; `None` if it is no `T`, or as in [`AccessPlan::read`].
    ///
    /// # Panics
    /// As [`AccessPlan::read`].
    #[inline]
    pub fn read_plain<T: 'static>(&self, lent: Lent<'_>) -> Option<T> {
        match self.way.read_plain(lent) {
            None if TypeId::of::<T>() == TypeId::of::<f64>() => {
                let float: &mut dyn Any = &mut self.way.read_float(lent);
                float.downcast_mut::<Option<T>>().and_then(Option::take)
            }
            found => found,
        }
    }

    /// Reads what is there as a `T`. None as in [`AccessPlan::read`].
    ///
    /// # Errors
    /// [`ReflectError::NotReadable`] when it is no `T`.
    ///
    /// # Panics
    /// As [`AccessPlan::read`].
    #[inline]
    pub fn read_as<T: FromValue>(&self, lent: Lent<'_>) -> Option<Result<T, Box<ReflectError>>> {
        // What is asked for by its own type needs no conversion.
        match self.read_plain(lent) {
            Some(value) => Some(Ok(value)),
            None => self.read_converted(lent),
        }
    }

    #[inline(never)]
    fn read_converted<T: FromValue>(&self, lent: Lent<'_>) -> Option<Result<T, Box<ReflectError>>> {
        let value = self.read(lent)?;
        // In a box: what is handed back at each call is better small.
        Some(T::from_value(value).map_err(|misfit| Box::new(self.not_readable(value, misfit, T::EXPECTED))))
    }

    /// Writes what is there, in place. None as in [`AccessPlan::read`]: [`AccessPlan::set_encoded`] is the other way.
    ///
    /// # Panics
    /// As [`AccessPlan::read`].
    #[inline]
    pub fn write(
        &self,
        lent: &mut LentMut<'_>,
        value: &ValueRef<'_>,
    ) -> Option<Result<(), Box<ReflectError>>> {
        // What becomes an option's `None` changes more than the leaf, and so may a value with parts.
        if matches!(value, ValueRef::None | ValueRef::Value(_)) || !matches!(self.end, End::Leaf) {
            return None;
        }
        match self.way.write(lent, value) {
            Ok(Ok(())) => Some(Ok(())),
            Ok(Err(misfit)) => self.misfit(misfit, value).map(|error| Err(Box::new(error))),
            Err(_) => None,
        }
    }

    /// Reads what is there in a value that was encoded.
    ///
    /// # Errors
    /// [`ReflectError`] when it is not there now.
    pub fn get_encoded(&self, live: &LiveSchema, bytes: &[u8]) -> Result<Value, ReflectError> {
        let whole = encode::decoded(live, live.schema().root(), bytes, &self.path)?;
        let mut found = tree::get(live, &self.path, &whole)?;
        while let Value::Option(Some(inner)) = found {
            found = inner;
        }
        Ok(found.clone())
    }

    /// The encoded value with `value` there.
    ///
    /// # Errors
    /// [`ReflectError`] when `value` does not fit, or when the place is not there now and can't be made.
    pub fn set_encoded(
        &self,
        live: &LiveSchema,
        bytes: &[u8],
        value: ValueRef<'_>,
    ) -> Result<Vec<u8>, ReflectError> {
        let root = live.schema().root();
        let mut whole = encode::decoded(live, root, bytes, &self.path)?;
        tree::set(live, &self.path, &mut whole, value)?;
        let name = FieldPath::of_type(self.path.type_name());
        let mut out = Vec::with_capacity(bytes.len());
        encode::encode(live, root, ValueRef::from(&whole), &name.to_string(), &mut out)?;
        Ok(out)
    }

    /// Exchanges the place between two values, or, where one of them lacks it, what is around it. So a value that was
    /// decoded after [`AccessPlan::set_encoded`] gives what was set, and nothing else.
    ///
    /// # Panics
    /// As [`AccessPlan::read`].
    pub fn exchange(&self, one: &mut LentMut<'_>, other: &mut LentMut<'_>) {
        self.way.exchange(one, other);
    }

    /// `value`, which was read here, as a `T`.
    ///
    /// # Errors
    /// [`ReflectError::NotReadable`] when it is none.
    #[inline]
    pub fn convert<T: FromValue>(&self, value: ValueRef<'_>) -> Result<T, ReflectError> {
        match T::from_value(value) {
            Ok(value) => Ok(value),
            Err(misfit) => Err(self.not_readable(value, misfit, T::EXPECTED)),
        }
    }

    #[cold]
    fn not_readable(&self, value: ValueRef<'_>, misfit: Misfit, asked: &str) -> ReflectError {
        let because = match misfit {
            Misfit::Kind => "is no",
            Misfit::Bounds => "does not fit into",
        };
        ReflectError::NotReadable {
            path: self.path.to_string(),
            is: self.type_name.clone(),
            found: value.describe(),
            because: because.to_owned(),
            asked: asked.to_owned(),
        }
    }

    /// None where the long way may still find a way to write it: a character as a text, say.
    #[cold]
    fn misfit(&self, misfit: Misfit, value: &ValueRef<'_>) -> Option<ReflectError> {
        match self.way.end().leaf()? {
            Leaf::Number(number) => Some(self.no_number(misfit, number, value)),
            Leaf::Id(_) if misfit == Misfit::Bounds => {
                let (path, hint) = (self.path.to_string(), "write the bits of one");
                Some(encode::misfit(misfit, path, self.type_name.clone(), value, hint))
            }
            _ => None,
        }
    }

    #[cold]
    fn no_number(&self, misfit: Misfit, number: Number, value: &ValueRef<'_>) -> ReflectError {
        let hint = encode::hint(None, &TypeRef::Number(number));
        encode::misfit(misfit, self.path.to_string(), self.type_name.clone(), value, &hint)
    }
}

/// Follows a path through the parts of types, for as long as it can.
struct Planner {
    way: Way,
    /// The path goes on past the end of the way.
    is_cut: bool,
    /// The variant that the path has named, of the enum at the end of the way.
    variant: Option<usize>,
}

impl Planner {
    fn hop(
        &mut self,
        hop: &Hop,
        segment: &Segment,
        path: &FieldPath,
        count: usize,
    ) -> Result<(), ReflectError> {
        if self.is_cut {
            return Ok(());
        }
        let goes_on = match (hop, segment) {
            (Hop::Through, _) => self.way.enter_option(),
            (Hop::Variant(variant), _) => {
                self.variant = Some(*variant);
                true
            }
            (Hop::Field(field), _) => match self.variant.take() {
                Some(variant) => self.way.enter_variant(variant, *field),
                None => self.way.enter_field(*field),
            },
            (Hop::Element(_) | Hop::Entry, Segment::Key(key)) => self.way.enter_key(key),
            _ => false,
        };
        if let (Form::Array { count: length, .. }, Hop::Element(index)) = (&self.way.end().form, hop)
            && !goes_on
        {
            let path = path.up_to(count);
            return Err(ReflectError::OutOfRange { path, index: *index, length: *length });
        }
        self.is_cut = !goes_on;
        Ok(())
    }

    fn end(&self, live: &LiveSchema, spot: Spot<'_>) -> End {
        let is_at_end = !self.is_cut && self.variant.is_none();
        match (&self.way.end().form, tree::within_options(spot)) {
            (Form::Leaf(_), _) if is_at_end => End::Leaf,
            (Form::Enum { .. }, Spot::Type(TypeRef::Named(index))) if is_at_end => {
                let variants = &live.schema().types()[*index as usize].variants;
                End::Enum(variants.iter().map(|variant| variant.name.clone()).collect())
            }
            _ => End::Whole,
        }
    }

    fn type_name(&self, live: &LiveSchema, spot: Spot<'_>) -> String {
        match (self.way.end().id_name().filter(|_| !self.is_cut), spot) {
            (Some(name), _) => name.to_owned(),
            (None, Spot::Type(ty)) => live.schema().name_of(ty),
            (None, Spot::Variant(index, variant)) => {
                let def = &live.schema().types()[index as usize];
                format!("{}::{}", def.name, def.variants[variant].name)
            }
        }
    }
}
