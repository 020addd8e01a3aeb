//! Systems and handlers that are lent the view model which registered them.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, PoisonError};

use keel_engine::{Frame, Handler, SystemCode, SystemOutput};
use keel_state::SavedValue;

use crate::{ModuleError, ModuleResult, ViewModel};

/// Lends the one view model of a module to a call, for as long as that runs.
pub type ViewModelAccess = Arc<dyn Fn(&mut dyn FnMut(&mut dyn ViewModel)) + Send + Sync>;

/// Code that is called with the view model, and with `A` beside the frame.
pub(crate) struct Own<A: ?Sized> {
    name: String,
    /// The type that it expects.
    owner: TypeId,
    code: OwnCode<A>,
}

type OwnCode<A> = Box<dyn FnMut(&mut dyn ViewModel, &mut Frame<'_>, &A) -> Result<(), String> + Send>;

impl<A: ?Sized + 'static> Own<A> {
    pub(crate) fn new<T: ViewModel, R: SystemOutput>(
        name: &str,
        mut call: impl FnMut(&mut T, &mut Frame<'_>, &A) -> Result<R, String> + Send + 'static,
    ) -> Self {
        let misfit = misfit(name).to_string();
        let code: OwnCode<A> = Box::new(move |view_model, frame, argument| {
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
        let any: &dyn Any = view_model;
        if any.type_id() == self.owner { Ok(()) } else { Err(misfit(&self.name)) }
    }

    fn call(
        &mut self,
        access: Option<&ViewModelAccess>,
        frame: &mut Frame<'_>,
        argument: &A,
    ) -> Result<(), String> {
        let Some(access) = access else {
            return Err(format!("`{}` is lent its view model; make the code with `into_code_of`", self.name));
        };
        let mut outcome = Ok(());
        access(&mut |view_model| outcome = (self.code)(view_model, frame, argument));
        outcome
    }
}

impl Own<()> {
    pub(crate) fn into_system(mut self, access: Option<ViewModelAccess>) -> SystemCode {
        Box::new(move |frame| self.call(access.as_ref(), frame, &()))
    }
}

impl Own<SavedValue> {
    pub(crate) fn into_handler(mut self, access: Option<ViewModelAccess>) -> Handler {
        Box::new(move |frame, argument| self.call(access.as_ref(), frame, argument))
    }
}

/// Lends `view_model` from here on.
pub(crate) fn access_to(view_model: Box<dyn ViewModel>) -> ViewModelAccess {
    let view_model = Mutex::new(view_model);
    Arc::new(move |call| {
        // After a panic the module is suspended; what it was changing is of no use, and does no harm.
        let mut view_model = view_model.lock().unwrap_or_else(PoisonError::into_inner);
        call(&mut **view_model);
    })
}

fn misfit(name: &str) -> ModuleError {
    ModuleError::new(format!(
        "`{name}` is registered for another type than the module's view model; register a function of `Self`"
    ))
}
