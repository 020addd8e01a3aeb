//! How long a tuple of components may be.

/// Calls a macro with the names of the elements of each tuple, from one to twelve.
macro_rules! for_tuples {
    ($each:ident) => {
        $each!(A);
        $each!(A B);
        $each!(A B C);
        $each!(A B C D);
        $each!(A B C D E);
        $each!(A B C D E F);
        $each!(A B C D E F G);
        $each!(A B C D E F G H);
        $each!(A B C D E F G H I);
        $each!(A B C D E F G H I J);
        $each!(A B C D E F G H I J K);
        $each!(A B C D E F G H I J K L);
    };
}

pub(crate) use for_tuples;
