//! What a library's symbols tell of its author's code.

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Whether the library calls what makes threads. What std exports for that is generic, so a part of it is compiled into
/// the caller, and that part needs these of std's private functions and statics; a compiler that names them otherwise
/// fails the loader's tests.
pub(crate) fn starts_threads(file: &object::File<'_>) -> bool {
    const STD: [&str; 2] =
        ["std::thread::lifecycle::spawn_unchecked", "std::thread::spawnhook::run_spawn_hooks"];
    const SYSTEM: [&str; 4] = ["pthread_create", "thrd_create", "CreateThread", "_beginthreadex"];
    file.dynamic_symbols().chain(file.symbols()).filter(|symbol| symbol.is_undefined()).any(|symbol| {
        let Ok(raw) = symbol.name() else { return false };
        // Mach-O puts an underscore before every name.
        let is_systems = SYSTEM.iter().any(|name| raw == *name || raw.strip_prefix('_') == Some(*name));
        let name = format!("{:#}", rustc_demangle::demangle(raw));
        let is_stds = STD.iter().any(|start| name.starts_with(start))
            || name.contains("std::sys::thread::") && name.ends_with("Thread>::new");
        is_systems || is_stds
    })
}

/// Whether the library defines an allocator for itself (`#[global_allocator]`): rustc then exports the functions that
/// std otherwise has.
pub(crate) fn brings_allocator(file: &object::File<'_>) -> bool {
    let mut defined = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
    defined.any(|symbol| symbol.name().is_ok_and(|name| name.ends_with("__rust_alloc")))
}

/// The crate's own writable statics.
pub(crate) fn statics(file: &object::File<'_>, crate_name: &str) -> Vec<String> {
    let writable = |symbol: &object::Symbol<'_, '_>| {
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        let name = section.as_ref().and_then(|section| section.name().ok()).unwrap_or_default();
        symbol.size() > 0 && [".data", ".bss", "__data", "__bss"].contains(&name)
    };
    own_names(
        file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Data && writable(symbol)),
        crate_name,
    )
}

/// The crate's own thread-locals.
pub(crate) fn thread_locals(file: &object::File<'_>, crate_name: &str) -> Vec<String> {
    let mut names = own_names(file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Tls), crate_name);
    // `thread_local!` puts the value into a function of its own: `tide::SEEN::{closure#0}::VAL`.
    for name in &mut names {
        let end = name.find("::{").unwrap_or(name.len());
        name.truncate(end);
    }
    names.dedup();
    names
}

/// The names of those symbols that belong to the crate, as its author knows them.
fn own_names<'f>(symbols: impl Iterator<Item = object::Symbol<'f, 'f>>, crate_name: &str) -> Vec<String> {
    // A static in a method is called `<crate::Type as Trait>::method::NAME`.
    let own = [format!("{crate_name}::"), format!("<{crate_name}::")];
    let names =
        symbols.filter_map(|symbol| Some(format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?))));
    let mut names: Vec<_> = names.filter(|name| own.iter().any(|own| name.starts_with(own))).collect();
    names.sort();
    names.dedup();
    names
}
