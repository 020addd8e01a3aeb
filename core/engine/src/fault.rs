//! Running a module's code so that its panic ends nothing but the call.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use keel_core_types::{panic_message, panic_text};
use keel_crash::{forget_panic, note_panic};
use keel_ecs::take_borrow_conflict;

/// A module's code panicked or returned an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The module's name.
    pub module: String,
    /// The system, handler, task or life-cycle call.
    pub system: String,
    /// What it said, with file and line for a panic.
    pub message: String,
    /// The module's calls that had not returned when it panicked, the innermost first, one a line; `None` after an
    /// error, and where [`install_panic_hook`] was given no way to tell.
    pub backtrace: Option<String>,
    /// The frame in which it happened.
    pub frame: u64,
    /// Whether the module was suspended for it: for a panic in the frame. After an error, or a panic in a background
    /// task, it runs on.
    pub suspended: bool,
}

impl Fault {
    /// How the `system` of a background task begins.
    const OF_TASK: &'static str = "task ";

    /// The `system` of the task called `name`.
    pub(crate) fn system_of_task(name: &str) -> String {
        format!("{}{name}", Self::OF_TASK)
    }

    /// Whether it is the panic of a background task.
    pub fn is_of_task(&self) -> bool {
        self.system.starts_with(Self::OF_TASK)
    }
}

/// What is left of a panic.
#[derive(Clone, Debug)]
pub struct Panic {
    /// What it said, with its file and line where the hook is installed.
    pub message: String,
    /// As in [`Fault`].
    pub backtrace: Option<String>,
}

thread_local! {
    // Lives in the facade, which is never unmapped.
    static LAST_PANIC: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Notes where each panic happened, for the report, instead of printing it over the game. A host calls it once.
///
/// `backtrace` is called while the thread that panics is still where it did, and tells the calls that led there.
pub fn install_panic_hook(backtrace: fn() -> Option<String>) {
    std::panic::set_hook(Box::new(move |info| {
        let message = panic_text(info.payload());
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let message = format!("panicked{place}: {message}");
        // One that can't be caught ends the process.
        note_panic(&message);
        let panic = Panic { message, backtrace: backtrace() };
        LAST_PANIC.with_borrow_mut(|last| *last = Some(panic));
    }));
}

/// Runs `call`; a panic becomes its message. Whatever `call` was changing may be half-changed then.
///
/// # Errors
/// The panic's message, copied, with its file and line where the hook is installed.
pub fn contain<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch(call).map_err(|panic| panic.message)
}

/// As [`contain`], with all that is left of the panic.
///
/// # Errors
/// The panic.
pub fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Panic> {
    LAST_PANIC.with_borrow_mut(Option::take);
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        forget_panic();
        let noted = LAST_PANIC.with_borrow_mut(Option::take);
        let message = panic_message(payload);
        // The payload's own drop may have panicked, and been noted.
        LAST_PANIC.with_borrow_mut(Option::take);
        let panic =
            noted.unwrap_or_else(|| Panic { message: format!("panicked: {message}"), backtrace: None });
        // Where it was noticed is in code of the world, and its words are of columns.
        let conflict = take_borrow_conflict().filter(|_| is_of_a_borrow(&panic.message));
        let message = conflict.map_or(panic.message, |conflict| format!("panicked: {conflict}"));
        Panic { message, ..panic }
    })
}

/// Whether a panic is that of a borrow in a world: a module may have caught one before, of which the note is still there.
fn is_of_a_borrow(message: &str) -> bool {
    let is_of_a_column =
        message.ends_with(" already borrowed") || message.ends_with(" already borrowed uniquely");
    (is_of_a_column && !message.ends_with("RefCell already borrowed"))
        || message.contains("is in use elsewhere in this call")
}

/// Goes on with a panic that was caught on another thread, and with what was noted of it there.
pub(crate) fn rethrow(panic: Panic) -> ! {
    let message = panic.message.clone();
    LAST_PANIC.with_borrow_mut(|last| *last = Some(panic));
    resume_unwind(Box::new(message))
}
