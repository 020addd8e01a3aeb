//! Where a module's code was when it panicked: functions, files and lines.
//!
//! Names and lines are read from the libraries' files each time. std and the crate `backtrace` list the libraries of
//! the process once, with their first backtrace, and know nothing of those that are opened later; clearing that crate's
//! cache does not renew the list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::Context;
use addr2line::gimli::{self, Dwarf, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection, SymbolMap, SymbolMapName};

use crate::{open, os};

/// As many lines are told; a recursion may have any number.
const LINES_MAX: usize = 64;

const STD: [&str; 3] = ["alloc", "core", "std"];

/// A call that has not returned.
pub(crate) struct Call {
    pub(crate) library: PathBuf,
    /// In the library's file.
    pub(crate) address: u64,
}

/// A function that is being called; several may have been inlined into one [`Call`].
struct Function {
    name: String,
    /// File and line.
    place: Option<(String, u32)>,
}

/// The calls of modules' code on this thread, the innermost first, one a line: `swim::turn at systems/swim/src/lib.rs:7`.
/// File and line are missing for code without debug information, and files below the current directory are shown from
/// there. It is meant for a panic hook: std's calls at the end, of which the panic itself consists, are left out, and
/// so are those of the engine that led to the module.
///
/// `None` where no module is being called, where `RUST_BACKTRACE` is `0`, and on Windows.
pub fn backtrace() -> Option<String> {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|it| it == "0") {
        return None;
    }
    let calls = calls();
    let open = open::crates();
    let calls = &calls[panic_end(&calls)..];
    calls.iter().any(|call| open.contains_key(&call.library)).then(|| described(calls, &open))?
}

/// The functions of the calls, the innermost first, one a line, without those that led to a module. `modules` has the
/// libraries of modules, each with its crate; where none of them is called, all functions are told.
pub(crate) fn described(calls: &[Call], modules: &BTreeMap<PathBuf, String>) -> Option<String> {
    let Some(last) = calls.iter().rposition(|call| modules.contains_key(&call.library)) else {
        let functions = functions(calls);
        return (!functions.is_empty()).then(|| text(&functions));
    };
    let crates = calls.iter().filter_map(|call| modules.get(&call.library).cloned()).collect();
    let functions = functions(&calls[..=last]);
    let functions = of_modules(&functions, &crates);
    (!functions.is_empty()).then(|| text(functions))
}

/// All calls on this thread, the innermost first.
fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    ::backtrace::trace(|frame| {
        // It is where the call returns to, which may be the next line.
        let address = frame.ip().addr().saturating_sub(1);
        calls.extend(os::library_at(address).map(|(library, begin)| {
            let address = (address - begin) as u64;
            Call { library, address }
        }));
        true
    });
    calls
}

/// How many calls are the panic itself, or the end of the process: those of who was called by std, then std's.
pub(crate) fn panic_end(calls: &[Call]) -> usize {
    let is_std = |call: &Call| {
        let name = call.library.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libstd-") || name.starts_with("std-")
    };
    let Some(first) = calls.iter().position(is_std) else { return 0 };
    first + calls[first..].iter().take_while(|call| is_std(call)).count()
}

/// The functions of the calls; those in a file that can't be read are left out.
fn functions(calls: &[Call]) -> Vec<Function> {
    let libraries: BTreeSet<_> = calls.iter().map(|call| call.library.as_path()).collect();
    let files = libraries.into_iter().filter_map(|library| Some((library, fs::read(library).ok()?)));
    let files: BTreeMap<_, _> = files.collect();
    let symbols = files.iter().filter_map(|(library, bytes)| Some((*library, Symbols::read(bytes)?)));
    let symbols: BTreeMap<_, _> = symbols.collect();
    let of_call =
        |call: &Call| symbols.get(call.library.as_path()).map(|symbols| symbols.functions(call.address));
    calls.iter().filter_map(of_call).flatten().collect()
}

/// What a library's file says of its code.
struct Symbols<'a> {
    lines: Option<Context<EndianSlice<'a, RunTimeEndian>>>,
    names: SymbolMap<SymbolMapName<'a>>,
    begin: u64,
}

impl<'a> Symbols<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let file = object::File::parse(bytes).ok()?;
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let section = |id: gimli::SectionId| {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok::<_, gimli::Error>(EndianSlice::new(data.unwrap_or_default(), endian))
        };
        let lines = Dwarf::load(section).and_then(Context::from_dwarf).ok();
        Some(Self { lines, names: file.symbol_map(), begin: file.relative_address_base() })
    }

    /// What is called at the address, the innermost first.
    fn functions(&self, address: u64) -> Vec<Function> {
        let address = self.begin + address;
        let mut functions = self.lined(address).unwrap_or_default();
        if functions.is_empty() {
            let name = self.names.containing(address).map(SymbolMapName::name);
            functions.extend(name.map(|name| Function { name: demangled(name), place: None }));
        }
        functions
    }

    fn lined(&self, address: u64) -> Option<Vec<Function>> {
        let mut frames = self.lines.as_ref()?.find_frames(address).skip_all_loads().ok()?;
        let mut functions = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let name = demangled(name.as_deref().unwrap_or("?"));
            let place = frame.location.as_ref().and_then(|at| Some((at.file?.to_owned(), at.line?)));
            functions.push(Function { name, place });
        }
        // With line tables only, names have no path there; the symbol has, and is that of the function that all others
        // were inlined into.
        if let (Some(function), Some(name)) = (functions.last_mut(), self.names.containing(address)) {
            function.name = demangled(name.name());
        }
        Some(functions)
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// Without std's functions at the inner end, and those of std and the engine at the outer one. What a module calls of
/// them stays, as it may be what panicked.
fn of_modules<'f>(functions: &'f [Function], crates: &BTreeSet<String>) -> &'f [Function] {
    let is_std = |function: &Function| match &function.place {
        Some((file, _)) => is_of_std(file),
        None => STD.contains(&crate_of(&function.name)),
    };
    let is_engine = |function: &Function| match &function.place {
        Some((file, _)) => is_of_engine(file),
        None => {
            let name = crate_of(&function.name);
            (name == "keel" || name.starts_with("keel_")) && !crates.contains(name)
        }
    };
    let is_outside = |function: &Function| is_std(function) || is_engine(function);
    let first = functions.iter().position(|it| !is_std(it)).unwrap_or(0);
    let last = functions.iter().rposition(|it| !is_outside(it)).map_or(functions.len(), |last| last + 1);
    functions.get(first..last).unwrap_or(functions)
}

