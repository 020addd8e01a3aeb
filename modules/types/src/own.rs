//! Systems, handlers, observers and functions that are lent the view model which registered them.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, TryLockError};

use keel_engine::{
    Frame, Function, Handler, IntoFunctionOf, ModuleTag, ObserverCode, ObserverFunctionOf, OfFrame, OfParams,
    SystemCode, SystemFunctionOf, SystemOutput,
};
use keel_state::SavedValue;

use crate::{ModuleError, ModuleResult, ViewModel};

/// Lends the one view model of a module to a call, for as long as that runs. False if it is lent already: then nothing was
/// called.
pub type ViewModelAccess = Arc<dyn Fn(&mut dyn FnMut(&mut dyn ViewModel)) -> bool + Send + Sync>;

/// A handler that is lent the view model.
pub(crate) struct OwnHandler {
    name: String,
    /// The type that it expects.
    owner: TypeId,
    code: OwnCode,
}

type OwnCode = Box<dyn FnMut(&mut dyn ViewModel, &mut Frame<'_>, &SavedValue) -> Result<(), String> + Send>;

impl OwnHandler {
    pub(crate) fn new<T: ViewModel, R: SystemOutput>(
        name: &str,
        mut call: impl FnMut(&mut T, &mut Frame<'_>, &SavedValue) -> Result<R, String> + Send + 'static,
    ) -> Self {
        let misfit = misfit(name).to_string();
        let code: OwnCode = Box::new(move |view_model, frame, argument| {
            let any: &mut dyn Any = view_model;
            match any.downcast_mut::<T>() {
                Some(owner) => call(owner, frame, argument)?.into_result(),
                None => Err(misfit.clone()),
            }
        });
        Self { name: name.to_owned(), owner: TypeId::of::<T>(), code }
    }

    /// Checks that it expects the type of `view_model`.
    pub(crate) fn check(&self, view_model: &dyn ViewModel) -> ModuleResult {
        check_owner(&self.name, self.owner, view_model)
    }

    fn call(
        &mut self,
        access: Option<&ViewModelAccess>,
        frame: &mut Frame<'_>,
        argument: &SavedValue,
    ) -> Result<(), String> {
        let Some(access) = access else {
            return Err(not_lent(&self.name));
        };
        let mut outcome = Ok(());
        let is_lent = access(&mut |view_model| outcome = (self.code)(view_model, frame, argument));
        if is_lent { outcome } else { Err(lent_already(&self.name)) }
    }

    pub(crate) fn into_handler(mut self, access: Option<ViewModelAccess>) -> Handler {
        Box::new(move |frame, argument| self.call(access.as_ref(), frame, argument))
    }
}

/// A function that can be a system of the view model `T`: of `&mut self`, and of what any system takes. `Marker` tells the
/// kinds apart; the compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a system of `{T}`",
    note = "a system of a view model is a function of `&mut self`, and of `&mut Frame<'_>` or of up to 12 parameters: \
            `Query`, `Res`, `ResMut`, `EventReader`, `EventWriter`, `&mut Commands`, `Local`, `Time`, `Entities`, `Names`, `Views`, `Workers`",
    note = "it returns nothing, or a `Result<(), E>` whose `E` can be shown"
)]
pub trait IntoSystemOf<T, Marker> {
    /// The system's code, to which `lender` lends the view model.
    #[doc(hidden)]
    fn into_system_of(self, lender: Lender<T>) -> SystemCode;
}

