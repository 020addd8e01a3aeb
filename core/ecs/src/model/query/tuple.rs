//! Queries and filters made of up to 12 others.

use hecs::Archetype;

use super::ReadOnlyQueryData;
use super::columns::Columns;
use super::guard::ColumnGuard;
use super::rows::{Driver, fold_items};
use crate::model::sparse::SparseGuard;
use crate::model::ticks::TickWindow;
use crate::model::tuples::for_tuples;
use crate::{Access, Entity, Or, QueryData, QueryFilter, World};

macro_rules! queries {
    ($($all:ident)+) => {
        // SAFETY: as of each of them; whoever asks checks by `add_access` that they don't exclude each other.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
        unsafe impl<$($all: QueryData),+> QueryData for ($($all,)+) {
            type Item<'a> = ($($all::Item<'a>,)+);
            type ReadOnly = ($($all::ReadOnly,)+);
            type Raw = ($($all::Raw,)+);

            const SPARSE: usize = 0 $(+ $all::SPARSE)+;
            const USES_COLUMNS: bool = $($all::USES_COLUMNS)||+;
            const USES_TICKS: bool = $($all::USES_TICKS)||+;

            fn matches(archetype: &Archetype) -> bool {
                $($all::matches(archetype))&&+
            }

            fn add_access(access: &mut Access) {
                $($all::add_access(access);)+
            }

            fn borrow<'w>(
                world: &World,
                archetype: &'w Archetype,
                guards: &mut Vec<ColumnGuard<'w>>,
            ) -> Option<Self::Raw> {
                Some(($($all::borrow(world, archetype, guards)?,)+))
            }

            fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>) {
                $($all::borrow_sparse(world, guards);)+
            }

            fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
                Some(($($all::find(columns)?,)+))
            }

            #[inline]
            fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow) {
                let ($($all,)+) = raw;
                $($all::begin($all, world, window);)+
            }

            #[inline]
            unsafe fn driver(raw: &Self::Raw) -> Option<Driver> {
                let ($($all,)+) = raw;
                let mut driver = None;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                $(driver = Driver::smaller(driver, unsafe { $all::driver($all) });)+
                driver
            }

            #[inline]
            fn read_only(raw: Self::Raw) -> <Self::ReadOnly as QueryData>::Raw {
                let ($($all,)+) = raw;
                ($($all::read_only($all),)+)
            }

            #[inline]
            unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::fetch($all, row),)+) }
            }

            #[inline]
            unsafe fn try_fetch<'a>(raw: Self::Raw, row: usize) -> Option<Self::Item<'a>> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { Some(($($all::try_fetch($all, row)?,)+)) }
            }

            #[inline]
            unsafe fn driven<'a>(
                raw: Self::Raw,
                driver: *const (),
                row: usize,
                entity: Entity,
            ) -> Option<Self::Item<'a>> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { Some(($($all::driven($all, driver, row, entity)?,)+)) }
            }

            type Slice<'a> = ($($all::Slice<'a>,)+);

            #[inline]
            unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a> {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::slice($all, rows),)+) }
            }

            #[inline]
            unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
                let ($($all,)+) = slice;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { ($($all::of_slice($all, row),)+) }
            }

            #[inline]
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

                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { fold_slices::<Sum, $($all),+>($($all::slice($all, rows),)+ rows, first, step) }
            }
        }

        // SAFETY: as of each of them.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        unsafe impl<$($all: ReadOnlyQueryData),+> ReadOnlyQueryData for ($($all,)+) {}
    };
}

/// A filter of several others; `$joined` says how what they say is joined.
macro_rules! filters {
    ($($all:ident)+) => {
        filters!(($($all,)+), &&, [
            #[inline]
            fn rejects_blocks(raw: &Self::Raw) -> bool {
                let ($($all,)+) = raw;
                $($all::rejects_blocks($all))||+
            }

            #[inline]
            unsafe fn rejects_block(raw: Self::Raw, row: usize) -> bool {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { $($all::rejects_block($all, row))||+ }
            }

            fn add_access(access: &mut Access) {
                $($all::add_access(access);)+
            }

            #[inline]
            unsafe fn driver(raw: &Self::Raw) -> Option<Driver> {
                let ($($all,)+) = raw;
                let mut driver = None;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                $(driver = Driver::smaller(driver, unsafe { $all::driver($all) });)+
                driver
            }
        ], $($all)+);
        filters!(Or<($($all,)+)>, ||, [
            #[inline]
            fn rejects_blocks(raw: &Self::Raw) -> bool {
                let ($($all,)+) = raw;
                $($all::rejects_blocks($all))&&+
            }

            #[inline]
            unsafe fn rejects_block(raw: Self::Raw, row: usize) -> bool {
                let ($($all,)+) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { $($all::rejects_block($all, row))&&+ }
            }

            // Each by itself says nothing of which entities are passed over.
            fn add_access(access: &mut Access) {
                access.add_optional(|access| {
                    $($all::add_access(access);)+
                });
            }

            #[inline]
            unsafe fn driver(_: &Self::Raw) -> Option<Driver> {
                None
            }
        ], $($all)+);
    };
    ($type:ty, $joined:tt, [$($functions:tt)*], $one:ident $($more:ident)*) => {
        // SAFETY: as of each of them.
        #[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
        #[allow(non_snake_case, reason = "the type parameters' names serve as the values'")]
        unsafe impl<$one: QueryFilter, $($more: QueryFilter),*> QueryFilter for $type {
            type Raw = ($one::Raw, $($more::Raw,)*);

            const ASKS_EACH: bool = $one::ASKS_EACH $(|| $more::ASKS_EACH)*;
            const USES_COLUMNS: bool = $one::USES_COLUMNS $(|| $more::USES_COLUMNS)*;
            const USES_TICKS: bool = $one::USES_TICKS $(|| $more::USES_TICKS)*;

            fn passes(archetype: &Archetype) -> bool {
                $one::passes(archetype) $($joined $more::passes(archetype))*
            }

            $($functions)*

            fn find(world: &World, archetype: Option<&Archetype>) -> Self::Raw {
                ($one::find(world, archetype), $($more::find(world, archetype),)*)
            }

            #[inline]
            fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow) {
                let ($one, $($more,)*) = raw;
                $one::begin($one, world, window);
                $($more::begin($more, world, window);)*
            }

            #[inline]
            unsafe fn accepts(raw: Self::Raw, row: usize) -> bool {
                let ($one, $($more,)*) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { $one::accepts($one, row) $($joined $more::accepts($more, row))* }
            }

            #[inline]
            unsafe fn accepts_entity(raw: Self::Raw, entity: Entity) -> bool {
                let ($one, $($more,)*) = raw;
                // SAFETY: the caller keeps the rules of this same function for all of them.
                unsafe { $one::accepts_entity($one, entity) $($joined $more::accepts_entity($more, entity))* }
            }
        }
    };
}

for_tuples!(queries);
for_tuples!(filters);
