//! Running a module's code so that its panic ends nothing but the call.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_core_types::{panic_message, panic_text};

/// A module's code panicked or returned an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The module's name.
    pub module: String,
    /// The system, handler, task or life-cycle call.
    pub system: String,
    /// What it said, with file and line for a panic.
    pub message: String,
    /// The frame in which it happened.
    pub frame: u64,
    /// Whether the module was suspended for it: for a panic in the frame. After an error, or a panic in a background
    /// task, it runs on.
    pub suspended: bool,
}

thread_local! {
    // Lives in the facade, which is never unmapped.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where each panic happened, for the report, instead of printing it over the game. A host calls it once.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let message = panic_text(info.payload());
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        LAST_PANIC.with_borrow_mut(|last| *last = Some(format!("panicked{place}: {message}")));
    }));
}

/// Runs `call`; a panic becomes its message. Whatever `call` was changing may be half-changed then.
///
/// # Errors
/// The panic's message, copied, with its file and line where the hook is installed.
pub fn contain<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    LAST_PANIC.with_borrow_mut(Option::take);
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let noted = LAST_PANIC.with_borrow_mut(Option::take);
        let message = panic_message(payload);
        // The payload's own drop may have panicked, and been noted.
        LAST_PANIC.with_borrow_mut(Option::take);
        noted.unwrap_or_else(|| format!("panicked: {message}"))
    })
}
