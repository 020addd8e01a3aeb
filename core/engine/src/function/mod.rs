//! Functions that modules offer by name, and calling them with checked arguments.
//!
//! A function belongs to its module: it is exchanged with the module's other code at a swap, and gone when that is gone.
//! Whoever calls it holds its name, and where it was found last ([`PreparedCall`]); never the function.

mod code;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use keel_core_types::ModuleId;
use keel_crash::{Mark, Thread};
use keel_ecs::Commands;
use keel_state::{FromValue, ReflectError, Value, ValueRef};
use parking_lot::Mutex;

use crate::call::Caller;
use crate::fault::{Panic, catch};
use crate::function::code::{Arguments, CodeError};
use crate::{EngineError, Fault, Frame, ModuleTag};

pub use self::code::{Function, IntoFunction, IntoFunctionOf, LendOwner};

/// How deep functions may call each other.
pub const CALL_DEPTH_MAX: u32 = 64;

/// What is told of a function before it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionDescriptor {
    name: String,
    parameters: Vec<String>,
    doc: String,
    is_atomic: bool,
}

impl FunctionDescriptor {
    /// A function called `name`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// What its parameters are called, for errors and for people; one without a name is called by its number.
    #[must_use]
    pub fn parameters(mut self, names: &[&str]) -> Self {
        self.parameters = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// What it does.
    #[must_use]
    pub fn doc(mut self, text: &str) -> Self {
        text.clone_into(&mut self.doc);
        self
    }

    /// Lets it take effect whole or not at all: after an error or a panic the world is as it was before the call. What it has
    /// begun outside of the world, a timer, a deferred call or a task, stays.
    #[must_use]
    pub fn atomic(mut self) -> Self {
        self.is_atomic = true;
        self
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn parameter(&self, place: usize) -> String {
        self.parameters.get(place).cloned().unwrap_or_else(|| format!("argument {}", place + 1))
    }
}

/// A function as it is shown to others. Plain data: it may be kept across a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSummary {
    /// `module/function`, which is what it is called by.
    pub path: String,
    /// What it does.
    pub doc: String,
    /// Names and types of its parameters.
    pub parameters: Vec<(String, String)>,
    /// The type of its result.
    pub result: String,
}

/// As its author would declare it.
impl Display for FunctionSummary {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parameters: Vec<_> = self.parameters.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        write!(out, "{}({}) -> {}", self.path, parameters.join(", "), self.result)
    }
}

/// Why a function was not called, or did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No live module has such a function.
    #[error("there is no function `{path}`; there are: {known}")]
    NoSuchFunction {
        /// What was asked for.
        path: String,
        /// What there is.
        known: String,
    },
    /// It takes more arguments, or fewer.
    #[error("`{path}` takes {expected} arguments, {found} were given; it is {signature}")]
    WrongCount {
        /// The function.
        path: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        found: usize,
        /// How it is declared.
        signature: String,
    },
    /// An argument is not what the parameter is, or the result not what was asked for.
    #[error("`{path}`: {reason}")]
    WrongValue {
        /// The function.
        path: String,
        /// Why.
        reason: Box<ReflectError>,
    },
    /// It returned an error, or one of its commands failed.
    #[error("`{path}` failed: {message}")]
    Failed {
        /// The function.
        path: String,
        /// What it said.
        message: String,
    },
    /// It panicked; its module is suspended.
    #[error("`{path}` {message}; its module is suspended until its next swap")]
    Panicked {
        /// The function.
        path: String,
        /// What it said.
        message: String,
    },
    /// A fault has suspended its module.
    #[error("`{path}` is not called: a fault has suspended its module; save a corrected one")]
    Suspended {
        /// The function.
        path: String,
    },
    /// Functions call each other without end.
    #[error("`{path}` is not called: {limit} functions have called each other; end the recursion")]
    TooDeep {
        /// The function.
        path: String,
        /// [`CALL_DEPTH_MAX`]
        limit: u32,
    },
}

/// Counts the exchanges of functions in all engines, so that a prepared call notices one.
static STAMPS: AtomicU64 = AtomicU64::new(1);

/// The functions of all modules.
#[derive(Default)]
pub(crate) struct Functions {
    /// Sorted by their paths.
    entries: Vec<Entry>,
    stamp: u64,
    /// Those of the calls of one system, until it has ended.
    faults: Mutex<Vec<Fault>>,
}

/// What faults of a function are told under.
fn local_name(descriptor: &FunctionDescriptor) -> String {
    format!("function {}", descriptor.name)
}

struct Entry {
    path: String,
    module: ModuleTag,
    mark: Mark,
    caller: Caller,
    suspended: AtomicBool,
    descriptor: FunctionDescriptor,
    function: Function,
}

