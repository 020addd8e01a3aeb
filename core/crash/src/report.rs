//! What a process leaves of itself when it ends by a fault: lines of text, so that half of a report is still one.

use std::fmt::{self, Write};

/// Reports of another kind than this are not read.
const HEAD: &str = "keel crash 1";

/// So many calls are kept; a recursion has any number.
pub(crate) const CALLS_MAX: usize = 256;

/// What ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// Memory was touched that is not there, or not for this.
    SegmentationFault,
    /// Memory was touched that a file no longer has.
    BusError,
    /// The processor does not know the instruction; also what `unreachable` code is compiled to.
    IllegalInstruction,
    /// A division by zero that nobody has checked.
    ArithmeticError,
    /// The code gave up: `abort()`, a panic while another is under way, an allocation that failed.
    Abort,
    /// More calls than the thread's stack has room for.
    StackOverflow,
    /// A module ended the process: `std::process::exit`.
    Exit,
}

impl CrashKind {
    const ALL: [Self; 7] = [
        Self::SegmentationFault,
        Self::BusError,
        Self::IllegalInstruction,
        Self::ArithmeticError,
        Self::Abort,
        Self::StackOverflow,
        Self::Exit,
    ];

    /// As machines read it: `segmentation-fault`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SegmentationFault => "segmentation-fault",
            Self::BusError => "bus-error",
            Self::IllegalInstruction => "illegal-instruction",
            Self::ArithmeticError => "arithmetic-error",
            Self::Abort => "abort",
            Self::StackOverflow => "stack-overflow",
            Self::Exit => "exit",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is left of a process that a fault has ended. Every field but the kind may be missing: the process was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashReport {
    /// What ended it.
    pub kind: CrashKind,
    /// The system's number of the signal; none for [`CrashKind::Exit`].
    pub signal: Option<i32>,
    /// What the code was about to touch, or the instruction that failed.
    pub address: Option<u64>,
    /// The name of the thread, cut to 15 bytes by the system.
    pub thread: String,
    /// The frame.
    pub frame: u64,
    /// The module whose code was running, and the piece of it. A view of another module may have been called by it. An empty
    /// name and what the engine did by itself, where that was under way.
    pub running: Option<(String, String)>,
    /// What the thread had panicked with, if that was not caught.
    pub panic: Option<String>,
    /// Where the calls are that had not returned, the innermost first: addresses within the calling instructions.
    pub calls: Vec<u64>,
    /// Which file is mapped where, as the system says it: see [`maps`](crate::maps).
    pub maps: String,
}

impl CrashReport {
    /// Reads what a process has left. None if it has left no report: an empty file, for one.
    pub fn parse(text: &str) -> Option<Self> {
        let (facts, maps) = text.split_once("maps\n").unwrap_or((text, ""));
        let mut lines = facts.strip_prefix(HEAD)?.lines().skip(1);
        let mut report = Self {
            kind: CrashKind::named(lines.next()?.strip_prefix("kind ")?)?,
            signal: None,
            address: None,
            thread: String::new(),
            frame: 0,
            running: None,
            panic: None,
            calls: Vec::new(),
            maps: maps.to_owned(),
        };
        let mut module = None;
        for (key, value) in lines.filter_map(|line| line.split_once(' ')) {
            match key {
                "signal" => report.signal = value.parse().ok(),
                "address" => report.address = hex(value),
                "thread" => value.clone_into(&mut report.thread),
                "frame" => report.frame = value.parse().unwrap_or_default(),
                "module" => module = Some(value.to_owned()),
                "system" => report.running = module.take().map(|module| (module, value.to_owned())),
                "panic" => report.panic = Some(value.to_owned()),
                "call" => report.calls.extend(hex(value)),
                _ => {}
            }
        }
        Some(report)
    }
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// What is known without asking for anything that may fail.
pub(crate) struct Facts<'a> {
    pub(crate) kind: CrashKind,
    pub(crate) signal: Option<i32>,
    pub(crate) address: Option<u64>,
    pub(crate) thread: &'a str,
    pub(crate) frame: u64,
    pub(crate) running: Option<(&'a str, &'a str)>,
    pub(crate) panic: Option<&'a str>,
}

/// Writes all but the calls and the maps. Takes no memory but what `out` takes.
pub(crate) fn write_facts(out: &mut impl Write, facts: &Facts<'_>) -> fmt::Result {
    writeln!(out, "{HEAD}\nkind {}", facts.kind.name())?;
    if let Some(signal) = facts.signal {
        writeln!(out, "signal {signal}")?;
    }
    if let Some(address) = facts.address {
        writeln!(out, "address {address:x}")?;
    }
    writeln!(out, "thread {}\nframe {}", facts.thread, facts.frame)?;
    if let Some((module, system)) = facts.running {
        writeln!(out, "module {module}\nsystem {system}")?;
    }
    if let Some(panic) = facts.panic {
        out.write_str("panic ")?;
        panic.split(char::is_control).try_for_each(|part| write!(out, "{part} "))?;
        out.write_str("\n")?;
    }
    Ok(())
}

pub(crate) fn write_calls(out: &mut impl Write, calls: impl IntoIterator<Item = usize>) -> fmt::Result {
    calls.into_iter().try_for_each(|call| writeln!(out, "call {call:x}"))
}

/// What follows is the list of mapped files.
pub(crate) fn write_maps_head(out: &mut impl Write) -> fmt::Result {
    out.write_str("maps\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(facts: &Facts<'_>, calls: &[usize], maps: &str) -> String {
        let mut text = String::new();
        write_facts(&mut text, facts).unwrap();
        write_calls(&mut text, calls.iter().copied()).unwrap();
        write_maps_head(&mut text).unwrap();
        text + maps
    }

    const FACTS: Facts<'_> = Facts {
        kind: CrashKind::StackOverflow,
        signal: Some(11),
        address: Some(0x7fff_0040),
        thread: "keel-system-1",
        frame: 712,
        running: Some(("swim", "call splash of water")),
        panic: Some("panicked at lib.rs:7:\nno water"),
    };

