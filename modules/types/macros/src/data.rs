//! `#[data]`: serde's derives, and `Schema`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Field, Fields, LitStr, Meta, Path, Result, Token, Type,
    parse_quote,
};

use crate::root::Args;

/// The item with serde's derives, and its implementation of `Schema`.
pub(crate) fn expand(args: &Args, mut item: DeriveInput) -> Result<TokenStream> {
    check_attributes(&item)?;
    let private = args.private();
    let name = unraw(&item.ident);
    let memory = [
        plain(&private, &item.data),
        movable(&private, &item),
        blank(&private, &item.data),
        payloads(&private, &item.data),
    ];
    let (representation, doc) = (representation(&item), doc_of(&item.attrs));
    let body = match &mut item.data {
        Data::Struct(data) => structure(&private, &name, &doc, &representation, &mut data.fields)?,
        Data::Enum(data) => enumeration(&private, &name, &doc, &representation, data)?,
        Data::Union(data) => {
            return Err(Error::new_spanned(
                data.union_token,
                "a union does not know which of its fields it holds and cannot be saved; use an enum",
            ));
        }
    };
    add_derives(&private, &mut item);
    let implementation = implement(&private, &item, &body, &memory);
    // The schema comes first, so that what it says of a wrong field is told before what serde says.
    Ok(quote!(#implementation #item))
}

fn implement(
    private: &TokenStream,
    item: &DeriveInput,
    body: &TokenStream,
    memory: &[Option<TokenStream>],
) -> TokenStream {
    let mut generics = item.generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(#private::Schema));
        param.bounds.push(parse_quote!(#private::serde::Serialize));
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, type_generics, _) = item.generics.split_for_impl();
    let ident = &item.ident;
    quote! {
        const _: () = {
            #[allow(unused_imports, reason = "only types without a default need it")]
            use #private::NoDefault as _;
            #[allow(unused_imports, reason = "only fields without a default need it")]
            use #private::{BlankFields as _, NoBlank as _};
            #[allow(unused_imports, reason = "only types without a `Drop` of their own need it")]
            use #private::NoDrop as _;
            #[allow(unused_imports, reason = "only fields without a schema need it")]
            use #private::NoSchema as _;

            #[automatically_derived]
            impl #impl_generics #private::Schema for #ident #type_generics #where_clause {
                fn schema(types: &mut #private::SchemaBuilder) -> #private::TypeRef {
                    #body
                }

                #(#memory)*
            }
        };
    }
}

/// How a struct is found to be plain data; nothing for what is none for sure.
fn plain(private: &TokenStream, data: &Data) -> Option<TokenStream> {
    let Data::Struct(data) = data else { return None };
    let (mut fields, mut parameters, mut built) =
        (TokenStream::new(), TokenStream::new(), TokenStream::new());
    for (index, field) in data.fields.iter().enumerate() {
        let options = Options::take(&mut field.attrs.clone()).ok()?;
        if options.skip.is_some() || options.opaque.is_some() {
            return None;
        }
        let (place, ty) = (place(index, field), &field.ty);
        let value = Ident::new(&format!("field_{index}"), Span::mixed_site());
        fields.extend(
            quote!((&#private::Probe::<#ty>::new()).plain_field(::core::mem::offset_of!(Self, #place)),),
        );
        parameters.extend(quote!(#value: #ty,));
        built.extend(quote!(#place: #value,));
    }
    let fields = (!data.fields.is_empty()).then_some(fields)?;
    // The function that is never called does not compile if another attribute has changed the struct since. Probes are
    // asked by reference: no trait of the author's can answer in their place.
    // The crate of the author may forbid unsafe code: that of a macro from elsewhere is not theirs.
    Some(quote! {
        fn plain() -> ::core::option::Option<#private::Plain<Self>> {
            let _ = |#parameters| Self { #built };
            let fields = [#fields];
            // SAFETY: the struct was just made of these fields, so they are all there are, each of its type; the schema
            // and serde's derive list the same ones in the same order, and serde's attributes are refused.
            unsafe { #private::Plain::structure(&fields) }
        }
    })
}

/// The fields of a struct that may move into another build of it.
fn movable(private: &TokenStream, item: &DeriveInput) -> Option<TokenStream> {
    let Data::Struct(data) = &item.data else { return None };
    // Those of a packed struct may lie anywhere, and stay together.
    if item.attrs.iter().any(|attr| attr.path().is_ident("repr") && written(attr).contains("packed")) {
        return None;
    }
    let (mut fields, mut types) = (TokenStream::new(), TokenStream::new());
    // As in the schema, which has no skipped ones.
    let mut number = 0_usize;
    for (index, field) in data.fields.iter().enumerate() {
        let options = Options::take(&mut field.attrs.clone()).ok()?;
        if options.skip.is_some() {
            continue;
        }
        if options.opaque.is_none() {
            let (place, ty) = (place(index, field), &field.ty);
            // By a raw pointer: a reference to another type might be taken for one by its `Deref`.
            types.extend(quote!(let _: *const #ty = &raw const value.#place;));
            fields.extend(quote! {
                (&#private::Probe::<#ty>::new()).add_movable(&mut fields, #number, ::core::mem::offset_of!(Self, #place));
            });
        }
        number += 1;
    }
    // The function that is never called does not compile if another attribute has changed a field's type since. What
    // implements `Drop` itself stays together.
    (!fields.is_empty()).then(|| {
        quote! {
            fn movable_fields() -> #private::MovableFields<Self> {
                let _ = |value: &Self| { #types };
                let mut fields = <#private::FieldList as ::core::default::Default>::default();
                #fields
                fields.keep_together((&#private::Probe::<Self>::new()).implements_drop());
                // SAFETY: each is a field of the struct, and listed once; its type was just compared with that which is
                // named, and the compiler has found its offset. Where a `Drop` would mind, they are kept together.
                unsafe { #private::MovableFields::of_struct(fields) }
            }
        }
    })
}

/// The payloads of an enum: where their fields are, and of which types.
fn payloads(private: &TokenStream, data: &Data) -> Option<TokenStream> {
    let Data::Enum(data) = data else { return None };
    let (mut arms, mut types) = (TokenStream::new(), TokenStream::new());
    for (number, variant) in data.variants.iter().enumerate() {
        let (ident, number) = (&variant.ident, number as u32);
        let (mut bound, mut addresses, mut parts) =
            (TokenStream::new(), TokenStream::new(), TokenStream::new());
        for (index, field) in variant.fields.iter().enumerate() {
            let options = Options::take(&mut field.attrs.clone()).ok()?;
            if options.skip.is_some() {
                continue;
            }
            let (place, ty) = (place(index, field), &field.ty);
            let value = Ident::new(&format!("field_{index}"), Span::mixed_site());
            bound.extend(quote!(#place: #value,));
            // By a raw pointer: a reference to another type might be taken for one by its `Deref`.
            addresses.extend(quote!({ let place: *const #ty = &raw const *#value; place.addr() },));
            parts.extend(match options.opaque {
                Some(_) => quote!(#private::AnyParts::hidden::<#ty>,),
                None => quote!((&#private::Probe::<#ty>::new()).parts(),),
            });
        }
        let address = match addresses.is_empty() {
            true => quote!(0),
            false => quote!([#addresses].get(field).map_or(0, |address| *address)),
        };
        arms.extend(quote!(Self::#ident { #bound .. } => (#number, #address),));
        types.extend(quote!(&[#parts],));
    }
    let found = match data.variants.is_empty() {
        true => quote!(match *self {}),
        false => quote!(match self { #arms }),
    };
    Some(quote! {
        #[allow(unused_variables, reason = "only a variant with a payload needs it")]
        fn payload(&self, field: usize) -> (u32, usize) {
            #found
        }

        fn parts() -> #private::Parts<Self> {
            // SAFETY: `payload` stands above. It numbers variants and fields as the schema does, and the type of each
            // field was compared with that which is named here.
            unsafe { #private::Parts::enumeration(&[#types]) }
        }
    })
}

/// How to make a struct of its fields' defaults. Only literals are known to be the same each time.
fn blank(private: &TokenStream, data: &Data) -> Option<TokenStream> {
    let Data::Struct(data) = data else { return None };
    let mut fields = TokenStream::new();
    for (index, field) in data.fields.iter().enumerate() {
        let options = Options::take(&mut field.attrs.clone()).ok()?;
        let (place, ty) = (place(index, field), &field.ty);
        let value = match &options.default {
            None => quote!((&#private::Probe::<#ty>::new()).blank()?),
            Some(value) if is_literal(value) => value.to_token_stream(),
            Some(_) => return None,
        };
        fields.extend(quote!(#place: #value,));
    }
    Some(quote! {
        fn blank() -> ::core::option::Option<Self> {
            ::core::option::Option::Some(Self { #fields })
        }
    })
}

fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(*unary.expr, Expr::Lit(_)),
        _ => false,
    }
}

/// A field's name, or its number.
fn place(index: usize, field: &Field) -> TokenStream {
    field.ident.as_ref().map_or_else(|| syn::Index::from(index).to_token_stream(), ToTokens::to_token_stream)
}

fn add_derives(private: &TokenStream, item: &mut DeriveInput) {
    let serde = quote!(#private::serde);
    let path = written(&serde);
    item.attrs.push(parse_quote!(#[derive(#serde::Serialize, #serde::Deserialize)]));
    item.attrs.push(parse_quote!(#[serde(crate = #path)]));
}

/// The attributes that say how the type lies in memory: `#[repr(...)]`.
fn representation(item: &DeriveInput) -> Vec<String> {
    let texts = item.attrs.iter().map(written);
    texts.filter(|text| text.contains("repr")).collect()
}

fn structure(
    private: &TokenStream,
    name: &str,
    doc: &str,
    representation: &[String],
    fields: &mut Fields,
) -> Result<TokenStream> {
    let style = style(private, fields);
    let docs = docs(doc, fields);
    let described = describe_fields(private, fields)?;
    Ok(quote! {
        types.structure::<Self>(#name, #style, |fields| {
            #(fields.laid_out(#representation);)*
            fields.type_default(|| #private::Probe::<Self>::new().encoded_default());
            #described
            #docs
        })
    })
}

fn enumeration(
    private: &TokenStream,
    name: &str,
    doc: &str,
    representation: &[String],
    data: &mut syn::DataEnum,
) -> Result<TokenStream> {
    let mut variants = TokenStream::new();
    for variant in &mut data.variants {
        let options = Options::take(&mut variant.attrs)?;
        options.only_renamed_from("a variant")?;
        let variant_name = unraw(&variant.ident);
        let style = style(private, &variant.fields);
        let docs = docs(&doc_of(&variant.attrs), &variant.fields);
        let described = describe_fields(private, &mut variant.fields)?;
        let renamed = &options.renamed_from;
        let discriminant = variant
            .discriminant
            .as_ref()
            .map(|(_, value)| quote!(fields.laid_out(&::std::format!("= {}", (#value) as i128));));
        variants.extend(quote! {
            variants.variant(#variant_name, #style, |fields| {
                #discriminant
                #(fields.variant_renamed_from(#renamed);)*
                #described
                #docs
            });
        });
    }
    let doc = (!doc.is_empty()).then(|| quote!(variants.type_doc(#doc);));
    Ok(quote! {
        types.enumeration::<Self>(#name, |variants| {
            #doc
            #(variants.laid_out(#representation);)*
            variants.type_default(|| #private::Probe::<Self>::new().encoded_default());
            #variants
        })
    })
}

/// What the author wrote above the struct or variant and above its fields, if anything.
fn docs(own: &str, fields: &Fields) -> Option<TokenStream> {
    let is_skipped =
        |field: &&Field| Options::take(&mut field.attrs.clone()).is_ok_and(|options| options.skip.is_some());
    let mut of_fields: Vec<_> =
        fields.iter().filter(|field| !is_skipped(field)).map(|field| doc_of(&field.attrs)).collect();
    while of_fields.last().is_some_and(String::is_empty) {
        of_fields.pop();
    }
    (!own.is_empty() || !of_fields.is_empty()).then(|| quote!(fields.docs(#own, &[#(#of_fields),*]);))
}

/// The lines of the doc comments, without the space that each begins with.
fn doc_of(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

fn style(private: &TokenStream, fields: &Fields) -> TokenStream {
    match fields {
        Fields::Unit => quote!(#private::FieldStyle::Unit),
        Fields::Unnamed(_) => quote!(#private::FieldStyle::Tuple),
        Fields::Named(_) => quote!(#private::FieldStyle::Named),
    }
}

fn describe_fields(private: &TokenStream, fields: &mut Fields) -> Result<TokenStream> {
    // Without fields, nothing else uses the builder.
    let mut described = quote!(let _ = &fields;);
    for (index, field) in fields.iter_mut().enumerate() {
        described.extend(describe_field(private, index, field)?);
    }
    Ok(described)
}

fn describe_field(private: &TokenStream, index: usize, field: &mut Field) -> Result<TokenStream> {
    check_serde(&field.attrs)?;
    let options = Options::take(&mut field.attrs)?;
    if let Some(span) = &options.skip {
        skip(span, &options, field)?;
        let (name, ty) = (field.ident.as_ref().map_or(index.to_string(), unraw), &field.ty);
        return Ok(quote!(fields.unseen::<#ty>(#name);));
    }
    let name = field.ident.as_ref().map_or(index.to_string(), unraw);
    let ty = &field.ty;
    let begin = match &options.opaque {
        Some(opaque) => {
            let type_name = opaque.name.clone().unwrap_or_else(|| written(ty));
            quote!(fields.unseen::<#ty>(#name).opaque(#name, #type_name))
        }
        None => quote!(fields.field::<#ty>(#name)),
    };
    let renamed = &options.renamed_from;
    let default = default(private, &options, ty);
    let conversions = options
        .convert_from
        .iter()
        .map(|Conversion { old, function, .. }| quote!(.convert_from::<#old, #ty>(#function)));
    let described = quote!(#begin #(.renamed_from(#renamed))* #default #(#conversions)*;);
    if options.opaque.is_some() {
        let path = written(&quote!(#private::opaque));
        field.attrs.push(parse_quote!(#[serde(with = #path)]));
    }
    Ok(described)
}

fn default(private: &TokenStream, options: &Options, ty: &Type) -> Option<TokenStream> {
    let (encoded, probed) = match options.opaque {
        Some(_) => (quote!(encoded_opaque), Some(quote!(opaque_default))),
        None => (quote!(encoded), None),
    };
    match (&options.default, probed) {
        (Some(value), _) => Some(quote! {
            .default(|| {
                let value: #ty = #value;
                #private::#encoded(&value)
            })
        }),
        // Only an opaque type must be asked here; any other says its default in its own schema.
        (None, Some(probed)) => Some(quote!(.default(|| #private::Probe::<#ty>::new().#probed()))),
        (None, None) => None,
    }
}

fn skip(span: &Path, options: &Options, field: &mut Field) -> Result<()> {
    if field.ident.is_none() {
        return Err(Error::new_spanned(
            span,
            "a field without a name cannot be skipped: the others are matched by their place; name the fields",
        ));
    }
    let others = options.default.is_some()
        || options.opaque.is_some()
        || !options.renamed_from.is_empty()
        || !options.convert_from.is_empty();
    if others {
        return Err(Error::new_spanned(
            span,
            "a skipped field is not saved and always becomes its `Default`; remove its other `#[keel(...)]` options",
        ));
    }
    field.attrs.push(parse_quote!(#[serde(skip)]));
    Ok(())
}

/// What `#[keel(...)]` says of a field or a variant.
#[derive(Default)]
struct Options {
    default: Option<Expr>,
    renamed_from: Vec<LitStr>,
    convert_from: Vec<Conversion>,
    opaque: Option<Opaque>,
    skip: Option<Path>,
}

struct Conversion {
    old: Type,
    function: Expr,
    path: Path,
}

struct Opaque {
    name: Option<String>,
    path: Path,
}

impl Options {
    /// Parses the `#[keel(...)]` attributes and removes them.
    fn take(attrs: &mut Vec<Attribute>) -> Result<Self> {
        let mut options = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("keel")) {
            attr.parse_nested_meta(|meta| options.parse(&meta))?;
        }
        attrs.retain(|attr| !attr.path().is_ident("keel"));
        Ok(options)
    }

    fn parse(&mut self, meta: &syn::meta::ParseNestedMeta<'_>) -> Result<()> {
        let path = meta.path.clone();
        let name = path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "default" if self.default.is_none() => self.default = Some(meta.value()?.parse()?),
            "renamed_from" => self.renamed_from.push(meta.value()?.parse()?),
            "convert_from" => self.convert_from.push(parse_conversion(meta)?),
            "opaque" if self.opaque.is_none() => self.opaque = Some(parse_opaque(meta)?),
            "skip" if self.skip.is_none() => self.skip = Some(path),
            "default" | "opaque" | "skip" => return Err(meta.error("this is said twice; say it once")),
            _ => {
                return Err(meta.error(
                    "unknown option; there are `default = EXPR`, `renamed_from = \"old\"`, \
                     `convert_from(Old, function)`, `opaque` and `skip`",
                ));
            }
        }
        Ok(())
    }

    fn only_renamed_from(&self, what: &str) -> Result<()> {
        let spans = [
            self.default.as_ref().map(ToTokens::to_token_stream),
            self.convert_from.first().map(|conversion| conversion.path.to_token_stream()),
            self.opaque.as_ref().map(|opaque| opaque.path.to_token_stream()),
            self.skip.as_ref().map(ToTokens::to_token_stream),
        ];
        match spans.into_iter().flatten().next() {
            Some(span) => {
                Err(Error::new_spanned(span, format!("on {what}, only `renamed_from = \"old\"` is possible")))
            }
            None => Ok(()),
        }
    }
}

fn parse_conversion(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<Conversion> {
    let content;
    syn::parenthesized!(content in meta.input);
    let old = content.parse()?;
    content.parse::<Token![,]>()?;
    let function = content.parse()?;
    let _: Option<Token![,]> = content.parse()?;
    match content.is_empty() {
        true => Ok(Conversion { old, function, path: meta.path.clone() }),
        false => Err(content.error("`convert_from(Old, function)` takes a type and a function")),
    }
}

fn parse_opaque(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<Opaque> {
    let name = match meta.input.peek(Token![=]) {
        true => Some(meta.value()?.parse::<LitStr>()?.value()),
        false => None,
    };
    Ok(Opaque { name, path: meta.path.clone() })
}

fn check_attributes(item: &DeriveInput) -> Result<()> {
    check_serde(&item.attrs)?;
    if let Data::Enum(data) = &item.data {
        data.variants.iter().try_for_each(|variant| check_serde(&variant.attrs))?;
    }
    if let Some(attr) = item.attrs.iter().find(|attr| attr.path().is_ident("keel")) {
        return Err(Error::new_spanned(attr, "`#[keel(...)]` belongs on a field or a variant"));
    }
    let derives = item.attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    for derive in derives {
        let paths = derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)?;
        let doubled = paths.iter().find(|path| {
            path.segments.last().is_some_and(|last| last.ident == "Serialize" || last.ident == "Deserialize")
        });
        if let Some(path) = doubled {
            return Err(Error::new_spanned(
                path,
                "this attribute derives it already; remove it from the list",
            ));
        }
    }
    Ok(())
}

fn check_serde(attrs: &[Attribute]) -> Result<()> {
    let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("serde")) else { return Ok(()) };
    let instead = attr
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()
        .and_then(|list| list.first().and_then(|meta| meta.path().get_ident().map(ToString::to_string)))
        .map_or("remove it", |name| match name.as_str() {
            "skip" | "skip_serializing" | "skip_deserializing" | "skip_serializing_if" => {
                "use `#[keel(skip)]` to leave a field out"
            }
            "default" => "use `#[keel(default = EXPR)]`",
            "rename" | "rename_all" | "alias" => "use `#[keel(renamed_from = \"old\")]`",
            "with" | "serialize_with" | "deserialize_with" | "remote" => {
                "use `#[keel(opaque)]` for a type without a schema"
            }
            "flatten" => "keep the inner struct as a field of its own",
            "from" | "try_from" | "into" => "use `#[keel(convert_from(Old, function))]`",
            _ => "remove it",
        });
    Err(Error::new_spanned(
        attr,
        format!("serde's attributes would let the bytes and the schema disagree; {instead}"),
    ))
}

fn unraw(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

/// Tokens as text without spaces, except between words.
fn written(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let mut written = String::new();
    for part in text.split_whitespace() {
        let word =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        if word(written.chars().last()) && word(part.chars().next()) {
            written.push(' ');
        }
        written.push_str(part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand_text(item: &str) -> Result<TokenStream> {
        let args: Args = syn::parse_str("crate = somewhere")?;
        expand(&args, syn::parse_str(item)?)
    }

    #[track_caller]
    fn check_refused(item: &str, expected: &str) {
        let error = expand_text(item).expect_err("the item was accepted").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_cannot_be_saved_is_refused_with_what_to_do() {
        check_refused("union U { a: u8 }", "a union does not know which of its fields it holds");
        check_refused("#[derive(Clone, serde::Serialize)] struct S;", "derives it already");
        check_refused("#[keel(skip)] struct S;", "belongs on a field or a variant");
        check_refused("struct S(#[keel(skip)] u8);", "name the fields");
        check_refused("struct S { #[keel(skip, default = 1)] a: u8 }", "a skipped field is not saved");
        check_refused(
            "struct S { #[keel(defualt = 1)] a: u8 }",
            "unknown option; there are `default = EXPR`",
        );
        check_refused("struct S { #[keel(default = 1, default = 2)] a: u8 }", "said twice");
        check_refused("struct S { #[keel(convert_from(u8))] a: u8 }", "expected `,`");
        check_refused(
            "enum E { #[keel(skip)] A }",
            "on a variant, only `renamed_from = \"old\"` is possible",
        );
    }

    #[test]
    fn serde_attributes_are_refused_with_what_to_use_instead() {
        check_refused("#[serde(rename_all = \"camelCase\")] struct S;", "use `#[keel(renamed_from");
        check_refused("struct S { #[serde(skip)] a: u8 }", "use `#[keel(skip)]`");
        check_refused("struct S { #[serde(default)] a: u8 }", "use `#[keel(default = EXPR)]`");
        check_refused("struct S { #[serde(flatten)] a: T }", "keep the inner struct as a field of its own");
        check_refused("struct S(#[serde(with = \"m\")] u8);", "use `#[keel(opaque)]`");
        check_refused("#[serde(try_from = \"T\")] struct S;", "use `#[keel(convert_from(Old, function))]`");
        check_refused("enum E { #[serde(other)] A }", "let the bytes and the schema disagree; remove it");
        check_refused("enum E { A { #[serde(alias = \"c\")] b: u8 } }", "use `#[keel(renamed_from");
    }

    #[test]
    fn keel_attributes_are_removed_and_paths_begin_at_the_root() {
        let expanded = expand_text("struct S { #[keel(default = 1)] a: u8, #[keel(opaque)] b: T }").unwrap();
        let text = written(&expanded);
        assert!(!text.contains("#[keel"), "{text}");
        assert!(text.contains("derive(::somewhere::__private::serde::Serialize"), "{text}");
        assert!(text.contains("with=\"::somewhere::__private::opaque\""), "{text}");
    }

    #[test]
    fn the_fields_of_plain_data_are_held_against_the_struct() {
        let text = written(&expand_text("struct S { a: u8, b: [f32; 2] }").unwrap());
        assert!(text.contains("|field_0:u8,field_1:[f32;2],|Self{a:field_0,b:field_1,}"), "{text}");
        let text = written(&expand_text("struct S(u8, T);").unwrap());
        assert!(text.contains("|field_0:u8,field_1:T,|Self{0:field_0,1:field_1,}"), "{text}");
        for other in ["struct S { a: u8, #[keel(opaque)] b: T }", "struct S;", "enum E { A(u8) }"] {
            let text = written(&expand_text(other).unwrap());
            assert!(!text.contains("structure(&fields)"), "{text}");
        }
    }

    #[test]
    fn payloads_are_numbered_as_in_the_schema_and_held_against_their_types() {
        let text = "enum E { A, B { #[keel(skip)] a: u8, b: T }, C(u16, #[keel(opaque)] U) }";
        let text = written(&expand_text(text).unwrap());
        assert!(text.contains("Self::A{..}=>(0u32,0)"), "{text}");
        assert!(text.contains(
            "Self::B{b:field_1,..}=>(1u32,[{let place:*const T=&raw const*field_1;place.addr()},]"
        ));
        assert!(text.contains("Self::C{0:field_0,1:field_1,..}=>(2u32,"), "{text}");
        assert!(text.contains("AnyParts::hidden::<U>"), "{text}");
        assert!(!written(&expand_text("struct S(u8);").unwrap()).contains("enumeration("), "{text}");
    }

    #[test]
    fn doc_comments_are_told_and_none_costs_nothing() {
        let text = "/// One.\n///\n///  Two.\nstruct S { a: u8, /** B. */ #[keel(skip)] b: u8, /// C.\n c: u8, d: u8 }";
        let text = written(&expand_text(text).unwrap());
        assert!(text.contains("fields.docs(\"One.\\n\\n Two.\",&[\"\",\"C.\"]);"), "{text}");
        let text = written(&expand_text("/// E.\nenum E { /// A.\n A, B { /// C.\n c: u8 } }").unwrap());
        assert!(text.contains("variants.type_doc(\"E.\");"), "{text}");
        assert!(text.contains("fields.docs(\"A.\",&[]);"), "{text}");
        assert!(text.contains("fields.docs(\"\",&[\"C.\"]);"), "{text}");
        let text = written(&expand_text("struct S { a: u8 }").unwrap());
        assert!(!text.contains("docs("), "{text}");
    }

    #[track_caller]
    fn check_root(args: &str, expected: &str) {
        let args: Args = syn::parse_str(args).unwrap();
        assert_eq!(written(&args.private()), expected);
    }

    #[test]
    fn the_root_is_keel_unless_said_otherwise() {
        check_root("", "::keel::__private");
        check_root("crate = keel_state", "::keel_state::__private");
        check_root("crate = crate,", "crate::__private");
        assert!(syn::parse_str::<Args>("name = \"x\"").is_err());
        assert!(syn::parse_str::<Args>("crate = a, b").is_err());
    }
}
