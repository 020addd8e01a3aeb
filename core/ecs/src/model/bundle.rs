//! Groups of components that are spawned, inserted and removed together.

use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use keel_core_types::ComponentId;
use keel_state::{SavedValue, StateError};

use crate::model::component::StorageKind;
use crate::model::dropped::drop_contained;
use crate::model::sparse::SparseSets;
use crate::model::ticks::Tracking;
use crate::model::tuples::for_tuples;
use crate::model::types::TypeTable;
use crate::{Component, ComponentAccess, Entity};

/// A tuple of up to 12 components.
///
/// # Safety
/// It is implemented here alone: each component goes either into a column or into a sparse set, by its `STORAGE`.
#[allow(unsafe_code, reason = "its components are moved by address")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bundle of components",
    note = "a bundle is a tuple of components; a single one is written `(component,)`"
)]
pub unsafe trait Bundle: hecs::Bundle + hecs::DynamicBundle + Send + Sync + 'static {
    /// The first component that `types` does not know.
    #[doc(hidden)]
    fn unknown(types: &dyn Fn(TypeId) -> bool) -> Option<&'static str>;

    /// The first component that only the world itself may insert and remove.
    #[doc(hidden)]
    fn kept_by_world() -> Option<&'static str>;

    /// The ids of its components, in their order.
    #[doc(hidden)]
    const IDS: &'static [ComponentId];
    /// Shows the names of its components.
    #[doc(hidden)]
    fn visit_names(visit: &mut dyn FnMut(&'static str));

    /// Shows its components, each as a value.
    #[doc(hidden)]
    fn visit_values(&self, visit: &mut dyn FnMut(&'static str, Result<SavedValue, StateError>));

    /// How many of its components are sparse.
    #[doc(hidden)]
    const SPARSE: usize;

    /// How many of its components lie in columns.
    #[doc(hidden)]
    const COLUMNS: usize;

    /// How many of its components are tracked.
    #[doc(hidden)]
    const TRACKED: usize;

    /// Shows its tracked components.
    #[doc(hidden)]
    fn visit_tracked(visit: &mut dyn FnMut(ComponentId));

    /// Its components that lie in columns; `None` for the others.
    #[doc(hidden)]
    type Columns: 'static;

    #[doc(hidden)]
    fn column_types() -> Vec<hecs::TypeInfo>;

    /// # Safety
    /// `put` takes the values; they are not used in `this` afterwards.
    #[doc(hidden)]
    unsafe fn put_columns(this: NonNull<Self>, put: &mut dyn FnMut(*mut u8, hecs::TypeInfo));

    /// Moves all of these, none of whose components is sparse, into the columns of a batch with room for as many.
    #[doc(hidden)]
    fn fill_columns(bundles: &mut Vec<Self>, batch: &hecs::ColumnBatchBuilder)
    where
        Self: Sized;

    /// Moves the sparse components into their sets.
    ///
    /// # Safety
    /// They are not used in `this` afterwards.
    #[doc(hidden)]
    unsafe fn put_sparse(this: NonNull<Self>, entity: Entity, sets: &mut SparseSets);

    /// # Safety
    /// That of `hecs::Bundle::get`, for the components that lie in columns.
    #[doc(hidden)]
    unsafe fn take_columns(
        find: &mut dyn FnMut(hecs::TypeInfo) -> Option<NonNull<u8>>,
    ) -> Result<Self::Columns, hecs::MissingComponent>;

    /// What [`Bundle::take_columns`] gives where there are none.
    #[doc(hidden)]
    fn no_columns() -> Self::Columns;

    /// The sparse component that `entity` lacks.
    #[doc(hidden)]
    fn missing_sparse(entity: Entity, sets: &SparseSets) -> Option<&'static str>;

    /// The whole bundle, of which the sparse components are still in their sets. Those that are not there are an error
    /// that nobody checked for.
    #[doc(hidden)]
    fn join(columns: Self::Columns, entity: Entity, sets: &mut SparseSets) -> Option<Self>
    where
        Self: Sized;
}

/// A bundle on its way into a world, where its types are stored as the world has them: an archetype that it is the
/// first of must not keep the drop functions of the module that spawned it.
pub(crate) struct Stored<'t, B> {
    bundle: B,
    types: &'t TypeTable,
}

impl<'t, B: hecs::DynamicBundle> Stored<'t, B> {
    pub(crate) fn new(bundle: B, types: &'t TypeTable) -> Self {
        Self { bundle, types }
    }
}

// SAFETY: the ids, layouts and values are those of `bundle`, which upholds the trait's rules; `TypeTable::stored`
// exchanges the drop function of a type for another one of the same type, so that neither set nor order changes.
#[allow(unsafe_code, reason = "hecs's trait is unsafe to implement")]
unsafe impl<B: hecs::DynamicBundle> hecs::DynamicBundle for Stored<'_, B> {
    #[inline]
    fn key(&self) -> Option<TypeId> {
        self.bundle.key()
    }

    #[inline]
    fn with_ids<R>(&self, f: impl FnOnce(&[TypeId]) -> R) -> R {
        self.bundle.with_ids(f)
    }

    fn type_info(&self) -> Vec<hecs::TypeInfo> {
        self.bundle.type_info().into_iter().map(|info| self.types.stored(info)).collect()
    }

    #[inline]
    unsafe fn put(self, f: impl FnMut(*mut u8, hecs::TypeInfo)) {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { self.bundle.put(f) }
    }
}

/// The part of a bundle that lies in columns, on its way into a world. The rest goes by [`Bundle::put_sparse`].
pub(crate) struct ColumnsOf<'b, B> {
    bundle: &'b mut ManuallyDrop<B>,
}

