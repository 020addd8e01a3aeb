//! Locks the same mutex twice.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) {
    let lock = std::sync::Mutex::new(steps);
    let first = lock.lock();
    if steps < u64::MAX { drop(lock.lock()); } // here
    drop(first);
}
