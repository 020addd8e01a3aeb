//! Why code failed its trial, in words.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use keel_registry::Code;

use crate::event::{CrashLine, ENGINE, FailureLine, HangLine};
use crate::protocol::Library;
use crate::supervisor::engine::EngineEnd;

/// Why code failed its trial.
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) module: Option<String>,
    pub(super) message: String,
    pub(super) failure: FailureLine,
}

/// What is told of code that did not return in time.
pub(super) fn hung(hang: Option<HangLine>, waited: Duration) -> Failure {
    let seconds = waited.as_secs_f64();
    let Some(HangLine { module, system, frame, backtrace, .. }) = hang else {
        let failure =
            FailureLine { kind: "hang".to_owned(), signal: None, system: None, frame: 0, backtrace: None };
        let message = format!("its trial had not ended after {seconds:.1} s");
        return Failure { code: Code::TrialHang, module: None, message, failure };
    };
    let message = format!("{module}/{system} had not returned after {seconds:.1} s");
    let failure =
        FailureLine { kind: "hang".to_owned(), signal: None, system: Some(system), frame, backtrace };
    let module = Some(module).filter(|module| module != ENGINE);
    Failure { code: Code::TrialHang, module, message, failure }
}

/// What is told of a process that has ended itself.
pub(super) fn crashed(end: EngineEnd, last_words: &VecDeque<String>) -> Failure {
    let EngineEnd { how, crash, .. } = end;
    let Some(CrashLine { module, system, kind, signal, message, backtrace, frame, .. }) = crash else {
        let words: String = last_words.iter().map(|line| format!("\n    {line}")).collect();
        let failure =
            FailureLine { kind: "end".to_owned(), signal: None, system: None, frame: 0, backtrace: None };
        return Failure { code: Code::TrialCrash, module: None, message: format!("{how}{words}"), failure };
    };
    let of = match (&module, &system) {
        (Some(module), Some(system)) => format!("{module}/{system}: "),
        (Some(module), None) => format!("{module}: "),
        _ => String::new(),
    };
    let failure = FailureLine { kind, signal, system, frame, backtrace };
    Failure { code: Code::TrialCrash, module, message: format!("{of}{message}"), failure }
}

/// Whether what hangs is a task of other libraries than those that are tried: their swap waits for it.
pub(super) fn is_of_code_before(hang: &HangLine, tried: &[Library]) -> bool {
    let is_before = |file: &PathBuf| !tried.iter().any(|library| library.is_file(file));
    hang.is_of_task() && hang.library.as_ref().is_some_and(is_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_task_of_other_code_is_not_the_new_codes_doing() {
        let hang = |system: &str, library: Option<&str>| HangLine {
            module: "swim".to_owned(),
            system: system.to_owned(),
            beside: false,
            frame: 7,
            lasted_ms: 1000.0,
            library: library.map(PathBuf::from),
            backtrace: None,
        };
        let path = "run/swim-2.so".into();
        let tried = [Library { module: "swim".to_owned(), path, generation: 2, stated: None }];
        let is_before = |system, library| is_of_code_before(&hang(system, library), &tried);
        assert!(is_before("task dream", Some("/games/run/swim-1.so")));
        assert!(!is_before("task dream", Some("/games/run/swim-2.so")), "it is what is tried");
        assert!(!is_before("update", Some("/games/run/swim-1.so")), "the new code has called it");
        assert!(!is_before("task dream", None), "nobody knows");
    }
}
