//! `#[model]`: `#[data]`, and what a pool must know of its objects.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, LitInt, LitStr, Result, Token, custom_keyword};

use crate::root::NamedArgs;
use crate::{data, sources};

custom_keyword!(limit);
/// `crate = PATH`, `name = "NAME"` and `limit = N`, in any order.
pub(crate) struct PooledArgs {
    named: NamedArgs,
    limit: Option<LitInt>,
}

impl Parse for PooledArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut found = None;
        let named = NamedArgs::parse_with(input, |input| {
            let is_limit = input.peek(limit);
            if is_limit {
                input.parse::<limit>()?;
                input.parse::<Token![=]>()?;
                found = Some(input.parse()?);
            }
            Ok(is_limit)
        })?;
        Ok(Self { named, limit: found })
    }
}

/// The item as `#[data]`, with implementations of `Model` and `TypedModel`.
pub(crate) fn expand(args: &PooledArgs, item: DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = item.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "a model has one name and one pool and so can't be generic; wrap each instance in a struct",
        ));
    }
    let NamedArgs { root, name } = &args.named;
    let private = root.private();
    let ident = item.ident.clone();
    let name = name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let limit = args.limit.as_ref().map(|limit| quote!(const LIMIT: u32 = #limit;));
    let hash = layout_of_sources(&item)?;
    let data = data::expand(root, item)?;
    Ok(quote! {
        #data

        #[automatically_derived]
        impl #private::TypedModel for #ident {
            const NAME: &'static str = #name;
            const LAYOUT: u64 =
                #private::layout_hash(#hash, ::std::mem::size_of::<Self>(), ::std::mem::align_of::<Self>());
            #limit
        }

        #[automatically_derived]
        impl #private::Model for #ident {
            fn model_type(&self) -> #private::ModelType {
                <Self as #private::TypedModel>::TYPE
            }

            fn reset(&mut self) {
                *self = <Self as ::std::default::Default>::default();
            }
        }
    })
}

/// What a constant can say of the schema: the declaration, and the sources of its crate, where the types of its fields
/// are declared. The schema itself is found by running code, as types may hold themselves.
fn layout_of_sources(item: &DeriveInput) -> Result<u64> {
    let hash = sources::hash(item.ident.span())?;
    Ok(sources::fnv1a(hash, quote!(#item).to_string().as_bytes()))
}
