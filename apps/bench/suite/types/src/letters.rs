//! Components that are one number each, or nothing.

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

macro_rules! kinds {
    ($($name:ident)+) => {
        $(
            /// Without a value: who has it is of another kind.
            #[component]
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct $name;
        )+
    };
}

kinds! { Kind0 Kind1 Kind2 Kind3 Kind4 Kind5 Kind6 Kind7 }
kinds! { Other0 Other1 Other2 Other3 Other4 Other5 Other6 Other7 }

/// A number of which the world notes when it is changed.
#[component(tracked)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedA(pub f32);