impl Functions {
    /// Adds the functions of a module, which has none.
    pub(crate) fn add_module(
        &mut self,
        module: &ModuleTag,
        caller: &Caller,
        suspended: bool,
        functions: Vec<(FunctionDescriptor, Function)>,
    ) {
        self.stamp = STAMPS.fetch_add(1, Ordering::Relaxed);
        self.entries.extend(functions.into_iter().map(|(descriptor, function)| Entry {
            path: format!("{}/{}", module.name(), descriptor.name),
            module: module.clone(),
            mark: Mark::of(module.name(), &local_name(&descriptor)),
            caller: caller.clone(),
            suspended: AtomicBool::new(suspended),
            descriptor,
            function,
        }));
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Takes out all functions of a module.
    pub(crate) fn take_module(&mut self, module: ModuleId) -> Vec<(FunctionDescriptor, Function)> {
        self.stamp = STAMPS.fetch_add(1, Ordering::Relaxed);
        let taken = self.entries.extract_if(.., |entry| entry.module.id() == module);
        taken.map(|entry| (entry.descriptor, entry.function)).collect()
    }

    /// Lets no function of the module be called, or lets it again.
    pub(crate) fn set_suspended(&self, module: ModuleId, suspended: bool) {
        let of_module = self.entries.iter().filter(|entry| entry.module.id() == module);
        of_module.for_each(|entry| entry.suspended.store(suspended, Ordering::Relaxed));
    }

    /// The faults of functions since the last time this was asked.
    pub(crate) fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(self.faults.get_mut())
    }

    /// All functions, sorted by their paths.
    pub(crate) fn summaries(&self) -> Vec<FunctionSummary> {
        self.entries.iter().map(Entry::summary).collect()
    }

    fn find(&self, path: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()
    }

    #[cold]
    fn no_such_function(&self, path: &str) -> CallError {
        let known: Vec<_> = self.entries.iter().map(|entry| entry.path.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        CallError::NoSuchFunction { path: path.to_owned(), known }
    }

    /// Refuses functions of one name.
    pub(crate) fn check(
        module: &ModuleTag,
        functions: &[(FunctionDescriptor, Function)],
    ) -> Result<(), EngineError> {
        let mut names = std::collections::BTreeSet::new();
        let twice = functions.iter().find(|(descriptor, _)| !names.insert(descriptor.name()));
        twice.map_or(Ok(()), |(descriptor, _)| {
            Err(EngineError::DuplicateFunction {
                module: module.name().to_owned(),
                function: descriptor.name.clone(),
            })
        })
    }
}

impl Entry {
    fn summary(&self) -> FunctionSummary {
        let parameters = self.function.signature.parameters.iter().enumerate();
        FunctionSummary {
            path: self.path.clone(),
            doc: self.descriptor.doc.clone(),
            parameters: parameters
                .map(|(place, ty)| (self.descriptor.parameter(place), ty.name.clone()))
                .collect(),
            result: self.function.signature.result.name.clone(),
        }
    }

    #[cold]
    fn error(&self, error: CodeError) -> CallError {
        let path = self.path.clone();
        match error {
            CodeError::Argument(reason) => CallError::WrongValue { path, reason },
            CodeError::Failed(message) => CallError::Failed { path, message },
        }
    }

    #[cold]
    fn panicked(&self, functions: &Functions, panic: Panic, frame: u64) -> CallError {
        functions.set_suspended(self.module.id(), true);
        functions.faults.lock().push(Fault {
            module: self.module.name().to_owned(),
            system: local_name(&self.descriptor),
            message: panic.message.clone(),
            backtrace: panic.backtrace,
            frame,
            suspended: true,
        });
        CallError::Panicked { path: self.path.clone(), message: panic.message }
    }

    #[cold]
    fn refused(&self, given: usize, depth: u32) -> Option<CallError> {
        let (path, expected) = (self.path.clone(), self.function.signature.parameters.len());
        if self.suspended.load(Ordering::Relaxed) {
            return Some(CallError::Suspended { path });
        }
        if depth >= CALL_DEPTH_MAX {
            return Some(CallError::TooDeep { path, limit: CALL_DEPTH_MAX });
        }
        let signature = self.summary().to_string();
        (given != expected).then_some(CallError::WrongCount { path, expected, found: given, signature })
    }
}

/// The functions as a frame lends them.
#[derive(Clone, Copy)]
pub(crate) struct FunctionAccess<'a> {
    functions: &'a Functions,
    /// How many functions have called each other.
    depth: u32,
}

impl<'a> FunctionAccess<'a> {
    pub(crate) fn new(functions: &'a Functions) -> Self {
        Self { functions, depth: 0 }
    }
}

/// A function's path that remembers where it was found. At an exchange of any module's code it is found again by itself:
/// it may be kept for as long as anyone likes, and holds nothing of a module.
///
/// ```
/// use keel_engine::{Engine, EngineConfig, Frame, FunctionDescriptor, ModuleTag, PreparedCall};
///
/// let mut engine = Engine::new(EngineConfig::default());
/// let damage = |_: &mut Frame<'_>, amount: f32| 100.0 - amount;
/// engine.add_function(&ModuleTag::new("hunt"), FunctionDescriptor::new("damage"), damage)?;
///
/// let left = engine.run_as(&ModuleTag::new("other"), |frame| {
///     let mut damage = PreparedCall::new("hunt/damage");
///     damage.call_as::<f32>(frame, &[30.into()]).map_err(|error| error.to_string())
/// });
/// assert_eq!(left, Ok(70.0));
/// # Ok::<(), keel_engine::EngineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedCall {
    path: String,
    stamp: u64,
    place: usize,
}

