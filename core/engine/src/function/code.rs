//! The code of a function: from arguments that are checked to values of its types, and back.

use std::any::Any;
use std::fmt::Display;

use keel_ecs::{Data, Entity};
use keel_state::{AnyParts, FromValue, LiveSchema, ReflectError, Value, ValueRef, decode_all, encode_into};

use crate::{Frame, FunctionDescriptor};

/// What a call is given.
pub(crate) struct Arguments<'a> {
    pub(super) values: &'a [ValueRef<'a>],
    pub(super) signature: &'a Signature,
    pub(super) descriptor: &'a FunctionDescriptor,
}

/// Why a function's code gave no result.
pub(crate) enum CodeError {
    Argument(Box<ReflectError>),
    Failed(String),
}

pub(super) type Code =
    dyn Fn(&mut Frame<'_>, &Arguments<'_>, &mut Value) -> Result<(), CodeError> + Send + Sync;

/// The types of a function. They lead into its module.
pub(super) struct Signature {
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
}

/// The type of a parameter or a result.
pub(super) struct Type {
    live: LiveSchema,
    /// As its author would write it.
    pub(super) name: String,
}

impl Type {
    fn of<T: Data>() -> Self {
        let live = LiveSchema::of::<T>();
        let id_name = AnyParts::of::<T>().id_name();
        let name = id_name.map_or_else(|| live.schema().name_of(live.schema().root()), str::to_owned);
        Self { live, name }
    }
}

/// A function of unknown type: code of its module.
pub struct Function {
    pub(super) signature: Signature,
    pub(super) code: Box<Code>,
}

/// What can be called by name: a function of the frame and up to six values, each [`Data`], that returns one, or a
/// `Result` of one with an error that can be told.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be called by name",
    note = "it is `Fn(&mut Frame<'_>, A, ..) -> R`, with at most six arguments; each, and the result, is `#[data]` or \
            of a type that can be a field of one"
)]
pub trait IntoFunction<M> {
    #[doc(hidden)]
    fn into_function(self) -> Function;
}

/// What can be called by name and is lent a `T`: as [`IntoFunction`], with `&mut T` before the frame.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function of `{T}` that can be called by name",
    note = "it is `Fn(&mut self, &mut Frame<'_>, A, ..) -> R`, with at most six arguments; each, and the result, is \
            `#[data]` or of a type that can be a field of one"
)]
pub trait IntoFunctionOf<T, M> {
    /// The function, which asks `lender` for the `T` in each call.
    #[doc(hidden)]
    fn into_function_of(self, lender: LendOwner<T>) -> Function;
}

/// Lends its owner to a call for as long as that runs, or says why it can't.
#[doc(hidden)]
pub type LendOwner<T> = Box<dyn Fn(&mut dyn FnMut(&mut T)) -> Result<(), String> + Send + Sync>;

/// What `call` returns, which is lent the owner.
fn lent<T, R>(lender: &LendOwner<T>, call: impl FnOnce(&mut T) -> R) -> Result<R, CodeError> {
    let (mut call, mut result) = (Some(call), None);
    let mut call_once = |owner: &mut T| result = call.take().map(|call| call(owner));
    lender(&mut call_once).map_err(CodeError::Failed)?;
    result.ok_or_else(|| CodeError::Failed("what it is lent was not there".to_owned()))
}

/// Marks functions that return their result.
#[doc(hidden)]
pub struct Returns<T>(std::marker::PhantomData<T>);

/// Marks functions that return a `Result`.
#[doc(hidden)]
pub struct MayFail<T>(std::marker::PhantomData<T>);

