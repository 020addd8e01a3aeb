//! Several parameters as one.

use keel_ecs::World;

use super::{ParamUses, SystemContext, SystemParam, VisitKept, sealed};

macro_rules! tuple {
    ($($param:ident)*) => {
        impl<$($param: SystemParam),*> sealed::Sealed for ($($param,)*) {}

        #[allow(
            non_snake_case,
            unused_variables,
            unused_mut,
            clippy::unused_unit,
            reason = "the names are those of the types, and one tuple is empty"
        )]
        impl<$($param: SystemParam),*> SystemParam for ($($param,)*) {
            type State = ($($param::State,)*);
            type Item<'a> = ($($param::Item<'a>,)*);

            fn state() -> Self::State {
                ($($param::state(),)*)
            }

            fn declare(uses: &mut ParamUses) {
                $($param::declare(uses);)*
            }

            #[inline]
            fn fetch<'a>(state: &'a mut Self::State, context: &SystemContext<'a>) -> Result<Self::Item<'a>, String> {
                let ($($param,)*) = state;
                Ok(($($param::fetch($param, context)?,)*))
            }

            fn apply(state: &mut Self::State, world: &mut World) -> Result<(), String> {
                let ($($param,)*) = state;
                let mut outcome = Ok(());
                $(outcome = outcome.and($param::apply($param, world));)*
                outcome
            }

            fn discard(state: &mut Self::State) {
                let ($($param,)*) = state;
                $($param::discard($param);)*
            }

            fn visit_kept(state: &mut Self::State, visit: &mut VisitKept<'_>) {
                let ($($param,)*) = state;
                $($param::visit_kept($param, visit);)*
            }
        }
    };
}

tuple!();
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E G);
tuple!(A B C D E G H);
tuple!(A B C D E G H I);
tuple!(A B C D E G H I J);
tuple!(A B C D E G H I J K);
tuple!(A B C D E G H I J K L);
tuple!(A B C D E G H I J K L M);
