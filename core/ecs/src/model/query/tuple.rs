//! Queries and filters made of up to 12 others.

use std::iter::Zip;
use std::marker::PhantomData;

use hecs::{Archetype, EntityRef};

use crate::model::tuples::for_tuples;
use crate::{Access, Or, QueryData, QueryFilter, World};

/// The rows of a tuple: side by side, and each as one flat tuple.
#[doc(hidden)]
pub struct Rows<Z, Q> {
    zipped: Z,
    query: PhantomData<Q>,
}

/// How a tuple query's rows become flat. A type and not a function's pointer, which the compiler would call for each row
/// wherever it can't see through it: 10 ns instead of 1.
#[doc(hidden)]
pub trait Flatten<Nested> {
    type Output;

    fn flatten(nested: Nested) -> Self::Output;
}

#[doc(hidden)]
pub struct Flat<'a, Q>(PhantomData<fn(&'a ()) -> Q>);

impl<Z: Iterator, Q: Flatten<Z::Item>> Iterator for Rows<Z, Q> {
    type Item = Q::Output;

    #[inline]
    fn next(&mut self) -> Option<Q::Output> {
        self.zipped.next().map(Q::flatten)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.zipped.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, Q::Output) -> B>(self, first: B, mut step: F) -> B {
        self.zipped.fold(first, move |folded, nested| step(folded, Q::flatten(nested)))
    }
}

/// Flattens the nested pairs that `zip` makes into one tuple.
macro_rules! tuples {
    ($($all:ident)+) => {
        impl<$($all: QueryData),+> QueryData for ($($all,)+) {
            type Item<'a> = ($($all::Item<'a>,)+);
            type Columns<'w> = ($($all::Columns<'w>,)+);
            type Rows<'a> = Rows<tuples!(@zip $($all)+), Flat<'a, Self>>;

            fn matches(archetype: &Archetype) -> bool {
                $($all::matches(archetype))&&+
            }

            fn add_access(access: &mut Access) {
                $($all::add_access(access);)+
            }

            fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Columns<'w>> {
                Some(($($all::columns(world, archetype)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn rows<'a>(columns: &'a mut Self::Columns<'_>) -> Self::Rows<'a> {
                let ($($all,)+) = columns;
                Rows { zipped: tuples!(@rows $($all)+), query: PhantomData }
            }

            type One<'w> = ($($all::One<'w>,)+);

            fn of_entity(entity: EntityRef<'_>) -> Option<Self::One<'_>> {
                Some(($($all::of_entity(entity)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn item<'a>(one: &'a mut Self::One<'_>) -> Self::Item<'a> {
                let ($($all,)+) = one;
                ($($all::item($all),)+)
            }
        }

        impl<'a, $($all: QueryData),+> Flatten<tuples!(@items $($all)+)> for Flat<'a, ($($all,)+)> {
            type Output = ($($all::Item<'a>,)+);

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn flatten(tuples!(@pattern $($all)+): tuples!(@items $($all)+)) -> Self::Output {
                ($($all,)+)
            }
        }

        impl<$($all: QueryFilter),+> QueryFilter for ($($all,)+) {
            fn passes(archetype: &Archetype) -> bool {
                $($all::passes(archetype))&&+
            }

            fn add_access(access: &mut Access) {
                $($all::add_access(access);)+
            }
        }

        impl<$($all: QueryFilter),+> QueryFilter for Or<($($all,)+)> {
            fn passes(archetype: &Archetype) -> bool {
                $($all::passes(archetype))||+
            }

            // Each by itself says nothing of the others.
            fn add_access(_: &mut Access) {}
        }
    };
    (@zip $one:ident) => { $one::Rows<'a> };
    (@zip $one:ident $($rest:ident)+) => { Zip<$one::Rows<'a>, tuples!(@zip $($rest)+)> };
    (@items $one:ident) => { $one::Item<'a> };
    (@items $one:ident $($rest:ident)+) => { ($one::Item<'a>, tuples!(@items $($rest)+)) };
    (@rows $one:ident) => { $one::rows($one) };
    (@rows $one:ident $($rest:ident)+) => { $one::rows($one).zip(tuples!(@rows $($rest)+)) };
    (@pattern $one:ident) => { $one };
    (@pattern $one:ident $($rest:ident)+) => { ($one, tuples!(@pattern $($rest)+)) };
}

for_tuples!(tuples);
