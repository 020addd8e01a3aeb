//! `model!`: the types of a game, listed once.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, Path, Result, Token, bracketed};

use crate::root::{Args, parse_crate};
use crate::sources;

/// `crate = PATH`, `components: [..]`, `resources: [..]`, `events: [..]`, `relations: [..]`, `models: [..]`, in any order.
#[derive(Default)]
pub(crate) struct Model {
    root: Args,
    components: Vec<Path>,
    resources: Vec<Path>,
    events: Vec<Path>,
    relations: Vec<Path>,
    models: Vec<Path>,
}

impl Parse for Model {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut model = Self::default();
        while !input.is_empty() {
            if input.peek(Token![crate]) {
                model.root = parse_crate(input)?;
            } else {
                model.list(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(model)
    }
}

impl Model {
    fn list(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let content;
        bracketed!(content in input);
        let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&content, Path::parse_mod_style)?;
        let list = match key.to_string().as_str() {
            "components" => &mut self.components,
            "resources" => &mut self.resources,
            "events" => &mut self.events,
            "relations" => &mut self.relations,
            "models" => &mut self.models,
            _ => {
                return Err(Error::new_spanned(
                    key,
                    "expected `components`, `resources`, `events`, `relations` or `models`",
                ));
            }
        };
        list.extend(paths);
        Ok(())
    }
}

/// The module `keel_model`, which `export_module!` names.
pub(crate) fn expand(model: &Model) -> Result<TokenStream> {
    let private = model.root.private();
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let hash = sources::hash(Span::call_site())?;
    let Model { components, resources, events, relations, models, .. } = model;
    Ok(quote! {
        /// The types of this crate, for the modules that export them or are compiled with them.
        pub mod keel_model {
            #[allow(unused_imports, reason = "paths of the list may be relative to the crate's root")]
            use super::*;

            /// The crate's name.
            pub const NAME: &str = #package;
            /// The hash of the crate's name.
            pub const ID: u64 = #private::ModelType::of(#package).bits();
            /// The hash of the crate's sources.
            pub const HASH: u64 = #hash;

            /// Name, schema and layout of each type.
            pub fn types() -> ::std::vec::Vec<#private::ModelTypeInfo> {
                ::std::vec![
                    #(#private::ModelTypeInfo::component::<#components>(),)*
                    #(#private::ModelTypeInfo::resource::<#resources>(),)*
                    #(#private::ModelTypeInfo::event::<#events>(),)*
                    #(
                        #private::ModelTypeInfo::component::<#private::Targets<#relations>>(),
                        #private::ModelTypeInfo::component::<#private::Sources<#relations>>(),
                    )*
                ]
            }

            /// Name, schema, layout and pool of each type of models.
            pub fn pools() -> ::std::vec::Vec<#private::PooledTypeInfo> {
                ::std::vec![#(#private::PooledTypeInfo::of::<#models>()),*]
            }
        }
    })
}
