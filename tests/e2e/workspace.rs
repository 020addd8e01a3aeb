//! The copies of the workspace that the scenarios share.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// As many scenarios run at a time: games wait more than they compute. More copies than that would cost more time to
/// fill than they save.
const COPIES: usize = 2;

/// One copy, for one scenario. What it changes is put back when this is dropped.
pub(crate) struct Workspace {
    root: PathBuf,
    /// The content of each file that was touched, before that; `None` for those that were not there.
    before: BTreeMap<PathBuf, Option<Vec<u8>>>,
    made: BTreeSet<PathBuf>,
    /// Locked as long as this is there, against other scenarios and other processes.
    _turn: File,
}

impl Workspace {
    /// Waits for this scenario's turn, and brings the copy up to date.
    pub(crate) fn take() -> Self {
        let (copy, turn) = take_turn(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e"));
        let root = copy.join("workspace");
        let is_seeded = seed_target(&root);
        copy_sources(&root, is_seeded);
        Self { root, before: BTreeMap::new(), made: BTreeSet::new(), _turn: turn }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Saves `file` as editors do: written in place and closed. Returns the moment just before it was closed.
    pub(crate) fn write(&mut self, file: &str, text: &str) -> SystemTime {
        self.remember(file);
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut open = File::create(path).unwrap();
        open.write_all(text.as_bytes()).unwrap();
        SystemTime::now()
    }

    /// Replaces the one place in `file` that says `from`.
    #[track_caller]
    pub(crate) fn edit(&mut self, file: &str, from: &str, to: &str) -> SystemTime {
        let text = self.read(file);
        assert_eq!(text.matches(from).count(), 1, "{file} says {from:?} once");
        self.write(file, &text.replace(from, to))
    }

    /// As the file was before this scenario.
    pub(crate) fn put_back(&mut self, file: &str) {
        let before = self.before.get(&self.path(file)).cloned().flatten();
        let text = String::from_utf8(before.unwrap()).unwrap();
        self.write(file, &text);
    }

    /// Takes a folder away.
    pub(crate) fn remove_folder(&mut self, folder: &str) {
        let path = self.path(folder);
        for file in files_below(&path) {
            self.remember_path(file);
        }
        fs::remove_dir_all(path).unwrap();
    }

    /// Renames a folder.
    pub(crate) fn rename_folder(&mut self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        for file in files_below(&from) {
            self.remember_path(file);
        }
        self.made.insert(to.clone());
        self.made.insert(from.clone());
        fs::rename(from, to).unwrap();
    }

    /// `keel new system NAME`.
    pub(crate) fn new_system(&mut self, name: &str) {
        self.remember("Cargo.lock");
        self.remember("apps/static/Cargo.toml");
        self.made.insert(self.path(&format!("systems/{name}")));
        let output = self.keel(&["new", "system", name]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// A new crate in `folder`, made of these files.
    pub(crate) fn new_crate(&mut self, folder: &str, files: &[(&str, &str)]) {
        self.remember("Cargo.lock");
        self.made.insert(self.path(folder));
        for (file, text) in files {
            self.write(&format!("{folder}/{file}"), text);
        }
    }

    /// Runs the binary to its end.
    pub(crate) fn keel(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_keel")).args(arguments).output().unwrap()
    }

    /// A command in the copy, with an environment as in a user's shell.
    pub(crate) fn command(&self, program: &str) -> Command {
        command_in(&self.root, program)
    }

    /// A file for this scenario's own use, outside of the sources.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let folder = self.root.join("../scratch");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.canonicalize().unwrap().join(name);
        let _ = fs::remove_file(&path);
        path
    }

    /// Has `file` put back at the end as it is now.
    pub(crate) fn remember(&mut self, file: &str) {
        self.remember_path(self.path(file));
    }

    fn remember_path(&mut self, path: PathBuf) {
        let content = fs::read(&path).ok();
        self.before.entry(path).or_insert(content);
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        for folder in &self.made {
            let _ = fs::remove_dir_all(folder);
        }
        for (path, before) in &self.before {
            let _ = match before {
                Some(content) => write_if_new(path, content).map(drop),
                None => fs::remove_file(path),
            };
        }
    }
}

/// Waits for a copy that nobody uses, and locks it.
fn take_turn(folder: &Path) -> (PathBuf, File) {
    loop {
        for copy in (0..COPIES).map(|number| folder.join(number.to_string())) {
            fs::create_dir_all(&copy).unwrap();
            let file = File::create(copy.join("lock")).unwrap();
            match file.try_lock() {
                Ok(()) => return (copy, file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => panic!("{}: {error}", copy.display()),
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn command_in(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_cargos = name.starts_with("CARGO") && name != "CARGO_HOME";
        if is_cargos || name.starts_with("RUST_") || name == "RUSTFLAGS" || name == "LD_LIBRARY_PATH" {
            command.env_remove(name);
        }
    }
    command
}

/// All that a process printed.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Takes over what `cargo keel run` builds in the real workspace, so that it is built once for all tests, if the copy has
/// another facade: none yet, one of older sources, or that of a scenario which changed what everything is linked with.
/// Returns whether it did.
fn seed_target(copy: &Path) -> bool {
    // No other test builds what this copies.
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e/seed.lock")).unwrap();
    lock.lock().unwrap();
    let built = built_target();
    let facade = format!("deps/{DLL_PREFIX}keel{DLL_SUFFIX}");
    if same_file(&built.join(&facade), &copy.join("target/live/live").join(&facade)) {
        return false;
    }
    if copy.exists() {
        fs::remove_dir_all(copy).unwrap();
    }
    // A copy that is not whole has another name.
    copy_with_times(built, &copy.join("target/live/part"));
    fs::rename(copy.join("target/live/part"), copy.join("target/live/live")).unwrap();
    true
}

/// The folder of the profile of the real workspace's live builds, up to date.
fn built_target() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = command_in(root, env!("CARGO"))
            .args(["keel", "run", "--headless", "--frames", "1", "--fps", "0", "--no-watch"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output));
        root.join("target/live/live")
    })
}

/// Whether both are there, and one was copied from the other.
fn same_file(one: &Path, other: &Path) -> bool {
    let stamp = |path: &Path| path.metadata().and_then(|it| Ok((it.len(), it.modified()?))).ok();
    stamp(one).is_some_and(|one| stamp(other) == Some(one))
}

/// What lies in the folder of a profile and is of no use in another: the compiler's own notes, and programs, which look
/// for the compiler's library on a way that begins where they lie.
fn is_large_and_of_no_use(path: &Path) -> bool {
    let is_in_deps = path.parent().is_some_and(|folder| folder.ends_with("deps"));
    let is_program = is_in_deps && path.extension().is_none();
    path.ends_with("incremental") || is_program
}

fn copy_with_times(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if is_large_and_of_no_use(&entry.path()) {
            continue;
        }
        let to = to.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            copy_with_times(&entry.path(), &to);
        } else if metadata.is_file() {
            fs::copy(entry.path(), &to).unwrap();
            set_modified(&to, metadata.modified().unwrap());
        }
    }
}

/// The copy lies inside of the real workspace, from which cargo takes the settings; said twice, flags would count twice,
/// and nothing that was taken over would be fresh.
const CARGO_CONFIG: &str = ".cargo/config.toml";

/// Files whose content is unchanged are left alone, with their times, by which cargo knows what is fresh. With a target
/// directory that was just taken over, the others are as old as there, because it was built of them.
fn copy_sources(root: &Path, is_seeded: bool) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(from);
    let listed = git.output().unwrap();
    assert!(listed.status.success(), "git ls-files: {}", text(&listed));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: BTreeSet<&Path> =
        listed.split_terminator('\0').map(Path::new).filter(|file| from.join(file).is_file()).collect();
    for stale in files_below(root).iter().filter(|path| !files.contains(path.strip_prefix(root).unwrap())) {
        fs::remove_file(stale).unwrap();
    }
    for file in &files {
        let (from, to) = (from.join(file), root.join(file));
        let content = if *file == Path::new(CARGO_CONFIG) { Vec::new() } else { fs::read(&from).unwrap() };
        if write_if_new(&to, &content).unwrap() && is_seeded {
            set_modified(&to, from.metadata().unwrap().modified().unwrap());
        }
    }
    remove_empty_folders(root);
    if is_seeded {
        // Build scripts that ask for a folder run again when it is younger than what they have made.
        let folders: BTreeSet<&Path> = files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
        for folder in folders {
            let time = from.join(folder).metadata().unwrap().modified().unwrap();
            File::open(root.join(folder)).unwrap().set_modified(time).unwrap();
        }
    }
}

/// Whether it was written.
fn write_if_new(path: &Path, content: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, content).map(|()| true)
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

/// All files below a folder, without those that cargo and git made.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    for path in entries.map(|entry| entry.path()) {
        if path.is_file() {
            files.push(path);
        } else if !path.ends_with("target") && !path.ends_with(".git") {
            files.extend(files_below(&path));
        }
    }
    files
}

/// An empty folder under `systems` would be a workspace member without a manifest.
fn remove_empty_folders(folder: &Path) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            remove_empty_folders(&path);
            let _ = fs::remove_dir(&path);
        }
    }
}
