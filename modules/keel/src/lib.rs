//! The facade: one library with all that a module's author needs.
