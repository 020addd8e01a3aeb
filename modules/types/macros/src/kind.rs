//! `#[component]`, `#[resource]` and `#[event]`: `#[data]`, and a declared name.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, LitStr, Result, custom_keyword};

use crate::data;
use crate::root::NamedArgs;

custom_keyword!(sparse);

/// `sparse`, beside the name.
pub(crate) struct ComponentArgs {
    named: NamedArgs,
    is_sparse: bool,
}

impl Parse for ComponentArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut is_sparse = false;
        let named = NamedArgs::parse_with(input, |input| {
            let is_next = input.peek(sparse);
            if is_next {
                input.parse::<sparse>()?;
                is_sparse = true;
            }
            Ok(is_next)
        })?;
        Ok(Self { named, is_sparse })
    }
}

/// The item as `#[data]`, with an implementation of the trait called `kind`.
pub(crate) fn expand(kind: &str, args: &NamedArgs, item: DeriveInput) -> Result<TokenStream> {
    expand_with(kind, args, &TokenStream::new(), item)
}

/// `#[component]`, with what only a component can be.
pub(crate) fn expand_component(args: &ComponentArgs, item: DeriveInput) -> Result<TokenStream> {
    let private = args.named.root.private();
    let storage =
        args.is_sparse.then(|| quote!(const STORAGE: #private::StorageKind = #private::StorageKind::Sparse;));
    expand_with("Component", &args.named, &storage.unwrap_or_default(), item)
}

fn expand_with(kind: &str, args: &NamedArgs, more: &TokenStream, item: DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = item.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "a component, resource or event has one name and so can't be generic; wrap each instance in a struct",
        ));
    }
    let private = args.root.private();
    let ident = item.ident.clone();
    let name = args.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let kind = format_ident!("{kind}");
    let data = data::expand(&args.root, item)?;
    Ok(quote! {
        #data

        #[automatically_derived]
        impl #private::#kind for #ident {
            const NAME: &'static str = #name;
            #more
        }
    })
}