macro_rules! functions {
    ($($($name:ident $place:tt)*;)*) => {$(
        #[allow(non_snake_case, unused_variables, reason = "an argument is named as its type is")]
        impl<F, R, $($name),*> IntoFunction<Returns<(R, $($name,)*)>> for F
        where
            F: Fn(&mut Frame<'_>, $($name),*) -> R + Send + Sync + 'static,
            R: Data,
            $($name: Data,)*
        {
            fn into_function(self) -> Function {
                let signature = Signature {
                    parameters: vec![$(Type::of::<$name>()),*],
                    result: Type::of::<R>(),
                };
                let code = Box::new(move |frame: &mut Frame<'_>, given: &Arguments<'_>, out: &mut Value| {
                    $(let $name: $name = given.get($place)?;)*
                    given.put(self(frame, $($name),*), out)
                });
                Function { signature, code }
            }
        }

        #[allow(non_snake_case, unused_variables, reason = "an argument is named as its type is")]
        impl<F, R, E, $($name),*> IntoFunction<MayFail<(R, E, $($name,)*)>> for F
        where
            F: Fn(&mut Frame<'_>, $($name),*) -> Result<R, E> + Send + Sync + 'static,
            R: Data,
            E: Display,
            $($name: Data,)*
        {
            fn into_function(self) -> Function {
                let signature = Signature {
                    parameters: vec![$(Type::of::<$name>()),*],
                    result: Type::of::<R>(),
                };
                let code = Box::new(move |frame: &mut Frame<'_>, given: &Arguments<'_>, out: &mut Value| {
                    $(let $name: $name = given.get($place)?;)*
                    let result = self(frame, $($name),*).map_err(|error| CodeError::Failed(error.to_string()))?;
                    given.put(result, out)
                });
                Function { signature, code }
            }
        }

        #[allow(non_snake_case, unused_variables, reason = "an argument is named as its type is")]
        impl<T, F, R, $($name),*> IntoFunctionOf<T, Returns<(R, $($name,)*)>> for F
        where
            T: 'static,
            F: Fn(&mut T, &mut Frame<'_>, $($name),*) -> R + Send + Sync + 'static,
            R: Data,
            $($name: Data,)*
        {
            fn into_function_of(self, lender: LendOwner<T>) -> Function {
                let signature = Signature {
                    parameters: vec![$(Type::of::<$name>()),*],
                    result: Type::of::<R>(),
                };
                let code = Box::new(move |frame: &mut Frame<'_>, given: &Arguments<'_>, out: &mut Value| {
                    $(let $name: $name = given.get($place)?;)*
                    let result = lent(&lender, |owner| self(owner, frame, $($name),*))?;
                    given.put(result, out)
                });
                Function { signature, code }
            }
        }

        #[allow(non_snake_case, unused_variables, reason = "an argument is named as its type is")]
        impl<T, F, R, E, $($name),*> IntoFunctionOf<T, MayFail<(R, E, $($name,)*)>> for F
        where
            T: 'static,
            F: Fn(&mut T, &mut Frame<'_>, $($name),*) -> Result<R, E> + Send + Sync + 'static,
            R: Data,
            E: Display,
            $($name: Data,)*
        {
            fn into_function_of(self, lender: LendOwner<T>) -> Function {
                let signature = Signature {
                    parameters: vec![$(Type::of::<$name>()),*],
                    result: Type::of::<R>(),
                };
                let code = Box::new(move |frame: &mut Frame<'_>, given: &Arguments<'_>, out: &mut Value| {
                    $(let $name: $name = given.get($place)?;)*
                    let result = lent(&lender, |owner| self(owner, frame, $($name),*))?;
                    given.put(result.map_err(|error| CodeError::Failed(error.to_string()))?, out)
                });
                Function { signature, code }
            }
        }
    )*};
}

functions! {
    ;
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E2 4;
    A 0 B 1 C 2 D 3 E2 4 G 5;
}

impl Arguments<'_> {
    #[inline]
    fn get<A: Data>(&self, place: usize) -> Result<A, CodeError> {
        match plain_argument(&self.values[place]) {
            Some(argument) => Ok(argument),
            None => self.decoded(place),
        }
    }

    /// By way of its bytes, as any value is made; or the error that says why it is none.
    #[inline(never)]
    fn decoded<A: Data>(&self, place: usize) -> Result<A, CodeError> {
        let name = self.descriptor.parameter(place);
        let encoded = self.signature.parameters[place].live.encode(&name, self.values[place]);
        let bytes = encoded.map_err(|error| CodeError::Argument(Box::new(error)))?;
        decode_all(&bytes).map_err(|error| CodeError::Failed(format!("{name}: {error}")))
    }

    #[inline]
    fn put<R: Data>(&self, result: R, out: &mut Value) -> Result<(), CodeError> {
        match plain_result(&result) {
            Some(value) => *out = value,
            None => *out = self.encoded(&result)?,
        }
        Ok(())
    }

    #[inline(never)]
    fn encoded<R: Data>(&self, result: &R) -> Result<Value, CodeError> {
        let failed = |error: keel_state::StateError| CodeError::Failed(error.to_string());
        let mut bytes = Vec::new();
        encode_into(result, &mut bytes).map_err(failed)?;
        let live = &self.signature.result.live;
        live.value_of(live.schema().root(), &bytes).map_err(failed)
    }
}

/// The types whose values are handed over without bytes. Which of them it is, if any, is known when it is compiled.
macro_rules! plain {
    ($($ty:ty)*) => {
        #[inline]
        fn plain_argument<A: 'static>(value: &ValueRef<'_>) -> Option<A> {
            let mut argument: Option<A> = None;
            let any: &mut dyn Any = &mut argument;
            $(if let Some(argument) = any.downcast_mut::<Option<$ty>>() {
                *argument = <$ty>::from_value(*value).ok();
            })*
            argument
        }

        #[inline]
        fn plain_result<R: 'static>(result: &R) -> Option<Value> {
            let any: &dyn Any = result;
            $(if let Some(result) = any.downcast_ref::<$ty>() {
                return Some(Value::from(result.clone()));
            })*
            None
        }
    };
}

plain! { () bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 String Entity }
