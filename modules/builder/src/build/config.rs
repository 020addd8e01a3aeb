//! How cargo is called: which one, where, and with which environment.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a [`Builder`](crate::Builder) calls cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuilderConfig {
    /// The folder with the workspace's `Cargo.toml`.
    pub workspace_root: PathBuf,
    /// Where cargo builds; not where the user's own builds go, whose lock would block a reload.
    pub target_dir: PathBuf,
    /// The profile's name.
    pub profile: String,
    /// The cargo to run.
    pub cargo: PathBuf,
    /// More arguments for `cargo build`.
    pub extra_arguments: Vec<OsString>,
    /// What becomes of the user's environment.
    pub environment: EnvironmentPolicy,
    /// Whether cargo may use the network.
    pub network: Network,
}

/// What becomes of variables that change how code is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentPolicy {
    /// They are left out. `RUSTFLAGS` in a shell replaces the flags of `.cargo/config.toml`, and modules
    /// built so would not fit a host built from another shell.
    Clean,
    /// They stay.
    Inherit,
}

/// Whether cargo may use the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Never.
    Never,
    /// Only when a build without it failed for want of a crate.
    IfNeeded,
    /// Cargo decides.
    Always,
}

impl BuilderConfig {
    /// Keel's own choice: profile `live` in `target/live` of the workspace, with the cargo of its toolchain.
    ///
    /// That cargo is asked for once with `rustup which`, because rustup's proxy costs 7 ms at each call.
    pub fn new(workspace_root: impl Into<PathBuf>) -> Self {
        let workspace_root = workspace_root.into();
        Self {
            target_dir: workspace_root.join("target/live"),
            profile: "live".to_owned(),
            cargo: find_cargo(&workspace_root),
            extra_arguments: Vec::new(),
            environment: EnvironmentPolicy::Clean,
            network: Network::IfNeeded,
            workspace_root,
        }
    }

    /// The variables of this process's environment that a build leaves out and that a user may have set,
    /// sorted.
    pub fn cleaned_variables(&self) -> Vec<String> {
        let names = self.removed_variables();
        names.into_iter().filter(|name| !is_set_by_cargo(name)).map(|name| name.to_owned()).collect()
    }

    pub(super) fn command(&self) -> Command {
        self.command_of(&self.cargo)
    }

    /// Calls `program` where and as cargo is called.
    pub(super) fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace_root);
        for name in self.removed_variables() {
            command.env_remove(name);
        }
        // A cargo called by its full path finds rustc in PATH: rustup's proxy, unless its own folder is first.
        let toolchain = self.cargo.parent().filter(|folder| folder.join(rustc_name()).is_file());
        if let Some(path) = toolchain.and_then(|folder| with_first(folder, std::env::var_os("PATH"))) {
            command.env("PATH", path);
        }
        command
    }

    /// A tool that cargo names without its folder: that of its own toolchain, if it is there.
    pub(super) fn tool(&self, program: &Path) -> PathBuf {
        let own = self
            .cargo
            .parent()
            .map(|folder| folder.join(program).with_extension(std::env::consts::EXE_EXTENSION));
        own.filter(|path| path.is_file()).unwrap_or_else(|| program.to_owned())
    }

    fn removed_variables(&self) -> BTreeSet<String> {
        if self.environment == EnvironmentPolicy::Inherit {
            return BTreeSet::new();
        }
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names.filter(|name| changes_code(name) || is_set_by_cargo(name)).collect()
    }
}

/// Whether a variable changes what rustc makes of the same source. `CARGO_HOME` and settings of the network
/// and the terminal don't.
fn changes_code(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_ENCODED_RUSTDOCFLAGS",
        "CARGO_INCREMENTAL",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_BOOTSTRAP",
    ];
    const PREFIXES: [&str; 4] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_UNSTABLE_"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What cargo sets for what it runs: it is there when Keel was started by `cargo run`, and means another
/// package than the one that is built.
fn is_set_by_cargo(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    const PREFIXES: [&str; 2] = ["CARGO_PKG_", "CARGO_BIN_EXE_"];
    NAMES.contains(&name)
        || name == "CARGO_TARGET_TMPDIR"
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn find_cargo(workspace_root: &Path) -> PathBuf {
    let mut command = Command::new("rustup");
    let output = command.args(["which", "cargo"]).current_dir(workspace_root).output();
    let answer = output.ok().filter(|output| output.status.success());
    let path = answer.and_then(|output| String::from_utf8(output.stdout).ok()).map(|it| it.trim().into());
    let from_cargo = || std::env::var_os("CARGO").map(PathBuf::from);
    path.filter(|path: &PathBuf| path.is_file()).or_else(from_cargo).unwrap_or_else(|| "cargo".into())
}

fn rustc_name() -> String {
    format!("rustc{}", std::env::consts::EXE_SUFFIX)
}

fn with_first(folder: &Path, path: Option<OsString>) -> Option<OsString> {
    let path = path.unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|it| it != folder);
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(folders)).ok()
}
