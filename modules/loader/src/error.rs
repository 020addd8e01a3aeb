//! Why a library was refused, or kept.

use std::path::PathBuf;

use keel_module_types::DescriptorError;

/// A library was refused. Nothing of it runs after this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("{path} can't be read; build the module again")]
    Read {
        /// The library.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no library, or only a part of one.
    #[error("{path} is not a whole library ({reason}); build the module again")]
    NotALibrary {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The library was made for another machine.
    #[error("{path} was built for {found}, this host runs on {expected}; build it for this target")]
    Architecture {
        /// The library.
        path: PathBuf,
        /// This host's.
        expected: String,
        /// The library's.
        found: String,
    },
    /// The library has no descriptor, or a damaged one.
    #[error("{path} is no Keel module: {source}")]
    Descriptor {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        source: DescriptorError,
    },
    /// A symbol is missing.
    #[error(
        "{path} lacks the symbol `{symbol}`; write `keel::export_module!` once, at the end of its lib.rs"
    )]
    MissingSymbol {
        /// The library.
        path: PathBuf,
        /// The symbol's name.
        symbol: String,
    },
    /// Host and module were built differently.
    #[error(
        "module `{module}` was built with {what} `{found}`, this host with `{expected}`; run `keel build {module}`"
    )]
    Mismatch {
        /// The module's name.
        module: String,
        /// Compiler, target, profile, flags or facade. A literal of the facade, which compares them.
        what: &'static str,
        /// The host's.
        expected: String,
        /// The module's.
        found: String,
    },
    /// The module needs a library that is neither the facade, std nor the system's.
    #[error(
        "module `{module}` needs the library `{needed}`; a module may link the facade, std and the system's only: \
         make the crate it comes from an rlib"
    )]
    ForeignLibrary {
        /// The module's name.
        module: String,
        /// The library's name.
        needed: String,
    },
    /// The system's loader refused the file.
    #[error("{path} could not be opened: {reason}; {}", next_step(reason))]
    Open {
        /// The library.
        path: PathBuf,
        /// What the system said, copied.
        reason: String,
    },
    /// This very path is open already: the system would hand out the old code.
    #[error("{path} is open already; give every generation a path of its own")]
    AlreadyOpen {
        /// The library.
        path: PathBuf,
    },
    /// The root table has other fields than the host expects.
    #[error("the root table of module `{module}` differs from this host's: {difference}; rebuild both")]
    RootLayout {
        /// The module's name.
        module: String,
        /// Where, as the checker says it.
        difference: String,
    },
    /// The module brings a second copy of the facade.
    #[error(
        "module `{module}` has a facade of its own, not this host's; build it with `-C prefer-dynamic` from this \
         workspace"
    )]
    SecondFacade {
        /// The module's name.
        module: String,
    },
    /// The module has an allocator of its own.
    #[error(
        "module `{module}` has a `#[global_allocator]`; memory passes between modules, so all of them use the host's: \
         remove it from the module, or the crate that declares it from its dependencies"
    )]
    OwnAllocator {
        /// The module's name.
        module: String,
    },
    /// A function of the root panicked.
    #[error("module `{module}` panicked in `{call}`: {message}; correct it in the module's code, and save")]
    Panicked {
        /// The module's name.
        module: String,
        /// Which function. A literal of this crate, which is never in a module.
        call: &'static str,
        /// What it said.
        message: String,
    },
}

fn next_step(reason: &str) -> &'static str {
    if reason.contains("undefined symbol") {
        "link what defines the symbol into the module; if it is one of Keel's, build host and modules again, together"
    } else {
        "build the module again"
    }
}

/// Why a library stays mapped after its retirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Kept {
    /// Objects of the module are still held.
    #[error("{holders} of its objects are still held")]
    Held {
        /// How many.
        holders: usize,
    },
    /// A thread that exits later would run destructors in it.
    #[error("it has thread-local storage")]
    ThreadLocals,
    /// It can start threads, and nobody can tell when they have ended.
    #[error("it starts threads of its own")]
    Threads,
    /// It is a part of the program.
    #[error("it is linked in")]
    Linked,
    /// The system's loader refused.
    #[error("the system would not close it: {0}")]
    Refused(String),
}
