//! The one unsafe boundary: checks and opens libraries and hands out trait objects.
