//! What a library file says of itself, read without running any of it.

use std::fs;
use std::path::{Path, PathBuf};

use keel_module_types::{DescriptorError, FINGERPRINT, ModuleDescriptor};
use object::{Architecture, Object, ObjectSection, ObjectSymbol};
use xxhash_rust::xxh3::xxh3_64;

use crate::{LoadError, os, symbols};

const DESCRIPTOR_SYMBOL: &str = "keel_descriptor_";

/// The facts of a library file that decide whether it is opened, and whether it may be closed again.
#[derive(Clone)]
pub struct LibraryFile {
    path: PathBuf,
    bytes: u64,
    checksum: u64,
    crate_name: String,
    descriptor: ModuleDescriptor,
    needed: Vec<String>,
    has_thread_locals: bool,
    starts_threads: bool,
    brings_allocator: bool,
    thread_locals: Vec<String>,
    statics: Vec<String>,
}

impl LibraryFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`LoadError`] for a file that can't be read, is no whole library, is for another machine, or has no
    /// descriptor.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let not_readable = |source| LoadError::Read { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(not_readable)?;
        let file = Self::parse(path, &bytes)?;
        Ok(Self { path: os::identity(path).map_err(not_readable)?, ..file })
    }

    /// Reads the bytes of the file at `path`.
    ///
    /// # Errors
    /// As [`LibraryFile::read`], but for a file that can't be read.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LoadError> {
        let not_whole = |error: object::Error| LoadError::NotALibrary {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let file = object::File::parse(bytes).map_err(not_whole)?;
        check_architecture(path, &file)?;
        check_segments(path, bytes, &file)?;
        let (crate_name, descriptor) = find_descriptor(path, &file)?;
        Ok(Self {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            checksum: xxh3_64(bytes),
            needed: needed_libraries(&file).map_err(not_whole)?,
            has_thread_locals: file.sections().any(|section| is_thread_local(&section)),
            starts_threads: symbols::starts_threads(&file),
            brings_allocator: symbols::brings_allocator(&file),
            thread_locals: symbols::thread_locals(&file, &crate_name),
            statics: symbols::statics(&file, &crate_name),
            crate_name,
            descriptor,
        })
    }

    /// What stands for the file of a module that is linked in: this program is its library.
    pub(crate) fn linked(descriptor: ModuleDescriptor) -> Self {
        Self {
            path: PathBuf::new(),
            bytes: 0,
            checksum: 0,
            crate_name: descriptor.name().replace('-', "_"),
            descriptor,
            needed: Vec::new(),
            has_thread_locals: false,
            starts_threads: false,
            brings_allocator: false,
            thread_locals: Vec::new(),
            statics: Vec::new(),
        }
    }

    /// Where the file lies: the one path that it has, however it was asked for. Empty for a module that is linked in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// XXH3 of its bytes: another one after the file was damaged. 0 for a module that is linked in.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The name of the crate that exports the module, as it stands in symbols.
    pub fn crate_name(&self) -> &str {
        &self.crate_name
    }

    /// What the module is and what it was built with.
    pub fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    /// The libraries that the system would open along with it.
    pub fn needed(&self) -> &[String] {
        &self.needed
    }

    /// Whether it has thread-local storage. Such a library is never unmapped: a thread that exits afterwards would
    /// run destructors that are gone.
    pub fn has_thread_locals(&self) -> bool {
        self.has_thread_locals
    }

    /// Whether it can start threads of its own: it, or a crate that is linked into it, calls std's or the system's
    /// functions for that. Such a library is never unmapped: nobody can tell when the last of them has ended. Keel's
    /// tasks run on the host's threads and don't count.
    pub fn starts_threads(&self) -> bool {
        self.starts_threads
    }

    /// The module's own thread-locals, as far as symbols name them: those of crates that are linked into it are not its
    /// own, so there may be none though it has such storage.
    pub fn thread_locals(&self) -> &[String] {
        &self.thread_locals
    }

    /// The module's own writable statics. They start afresh in each generation.
    pub fn statics(&self) -> &[String] {
        &self.statics
    }

    /// Checks that the library was built as this host was, and needs nothing that it must not need.
    ///
    /// # Errors
    /// [`LoadError::Mismatch`], [`LoadError::ForeignLibrary`], [`LoadError::SecondFacade`] and
    /// [`LoadError::OwnAllocator`].
    pub fn check_fit(&self) -> Result<(), LoadError> {
        self.check_built()?;
        let module = || self.descriptor.name().to_owned();
        if let Some(needed) = self.foreign_library() {
            return Err(LoadError::ForeignLibrary { module: module(), needed: needed.to_owned() });
        }
        // Found out here and not by the facade's address alone: on Linux the host's symbols stand in for those of a
        // copy that was linked in, as far as they are exported, and the rest of the copy would be used beside them.
        if !self.needed.iter().any(|name| is_facade(name)) {
            return Err(LoadError::SecondFacade { module: module() });
        }
        if self.brings_allocator {
            return Err(LoadError::OwnAllocator { module: module() });
        }
        Ok(())
    }

    /// Checks that the library was built as this host was: all there is to check of one that is linked in.
    pub(crate) fn check_built(&self) -> Result<(), LoadError> {
        let Some((what, expected, found)) = self.descriptor.mismatch(&FINGERPRINT) else { return Ok(()) };
        Err(LoadError::Mismatch { module: self.descriptor.name().to_owned(), what, expected, found })
    }

    /// The first needed library that is neither the facade, std nor the system's.
    pub fn foreign_library(&self) -> Option<&str> {
        self.needed.iter().map(String::as_str).find(|name| !is_allowed(name))
    }
}

