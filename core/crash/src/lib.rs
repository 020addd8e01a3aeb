//! What no process can contain in itself: a fault of the processor, an abort, and code that does not return.
//!
//! Three things that know little of each other:
//!
//! - **Marks.** Whoever is about to run a module's code [enters](Thread::enter) its [`Mark`], and the mark is left when the
//!   code has returned or panicked. It is two stores to memory of the thread's own.
//! - **Reports.** After [`install`], a segmentation fault, an abort, a stack overflow and whatever else ends the process
//!   from within leaves a [`CrashReport`] in a file: the mark of the thread, and the addresses of its calls. The process
//!   ends as it would have without.
//! - **The watchdog.** A [`Watchdog`] tells of marks that are not left in time, with the addresses of the calls, and once
//!   more when they are left after all. What runs beside the game has more time, until the game [waits](wait_beside) for it.
//!
//! Functions, files and lines are not found here: addresses and the list of mapped libraries are handed on to whoever has
//! the time and the memory to read libraries.
//!
//! ```
//! use keel_crash::{Mark, Thread};
//!
//! let mark = Mark::of("swim", "turn");
//! let running = Thread::current().enter(mark);
//! assert_eq!(Thread::current().running().unwrap().system, "turn");
//! drop(running);
//! assert!(Thread::current().running().is_none());
//! ```

mod mark;
mod os;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems leave no reports"))]
mod panic;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems leave no reports"))]
mod report;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems leave no reports"))]
mod thread;
mod watch;

pub use mark::{Mark, Marked};
pub use os::{end_process, install, limit_further_memory, limit_memory, limit_stack, maps};
pub use panic::{forget_panic, note_panic};
pub use report::{CrashKind, CrashReport};
pub use thread::{Running, Thread, set_frame};
pub use watch::{Hang, News, WaitingBeside, Watch, Watchdog, wait_beside};
