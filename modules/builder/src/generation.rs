//! A folder for each run, and in it a path of its own for each generation of a module: a path that is still
//! loaded gives the old code again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::BuilderError;

/// The files of a base folder that are no run: held while one is made or removed.
const BASE_LOCK: &str = "runs.lock";
const RUN_LOCK: &str = "run.lock";

/// A folder that belongs to one run; removed when dropped.
///
/// It is marked by a lock, which the system lets go of when the process ends however it ends. What dead
/// processes left behind is removed when the next run is created.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    base: PathBuf,
    // Locked for as long as it is open.
    lock: Option<File>,
}

impl RunDirectory {
    /// Makes a fresh folder in `base`, and removes those of runs that have ended.
    ///
    /// # Errors
    /// [`BuilderError::File`] when `base` can't be written.
    pub fn create(base: &Path) -> Result<Self, BuilderError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(base).map_err(failed("creating", base))?;
        let _base_lock = lock_base(base)?;
        remove_ended(base);
        let name = format!("run-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = base.join(name);
        fs::create_dir(&path).map_err(failed("creating", &path))?;
        let lock_path = path.join(RUN_LOCK);
        let lock = File::create(&lock_path).map_err(failed("creating", &lock_path))?;
        lock.lock().map_err(failed("locking", &lock_path))?;
        Ok(Self { path, base: base.to_owned(), lock: Some(lock) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies `file` into the folder under its own name: the host and the facade, which libraries are found
    /// by. One that is there already is replaced as a whole; who has it open keeps the old one.
    ///
    /// # Errors
    /// [`BuilderError::Copy`].
    pub fn adopt(&self, file: &Path) -> Result<PathBuf, BuilderError> {
        let name = file.file_name().ok_or_else(|| BuilderError::FileName {
            name: file.display().to_string(),
            problem: "it has no last part",
        })?;
        let to = self.path.join(name);
        copy_whole(file, &to)?;
        Ok(to)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // Errors leave the folder behind, and the next run removes it: on Windows a library that is still
        // mapped can't be removed.
        let _base_lock = lock_base(&self.base);
        self.lock = None;
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The copies of modules' libraries in a run directory.
#[derive(Debug)]
pub struct Generations {
    folder: PathBuf,
    kept: BTreeMap<(String, u64), PathBuf>,
}

impl Generations {
    /// No copies yet.
    pub fn new(run: &RunDirectory) -> Self {
        Self { folder: run.path().to_owned(), kept: BTreeMap::new() }
    }

    /// Copies `library` to `<run>/<module>-<generation>.so`, or as libraries are called here.
    ///
    /// It is complete when it appears under that name. It is not synced to disk, which costs 5.3 ms against
    /// 0.8 ms: it can be made again.
    ///
    /// # Errors
    /// [`BuilderError::FileName`] for a generation that there is already, or a name that is no file name;
    /// [`BuilderError::Copy`].
    pub fn add(&mut self, module: &str, generation: u64, library: &Path) -> Result<PathBuf, BuilderError> {
        check_name(module)?;
        let key = (module.to_owned(), generation);
        let name = format!("{module}-{generation}.{}", std::env::consts::DLL_EXTENSION);
        let path = self.folder.join(&name);
        if self.kept.contains_key(&key) || path.exists() {
            return Err(BuilderError::FileName { name, problem: "this generation has a copy already" });
        }
        copy_whole(library, &path)?;
        self.kept.insert(key, path.clone());
        Ok(path)
    }

    /// The copy of a generation.
    pub fn path(&self, module: &str, generation: u64) -> Option<&Path> {
        self.kept.get(&(module.to_owned(), generation)).map(PathBuf::as_path)
    }

    /// The generations of `module` that have a copy, oldest first.
    pub fn of(&self, module: &str) -> impl Iterator<Item = u64> {
        let range = (module.to_owned(), 0)..=(module.to_owned(), u64::MAX);
        self.kept.range(range).map(|((_, generation), _)| *generation)
    }

    /// All copies, by module and generation.
    pub fn all(&self) -> impl Iterator<Item = (&str, u64, &Path)> {
        self.kept.iter().map(|((module, generation), path)| (module.as_str(), *generation, path.as_path()))
    }

    /// Removes the copy of a generation; false if there is none. On Unix a library that is still mapped
    /// stays usable.
    ///
    /// # Errors
    /// [`BuilderError::File`]; the copy is still counted then, and may be removed later.
    pub fn remove(&mut self, module: &str, generation: u64) -> Result<bool, BuilderError> {
        let key = (module.to_owned(), generation);
        let Some(path) = self.kept.get(&key) else { return Ok(false) };
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(BuilderError::File { action: "removing", path: path.clone(), source })
            }
            _ => {
                self.kept.remove(&key);
                Ok(true)
            }
        }
    }
}

/// Copies under another name and renames, so that nobody sees a part of it. `fs::copy` shares the blocks
/// where the file system can.
fn copy_whole(from: &Path, to: &Path) -> Result<(), BuilderError> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = fs::copy(from, &partial).and_then(|_| fs::rename(&partial, to));
    copied.map_err(|source| {
        // Whatever is left of it is of no use, and may not be there at all.
        let _ = fs::remove_file(&partial);
        BuilderError::Copy { from: from.to_owned(), to: to.to_owned(), source }
    })
}

fn check_name(module: &str) -> Result<(), BuilderError> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if !module.is_empty() && !module.starts_with('.') && module.chars().all(is_plain) {
        return Ok(());
    }
    let problem = "only letters, digits, `_`, `-` and `.` may be in a module's name";
    Err(BuilderError::FileName { name: module.to_owned(), problem })
}

fn lock_base(base: &Path) -> Result<File, BuilderError> {
    let path = base.join(BASE_LOCK);
    let lock = File::create(&path).map_err(failed("creating", &path))?;
    lock.lock().map_err(failed("locking", &path))?;
    Ok(lock)
}

/// Removes the folders of runs that hold no lock. Nobody can be making one: the base is locked.
fn remove_ended(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for run in entries.filter_map(Result::ok).filter(|entry| is_run(&entry.file_name().to_string_lossy())) {
        let path = run.path();
        let has_ended = match File::open(path.join(RUN_LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if has_ended {
            // One that can't be removed now is tried again by the next run.
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn is_run(name: &str) -> bool {
    name.strip_prefix("run-").is_some_and(|rest| rest.chars().all(|it| it.is_ascii_digit() || it == '-'))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuilderError {
    let path = path.to_owned();
    move |source| BuilderError::File { action, path, source }
}
