//! The argument that all attributes share: `crate = path`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Path, Token, parse_quote};

/// Where the expansion finds Keel.
pub(crate) struct Args {
    root: Path,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Self::default());
        }
        let root = parse_crate(input)?;
        let _: Option<Token![,]> = input.parse()?;
        match input.is_empty() {
            true => Ok(Self { root }),
            false => Err(input.error("only `crate = NAME` is expected here")),
        }
    }
}

/// Parses `crate = NAME`: a crate, or a path that begins with `crate` or `::`.
pub(crate) fn parse_crate(input: ParseStream<'_>) -> syn::Result<Path> {
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let mut root = Path::parse_mod_style(input)?;
    if root.segments.first().is_some_and(|first| first.ident != "crate") {
        root.leading_colon = Some(Default::default());
    }
    Ok(root)
}

impl Default for Args {
    fn default() -> Self {
        Self::new(parse_quote!(::keel))
    }
}

impl Args {
    pub(crate) fn new(root: Path) -> Self {
        Self { root }
    }

    /// The path of the module that expansions name, `::keel::__private`.
    pub(crate) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }
}
