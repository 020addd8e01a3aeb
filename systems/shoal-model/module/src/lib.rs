//! Exports the data of the game Shoal as a Model module.
