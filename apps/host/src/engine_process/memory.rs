//! How much memory this process may have.

use keel::crash::{limit_memory, limit_stack};
use keel::engine::STACK_BYTES;

use super::link::Link;
use crate::cli::{EngineArgs, MemoryLimit, memory_limit, size};
use crate::event::Event;
use crate::protocol::FromEngine;

/// Sets the limit of this process, before there is any module. A trial sets its own once it has its copy of the game.
pub(super) fn limit(args: &EngineArgs, link: &Link) {
    if args.trial > 0 {
        return;
    }
    let most = memory_limit(args.memory);
    let refused = most.and_then(|bytes| limit_memory(bytes).err()).map(|error| error.to_string());
    if let Some((level, message)) = told(args.memory, most, refused) {
        link.send(&FromEngine::Event(Event::log(level, message)));
    }
}

/// Sets the limit of the main thread's stack: what runs there does not tell a system from one on another thread.
pub(super) fn limit_own_stack(link: &Link) {
    if let Err(error) = limit_stack(STACK_BYTES as u64) {
        let message = format!("the engine's own stack is as large as the system makes it: {error}");
        link.send(&FromEngine::Event(Event::log("debug", message)));
    }
}

/// What is told if not what was asked for is in force, but at most `most`, or nothing for the reason `refused`.
fn told(
    asked: Option<MemoryLimit>,
    most: Option<u64>,
    refused: Option<String>,
) -> Option<(&'static str, String)> {
    let Some(asked) = asked else {
        let unknown = || most.is_none().then(|| "it is not known how much memory there is".to_owned());
        let why = refused.or_else(unknown)?;
        return Some(("debug", format!("the engine's memory has no limit: {why}")));
    };
    let why = match (refused, most) {
        (Some(refused), _) => refused,
        (None, Some(most)) if asked != MemoryLimit(Some(most)) => {
            format!("this run was started with a limit of {} (`ulimit -d`)", size(most))
        }
        _ => return None,
    };
    Some(("warn", format!("`--memory {asked}` is not in force: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_and_is_not_in_force_is_a_warning_and_what_was_not_asked_for_is_none() {
        let (asked, off) = (Some(MemoryLimit(Some(8 << 30))), Some(MemoryLimit(None)));
        let refused = || Some("only Linux does".to_owned());
        let check = |asked, most, refused, expected: Option<(&'static str, &str)>| {
            let expected = expected.map(|(level, message)| (level, message.to_owned()));
            assert_eq!(told(asked, most, refused), expected);
        };
        check(asked, Some(8 << 30), None, None);
        check(off, None, None, None);
        check(None, Some(6 << 30), None, None);
        let message = "`--memory 8G` is not in force: only Linux does";
        check(asked, Some(8 << 30), refused(), Some(("warn", message)));
        let message =
            "`--memory 8G` is not in force: this run was started with a limit of 4.0 GiB (`ulimit -d`)";
        check(asked, Some(4 << 30), None, Some(("warn", message)));
        let message =
            "`--memory off` is not in force: this run was started with a limit of 4.0 GiB (`ulimit -d`)";
        check(off, Some(4 << 30), None, Some(("warn", message)));
        let message = "the engine's memory has no limit: it is not known how much memory there is";
        check(None, None, None, Some(("debug", message)));
        check(
            None,
            Some(6 << 30),
            refused(),
            Some(("debug", "the engine's memory has no limit: only Linux does")),
        );
    }
}