impl<T, F, R> IntoSystemOf<T, OfFrame<R>> for F
where
    T: ViewModel,
    F: FnMut(&mut T, &mut Frame<'_>) -> R + Send + 'static,
    R: SystemOutput,
{
    fn into_system_of(mut self, lender: Lender<T>) -> SystemCode {
        SystemCode::of_frame(move |frame| lender.lend(|owner| self(owner, frame).into_result()))
    }
}

impl<T, F, M> IntoSystemOf<T, OfParams<M>> for F
where
    T: ViewModel,
    F: SystemFunctionOf<T, M> + Send + 'static,
    F::Param: 'static,
    F::Output: SystemOutput,
{
    fn into_system_of(mut self, lender: Lender<T>) -> SystemCode {
        SystemCode::of_params::<F::Param>(move |item| {
            lender.lend(|owner| self.call(owner, item).into_result())
        })
    }
}

/// Lends the view model of type `T` to one system.
#[doc(hidden)]
pub struct Lender<T> {
    name: String,
    access: Option<ViewModelAccess>,
    owner: PhantomData<fn(&mut T)>,
}

impl<T: ViewModel> Lender<T> {
    fn lend(&self, call: impl FnOnce(&mut T) -> Result<(), String>) -> Result<(), String> {
        let (mut outcome, mut call) = (Ok(()), Some(call));
        self.lend_to(&mut |owner| {
            if let Some(call) = call.take() {
                outcome = call(owner);
            }
        })?;
        outcome
    }

    /// Calls `call` once, unless it is an error.
    fn lend_to(&self, call: &mut dyn FnMut(&mut T)) -> Result<(), String> {
        let Some(access) = &self.access else { return Err(not_lent(&self.name)) };
        let mut outcome = Ok(());
        let is_lent = access(&mut |view_model| {
            let any: &mut dyn Any = view_model;
            match any.downcast_mut::<T>() {
                Some(owner) => call(owner),
                None => outcome = Err(misfit(&self.name).to_string()),
            }
        });
        if is_lent { outcome } else { Err(lent_already(&self.name)) }
    }
}

/// A system that is lent the view model, once it is known how.
pub(crate) struct OwnSystem {
    name: String,
    owner: TypeId,
    make: Box<dyn FnOnce(Option<ViewModelAccess>) -> SystemCode + Send>,
}

impl OwnSystem {
    pub(crate) fn new<T: ViewModel, M>(name: &str, system: impl IntoSystemOf<T, M> + Send + 'static) -> Self {
        let lender = Lender { name: name.to_owned(), access: None, owner: PhantomData };
        Self {
            name: name.to_owned(),
            owner: TypeId::of::<T>(),
            make: Box::new(move |access| system.into_system_of(Lender { access, ..lender })),
        }
    }

    /// Checks that it expects the type of `view_model`.
    pub(crate) fn check(&self, view_model: &dyn ViewModel) -> ModuleResult {
        check_owner(&self.name, self.owner, view_model)
    }

    /// The code, as `module`'s. Two of them never run at the same time: each has the view model to itself.
    pub(crate) fn into_code(self, module: &ModuleTag, access: Option<&ViewModelAccess>) -> SystemCode {
        let fields = format!("the fields of `{}`", module.name());
        (self.make)(access.cloned()).excluding("&mut self", &fields)
    }
}

/// A function that can be an observer of the view model `T`: of `&mut self`, and of what any observer takes. `Marker` is
/// found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an observer of `{T}`",
    note = "an observer of a view model is a function of `&mut self`, of `On<Insert, C>`, `On<Replace, C>`, \
            `On<Remove, C>`, `On<Despawn, C>` or `On<Sent, E>`, and of up to 11 parameters as those of systems",
    note = "it returns nothing, or a `Result<(), E>` whose `E` can be shown"
)]
pub trait IntoObserverOf<T, Marker> {
    /// The observer's code, to which `lender` lends the view model.
    #[doc(hidden)]
    fn into_observer_of(self, lender: Lender<T>) -> ObserverCode;
}

impl<T, F, M> IntoObserverOf<T, M> for F
where
    T: ViewModel,
    F: ObserverFunctionOf<T, M> + Send + 'static,
    F::On: 'static,
    F::Param: 'static,
    F::Output: SystemOutput,
{
    fn into_observer_of(mut self, lender: Lender<T>) -> ObserverCode {
        ObserverCode::of_params::<F::On, F::Param>(move |on, item| {
            lender.lend(|owner| self.call(owner, on, item).into_result())
        })
    }
}

