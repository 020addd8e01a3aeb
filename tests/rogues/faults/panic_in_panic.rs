//! Panics while it cleans up after a panic, which aborts the process.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) { // here
    let _deep = Deep(steps);
    if steps < u64::MAX { panic!("first"); }
}

/// Its drop panics.
struct Deep(u64);

impl Drop for Deep {
    fn drop(&mut self) {
        if self.0 < u64::MAX { panic!("second"); }
    }
}