impl PreparedCall {
    /// A call of `module/function`, which is looked for when it is called first.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), stamp: 0, place: 0 }
    }

    /// `module/function`
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Calls the function, now, as code of its module: with that module's timers, calls and tasks, and commands that are
    /// applied when it returns. A number is converted if nothing is lost by it; what has parts is made of a [`Value`].
    ///
    /// # Errors
    /// [`CallError`]. After a panic the function's module is suspended, and the fault is told; the caller goes on.
    pub fn call(&mut self, frame: &mut Frame<'_>, arguments: &[ValueRef<'_>]) -> Result<Value, CallError> {
        let mut result = Value::Unit;
        self.call_into(frame, arguments, &mut result).map(|()| result)
    }

    /// As [`PreparedCall::call`], with the result as a `T`.
    ///
    /// # Errors
    /// [`CallError`], also when the result is no `T`.
    pub fn call_as<T: FromValue>(
        &mut self,
        frame: &mut Frame<'_>,
        arguments: &[ValueRef<'_>],
    ) -> Result<T, CallError> {
        let mut result = Value::Unit;
        self.call_into(frame, arguments, &mut result)?;
        T::from_value(ValueRef::from(&result)).map_err(|_| CallError::WrongValue {
            path: self.path.clone(),
            reason: Box::new(ReflectError::NotReadable {
                path: "the result".to_owned(),
                is: self.result_of(frame),
                found: result.to_string(),
                because: "is no".to_owned(),
                asked: T::EXPECTED.to_owned(),
            }),
        })
    }

    fn call_into(
        &mut self,
        frame: &mut Frame<'_>,
        arguments: &[ValueRef<'_>],
        result: &mut Value,
    ) -> Result<(), CallError> {
        let FunctionAccess { functions, depth } = frame.functions;
        if self.stamp != functions.stamp {
            self.place = functions.find(&self.path).ok_or_else(|| functions.no_such_function(&self.path))?;
            self.stamp = functions.stamp;
        }
        let Some(entry) = functions.entries.get(self.place) else {
            return Err(functions.no_such_function(&self.path));
        };
        let is_wrong = entry.suspended.load(Ordering::Relaxed)
            || depth >= CALL_DEPTH_MAX
            || arguments.len() != entry.function.signature.parameters.len();
        if is_wrong && let Some(error) = entry.refused(arguments.len(), depth) {
            return Err(error);
        }
        entry.call(functions, depth, frame, arguments, result)
    }

    fn result_of(&self, frame: &Frame<'_>) -> String {
        let entry = frame.functions.functions.entries.get(self.place);
        entry.map_or_else(String::new, |entry| entry.summary().result)
    }
}

impl Entry {
    fn call(
        &self,
        functions: &Functions,
        depth: u32,
        frame: &mut Frame<'_>,
        arguments: &[ValueRef<'_>],
        result: &mut Value,
    ) -> Result<(), CallError> {
        let Function { signature, code } = &self.function;
        let given = Arguments { values: arguments, signature, descriptor: &self.descriptor };
        let _running = Thread::current().enter(self.mark);
        let mut commands = Commands::with_max(frame.world.limits().commands);
        if self.descriptor.is_atomic {
            frame.world.begin_transaction();
        }
        let mut of_module = Frame {
            world: &mut *frame.world,
            time: frame.time,
            views: frame.views,
            commands: &mut commands,
            timers: frame.timers.of_module(self.module.id()),
            calls: &self.caller,
            tasks: frame.tasks.of_module(&self.module),
            functions: FunctionAccess { functions, depth: depth + 1 },
            worlds: frame.worlds.reborrow(),
        };
        let called = catch(|| {
            code(&mut of_module, &given, result)?;
            if of_module.commands.is_empty() {
                return Ok(());
            }
            let failed = of_module.commands.apply(of_module.world);
            let text = |error| format!("{} of its commands failed, the first: {error}", failed.len());
            failed.first().map_or(Ok(()), |error| Err(CodeError::Failed(text(error))))
        });
        if self.descriptor.is_atomic {
            match &called {
                Ok(Ok(())) => frame.world.commit(),
                // Whatever panics once more there has no more to say.
                _ => drop(catch(|| frame.world.roll_back())),
            }
        }
        if !commands.is_empty() {
            // After an error or a panic: they are code of the module, and so is their drop.
            drop(catch(|| drop(commands)));
        }
        match called {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.error(error)),
            Err(panic) => Err(self.panicked(functions, panic, frame.time.frame)),
        }
    }
}

impl Frame<'_> {
    /// Calls `module/function`; a [`PreparedCall`] is for what is called often.
    ///
    /// # Errors
    /// Those of [`PreparedCall::call`].
    pub fn call(&mut self, path: &str, arguments: &[ValueRef<'_>]) -> Result<Value, CallError> {
        PreparedCall::new(path).call(self, arguments)
    }

    /// All functions that can be called now, sorted by their paths.
    pub fn functions(&self) -> Vec<FunctionSummary> {
        self.functions.functions.summaries()
    }
}