/// An observer that is lent the view model, once it is known how.
pub(crate) struct OwnObserver {
    name: String,
    owner: TypeId,
    make: Box<dyn FnOnce(Option<ViewModelAccess>) -> ObserverCode + Send>,
}

impl OwnObserver {
    pub(crate) fn new<T: ViewModel, M>(
        name: &str,
        observer: impl IntoObserverOf<T, M> + Send + 'static,
    ) -> Self {
        let lender = Lender { name: name.to_owned(), access: None, owner: PhantomData };
        Self {
            name: name.to_owned(),
            owner: TypeId::of::<T>(),
            make: Box::new(move |access| observer.into_observer_of(Lender { access, ..lender })),
        }
    }

    /// Checks that it expects the type of `view_model`.
    pub(crate) fn check(&self, view_model: &dyn ViewModel) -> ModuleResult {
        check_owner(&self.name, self.owner, view_model)
    }

    /// The code. Observers run one after the other, and beside no system.
    pub(crate) fn into_code(self, access: Option<&ViewModelAccess>) -> ObserverCode {
        (self.make)(access.cloned())
    }
}

/// A function that others call by name and that is lent the view model, once it is known how.
pub(crate) struct OwnFunction {
    name: String,
    owner: TypeId,
    make: Box<dyn FnOnce(Option<ViewModelAccess>) -> Function + Send>,
}

impl OwnFunction {
    pub(crate) fn new<T: ViewModel, M>(
        name: &str,
        function: impl IntoFunctionOf<T, M> + Send + 'static,
    ) -> Self {
        let lender = Lender::<T> { name: name.to_owned(), access: None, owner: PhantomData };
        let make = move |access| {
            let lender = Lender { access, ..lender };
            function.into_function_of(Box::new(move |call| lender.lend_to(call)))
        };
        Self { name: name.to_owned(), owner: TypeId::of::<T>(), make: Box::new(make) }
    }

    /// Checks that it expects the type of `view_model`.
    pub(crate) fn check(&self, view_model: &dyn ViewModel) -> ModuleResult {
        check_owner(&self.name, self.owner, view_model)
    }

    /// The code. It is called with the whole frame, so beside no system.
    pub(crate) fn into_code(self, access: Option<&ViewModelAccess>) -> Function {
        (self.make)(access.cloned())
    }
}

/// Lends `view_model` from here on.
pub(crate) fn access_to(view_model: Box<dyn ViewModel>) -> ViewModelAccess {
    let view_model = Mutex::new(view_model);
    Arc::new(move |call| {
        let mut view_model = match view_model.try_lock() {
            Ok(view_model) => view_model,
            // After a panic the module is suspended; what it was changing is of no use, and does no harm.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Nothing of a module runs beside what has its view model, so the one that has it is waiting for this.
            Err(TryLockError::WouldBlock) => return false,
        };
        call(&mut **view_model);
        true
    })
}

fn check_owner(name: &str, owner: TypeId, view_model: &dyn ViewModel) -> ModuleResult {
    let any: &dyn Any = view_model;
    if any.type_id() == owner { Ok(()) } else { Err(misfit(name)) }
}

fn not_lent(name: &str) -> String {
    format!("`{name}` is lent its view model; make the code with `into_code_of`")
}

fn lent_already(name: &str) -> String {
    format!(
        "`{name}` is called while other code of its module has the view model, which there is one of; call the method of \
         `self` there, or let `{name}` be a function without `&mut self`"
    )
}

fn misfit(name: &str) -> ModuleError {
    ModuleError::new(format!(
        "`{name}` is registered for another type than the module's view model; register a function of `Self`"
    ))
}
