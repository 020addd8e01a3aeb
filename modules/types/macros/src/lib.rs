//! The derives and attributes of Keel.
