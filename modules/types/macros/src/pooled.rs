//! `#[model]`: `#[data]`, and what a pool must know of its objects.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, LitInt, LitStr, Result, Token, custom_keyword};

use crate::root::{Args, parse_crate};
use crate::{data, sources};

custom_keyword!(limit);
custom_keyword!(name);

/// `crate = PATH`, `name = "NAME"` and `limit = N`, in any order.
#[derive(Default)]
pub(crate) struct PooledArgs {
    root: Args,
    name: Option<LitStr>,
    limit: Option<LitInt>,
}

impl Parse for PooledArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            if input.peek(name) {
                input.parse::<name>()?;
                input.parse::<Token![=]>()?;
                args.name = Some(input.parse()?);
            } else if input.peek(limit) {
                input.parse::<limit>()?;
                input.parse::<Token![=]>()?;
                args.limit = Some(input.parse()?);
            } else {
                args.root = Args::new(parse_crate(input)?);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(args)
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
    let private = args.root.private();
    let ident = item.ident.clone();
    let name = args.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let limit = args.limit.as_ref().map(|limit| quote!(const LIMIT: u32 = #limit;));
    let hash = layout_of_sources(&item)?;
    let data = data::expand(&args.root, item)?;
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
