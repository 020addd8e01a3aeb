//! Fields that go from one build of a struct into another as they are.
//!
//! When a struct has changed its shape, most of its fields have not. Such a field is exchanged with the one of the new
//! value, which spares encoding it, decoding it and allocating what it owns. This file says where the fields are, in
//! safe code: by borrowing them. Which of them may be exchanged is for [`Migration::plan_moving`] to say.
//!
//! [`Migration::plan_moving`]: crate::Migration::plan_moving

use std::fmt;
use std::ptr;

use crate::{Schema, TypeFingerprint};

/// Adds the address of a field of each value.
type Addresses<T> = dyn Fn(&mut [T], &mut Vec<*mut u8>) + Send + Sync;

/// Where in a struct a field is, and what its type is.
#[derive(Clone, Debug)]
pub struct FieldKey {
    /// The number of the field in the schema of the struct, then that of a field within it, and so on.
    pub path: Vec<usize>,
    /// In bytes.
    pub size: usize,
    /// Of the field's type.
    pub fingerprint: fn() -> TypeFingerprint,
    /// Whether the field owns something.
    pub needs_drop: bool,
}

/// A field of `T`, or a field of such a field.
pub struct MovableField<T> {
    key: FieldKey,
    addresses: Box<Addresses<T>>,
}

impl<T> fmt::Debug for MovableField<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("MovableField").field(&self.key).finish()
    }
}

impl<T> MovableField<T> {
    /// Where it is, and what.
    pub fn key(&self) -> &FieldKey {
        &self.key
    }

    /// Adds its address in each of `values`, one for each in their order, to `out`. Whoever has `values` may use them
    /// until the values are borrowed again.
    pub fn addresses(&self, values: &mut [T], out: &mut Vec<*mut u8>) {
        (self.addresses)(values, out);
    }
}

/// The fields of `T` that can be borrowed, and those within them.
pub struct MovableFields<T> {
    fields: Vec<MovableField<T>>,
    can_be_taken_apart: bool,
}

impl<T> fmt::Debug for MovableFields<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(&self.fields).finish()
    }
}

impl<T> Default for MovableFields<T> {
    fn default() -> Self {
        Self::new(false)
    }
}

impl<T> MovableFields<T> {
    /// The fields of a struct that implements `Drop` itself or not. If it does, its fields stay together.
    pub fn new(implements_drop: bool) -> Self {
        Self { fields: Vec::new(), can_be_taken_apart: !implements_drop }
    }

    /// Adds field number `index` of the schema.
    pub fn add<F: Schema>(
        &mut self,
        index: usize,
        borrow: impl for<'a> Fn(&'a mut T) -> &'a mut F + Copy + Send + Sync + 'static,
    ) {
        if !self.can_be_taken_apart {
            return;
        }
        let key = FieldKey {
            path: vec![index],
            size: size_of::<F>(),
            fingerprint: TypeFingerprint::of_field::<F>,
            needs_drop: std::mem::needs_drop::<F>(),
        };
        let addresses = move |values: &mut [T], out: &mut Vec<*mut u8>| {
            out.extend(values.iter_mut().map(|value| ptr::from_mut(borrow(value)).cast::<u8>()));
        };
        self.fields.push(MovableField { key, addresses: Box::new(addresses) });
        let inner = F::movable_fields().fields.into_iter();
        self.fields.extend(inner.map(|inner| within(index, borrow, inner)));
    }

    /// The fields; each stands before those within it.
    pub fn into_vec(self) -> Vec<MovableField<T>> {
        self.fields
    }
}

/// The field `inner` of field number `index`.
fn within<T, F: 'static>(
    index: usize,
    borrow: impl for<'a> Fn(&'a mut T) -> &'a mut F + Copy + Send + Sync + 'static,
    inner: MovableField<F>,
) -> MovableField<T> {
    let MovableField { mut key, addresses } = inner;
    key.path.insert(0, index);
    let addresses = move |values: &mut [T], out: &mut Vec<*mut u8>| {
        values.iter_mut().for_each(|value| addresses(std::slice::from_mut(borrow(value)), out));
    };
    MovableField { key, addresses: Box::new(addresses) }
}
