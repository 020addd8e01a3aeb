//! The frame: fixed step, timers, executor and schedule.