/// As the compiler writes its own sources' paths, or as they are where its component `rust-src` is installed.
fn is_of_std(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/lib/rustlib/src/rust/library/")
}

/// Whether it is a source of the engine that this host was built with.
fn is_of_engine(file: &str) -> bool {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(""));
    let core = modules.with_file_name("core");
    Path::new(file).starts_with(modules) || Path::new(file).starts_with(core)
}

/// The crate that a function's name begins with: `swim` for `swim::turn` and `<&swim::Swim as core::Any>::id`; the
/// trait's if the type is not a path. Empty if there is none.
fn crate_of(name: &str) -> &str {
    let mut path = name;
    let before = ["<", "&", "*", "(", "[", "mut ", "const ", "dyn "];
    while let Some(rest) = before.iter().find_map(|before| path.strip_prefix(before)) {
        path = rest;
    }
    let end = path.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(path.len());
    match path.split_at(end) {
        (name, rest) if rest.starts_with("::") => name,
        (_, rest) => rest.split_once(" as ").map_or("", |(_, of_trait)| crate_of(of_trait)),
    }
}

fn text(functions: &[Function]) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let line = |Function { name, place }: &Function| match place {
        None => name.clone(),
        Some((file, line)) => {
            let file = Path::new(file);
            format!("{name} at {}:{line}", file.strip_prefix(&here).unwrap_or(file).display())
        }
    };
    let mut lines: Vec<_> = functions.iter().take(LINES_MAX).map(line).collect();
    if let Some(more @ 1..) = functions.len().checked_sub(LINES_MAX) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(names: &[&str]) -> Vec<Function> {
        names.iter().map(|name| Function { name: (*name).to_owned(), place: None }).collect()
    }

    #[test]
    fn a_functions_name_says_its_crate() {
        for (name, expected) in [
            ("swim::turn", "swim"),
            ("swim::turn::<core::Option<u8>>::{closure#0}", "swim"),
            ("<swim::Swim as keel_module_types::ViewModel>::update", "swim"),
            ("<&mut swim::Swim as core::any::Any>::type_id", "swim"),
            ("<alloc::boxed::Box<swim::Swim> as core::ops::FnOnce<()>>::call_once", "alloc"),
            ("<[u8] as keel_state::Encode>::encode", "keel_state"),
            ("<F as keel_engine::System>::run", "keel_engine"),
            ("main", ""),
            ("", ""),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn what_leads_to_a_module_and_the_panic_itself_are_left_out() {
        let all = called(&[
            "core::option::Option<T>::expect",
            "keel_ecs::model::World::spawn",
            "swim::turn",
            "core::iter::Iterator::for_each",
            "<keel_swim::Swim as keel::ViewModel>::update",
            "keel_module_types::code::update",
            "<alloc::boxed::Box<F> as core::ops::FnMut<A>>::call_mut",
        ]);
        let check = |crates: &[&str], expected: std::ops::Range<usize>| {
            let crates = crates.iter().map(|it| (*it).to_owned()).collect();
            let found: Vec<_> = of_modules(&all, &crates).iter().map(|it| &it.name).collect();
            let expected: Vec<_> = all[expected].iter().map(|it| &it.name).collect();
            assert_eq!(found, expected);
        };
        check(&["swim"], 1..3);
        check(&["swim", "keel_swim"], 1..5);
    }

    #[test]
    fn where_files_are_known_they_tell_whose_code_it_is() {
        let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
        let at = |name: &str, file: &str| {
            let place = Some((file.to_owned(), 7));
            Function { name: name.to_owned(), place }
        };
        let all = [
            at("expect<u64>", "/rustc/0123abcd/library/core/src/option.rs"),
            at("turn", "/games/sea/systems/swim/src/lib.rs"),
            at("keel_engine::run::<swim::Swim>", "/games/sea/systems/swim/src/lib.rs"),
            at("update<swim::Swim>", engine),
            at("swim::call_once", "/rustup/lib/rustlib/src/rust/library/core/src/ops.rs"),
        ];
        let found = of_modules(&all, &BTreeSet::new());
        assert_eq!(found.iter().map(|it| &it.name).collect::<Vec<_>>(), [&all[1].name, &all[2].name]);
    }

    #[test]
    fn a_recursion_does_not_fill_the_report() {
        let told = text(&called(&["swim::turn"; LINES_MAX]));
        assert_eq!(told.lines().count(), LINES_MAX);
        let told = text(&called(&["swim::turn"; LINES_MAX + 7]));
        assert_eq!((told.lines().count(), told.lines().last()), (LINES_MAX + 1, Some("and 7 more")));
    }

    #[test]
    fn where_no_module_is_called_there_is_none() {
        assert!(calls().len() > 3, "the calls are seen");
        assert_eq!(backtrace(), None);
    }
}
