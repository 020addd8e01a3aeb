//! The arguments that attributes share: `crate = path` all of them, `name = "NAME"` those that declare a name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Path, Token, custom_keyword, parse_quote};

custom_keyword!(name);

/// Where the expansion finds Keel.
pub(crate) struct Args {
    root: Path,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Self::default());
        }
        let args = parse_crate(input)?;
        let _: Option<Token![,]> = input.parse()?;
        match input.is_empty() {
            true => Ok(args),
            false => Err(input.error("only `crate = NAME` is expected here")),
        }
    }
}

/// `crate = PATH` and `name = "NAME"`, in any order.
#[derive(Default)]
pub(crate) struct NamedArgs {
    pub(crate) root: Args,
    pub(crate) name: Option<LitStr>,
}

impl Parse for NamedArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Self::parse_with(input, |_| Ok(false))
    }
}

impl NamedArgs {
    /// Parses the list, of which `other` parses what it knows, and says whether it did.
    pub(crate) fn parse_with(
        input: ParseStream<'_>,
        mut other: impl FnMut(ParseStream<'_>) -> syn::Result<bool>,
    ) -> syn::Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            if input.peek(name) {
                input.parse::<name>()?;
                input.parse::<Token![=]>()?;
                args.name = Some(input.parse()?);
            } else if !other(input)? {
                args.root = parse_crate(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(args)
    }
}

/// Parses `crate = NAME`: a crate, or a path that begins with `crate` or `::`.
pub(crate) fn parse_crate(input: ParseStream<'_>) -> syn::Result<Args> {
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let mut root = Path::parse_mod_style(input)?;
    if root.segments.first().is_some_and(|first| first.ident != "crate") {
        root.leading_colon = Some(Default::default());
    }
    Ok(Args { root })
}

impl Default for Args {
    fn default() -> Self {
        Self { root: parse_quote!(::keel) }
    }
}

impl Args {
    /// The path of the module that expansions name, `::keel::__private`.
    pub(crate) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }
}
