//! `log` in host and modules, carried to the supervisor.

use keel::log::{self, LevelFilter, Log, Metadata, Record};

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

impl Log for LinkLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // The text is copied: target and message may lie in a module.
            let level = record.level().as_str().to_lowercase();
            let message = format!("{}: {}", record.target(), record.args());
            self.link.send(&FromEngine::Event(Event::Log { level, message }));
        }
    }

    fn flush(&self) {}
}
