//! `#[view_model]`: the parts of a `ViewModel` that follow from its type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ImplItem, ItemImpl, Result, parse_quote};

use crate::root::Args;

/// The `impl` with `async_trait` above it, and with `save_state` and `restore_state` if it lacks them.
pub(crate) fn expand(args: &Args, mut item: ItemImpl) -> Result<TokenStream> {
    let is_view_model = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    if is_view_model.is_none_or(|last| last.ident != "ViewModel") {
        return Err(Error::new_spanned(
            &item.self_ty,
            "`#[view_model]` belongs above `impl ViewModel for ...`",
        ));
    }
    let private = args.private();
    let has = |name: &str| {
        item.items.iter().any(|item| matches!(item, ImplItem::Fn(function) if function.sig.ident == name))
    };
    let (saves, restores) = (has("save_state"), has("restore_state"));
    if !saves {
        item.items.push(parse_quote! {
            fn save_state(&self) -> ::std::result::Result<#private::SavedValue, #private::StateError> {
                #private::SavedValue::of(self)
            }
        });
    }
    if !restores {
        item.items.push(parse_quote! {
            fn restore_state(
                &mut self,
                saved: &#private::SavedValue,
                accept_loss: bool,
            ) -> ::std::result::Result<::std::vec::Vec<#private::Change>, #private::StateError> {
                let (restored, changes) = saved.restore::<Self>(accept_loss)?;
                *self = restored;
                ::std::result::Result::Ok(changes)
            }
        });
    }
    Ok(quote! {
        #[#private::async_trait]
        #item
    })
}
