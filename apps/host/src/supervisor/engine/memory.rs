//! What is told of a process that has asked for more memory than it may have.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::cli::{RunArgs, memory_limit, size};
use crate::event::CrashLine;

/// How much a process may have, and what its allocator has said when it had no more.
#[derive(Clone)]
pub(super) struct Memory {
    most: Most,
    refused: Arc<Mutex<Option<String>>>,
}

#[derive(Clone, Copy)]
enum Most {
    /// What a trial has beyond its copy of the game.
    OfTrial,
    /// So many bytes, if there is a limit.
    Bytes(Option<u64>),
}

impl Memory {
    /// That of a process which is started with `args`.
    pub(super) fn of(args: &RunArgs) -> Self {
        let most = if args.is_trial { Most::OfTrial } else { Most::Bytes(memory_limit(args.memory)) };
        Self { most, refused: Arc::default() }
    }

    /// That of a trial's process.
    #[cfg(all(test, unix))]
    pub(super) fn of_trial() -> Self {
        Self { most: Most::OfTrial, refused: Arc::default() }
    }

    /// Takes note of a line that the process has written on standard error.
    pub(super) fn hear(&self, line: &str) {
        if line.starts_with("memory allocation of ") && line.ends_with(" bytes failed") {
            *self.refused.lock() = Some(line.to_owned());
        }
    }

    /// Tells an abort for want of memory as that.
    pub(super) fn explain(&self, crash: CrashLine) -> CrashLine {
        match self.refused.lock().take() {
            Some(refused) if crash.kind == "abort" => {
                let message = format!("{refused}: {}", self.most.text());
                CrashLine { kind: "memory".to_owned(), message, ..crash }
            }
            _ => crash,
        }
    }
}

impl Most {
    fn text(self) -> String {
        match self {
            Self::OfTrial => "it asked for more memory than a trial has".to_owned(),
            Self::Bytes(Some(bytes)) => format!(
                "the engine process may have {}; mend what grows without an end, or start with a higher limit \
                 (`keel run --memory SIZE`)",
                size(bytes)
            ),
            Self::Bytes(None) => {
                "the system gives no more, and there was no limit below that (`keel run --memory SIZE`); mend what grows \
                 without an end"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::MemoryLimit;

    const REFUSED: &str = "memory allocation of 4096 bytes failed";

    fn explained(args: &RunArgs, kind: &str, said: &[&str]) -> (String, String) {
        let memory = Memory::of(args);
        said.iter().for_each(|line| memory.hear(line));
        let crash = CrashLine {
            module: None,
            library: None,
            system: None,
            kind: kind.to_owned(),
            signal: Some(6),
            message: "as it was".to_owned(),
            backtrace: None,
            thread: "main".to_owned(),
            frame: 7,
        };
        let crash = memory.explain(crash);
        (crash.kind, crash.message)
    }

    #[test]
    fn an_abort_after_a_refused_allocation_names_the_limit_and_what_to_do() {
        let with = |memory| RunArgs { memory: Some(MemoryLimit(memory)), ..RunArgs::default() };
        let (kind, message) = explained(&with(Some(1 << 30)), "abort", &["fish", REFUSED]);
        assert_eq!(kind, "memory");
        assert_eq!(
            message,
            "memory allocation of 4096 bytes failed: the engine process may have 1.0 GiB; mend what grows without an end, or \
             start with a higher limit (`keel run --memory SIZE`)"
        );
        let (_, unlimited) = explained(&with(None), "abort", &[REFUSED]);
        assert!(unlimited.contains("the system gives no more"), "{unlimited}");
        let trial = RunArgs { is_trial: true, ..RunArgs::default() };
        let (_, of_trial) = explained(&trial, "abort", &[REFUSED]);
        assert!(of_trial.ends_with("it asked for more memory than a trial has"), "{of_trial}");
    }

    #[test]
    fn another_end_is_told_as_it_was() {
        let check = |kind: &str, said: &[&str]| {
            let told = explained(&RunArgs::default(), kind, said);
            assert_eq!(told, (kind.to_owned(), "as it was".to_owned()), "{said:?}");
        };
        check("abort", &[]);
        check("abort", &["memory allocation of fish is slow"]);
        check("segmentation-fault", &[REFUSED]);
    }
}
