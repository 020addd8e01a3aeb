//! Queries and filters made of up to 12 others.

use hecs::Archetype;

use super::ReadOnlyQueryData;
use super::columns::Columns;
use super::rows::{WORTH_A_CALL, fold_items, fold_rows};
use crate::model::tuples::for_tuples;
use crate::{Access, Or, QueryData, QueryFilter, World};

macro_rules! tuples {
    ($($all:ident)+) => {
        // SAFETY: as of each of them; whoever asks checks by `add_access` that they don't exclude each other.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        unsafe impl<$($all: QueryData),+> QueryData for ($($all,)+) {
            type Item<'a> = ($($all::Item<'a>,)+);
            type ReadOnly = ($($all::ReadOnly,)+);
            type Raw = ($($all::Raw,)+);
            type Guard<'w> = ($($all::Guard<'w>,)+);

            fn matches(archetype: &Archetype) -> bool {
                $($all::matches(archetype))&&+
            }

            fn add_access(access: &mut Access) {
                $($all::add_access(access);)+
            }

            fn borrow<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Guard<'w>> {
                Some(($($all::borrow(world, archetype)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn raw(guard: &mut Self::Guard<'_>) -> Self::Raw {
                let ($($all,)+) = guard;
                ($($all::raw($all),)+)
            }

            fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
                Some(($($all::find(columns)?,)+))
            }

            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn read_only(raw: Self::Raw) -> <Self::ReadOnly as QueryData>::Raw {
                let ($($all,)+) = raw;
                ($($all::read_only($all),)+)
            }

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::fetch($all, row),)+) }
            }

            type Slice<'a> = ($($all::Slice<'a>,)+);

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::slice($all, rows),)+) }
            }

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
                let ($($all,)+) = slice;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::of_slice($all, row),)+) }
            }

            #[inline]
            #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
            unsafe fn fold<'a, Sum>(
                raw: Self::Raw,
                rows: usize,
                first: Sum,
                step: &mut impl FnMut(Sum, Self::Item<'a>) -> Sum,
            ) -> Sum {
                /// Never inlined: that no two of its parameters overlap is known of a function's parameters alone.
                #[inline(never)]
                #[allow(clippy::too_many_arguments, reason = "one for each column")]
                unsafe fn fold_slices<'a, Sum, $($all: QueryData),+>(
                    $(mut $all: $all::Slice<'a>,)+
                    rows: usize,
                    first: Sum,
                    step: &mut impl FnMut(Sum, ($($all::Item<'a>,)+)) -> Sum,
                ) -> Sum {
                    // SAFETY: the slices have so many rows, and each is asked for once.
                    let item = |row| unsafe { ($($all::of_slice(&mut $all, row),)+) };
                    fold_items(0..rows, first, item, step)
                }

                if rows < WORTH_A_CALL {
                    // SAFETY: the caller keeps the rules of this same function.
                    return unsafe { fold_rows::<Self, Sum>(raw, 0..rows, first, step) };
                }
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { fold_slices::<Sum, $($all),+>($($all::slice($all, rows),)+ rows, first, step) }
            }
        }

        // SAFETY: as of each of them.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        unsafe impl<$($all: ReadOnlyQueryData),+> ReadOnlyQueryData for ($($all,)+) {}

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
}

for_tuples!(tuples);
