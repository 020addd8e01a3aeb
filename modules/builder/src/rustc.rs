//! The one call of rustc that a build came down to, to repeat it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::BuilderError;

/// A call of rustc as cargo made it. Repeating it writes the same outputs, of which cargo knows nothing: it
/// compiles the crate again when it is asked next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RustcCommand {
    /// The compiler.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The variables that cargo set for it.
    pub environment: Vec<(String, String)>,
    /// Where cargo ran it.
    pub folder: PathBuf,
}

impl RustcCommand {
    /// Finds the call for `crate_name` in what `cargo build -vv` printed; with `-v` alone, cargo prints no
    /// environment.
    ///
    /// # Errors
    /// [`BuilderError::NoRustcCommand`] when the crate was fresh.
    pub fn find(cargo_stderr: &str, crate_name: &str, workspace_root: &Path) -> Result<Self, BuilderError> {
        let missing = || BuilderError::NoRustcCommand { crate_name: crate_name.to_owned() };
        let mut commands = Self::all(cargo_stderr, workspace_root);
        commands.find(|command| command.has("--crate-name", crate_name)).ok_or_else(missing)
    }

    /// All calls in what `cargo build -vv` printed, those of build scripts too.
    pub(crate) fn all(cargo_stderr: &str, workspace_root: &Path) -> impl Iterator<Item = Self> {
        let calls = cargo_stderr.split("Running `").skip(1);
        calls.filter_map(move |call| Self::parse(words_of(call), workspace_root))
    }

    /// The call that cargo names in an error.
    pub(crate) fn read(call: &str) -> Option<Self> {
        Self::parse(words_of(call), Path::new(""))
    }

    /// Whether `option` is given with this value, as two words.
    pub(crate) fn has(&self, option: &str, value: &str) -> bool {
        self.values_of(option).any(|it| it == value)
    }

    /// The values that `option` is given, each as a word of its own.
    pub(crate) fn values_of(&self, option: &str) -> impl Iterator<Item = &str> {
        let pairs = self.arguments.windows(2).filter(move |pair| pair[0] == option);
        pairs.map(|pair| pair[1].as_str())
    }

    /// What cargo has set this variable to.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Repeats the call and waits for it.
    ///
    /// # Errors
    /// [`BuilderError::Rustc`] when it fails, [`BuilderError::File`] when it can't be started.
    pub fn time(&self) -> Result<Duration, BuilderError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder);
        let started_at = Instant::now();
        let output = command.output().map_err(|source| BuilderError::File {
            action: "starting",
            path: self.program.clone(),
            source,
        })?;
        let elapsed = started_at.elapsed();
        if output.status.success() {
            return Ok(elapsed);
        }
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(BuilderError::Rustc { status: output.status, stderr })
    }

    fn parse(words: Vec<String>, folder: &Path) -> Option<Self> {
        let mut words = words.into_iter().peekable();
        let mut environment = Vec::new();
        while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
            environment.push((name.to_owned(), value.to_owned()));
            words.next();
        }
        let program = PathBuf::from(words.next()?);
        Some(Self { program, arguments: words.collect(), environment, folder: folder.to_owned() })
    }
}

/// The words of a shell command up to the backtick that ends it. Cargo quotes as a POSIX shell does, on
/// Windows with double quotes.
fn words_of(call: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = call.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"'), '\\') | (None, '\\') if !cfg!(windows) => {
                word.get_or_insert_default().extend(letters.next());
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '`') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_call_is_read_with_its_quotes_and_environment() {
        let output = "   Compiling swim v0.1.0\n     Running `A=1 B='two words\nand `lines`' /bin/rustc \
                      --crate-name swim 'it'\\''s' --cfg 'feature=\"x\"'`\n    Finished";
        let command = RustcCommand::find(output, "swim", Path::new("/game")).unwrap();
        assert_eq!(command.program, Path::new("/bin/rustc"));
        assert_eq!(command.arguments, ["--crate-name", "swim", "it's", "--cfg", "feature=\"x\""]);
        let variables = [("A", "1"), ("B", "two words\nand `lines`")];
        assert_eq!(command.environment, variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_crate_that_was_fresh_has_no_call() {
        let output = "     Running `rustc --crate-name other`\n       Fresh swim v0.1.0\n";
        let error = RustcCommand::find(output, "swim", Path::new("/game")).unwrap_err();
        assert!(error.to_string().contains("`swim`"), "{error}");
    }
}
