//! The line that makes a crate a module.

/// Makes the crate a module; written once, at the end of its lib.rs.
///
/// A *Model module* is a thin dylib around the crate that has the game's types, declared there by
/// [`model!`](crate::model):
///
/// ```ignore
/// keel::export_module! { model: shoal_model }
/// ```
///
/// A *view-model module* names its type, the model crates it was compiled with, and the views it provides, can't do
/// without, and calls where somebody provides them:
///
/// ```ignore
/// keel::export_module! {
///     view_model: Tide,
///     models: [shoal_model],
///     provides: [dyn TideView],
///     requires: [dyn WindView],
///     optional: [dyn PictureView],
/// }
/// ```
///
/// A *View module* names the presenters of its contracts, each `Default`:
///
/// ```ignore
/// keel::export_module! { view: [ShoalPicture as dyn PictureView], models: [shoal_model] }
/// ```
#[macro_export]
macro_rules! export_module {
    (model: $model:ident $(,)?) => {
        $crate::__export_module! {
            kind: $crate::ModuleKind::Model,
            models: [$model], provides: [], requires: [], optional: [],
            views: || ::std::vec::Vec::new(),
            view_model: || ::std::option::Option::None,
        }
    };
    (
        view: [$($presenter:ty as $contract:ty),+ $(,)?]
        $(, models: [$($model:ident),* $(,)?])? $(, requires: [$($required:ty),* $(,)?])?
        $(, optional: [$($optional:ty),* $(,)?])? $(,)?
    ) => {
        $crate::__export_module! {
            kind: $crate::ModuleKind::View,
            models: [$($($model),*)?], provides: [$($contract),+], requires: [$($($required),*)?],
            optional: [$($($optional),*)?],
            views: || ::std::vec![$($crate::Provided::new::<$contract>(::std::boxed::Box::new(
                <$presenter as ::std::default::Default>::default(),
            ))),+],
            view_model: || ::std::option::Option::None,
        }
    };
    (
        view_model: $view_model:ty $(, models: [$($model:ident),* $(,)?])?
        $(, provides: [$($provided:ty),* $(,)?])? $(, requires: [$($required:ty),* $(,)?])?
        $(, optional: [$($optional:ty),* $(,)?])? $(,)?
    ) => {
        $crate::__export_module! {
            kind: $crate::ModuleKind::ViewModel,
            models: [$($($model),*)?], provides: [$($($provided),*)?], requires: [$($($required),*)?],
            optional: [$($($optional),*)?],
            views: || ::std::vec::Vec::new(),
            view_model: || ::std::option::Option::Some(::std::boxed::Box::new(
                <$view_model as ::std::default::Default>::default(),
            )),
        }
    };
}

/// The part that all kinds of module have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_module {
    (
        kind: $kind:expr, models: [$($model:ident),*], provides: [$($provided:ty),*], requires: [$($required:ty),*],
        optional: [$($optional:ty),*], views: $views:expr, view_model: $view_model:expr $(,)?
    ) => {
        /// The module's root: a program that has the module linked in takes it from here.
        #[doc(hidden)]
        #[allow(unsafe_code, reason = "the loader finds the root by its symbol, once the descriptor matches")]
        #[allow(unreachable_pub, reason = "an example in a function is a module as well")]
        #[unsafe(export_name = concat!("keel_root_", env!("CARGO_CRATE_NAME")))]
        #[used]
        pub static KEEL_MODULE: $crate::ModuleRoot = $crate::ModuleRoot {
            descriptor: KEEL_DESCRIPTOR,
            facade: $crate::facade_address,
            types: || $crate::__private::types_of(&[$($model::keel_model::types),*]),
            pools: || $crate::__private::pools_of(&[$($model::keel_model::pools),*]),
            views: $views,
            view_model: $view_model,
        };

        const KEEL_DESCRIPTOR: $crate::ModuleDescriptor = $crate::ModuleDescriptor::new(
            $kind,
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            $crate::FINGERPRINT,
            $crate::Declared {
                models: &[$(($model::keel_model::NAME, $model::keel_model::HASH)),*],
                provides: &[$((<$provided as $crate::Contract>::NAME, <$provided as $crate::Contract>::HASH)),*],
                requires: &[$((<$required as $crate::Contract>::NAME, <$required as $crate::Contract>::HASH)),*],
                optional: &[$((<$optional as $crate::Contract>::NAME, <$optional as $crate::Contract>::HASH)),*],
            },
        );

        const _: () = {
            #[allow(unsafe_code, reason = "the loader finds the descriptor by its symbol, in the file")]
            #[unsafe(export_name = concat!("keel_descriptor_", env!("CARGO_CRATE_NAME")))]
            #[used]
            static DESCRIPTOR: $crate::ModuleDescriptor = KEEL_DESCRIPTOR;

            #[allow(unsafe_code, reason = "the loader checks the root's fields by it before it trusts them")]
            #[unsafe(export_name = concat!("keel_layout_", env!("CARGO_CRATE_NAME")))]
            #[used]
            static LAYOUT: fn() -> &'static $crate::__private::TypeLayout = $crate::root_layout;
        };
    };
}
