//! The derives and attributes of Keel.
//!
//! Everything they expand to names Keel through one path, `::keel::__private`, or `::NAME::__private` where the
//! attribute says `crate = NAME`.

mod data;
mod kind;
mod lockfile;
mod model;
mod pooled;
mod relation;
mod root;
mod sources;
mod view;
mod view_model;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, ItemImpl, ItemStruct, ItemTrait, LitStr, parse_macro_input};

/// Makes a struct or an enum something that can be saved: implements `Serialize`, `Deserialize` and `Schema`.
///
/// | on a field | meaning |
/// |---|---|
/// | `#[keel(default = EXPR)]` | what it is in a state that lacks it; else its type's `Default`, if it has one |
/// | `#[keel(renamed_from = "old")]` | it was called `old`; may be repeated, and stand on a variant too |
/// | `#[keel(convert_from(Old, function))]` | `function: fn(Old) -> Field` makes it from its older type |
/// | `#[keel(skip)]` | not saved; it is its `Default` after a restore |
/// | `#[keel(opaque)]`, `#[keel(opaque = "name")]` | its type has serde's traits and no schema: the last resort |
///
/// An opaque field is saved as a block of bytes that only its own type can read. The fields around it migrate as
/// ever, but when *its* type changes, its values are lost or refused; give it another `name` then. A generic
/// type has no default of its own where it is a field: write `#[keel(default = ...)]` there.
///
/// serde's own attributes would let the bytes and the schema disagree, and are refused.
#[proc_macro_attribute]
pub fn data(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as root::Args);
    let item = parse_macro_input!(item as DeriveInput);
    data::expand(&args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a type data of an entity: a `Component`.
///
/// It is `#[data]`, and gets the declared name `name = "..."`, or else its own. With `sparse` its values lie in a set of
/// their own instead of a column: for what comes and goes, often in every frame. With `tracked` the world notes when each
/// was added and changed, for `Added`, `Changed`, `Removed` and `Ref`; `&mut T` in a query is a `Mut<T>` then.
///
/// `on_insert = FUNCTION`, `on_replace`, `on_remove` and `on_despawn` name functions `fn(&World, Entity)`, the hooks of the
/// type, which are called at once: after a value has come, before it is replaced, before it goes (with its entity too),
/// and before its entity goes.
#[proc_macro_attribute]
pub fn component(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as kind::ComponentArgs);
    let item = parse_macro_input!(item as DeriveInput);
    kind::expand_component(&args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a unit struct a relation between entities: a `Relation`.
///
/// It gets the declared name `name = "..."`, or else its own. With `exclusive` an entity has one target at most. With
/// `cascade = despawn` the sources of a target that is despawned go with it; otherwise, `cascade = unrelate`, they only lose
/// it.
#[proc_macro_attribute]
pub fn relation(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as relation::RelationArgs);
    let item = parse_macro_input!(item as ItemStruct);
    relation::expand(&args, &item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a type data of a world, one of each: a `Resource`.
///
/// It is `#[data]`, and gets the declared name `name = "..."`, or else its own. With `tracked` the world notes when it
/// was added and changed.
#[proc_macro_attribute]
pub fn resource(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as kind::ResourceArgs);
    let item = parse_macro_input!(item as DeriveInput);
    kind::expand_resource(&args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a type a message: an `Event`.
///
/// It is `#[data]`, and gets the declared name `name = "..."`, or else its own.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as root::NamedArgs);
    let item = parse_macro_input!(item as DeriveInput);
    kind::expand("Event", &args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a type an object of a pool: a `Model` that is found by a `ModelId`. Written `#[model]`.
///
/// It is `#[data]` with a `Default`, and gets the declared name `name = "..."`, or else its own. Its pool has at most
/// `limit = N` objects. It has a function's name of its own here, because `model!` has the other.
#[proc_macro_attribute]
pub fn pooled_model(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as pooled::PooledArgs);
    let item = parse_macro_input!(item as DeriveInput);
    pooled::expand(&args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes a trait that extends `View` a contract that one module provides and others call.
///
/// Its name, unique in a workspace, is `PACKAGE.TRAIT`, or `name = "..."`.
#[proc_macro_attribute]
pub fn view(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as root::NamedArgs);
    let item = parse_macro_input!(item as ItemTrait);
    view::expand(&args, &item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Stands above `impl ViewModel for T`: turns on its `async` calls, and writes `save_state` and `restore_state`
/// by the schema of `T`, which must be `#[data]`.
#[proc_macro_attribute]
pub fn view_model(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as root::Args);
    let item = parse_macro_input!(item as ItemImpl);
    view_model::expand(&args, item).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Lists the types of a game's model crate, once, in its lib.rs:
///
/// ```ignore
/// keel::model! {
///     components: [Position, Velocity],
///     resources: [Tide],
///     events: [Eaten],
///     relations: [Likes],
///     models: [Chart],
/// }
/// ```
#[proc_macro]
pub fn model(input: TokenStream) -> TokenStream {
    let model = parse_macro_input!(input as model::Model);
    model::expand(&model).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// The hash of what Cargo.lock says of a package and all that it is built from, as 16 hex digits. For Keel itself.
#[doc(hidden)]
#[proc_macro]
pub fn locked_hash(input: TokenStream) -> TokenStream {
    let package = parse_macro_input!(input as LitStr);
    lockfile::hash(&package).map_or_else(|error| error.into_compile_error(), |hash| quote!(#hash)).into()
}
