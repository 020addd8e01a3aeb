//! Why a build or a workspace was refused: the stable code and the words.

use std::io;
use std::path::Path;

use keel_builder::BuildFailure;
use keel_registry::Code;
use keel_resolver::ReadError;

/// The code of a build that gave no libraries.
pub(crate) fn build_code(failure: &BuildFailure) -> Code {
    match failure {
        BuildFailure::Compile { .. } => Code::CompileError,
        BuildFailure::Start { .. } | BuildFailure::Wait(_) => Code::CargoNotRun,
        BuildFailure::NoArtifact { .. } => Code::NoArtifact,
        BuildFailure::NoWorkspace { .. } => Code::NoWorkspace,
        // Cargo's own refusal, and what a newer Keel may add: all else that keeps cargo from building.
        _ => Code::CargoRefused,
    }
}

/// The code of a workspace that can't be read.
pub(crate) fn read_code(error: &(dyn std::error::Error + 'static)) -> Code {
    match error.downcast_ref::<ReadError>() {
        Some(ReadError::Conflicts(_)) => Code::Conflict,
        Some(ReadError::NoCargo { .. }) => Code::CargoNotRun,
        // The other error is that of a folder that is gone.
        Some(ReadError::NoWorkspace { .. } | ReadError::NoHost { .. }) | None => Code::NoWorkspace,
        Some(_) => Code::CargoRefused,
    }
}

/// An error with its causes: what cargo says of a manifest is one.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Why the game in the file at `path` can't be read.
pub(crate) fn unread_game(path: &Path, error: &io::Error) -> String {
    format!(
        "{} can't be read: {error}; name a file that Keel has saved, and that may be read",
        path.display()
    )
}

/// A code in a line for people; nothing where there is none.
pub(crate) fn in_brackets(code: Option<&String>) -> String {
    code.map_or_else(String::new, |code| format!(" [{code}]"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::ExitStatus;

    use super::*;
    use crate::event::code_name;

    #[track_caller]
    fn check(failure: &BuildFailure, code: &str, next_step: &str) {
        assert_eq!(code_name(build_code(failure)), code, "{failure}");
        assert!(with_causes(failure).contains(next_step), "{:?}", with_causes(failure));
    }

    #[test]
    fn only_what_the_compiler_refused_is_a_compile_error() {
        let cargo = |message: &str| BuildFailure::Cargo {
            status: ExitStatus::default(),
            message: message.to_owned(),
        };
        check(&BuildFailure::Compile { diagnostics: vec![] }, "compile-error", "0 compile errors");
        check(&cargo("error: failed to parse manifest"), "cargo-refused", "manifest\nmend what cargo names");
        let script = "error: failed to run custom build command for `swim v0.1.0`";
        check(&cargo(script), "cargo-refused", "mend the build script");
        check(&cargo("error: failed to download `sea`"), "cargo-refused", "`cargo fetch`");
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let start = BuildFailure::Start { cargo: PathBuf::from("no-cargo"), source: gone() };
        check(&start, "cargo-not-run", "no-cargo could not be started; install Rust");
        check(&start, "cargo-not-run", &gone().to_string());
        check(&BuildFailure::Wait(gone()), "cargo-not-run", "build again");
        let (package, target) = ("swim".to_owned(), "swim".to_owned());
        check(
            &BuildFailure::NoArtifact { package, target },
            "no-artifact",
            "crate-type = [\"dylib\", \"rlib\"]",
        );
        check(
            &BuildFailure::NoWorkspace { root: PathBuf::from("game") },
            "no-workspace",
            "put the workspace back",
        );
    }
}
