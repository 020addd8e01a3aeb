//! Values that are lent to plans: their addresses, for as long as they are borrowed.

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::reflect::parts::PartsOf;
use crate::{AnyParts, Schema};

/// Counts the registrations of types in this process.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(1);

/// How the values of one registration of a type are reached: what lends them to an
/// [`AccessPlan`](crate::AccessPlan).
///
/// It leads into the module that made it, and so do the plans that are made of it.
#[derive(Clone, Copy, Debug)]
pub struct TypeAccess {
    registration: u64,
    rust: TypeId,
    parts: PartsOf,
}

/// Stands for the Rust type where there is none.
struct Encoded;

/// A value, lent to be read.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'a> {
    pub(super) place: *const u8,
    pub(super) registration: u64,
    of: PhantomData<&'a u8>,
}

/// A value, lent to be read and written.
#[derive(Debug)]
pub struct LentMut<'a> {
    pub(super) place: *mut u8,
    pub(super) registration: u64,
    of: PhantomData<&'a mut u8>,
}

/// Values side by side, lent to be read.
#[derive(Clone, Copy, Debug)]
pub struct LentColumn<'a> {
    first: *const u8,
    size: usize,
    count: usize,
    registration: u64,
    of: PhantomData<&'a u8>,
}

impl TypeAccess {
    /// A registration of `T`, which is none of any other.
    #[inline]
    pub fn of<T: Schema>() -> Self {
        Self::new(TypeId::of::<T>(), AnyParts::of::<T>)
    }

    /// A registration of a type whose values lie encoded: it lends none, and its plans work on the bytes
    /// ([`AccessPlan::read_encoded`](crate::AccessPlan::read_encoded)). It leads into no module.
    pub fn of_encoded() -> Self {
        Self::new(TypeId::of::<Encoded>(), AnyParts::hidden::<Encoded>)
    }

    /// Whether values of the type lie encoded.
    pub fn is_encoded(&self) -> bool {
        self.rust == TypeId::of::<Encoded>()
    }

    fn new(rust: TypeId, parts: PartsOf) -> Self {
        Self { registration: REGISTRATIONS.fetch_add(1, Ordering::Relaxed), rust, parts }
    }

    /// The number of the registration: another one for each [`TypeAccess::of`].
    #[inline]
    pub fn registration(&self) -> u64 {
        self.registration
    }

    /// What the type is made of.
    pub(super) fn parts(&self) -> AnyParts {
        (self.parts)()
    }

    #[inline]
    fn check<T: 'static>(&self) {
        assert!(self.rust == TypeId::of::<T>(), "a value of another type was lent");
    }

    /// Lends `value`.
    ///
    /// # Panics
    /// When this is the access to another type.
    #[inline]
    pub fn lend<'a, T: 'static>(&self, value: &'a T) -> Lent<'a> {
        self.check::<T>();
        Lent::at((&raw const *value).cast(), self.registration)
    }

    /// Lends `value`.
    ///
    /// # Panics
    /// As [`TypeAccess::lend`].
    #[inline]
    pub fn lend_mut<'a, T: 'static>(&self, value: &'a mut T) -> LentMut<'a> {
        self.check::<T>();
        LentMut::at((&raw mut *value).cast(), self.registration)
    }

    /// Lends a column.
    ///
    /// # Panics
    /// As [`TypeAccess::lend`].
    #[inline]
    pub fn lend_column<'a, T: 'static>(&self, column: &'a [T]) -> LentColumn<'a> {
        self.check::<T>();
        LentColumn {
            first: column.as_ptr().cast(),
            size: size_of::<T>(),
            count: column.len(),
            registration: self.registration,
            of: PhantomData,
        }
    }
}

impl Lent<'_> {
    /// What lies at `place`, by the registration with this number.
    #[inline]
    pub(super) fn at(place: *const u8, registration: u64) -> Self {
        Self { place, registration, of: PhantomData }
    }
}

impl<'a> LentColumn<'a> {
    /// The value in `row`.
    #[inline]
    pub fn row(&self, row: usize) -> Option<Lent<'a>> {
        // Within the slice that was lent, so `wrapping_add` stays in it.
        let place = (row < self.count).then(|| self.first.wrapping_add(row * self.size))?;
        Some(Lent::at(place, self.registration))
    }
}

impl LentMut<'_> {
    /// As [`Lent::at`].
    #[inline]
    pub(super) fn at(place: *mut u8, registration: u64) -> Self {
        Self { place, registration, of: PhantomData }
    }

    /// The same value, to be read.
    pub fn as_lent(&self) -> Lent<'_> {
        Lent::at(self.place, self.registration)
    }
}
