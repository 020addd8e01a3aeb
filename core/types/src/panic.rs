//! What is left of a panic that was caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a caught panic said, as owned text, `(no message)` if it said none. The payload goes here.
///
/// Call it where the panic is caught. A payload may be of a type whose code lies in a library, and a literal points into
/// one, so neither may be kept for longer than the library is. A panic in the payload's own `drop` ends here too; what
/// *that* one was thrown with is leaked, as it might go on like this for ever.
///
/// ```
/// use std::panic::catch_unwind;
/// use keel_core_types::panic_message;
///
/// let payload = catch_unwind(|| panic!("{} sharks", 3)).unwrap_err();
/// assert_eq!(panic_message(payload), "3 sharks");
/// ```
pub fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let message = panic_text(&*payload);
    if let Err(of_drop) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(of_drop);
    }
    message
}

/// What a panic says, copied, while it is still somebody else's: in a panic hook.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "(no message)".to_owned())
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static DROPPED: AtomicU32 = AtomicU32::new(0);

    /// Panics when it is dropped, with a payload that does so too.
    struct Endless;

    impl Drop for Endless {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            panic_any(Endless);
        }
    }

    #[track_caller]
    fn check(panic: fn(), expected: &str) {
        let payload = catch_unwind(panic).expect_err("it did not panic");
        assert_eq!(panic_text(&*payload), expected);
        assert_eq!(panic_message(payload), expected);
    }

    #[test]
    fn what_a_panic_said_is_copied() {
        check(|| panic!("literal"), "literal");
        check(|| panic!("{} sharks", 3), "3 sharks");
        check(|| panic_any(7_u32), "(no message)");
    }

    #[test]
    fn a_payload_whose_drop_panics_ends_nothing() {
        let payload = catch_unwind(|| panic_any(Endless)).expect_err("it did not panic");
        assert_eq!(panic_message(payload), "(no message)");
        assert_eq!(DROPPED.load(Ordering::Relaxed), 1, "it was dropped, and what that threw was not");
    }
}