impl<'b, B: Bundle> ColumnsOf<'b, B> {
    pub(crate) fn new(bundle: &'b mut ManuallyDrop<B>) -> Self {
        Self { bundle }
    }
}

/// Stands for the columns of a bundle where hecs knows bundles by their types.
struct ColumnsKey<B>(PhantomData<B>);

// SAFETY: ids and types are those of the components of `B` that lie in columns, in hecs's order, and those are put.
#[allow(unsafe_code, reason = "hecs's trait is unsafe to implement")]
unsafe impl<B: Bundle> hecs::DynamicBundle for ColumnsOf<'_, B> {
    #[inline]
    fn key(&self) -> Option<TypeId> {
        Some(TypeId::of::<ColumnsKey<B>>())
    }

    #[inline]
    fn with_ids<R>(&self, f: impl FnOnce(&[TypeId]) -> R) -> R {
        f(&column_ids::<B>())
    }

    fn type_info(&self) -> Vec<hecs::TypeInfo> {
        B::column_types()
    }

    unsafe fn put(self, mut f: impl FnMut(*mut u8, hecs::TypeInfo)) {
        // SAFETY: the caller takes what is put, and whoever made this takes the rest.
        unsafe { B::put_columns(NonNull::from(&mut **self.bundle), &mut f) }
    }
}

/// The part of a bundle that lay in columns.
pub(crate) struct TakenColumns<B: Bundle>(pub(crate) B::Columns);

// SAFETY: as above; it is taken out of a world and never put into one.
#[allow(unsafe_code, reason = "hecs's trait is unsafe to implement")]
unsafe impl<B: Bundle> hecs::DynamicBundle for TakenColumns<B> {
    #[inline]
    fn with_ids<R>(&self, f: impl FnOnce(&[TypeId]) -> R) -> R {
        f(&column_ids::<B>())
    }

    fn type_info(&self) -> Vec<hecs::TypeInfo> {
        B::column_types()
    }

    unsafe fn put(self, _: impl FnMut(*mut u8, hecs::TypeInfo)) {
        unreachable!("columns that were taken are joined with the rest of their bundle")
    }
}

