//! Functions of parameters.

use super::SystemParam;

/// A function of [parameters](SystemParam).
///
/// It is called with what the parameters hand out for one run, whose lifetimes are that run's: the two bounds below say
/// that it can be written with one and called with the other.
#[doc(hidden)]
pub trait SystemFunction<Marker> {
    type Param: SystemParam;
    type Output;

    fn call(&mut self, item: <Self::Param as SystemParam>::Item<'_>) -> Self::Output;
}

/// A function of a module's own fields, and of [parameters](SystemParam).
#[doc(hidden)]
pub trait SystemFunctionOf<Owner, Marker> {
    type Param: SystemParam;
    type Output;

    fn call(&mut self, owner: &mut Owner, item: <Self::Param as SystemParam>::Item<'_>) -> Self::Output;
}

macro_rules! function {
    ($($param:ident)*) => {
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "the names are those of the types")]
        impl<Func, R, $($param: SystemParam),*> SystemFunction<fn($($param),*) -> R> for Func
        where
            for<'f> &'f mut Func: FnMut($($param),*) -> R + FnMut($($param::Item<'_>),*) -> R,
        {
            type Param = ($($param,)*);
            type Output = R;

            #[inline]
            fn call(&mut self, item: ($($param::Item<'_>,)*)) -> R {
                // Called through a function of its own, so that the second bound is meant.
                #[inline]
                fn call<R, $($param),*>(mut function: impl FnMut($($param),*) -> R, $($param: $param),*) -> R {
                    function($($param),*)
                }
                let ($($param,)*) = item;
                call(self, $($param),*)
            }
        }

        #[allow(non_snake_case, clippy::too_many_arguments, reason = "the names are those of the types")]
        impl<Func, Owner, R, $($param: SystemParam),*> SystemFunctionOf<Owner, fn($($param),*) -> R> for Func
        where
            for<'f> &'f mut Func:
                FnMut(&mut Owner, $($param),*) -> R + FnMut(&mut Owner, $($param::Item<'_>),*) -> R,
        {
            type Param = ($($param,)*);
            type Output = R;

            #[inline]
            fn call(&mut self, owner: &mut Owner, item: ($($param::Item<'_>,)*)) -> R {
                #[inline]
                fn call<O, R, $($param),*>(
                    mut function: impl FnMut(&mut O, $($param),*) -> R,
                    owner: &mut O,
                    $($param: $param),*
                ) -> R {
                    function(owner, $($param),*)
                }
                let ($($param,)*) = item;
                call(self, owner, $($param),*)
            }
        }
    };
}

function!();
function!(A);
function!(A B);
function!(A B C);
function!(A B C D);
function!(A B C D E);
function!(A B C D E G);
function!(A B C D E G H);
function!(A B C D E G H I);
function!(A B C D E G H I J);
function!(A B C D E G H I J K);
function!(A B C D E G H I J K L);
function!(A B C D E G H I J K L M);
