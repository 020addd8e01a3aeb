//! Calls of a process by their addresses, and by the system's list of what is mapped there: after that process has ended,
//! or beside a thread of it that must not be disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::LibraryFile;
use crate::backtrace::{Call, described, panic_end};

/// The calls of a thread, as far as files tell them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// The module whose code was called last.
    pub module: Option<String>,
    /// The library that this code is of: one of the module's generations.
    pub library: Option<PathBuf>,
    /// The functions, the innermost first, one a line: `swim::turn at systems/swim/src/lib.rs:7`. Those of the engine that
    /// led to a module are left out where a module is called, and so is what std has called at the inner end. None where nothing is known of any call.
    pub backtrace: Option<String>,
}

/// Describes calls that had not returned, the innermost first, each by an address within the calling instruction. `maps` is
/// what Linux says of the process: proc(5), `/proc/PID/maps`. It reads the libraries' files, and asks the process nothing.
///
/// ```
/// let calls = keel_loader::calls_at(&[0x10], "");
/// assert_eq!((calls.module, calls.backtrace), (None, None), "nothing is mapped there");
/// ```
pub fn calls_at(addresses: &[u64], maps: &str) -> Calls {
    let maps = Maps::parse(maps);
    let calls: Vec<_> = addresses.iter().filter_map(|address| maps.call(*address)).collect();
    let libraries: BTreeSet<_> = calls.iter().map(|call| call.library.clone()).collect();
    let read = |path: PathBuf| LibraryFile::read(&path).ok().map(|file| (path, file));
    let modules: BTreeMap<_, _> = libraries.into_iter().filter_map(read).collect();
    let inner = calls.iter().position(|call| modules.contains_key(&call.library)).unwrap_or(0);
    let module = calls.get(inner).and_then(|call| modules.get_key_value(&call.library));
    // How `abort` ends the process, and a lock waits, is nobody's concern.
    let calls = &calls[panic_end(&calls[..inner])..];
    let crates = modules.iter().map(|(path, file)| (path.clone(), file.crate_name().to_owned())).collect();
    Calls {
        module: module.map(|(_, file)| file.descriptor().name().to_owned()),
        library: module.map(|(path, _)| path.clone()),
        backtrace: described(calls, &crates),
    }
}

/// One mapping of a file.
struct Mapping {
    begin: u64,
    end: u64,
    file: PathBuf,
}

struct Maps {
    /// In the order of their addresses.
    mappings: Vec<Mapping>,
    /// Where each file begins in memory.
    begins: BTreeMap<PathBuf, u64>,
}

impl Maps {
    /// Lines that are none of a file are passed over.
    fn parse(text: &str) -> Self {
        let mut maps = Self { mappings: Vec::new(), begins: BTreeMap::new() };
        for (begin, end, offset, file) in text.lines().filter_map(mapping) {
            let of_file = maps.begins.entry(file.clone()).or_insert(u64::MAX);
            *of_file = (*of_file).min(begin.saturating_sub(offset));
            maps.mappings.push(Mapping { begin, end, file });
        }
        maps
    }

    fn call(&self, address: u64) -> Option<Call> {
        let mapping = self.mappings.iter().find(|mapping| (mapping.begin..mapping.end).contains(&address))?;
        let begin = self.begins.get(&mapping.file)?;
        Some(Call { library: mapping.file.clone(), address: address - begin })
    }
}

/// `BEGIN-END PERMISSIONS OFFSET DEVICE INODE   /PATH`; a path may have spaces.
fn mapping(line: &str) -> Option<(u64, u64, u64, PathBuf)> {
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let file = &line[line.find('/')?..];
    let mut columns = line.split(' ');
    let (begin, end) = columns.next()?.split_once('-')?;
    let offset = columns.nth(1)?;
    Some((hex(begin)?, hex(end)?, hex(offset)?, PathBuf::from(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
        55d07000-55d08000 r--p 00000000 00:1b 41 /games/sea/run 7/swim-0.so\n\
        55d08000-55d0a000 r-xp 00001000 00:1b 41 /games/sea/run 7/swim-0.so\n\
        7f000000-7f001000 rw-p 00000000 00:00 0 \n\
        7f001000-7f002000 rw-p 00000000 00:00 0 [stack]\n\
        half a li";

    #[track_caller]
    fn check(address: u64, expected: Option<(&str, u64)>) {
        let call = Maps::parse(MAPS).call(address);
        let found = call.as_ref().map(|call| (call.library.to_str().unwrap(), call.address));
        assert_eq!(found, expected, "{address:x}");
    }

    #[test]
    fn an_address_is_found_in_the_file_that_is_mapped_there() {
        check(0x55d0_9010, Some(("/games/sea/run 7/swim-0.so", 0x2010)));
        check(0x55d0_7000, Some(("/games/sea/run 7/swim-0.so", 0)));
        check(0x55d0_a000, None);
        check(0x7f00_0010, None);
        check(0, None);
    }

    /// Not inlined, so that it is a call of its own.
    #[cfg(target_os = "linux")]
    #[inline(never)]
    fn own_address() -> u64 {
        own_address as *const () as u64
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_calls_of_this_program_are_found_by_its_own_maps() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let Calls { module, library, backtrace } = calls_at(&[own_address(), 1], &maps);
        assert_eq!((module, library), (None, None));
        let backtrace = backtrace.unwrap();
        assert!(backtrace.contains("own_address at ") && backtrace.contains("maps.rs:"), "{backtrace}");
        assert_eq!(backtrace.lines().count(), 1, "{backtrace}");
    }
}
