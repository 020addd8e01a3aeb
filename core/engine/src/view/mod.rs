//! The contract through which others work on a schedule.

pub(crate) mod system;
