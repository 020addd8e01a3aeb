//! The life cycle of modules: load, build, check, swap, roll back, retire.
