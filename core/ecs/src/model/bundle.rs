//! Groups of components that are spawned, inserted and removed together.

use std::any::TypeId;

use crate::model::tuples::for_tuples;
use crate::model::types::TypeTable;
use crate::{Component, ComponentAccess};

/// A tuple of up to 12 components.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bundle of components",
    note = "a bundle is a tuple of components; a single one is written `(component,)`"
)]
pub trait Bundle: hecs::Bundle + hecs::DynamicBundle + Send + Sync + 'static {
    /// The first component that `types` does not know.
    #[doc(hidden)]
    fn unknown(types: &dyn Fn(TypeId) -> bool) -> Option<&'static str>;

    /// The first component that only the world itself may insert and remove.
    #[doc(hidden)]
    fn kept_by_world() -> Option<&'static str>;
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

pub(crate) fn first_unknown<B: Bundle>(types: &TypeTable) -> Option<&'static str> {
    B::unknown(&|id| types.knows(id))
}

macro_rules! bundles {
    ($($name:ident)*) => {
        impl<$($name: Component),*> Bundle for ($($name,)*) {
            fn unknown(_types: &dyn Fn(TypeId) -> bool) -> Option<&'static str> {
                $(if !_types(TypeId::of::<$name>()) {
                    return Some($name::NAME);
                })*
                None
            }

            fn kept_by_world() -> Option<&'static str> {
                $(if matches!($name::ACCESS, ComponentAccess::World) {
                    return Some($name::NAME);
                })*
                None
            }
        }
    };
}

bundles!();
for_tuples!(bundles);