fn check_architecture(path: &Path, file: &object::File<'_>) -> Result<(), LoadError> {
    let expected = match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "x86" => Architecture::I386,
        "arm" => Architecture::Arm,
        "riscv64" => Architecture::Riscv64,
        _ => return Ok(()),
    };
    if file.architecture() == expected {
        return Ok(());
    }
    Err(LoadError::Architecture {
        path: path.to_owned(),
        expected: format!("{expected:?}"),
        found: format!("{:?}", file.architecture()),
    })
}

/// A truncated library often parses: its headers are at the front. What they point to must be there as well, or the
/// system would map a hole and the first touch of it would be a SIGBUS.
fn check_segments(path: &Path, bytes: &[u8], file: &object::File<'_>) -> Result<(), LoadError> {
    let length = bytes.len() as u64;
    let end = file
        .sections()
        .filter_map(|section| section.file_range())
        .map(|(start, size)| start.saturating_add(size));
    let end = end.max().unwrap_or(0);
    if end <= length {
        return Ok(());
    }
    let reason = format!("it should have at least {end} bytes and has {length}");
    Err(LoadError::NotALibrary { path: path.to_owned(), reason })
}

fn find_descriptor(path: &Path, file: &object::File<'_>) -> Result<(String, ModuleDescriptor), LoadError> {
    let wrong = |source| LoadError::Descriptor { path: path.to_owned(), source };
    let symbols = file.dynamic_symbols().chain(file.symbols()).filter(|symbol| symbol.is_definition());
    let found = symbols.filter_map(|symbol| {
        // Mach-O puts an underscore before every name.
        let name = symbol.name().ok()?.trim_start_matches('_');
        Some((name.strip_prefix(DESCRIPTOR_SYMBOL)?.to_owned(), symbol))
    });
    let (crate_name, symbol) = found.into_iter().next().ok_or_else(|| wrong(DescriptorError::Missing))?;
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
    let data = section.and_then(|section| {
        section.data_range(symbol.address(), ModuleDescriptor::SIZE as u64).ok().flatten()
    });
    let descriptor = ModuleDescriptor::read(data.unwrap_or_default()).map_err(wrong)?;
    Ok((crate_name, descriptor))
}

fn needed_libraries(file: &object::File<'_>) -> Result<Vec<String>, object::Error> {
    file.import_libraries()?
        .map(|library| Ok(String::from_utf8_lossy(library?.name()).into_owned()))
        .collect()
}

fn is_thread_local(section: &object::Section<'_, '_>) -> bool {
    use object::SectionKind::{Tls, TlsVariables, UninitializedTls};
    matches!(section.kind(), Tls | TlsVariables | UninitializedTls) && section.size() > 0
}

fn is_facade(name: &str) -> bool {
    ["libkeel.", "keel.dll", "@rpath/libkeel."].iter().any(|prefix| name.starts_with(prefix))
}

/// The facade, Rust's own libraries, and those of the system that std is linked with.
fn is_allowed(name: &str) -> bool {
    const PREFIXES: [&str; 14] = [
        "libstd-",
        "std-",
        "libc.so",
        "libm.so",
        "libdl.so",
        "librt.so",
        "libpthread.so",
        "libgcc_s.",
        "ld-linux",
        "libSystem.",
        "/usr/lib/",
        "@rpath/libstd-",
        "api-ms-win-",
        "ntdll.dll",
    ];
    const WINDOWS: [&str; 6] = [
        "kernel32.dll",
        "ws2_32.dll",
        "bcryptprimitives.dll",
        "userenv.dll",
        "vcruntime140.dll",
        "ucrtbase.dll",
    ];
    is_facade(name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || WINDOWS.contains(&name.to_ascii_lowercase().as_str())
}