// SAFETY: as above.
#[allow(unsafe_code, reason = "hecs's trait is unsafe to implement")]
unsafe impl<B: Bundle> hecs::Bundle for TakenColumns<B> {
    fn with_static_ids<R>(f: impl FnOnce(&[TypeId]) -> R) -> R {
        f(&column_ids::<B>())
    }

    fn with_static_type_info<R>(f: impl FnOnce(&[hecs::TypeInfo]) -> R) -> R {
        f(&B::column_types())
    }

    unsafe fn get(
        mut f: impl FnMut(hecs::TypeInfo) -> Option<NonNull<u8>>,
    ) -> Result<Self, hecs::MissingComponent> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { B::take_columns(&mut f) }.map(Self)
    }
}

fn column_ids<B: Bundle>() -> Vec<TypeId> {
    B::column_types().iter().map(hecs::TypeInfo::id).collect()
}

/// Puts what is left of a bundle, of which hecs has taken the columns, into the sparse sets.
#[inline]
pub(crate) fn put_sparse<B: Bundle>(mut bundle: ManuallyDrop<B>, entity: Entity, sets: &mut SparseSets) {
    // SAFETY: the sparse components are still in the bundle, which nobody uses afterwards.
    #[allow(unsafe_code, reason = "its components are moved by address")]
    unsafe {
        B::put_sparse(NonNull::from(&mut *bundle), entity, sets);
    }
}

pub(crate) fn first_unknown<B: Bundle>(types: &TypeTable) -> Option<&'static str> {
    B::unknown(&|id| types.knows(id))
}

/// The values of a vector, which forgets them, and their number.
fn give_away<T>(values: &mut Vec<T>) -> (*const T, usize) {
    let count = values.len();
    // SAFETY: none is no more than there are.
    #[allow(unsafe_code, reason = "its values are moved by address")]
    unsafe {
        values.set_len(0);
    }
    (values.as_ptr(), count)
}

/// Moves the `T` out of each bundle.
///
/// # Safety
/// There are so many bundles, each with a `T` so many bytes from its begin, which is not used afterwards.
#[allow(unsafe_code, reason = "its components are moved by address")]
unsafe fn fill_column<B, T: Component>(
    bundles: *const B,
    count: usize,
    offset: usize,
    batch: &hecs::ColumnBatchBuilder,
) {
    let Some(mut column) = batch.writer::<T>() else { return };
    for row in 0..count {
        // SAFETY: the caller says so.
        let value = unsafe { bundles.add(row).byte_add(offset).cast::<T>().read() };
        // There is room for as many.
        let _ = column.push(value);
    }
}

/// As that of queries, always inlined.
#[inline(always)]
const fn is_sparse<T: Component>() -> bool {
    matches!(T::STORAGE, StorageKind::Sparse)
}

