//! A schema written by hand that calls its type plain data, which no author may without `unsafe`.

use keel::prelude::*;
use keel::state::__private::{Plain, PlainField, SchemaBuilder, TypeRef};
use keel::state::Schema;

struct Truth {
    is: bool,
}

impl Schema for Truth {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        u8::schema(types)
    }

    fn plain() -> Option<Plain<Self>> {
        Plain::structure(&[PlainField::of::<u8>(0)])
    }
}

fn main() {
    let _ = Name::new(if Truth::plain().is_some() { "plain" } else { "not" });
}
