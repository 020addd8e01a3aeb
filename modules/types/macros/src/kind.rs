//! `#[component]`, `#[resource]` and `#[event]`: `#[data]`, and a declared name.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, Ident, LitStr, Path, Result, Token, custom_keyword};

use crate::data;
use crate::root::NamedArgs;

custom_keyword!(sparse);
custom_keyword!(tracked);

/// The hooks that a component may have.
const HOOKS: [&str; 4] = ["on_insert", "on_replace", "on_remove", "on_despawn"];

/// `sparse`, `tracked` and hooks, beside the name.
pub(crate) struct ComponentArgs {
    named: NamedArgs,
    is_sparse: bool,
    is_tracked: bool,
    hooks: Vec<(Ident, Path)>,
}

impl Parse for ComponentArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut is_sparse, mut is_tracked, mut hooks) = (false, false, Vec::<(Ident, Path)>::new());
        let named = NamedArgs::parse_with(input, |input| {
            if input.peek(sparse) {
                input.parse::<sparse>()?;
                is_sparse = true;
                return Ok(true);
            }
            if parse_tracked(input, &mut is_tracked)? {
                return Ok(true);
            }
            let Some(hook) = parse_hook(input)? else { return Ok(false) };
            if hooks.iter().any(|(known, _)| *known == hook.0) {
                return Err(Error::new_spanned(hook.0, "it is given twice; call both from one function"));
            }
            hooks.push(hook);
            Ok(true)
        })?;
        Ok(Self { named, is_sparse, is_tracked, hooks })
    }
}

impl ComponentArgs {
    fn hooks(&self, private: &TokenStream) -> TokenStream {
        let fields = HOOKS.iter().map(|occasion| {
            let field = format_ident!("{occasion}");
            match self.hooks.iter().find(|(known, _)| known == occasion) {
                Some((known, function)) => quote!(#known: ::core::option::Option::Some(#function)),
                None => quote!(#field: ::core::option::Option::None),
            }
        });
        quote!(const HOOKS: #private::Hooks = #private::Hooks { #(#fields),* };)
    }
}

/// `on_insert = FUNCTION` and its like.
fn parse_hook(input: ParseStream<'_>) -> Result<Option<(Ident, Path)>> {
    let next = input.fork().parse::<Ident>();
    if !next.is_ok_and(|next| HOOKS.iter().any(|hook| next == hook)) {
        return Ok(None);
    }
    let hook = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok(Some((hook, input.parse()?)))
}

/// `tracked`, beside the name.
pub(crate) struct ResourceArgs {
    named: NamedArgs,
    is_tracked: bool,
}

impl Parse for ResourceArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut is_tracked = false;
        let named = NamedArgs::parse_with(input, |input| parse_tracked(input, &mut is_tracked))?;
        Ok(Self { named, is_tracked })
    }
}

/// Whether `tracked` was there, and was taken.
fn parse_tracked(input: ParseStream<'_>, is_tracked: &mut bool) -> Result<bool> {
    let is_next = input.peek(tracked);
    if is_next {
        input.parse::<tracked>()?;
        *is_tracked = true;
    }
    Ok(is_next)
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
    let hooks = (!args.hooks.is_empty()).then(|| args.hooks(&private));
    let tracking = if args.is_tracked { quote!(ByTicks) } else { quote!(Untracked) };
    let more = quote!(type Tracking = #private::#tracking; #storage #hooks);
    let marker = tracked_marker(&private, args.is_tracked, &item);
    let expanded = expand_with("Component", &args.named, &more, item)?;
    Ok(quote!(#expanded #marker))
}

/// `#[resource]`, with what only a resource can be.
pub(crate) fn expand_resource(args: &ResourceArgs, item: DeriveInput) -> Result<TokenStream> {
    let private = args.named.root.private();
    let more = if args.is_tracked {
        quote!(
            const IS_TRACKED: bool = true;
        )
    } else {
        TokenStream::new()
    };
    let marker = tracked_marker(&private, args.is_tracked, &item);
    let expanded = expand_with("Resource", &args.named, &more, item)?;
    Ok(quote!(#expanded #marker))
}

/// What lets the changes of the type be asked for.
fn tracked_marker(private: &TokenStream, is_tracked: bool, item: &DeriveInput) -> Option<TokenStream> {
    let ident = &item.ident;
    is_tracked.then(|| {
        quote! {
            #[automatically_derived]
            impl #private::Tracked for #ident {}
        }
    })
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
