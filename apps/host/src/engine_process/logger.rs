//! `log` in host and modules, carried to the supervisor.

use keel::crash::Thread;
use keel::log::{self, LevelFilter, Log, Metadata, Record};
use keel_loader::{Origin, origin_of};

use super::link::Link;
use crate::event::Event;
use crate::protocol::FromEngine;

struct LinkLogger {
    link: Link,
}

/// Sends what is logged from here on to the supervisor. The facade has the one logger of the process, so modules'
/// records come here too.
pub(crate) fn install(link: &Link) {
    let logger = Box::new(LinkLogger { link: link.clone() });
    if log::set_boxed_logger(logger).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// The module that logs, and which generation of it. A target is a literal of the code that logs, if it is not made up; else
/// it is known what the thread runs.
fn origin(target: &str) -> (Option<String>, Option<u64>) {
    match origin_of(target) {
        Some(Origin { module, generation }) => (Some(module), generation),
        None => (Thread::current().running().map(|marked| marked.module.clone()), None),
    }
}

impl Log for LinkLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // The text is copied: target and message may lie in a module.
            let level = record.level().as_str().to_lowercase();
            let message = format!("{}: {}", record.target(), record.args());
            let (module, generation) = origin(record.target());
            self.link.send(&FromEngine::Event(Event::Log { level, message, module, generation }));
        }
    }

    fn flush(&self) {}
}
