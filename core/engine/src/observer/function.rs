//! Functions of what is observed, and of parameters.

use super::Observed;
use crate::param::SystemParam;

/// A function of what is [observed](Observed), and of [parameters](SystemParam). The two bounds of its implementations are
/// those of [`SystemFunction`](crate::SystemFunction).
#[doc(hidden)]
pub trait ObserverFunction<Marker> {
    type On: Observed;
    type Param: SystemParam;
    type Output;

    fn call(
        &mut self,
        on: <Self::On as Observed>::Item<'_>,
        item: <Self::Param as SystemParam>::Item<'_>,
    ) -> Self::Output;
}

/// A function of a module's own fields, of what is [observed](Observed), and of [parameters](SystemParam).
#[doc(hidden)]
pub trait ObserverFunctionOf<Owner, Marker> {
    type On: Observed;
    type Param: SystemParam;
    type Output;

    fn call(
        &mut self,
        owner: &mut Owner,
        on: <Self::On as Observed>::Item<'_>,
        item: <Self::Param as SystemParam>::Item<'_>,
    ) -> Self::Output;
}

macro_rules! function {
    ($($param:ident)*) => {
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "the names are those of the types")]
        impl<Func, R, On: Observed, $($param: SystemParam),*> ObserverFunction<fn(On, $($param),*) -> R> for Func
        where
            for<'f> &'f mut Func: FnMut(On, $($param),*) -> R + FnMut(On::Item<'_>, $($param::Item<'_>),*) -> R,
        {
            type On = On;
            type Param = ($($param,)*);
            type Output = R;

            fn call(&mut self, on: On::Item<'_>, item: ($($param::Item<'_>,)*)) -> R {
                // Called through a function of its own, so that the second bound is meant.
                fn call<R, On, $($param),*>(
                    mut function: impl FnMut(On, $($param),*) -> R,
                    on: On,
                    $($param: $param),*
                ) -> R {
                    function(on, $($param),*)
                }
                let ($($param,)*) = item;
                call(self, on, $($param),*)
            }
        }

        #[allow(non_snake_case, clippy::too_many_arguments, reason = "the names are those of the types")]
        impl<Func, Owner, R, On: Observed, $($param: SystemParam),*>
            ObserverFunctionOf<Owner, fn(On, $($param),*) -> R> for Func
        where
            for<'f> &'f mut Func: FnMut(&mut Owner, On, $($param),*) -> R
                + FnMut(&mut Owner, On::Item<'_>, $($param::Item<'_>),*) -> R,
        {
            type On = On;
            type Param = ($($param,)*);
            type Output = R;

            fn call(&mut self, owner: &mut Owner, on: On::Item<'_>, item: ($($param::Item<'_>,)*)) -> R {
                fn call<O, R, On, $($param),*>(
                    mut function: impl FnMut(&mut O, On, $($param),*) -> R,
                    owner: &mut O,
                    on: On,
                    $($param: $param),*
                ) -> R {
                    function(owner, on, $($param),*)
                }
                let ($($param,)*) = item;
                call(self, owner, on, $($param),*)
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
