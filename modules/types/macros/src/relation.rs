//! `#[relation]`: a unit struct that names a relation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Fields, Ident, ItemStruct, LitStr, Result, Token, custom_keyword};

use crate::root::NamedArgs;

custom_keyword!(exclusive);
custom_keyword!(cascade);

/// `exclusive` and `cascade = despawn`, beside the name.
pub(crate) struct RelationArgs {
    named: NamedArgs,
    is_exclusive: bool,
    despawns: bool,
}

impl Parse for RelationArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut is_exclusive, mut despawns) = (false, false);
        let named = NamedArgs::parse_with(input, |input| {
            if input.peek(exclusive) {
                input.parse::<exclusive>()?;
                is_exclusive = true;
            } else if input.peek(cascade) {
                input.parse::<cascade>()?;
                input.parse::<Token![=]>()?;
                despawns = parse_cascade(input)?;
            } else {
                return Ok(false);
            }
            Ok(true)
        })?;
        Ok(Self { named, is_exclusive, despawns })
    }
}

fn parse_cascade(input: ParseStream<'_>) -> Result<bool> {
    let what: Ident = input.parse()?;
    match what.to_string().as_str() {
        "despawn" => Ok(true),
        "unrelate" => Ok(false),
        _ => Err(Error::new_spanned(
            what,
            "expected `despawn` (the sources of a target that is despawned go with it) or `unrelate`",
        )),
    }
}

/// The item, with its implementation of `Relation`.
pub(crate) fn expand(args: &RelationArgs, item: &ItemStruct) -> Result<TokenStream> {
    if !matches!(item.fields, Fields::Unit) || !item.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &item.ident,
            "a relation is a unit struct, `struct Likes;`: it has no values; give the entities components for these",
        ));
    }
    let private = args.named.root.private();
    let ident = &item.ident;
    let name = args.named.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let (targets, sources) = (format!("{name}Targets"), format!("{name}Sources"));
    let is_exclusive = args.is_exclusive;
    let cascade = if args.despawns { quote!(Despawn) } else { quote!(Unrelate) };
    Ok(quote! {
        #item

        #[automatically_derived]
        impl #private::Relation for #ident {
            const NAME: &'static str = #name;
            const TARGETS: &'static str = #targets;
            const SOURCES: &'static str = #sources;
            const RULES: #private::RelationRules = #private::RelationRules {
                is_exclusive: #is_exclusive,
                cascade: #private::Cascade::#cascade,
            };
        }
    })
}
