//! `#[component]`, `#[resource]` and `#[event]`: `#[data]`, and a declared name.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{DeriveInput, Error, LitStr, Result};

use crate::data;
use crate::root::NamedArgs;

/// The item as `#[data]`, with an implementation of the trait called `kind`.
pub(crate) fn expand(kind: &str, args: &NamedArgs, item: DeriveInput) -> Result<TokenStream> {
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
        }
    })
}
