//! What a panic said that may end the process: one in a `drop` while another is under way, or in a function that must not
//! unwind.

use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};

use crate::os;

const BYTES_MAX: usize = 512;

static THREAD: AtomicI32 = AtomicI32::new(0);
static LENGTH: AtomicUsize = AtomicUsize::new(0);
static TEXT: [AtomicU8; BYTES_MAX] = [const { AtomicU8::new(0) }; BYTES_MAX];

/// What stands between the panics of one thread that nobody has caught yet.
const THEN: &str = "; then it ";

/// Notes what this thread has just panicked with, behind what it had panicked with before if that is still under way. Only
/// the panics of one thread are kept, and their first 512 bytes.
pub fn note_panic(message: &str) {
    // While the text is half-written it is nobody's.
    let is_first = THREAD.swap(0, Ordering::AcqRel) != os::thread_id();
    let (begin, then) = if is_first { (0, "") } else { (LENGTH.load(Ordering::Relaxed), THEN) };
    let places = TEXT.iter().skip(begin);
    let bytes = then.bytes().chain(message.bytes());
    let added = bytes.zip(places).map(|(byte, place)| place.store(byte, Ordering::Relaxed)).count();
    LENGTH.store(begin + added, Ordering::Relaxed);
    THREAD.store(os::thread_id(), Ordering::Release);
}

/// The panic was caught, and ends nothing.
pub fn forget_panic() {
    THREAD.store(0, Ordering::Relaxed);
}

/// What this thread has panicked with, if that was not caught. Takes no memory.
pub(crate) fn uncaught(buffer: &mut [u8; BYTES_MAX]) -> Option<&str> {
    if THREAD.load(Ordering::Acquire) != os::thread_id() {
        return None;
    }
    let length = LENGTH.load(Ordering::Relaxed).min(BYTES_MAX);
    buffer.iter_mut().zip(&TEXT).for_each(|(byte, place)| *byte = place.load(Ordering::Relaxed));
    let bytes = &buffer[..length];
    // What was cut may end within a letter.
    std::str::from_utf8(bytes).or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()])).ok()
}
