//! Components that are one number each.

use keel::component;

macro_rules! numbers {
    ($($name:ident)+) => {
        $(
            /// A number.
            #[component]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct $name(pub f32);
        )+
    };
}

numbers! { A B C D Data E F G H I J K L M N O P Q R S T U V W X Y Z }

macro_rules! sparse_numbers {
    ($($name:ident)+) => {
        $(
            /// A number that comes and goes.
            #[component(sparse)]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct $name(pub f32);
        )+
    };
}

sparse_numbers! { SparseB SparseData }

/// A number of which the world notes when it is changed.
#[component(tracked)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedA(pub f32);
