//! What a fault has left of an engine process.

use std::path::Path;

use keel::crash::{CrashKind, CrashReport};
use keel_loader::{Calls, calls_at};

use crate::event::CrashLine;

/// Reads the report of a process that has ended, and takes it away. None if it has left none. `how` is how it ended.
pub(super) fn read(report: &Path, how: &str) -> Option<CrashLine> {
    let text = std::fs::read(report).ok()?;
    // One that can't be removed is emptied by the next engine.
    let _ = std::fs::remove_file(report);
    let report = CrashReport::parse(&String::from_utf8_lossy(&text))?;
    let calls = calls_at(&report.calls, &report.maps);
    Some(line(report, calls, how))
}

fn line(report: CrashReport, calls: Calls, how: &str) -> CrashLine {
    let message = message(&report, how);
    let CrashReport { kind, signal, thread, frame, running, .. } = report;
    let marked = running.as_ref().map(|(module, _)| module.clone()).filter(|module| !module.is_empty());
    let module = calls.module.clone().or(marked);
    let system = running.map(|(of, what)| {
        if of.is_empty() || Some(&of) == module.as_ref() { what } else { format!("{of}/{what}") }
    });
    let kind = kind.name().to_owned();
    let Calls { library, backtrace, .. } = calls;
    CrashLine { module, library, system, kind, signal, message, backtrace, thread, frame }
}

fn message(report: &CrashReport, how: &str) -> String {
    let what = match report.kind {
        CrashKind::SegmentationFault => "segmentation fault",
        CrashKind::BusError => "bus error",
        CrashKind::IllegalInstruction => "illegal instruction",
        CrashKind::ArithmeticError => "arithmetic error",
        CrashKind::Abort => "abort",
        CrashKind::StackOverflow => "stack overflow",
        CrashKind::Exit => "the process was ended by its own code",
    };
    match (&report.panic, report.address) {
        (Some(panic), _) => format!("{what}: {}", panic.trim_end()),
        (None, Some(address)) => format!("{what} at address {address:#x}"),
        (None, None) if report.kind == CrashKind::Exit => format!("{what}, {how}"),
        (None, None) => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: CrashKind) -> CrashReport {
        CrashReport {
            kind,
            signal: Some(11),
            address: Some(0x40),
            thread: "main".to_owned(),
            frame: 7,
            running: Some(("tide".to_owned(), "rise".to_owned())),
            panic: None,
            calls: Vec::new(),
            maps: String::new(),
        }
    }

    fn blamed(running: bool, module: Option<&str>) -> (Option<String>, Option<String>) {
        let running = report(CrashKind::Abort).running.filter(|_| running);
        let report = CrashReport { running, ..report(CrashKind::Abort) };
        let calls = Calls { module: module.map(str::to_owned), ..Calls::default() };
        let line = line(report, calls, "");
        (line.module, line.system)
    }

    #[test]
    fn the_module_whose_code_it_was_is_to_blame_whoever_called_it() {
        let of = |module: &str, system: &str| (Some(module.to_owned()), Some(system.to_owned()));
        assert_eq!(blamed(true, None), of("tide", "rise"));
        assert_eq!(blamed(true, Some("tide")), of("tide", "rise"));
        assert_eq!(blamed(true, Some("swim")), of("swim", "tide/rise"));
        assert_eq!(blamed(false, Some("swim")), (Some("swim".to_owned()), None));
        assert_eq!(blamed(false, None), (None, None));
    }

    #[test]
    fn what_the_engine_does_by_itself_is_no_modules() {
        let running = Some((String::new(), "snapshot".to_owned()));
        let report = |module: Option<&str>| {
            let calls = Calls { module: module.map(str::to_owned), ..Calls::default() };
            let line = line(CrashReport { running: running.clone(), ..report(CrashKind::Abort) }, calls, "");
            (line.module, line.system)
        };
        assert_eq!(report(Some("swim")), (Some("swim".to_owned()), Some("snapshot".to_owned())));
        assert_eq!(report(None), (None, Some("snapshot".to_owned())));
    }

    #[test]
    fn the_message_has_what_is_known() {
        let check = |change: fn(&mut CrashReport), kind, expected: &str| {
            let mut report = report(kind);
            change(&mut report);
            assert_eq!(message(&report, "exit status: 3"), expected);
        };
        check(|_| {}, CrashKind::SegmentationFault, "segmentation fault at address 0x40");
        check(|it| it.address = None, CrashKind::Abort, "abort");
        let panicked = |it: &mut CrashReport| it.panic = Some("panicked at lib.rs:7: no water ".to_owned());
        check(panicked, CrashKind::Abort, "abort: panicked at lib.rs:7: no water");
        check(
            |it| it.address = None,
            CrashKind::Exit,
            "the process was ended by its own code, exit status: 3",
        );
    }

    #[test]
    fn where_there_is_no_report_there_is_none() {
        let report = std::env::temp_dir().join(format!("keel-no-report-{}", std::process::id()));
        assert_eq!(read(&report, ""), None);
        std::fs::write(&report, "").unwrap();
        assert_eq!(read(&report, ""), None);
        assert!(!report.exists());
    }
}
