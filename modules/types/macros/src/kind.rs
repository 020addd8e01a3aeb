//! `#[component]`, `#[resource]` and `#[event]`: `#[data]`, and a declared name.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, LitStr, Result, Token, custom_keyword};

use crate::data;
use crate::root::{Args, parse_crate};

custom_keyword!(name);

/// `crate = PATH` and `name = "NAME"`, in any order.
#[derive(Default)]
pub(crate) struct KindArgs {
    root: Args,
    name: Option<LitStr>,
}

impl KindArgs {
    pub(crate) fn root(&self) -> &Args {
        &self.root
    }

    pub(crate) fn name(&self) -> Option<&LitStr> {
        self.name.as_ref()
    }
}

impl Parse for KindArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            if input.peek(name) {
                input.parse::<name>()?;
                input.parse::<Token![=]>()?;
                args.name = Some(input.parse()?);
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

/// The item as `#[data]`, with an implementation of the trait called `kind`.
pub(crate) fn expand(kind: &str, args: &KindArgs, item: DeriveInput) -> Result<TokenStream> {
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