    #[test]
    fn what_was_written_is_read() {
        let maps = "55d0-55d1 r-xp 00000000 00:1b 7 /games/maps\n";
        let report = CrashReport::parse(&written(&FACTS, &[0x10, 0xffff_ffff_ffff_fff0], maps)).unwrap();
        assert_eq!(
            report,
            CrashReport {
                kind: CrashKind::StackOverflow,
                signal: Some(11),
                address: Some(0x7fff_0040),
                thread: "keel-system-1".to_owned(),
                frame: 712,
                running: Some(("swim".to_owned(), "call splash of water".to_owned())),
                panic: Some("panicked at lib.rs:7: no water ".to_owned()),
                calls: vec![0x10, 0xffff_ffff_ffff_fff0],
                maps: maps.to_owned(),
            }
        );
        let facts =
            Facts { kind: CrashKind::Exit, signal: None, address: None, running: None, panic: None, ..FACTS };
        let report = CrashReport::parse(&written(&facts, &[], "")).unwrap();
        assert_eq!((report.kind, report.signal, report.address), (CrashKind::Exit, None, None));
        assert_eq!((report.running, report.panic, report.calls), (None, None, Vec::new()));
    }

    #[test]
    fn a_report_that_was_cut_anywhere_is_read_as_far_as_it_goes() {
        let whole = written(&FACTS, &[0x1234], "a map\n");
        let least = format!("{HEAD}\nkind stack-overflow").len();
        for end in 0..whole.len() {
            let read = CrashReport::parse(&whole[..end]);
            assert_eq!(read.is_some(), end >= least, "{:?}", &whole[..end]);
            assert!(read.is_none_or(|it| it.kind == CrashKind::StackOverflow && it.calls.len() < 2));
        }
    }

    #[test]
    fn what_is_no_report_is_none() {
        for text in ["", "keel crash 2\nkind abort\n", "keel crash 1\nkind of blue\n", "\u{0}\u{0}"] {
            assert_eq!(CrashReport::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        for kind in CrashKind::ALL {
            assert_eq!(CrashKind::named(kind.name()), Some(kind));
        }
    }
}
