//! `#[view]`: a trait becomes a contract.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Error, ItemTrait, LitStr, Result};

use crate::root::NamedArgs;
use crate::sources;

/// The trait, and the implementation of `Contract` for its trait object.
pub(crate) fn expand(args: &NamedArgs, item: &ItemTrait) -> Result<TokenStream> {
    if let Some(parameter) = item.generics.params.first() {
        return Err(Error::new_spanned(parameter, "a view has one name and so can't be generic"));
    }
    if item.supertraits.is_empty() {
        return Err(Error::new_spanned(
            &item.ident,
            "a view's trait extends `View`: write `trait NAME: View`",
        ));
    }
    let private = args.root.private();
    let ident = &item.ident;
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let name = args.name.as_ref().map_or_else(|| format!("{package}.{}", ident.unraw()), LitStr::value);
    let hash = sources::hash(ident.span())?;
    Ok(quote! {
        #item

        #[automatically_derived]
        impl #private::Contract for dyn #ident {
            const NAME: &'static str = #name;
            const HASH: u64 = #hash;

            fn as_view(&self) -> &dyn #private::View {
                self
            }
        }
    })
}
