//! Groups of components that are spawned, inserted and removed together.

use std::any::TypeId;

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
bundles!(A);
bundles!(A B);
bundles!(A B C);
bundles!(A B C D);
bundles!(A B C D E);
bundles!(A B C D E F);
bundles!(A B C D E F G);
bundles!(A B C D E F G H);
bundles!(A B C D E F G H I);
bundles!(A B C D E F G H I J);
bundles!(A B C D E F G H I J K);
bundles!(A B C D E F G H I J K L);