macro_rules! bundles {
    ($($name:ident)*) => {
        #[allow(
            non_snake_case, unused_mut, unused_unsafe, unused_variables, clippy::unused_unit,
            reason = "the type parameters' names serve as the values', of which there may be none"
        )]
        #[allow(unsafe_code, reason = "its components are moved by address")]
        // SAFETY: `STORAGE` decides in each function.
        unsafe impl<$($name: Component),*> Bundle for ($($name,)*) {
            fn unknown(_types: &dyn Fn(TypeId) -> bool) -> Option<&'static str> {
                $(if !_types(TypeId::of::<$name>()) {
                    return Some($name::NAME);
                })*
                None
            }

            #[inline]
            fn kept_by_world() -> Option<&'static str> {
                $(if matches!($name::ACCESS, ComponentAccess::World) {
                    return Some($name::NAME);
                })*
                None
            }

            const IDS: &'static [ComponentId] = &[$($name::ID),*];
            fn visit_names(_visit: &mut dyn FnMut(&'static str)) {
                $(_visit($name::NAME);)*
            }

            fn visit_values(&self, _visit: &mut dyn FnMut(&'static str, Result<SavedValue, StateError>)) {
                let ($($name,)*) = self;
                $(_visit($name::NAME, SavedValue::of($name));)*
            }

            const SPARSE: usize = 0 $(+ is_sparse::<$name>() as usize)*;

            const COLUMNS: usize = 0 $(+ !is_sparse::<$name>() as usize)*;

            const TRACKED: usize = 0 $(+ $name::Tracking::IS_TRACKED as usize)*;

            fn visit_tracked(_visit: &mut dyn FnMut(ComponentId)) {
                $(if $name::Tracking::IS_TRACKED {
                    _visit($name::ID);
                })*
            }

            type Columns = ($(Option<$name>,)*);

            #[inline]
            fn column_types() -> Vec<hecs::TypeInfo> {
                let mut types = Vec::with_capacity(Self::COLUMNS);
                $(if const { !is_sparse::<$name>() } {
                    types.push(hecs::TypeInfo::of::<$name>());
                })*
                types.sort_unstable();
                types
            }

            unsafe fn put_columns(this: NonNull<Self>, put: &mut dyn FnMut(*mut u8, hecs::TypeInfo)) {
                // SAFETY: the caller lends the bundle.
                let ($($name,)*) = unsafe { &mut *this.as_ptr() };
                $(if const { !is_sparse::<$name>() } {
                    put(std::ptr::from_mut($name).cast(), hecs::TypeInfo::of::<$name>());
                })*
            }

            fn fill_columns(bundles: &mut Vec<Self>, batch: &hecs::ColumnBatchBuilder) {
                let Some(($($name,)*)) = bundles.first() else { return };
                let begin = bundles.as_ptr().addr();
                $(let $name = std::ptr::from_ref($name).addr() - begin;)*
                let (bundles, count) = give_away(bundles);
                // SAFETY: each bundle has each component as far from its begin as the first one has, and they are given
                // away.
                $(unsafe { fill_column::<Self, $name>(bundles, count, $name, batch) };)*
            }

            #[inline]
            unsafe fn put_sparse(this: NonNull<Self>, entity: Entity, sets: &mut SparseSets) {
                // SAFETY: the caller lends the bundle.
                let ($($name,)*) = unsafe { &mut *this.as_ptr() };
                $(if const { is_sparse::<$name>() } && let Some(set) = sets.set_mut::<$name>() {
                    // SAFETY: the caller does not use it afterwards.
                    let before = set.insert(entity, unsafe { std::ptr::read($name) });
                    if std::mem::needs_drop::<$name>() {
                        drop_contained($name::NAME, before);
                    }
                })*
            }

            unsafe fn take_columns(
                find: &mut dyn FnMut(hecs::TypeInfo) -> Option<NonNull<u8>>,
            ) -> Result<Self::Columns, hecs::MissingComponent> {
                // All are found before one is taken.
                $(let $name = if const { is_sparse::<$name>() } {
                    None
                } else {
                    let found = find(hecs::TypeInfo::of::<$name>());
                    Some(found.ok_or_else(hecs::MissingComponent::new::<$name>)?.cast::<$name>())
                };)*
                // SAFETY: hecs lends the values to be moved out.
                Ok(unsafe { ($($name.map(|place| place.read()),)*) })
            }

            #[inline]
            fn no_columns() -> Self::Columns {
                $(let $name = None;)*
                ($($name,)*)
            }

            #[inline]
            fn missing_sparse(entity: Entity, sets: &SparseSets) -> Option<&'static str> {
                $(if const { is_sparse::<$name>() } && !sets.has::<$name>(entity) {
                    return Some($name::NAME);
                })*
                None
            }

            #[inline]
            fn join(columns: Self::Columns, entity: Entity, sets: &mut SparseSets) -> Option<Self> {
                let ($($name,)*) = columns;
                Some(($(match $name {
                    Some(value) => value,
                    None => sets.set_mut::<$name>()?.remove(entity)?,
                },)*))
            }
        }
    };
}

bundles!();
for_tuples!(bundles);
