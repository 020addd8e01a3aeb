//! Components without data, whose combinations make archetypes.

use keel::component;
use keel::ecs::{Entity, World};

macro_rules! markers {
    ($($bit:literal $marker:ident,)*) => {
        $(
            /// A marker.
            #[component]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct $marker;
        )*

        /// Gives `entity` the markers whose bits are set in `bits`.
        ///
        /// # Panics
        /// When the entity does not live.
        pub fn mark(world: &mut World, entity: Entity, bits: usize) {
            $(if bits & (1 << $bit) != 0 {
                world.insert(entity, ($marker,)).expect("the caller has just spawned it");
            })*
        }
    };
}

markers! { 0 Even, 1 Far, 2 Gone, 3 High, 4 Lost, 5 Wild, }
