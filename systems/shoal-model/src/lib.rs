//! The data of the game Shoal.
