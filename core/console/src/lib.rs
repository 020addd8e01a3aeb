//! The terminal as a model, and the view that writes to it.
