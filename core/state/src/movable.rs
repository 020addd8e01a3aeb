//! Fields that go from one build of a struct into another as they are.
//!
//! When a struct has changed its shape, most of its fields have not. Such a field is exchanged with the one of the new
//! value, which spares encoding it, decoding it and allocating what it owns. This file says where the fields are. Which
//! of them may be exchanged is for [`Migration::plan_moving`] to say.
//!
//! A module's author pays for what is compiled for each field of each type, so what is said of a field has no type.
//!
//! [`Migration::plan_moving`]: crate::Migration::plan_moving

use std::fmt;
use std::marker::PhantomData;

use crate::reflect::PartsOf;
use crate::{AnyParts, Schema, TypeFingerprint};

/// Where in a struct a field is, and what its type is.
#[derive(Clone, Debug)]
pub struct FieldKey {
    /// The number of the field in the schema of the struct, then that of a field within it, and so on.
    pub path: Vec<usize>,
    /// Where in the struct it begins, in bytes.
    pub offset: usize,
    /// In bytes.
    pub size: usize,
    /// Of the field's type.
    pub fingerprint: fn() -> TypeFingerprint,
    /// Whether the field owns something.
    pub needs_drop: bool,
    /// What its type is made of in memory.
    pub(crate) parts: PartsOf,
}

/// The fields of a struct, and those within them, while they are listed.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct FieldList {
    fields: Vec<FieldKey>,
    together: bool,
}

impl FieldList {
    /// Adds field number `index` of the schema, of type `F`, which begins at `offset`.
    pub fn add<F: Schema>(&mut self, index: usize, offset: usize) {
        let key = FieldKey {
            path: vec![index],
            offset,
            size: size_of::<F>(),
            fingerprint: TypeFingerprint::of_field::<F>,
            needs_drop: std::mem::needs_drop::<F>(),
            parts: AnyParts::of::<F>,
        };
        self.add_with(key, F::movable_fields().into_vec());
    }

    /// The fields of the struct are not to be moved, each by itself: it has a `Drop` of its own, which may mind.
    pub fn keep_together(&mut self, together: bool) {
        self.together = together;
    }

    fn add_with(&mut self, field: FieldKey, inner: Vec<FieldKey>) {
        let (number, offset) = (field.path[0], field.offset);
        self.fields.push(field);
        self.fields.extend(inner.into_iter().map(|mut inner| {
            inner.path.insert(0, number);
            inner.offset += offset;
            inner
        }));
    }
}

/// The fields of `T` that can be exchanged by themselves, and those within them; each stands before those.
pub struct MovableFields<T> {
    fields: Vec<FieldKey>,
    together: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for MovableFields<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(&self.fields).finish()
    }
}

/// None.
impl<T> Default for MovableFields<T> {
    fn default() -> Self {
        Self { fields: Vec::new(), together: false, of: PhantomData }
    }
}

impl<T> MovableFields<T> {
    /// For a struct with these fields. `#[data]` expands to a call of it; a [`Schema`] that is written by hand has none.
    ///
    /// # Safety
    /// Each of `fields` is one of `T`, listed once, with its own type and the offset that it has in `T`; another value
    /// of the field's type may be put there at any time.
    #[doc(hidden)]
    #[allow(unsafe_code, reason = "the list of fields is believed")]
    pub unsafe fn of_struct(fields: FieldList) -> Self {
        Self { fields: fields.fields, together: fields.together, of: PhantomData }
    }

    /// The fields, as a list that doesn't know of what they are.
    pub fn into_vec(self) -> Vec<FieldKey> {
        if self.together { Vec::new() } else { self.fields }
    }

    /// The fields, whether or not they may move.
    #[inline]
    pub(crate) fn into_own(self) -> Vec<FieldKey> {
        self.fields
    }
}
