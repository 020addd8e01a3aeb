//! Plain data in a crate that forbids unsafe code: what `#[data]` expands to is not the author's.
#![forbid(unsafe_code)]

use keel_module_macros::data;
use keel_state::Schema;

#[data(crate = keel_state)]
struct Place {
    x: f32,
    y: f32,
}

#[test]
fn plain_data_needs_no_unsafe_of_its_author() {
    assert!(Place::plain().is_some_and(|plain| plain.bytes(&[Place { x: 1.0, y: 0.0 }]).len() == 8));
}
