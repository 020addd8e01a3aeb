//! A mini workspace in a folder of its own: a facade and modules, with nothing from a registry.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keel_builder::{BuildFailure, BuildReport, BuildRequest, Builder, BuilderConfig, CancelToken};
use keel_resolver::Workspace;

/// For what must come: long, because machines are slow at times. Nothing waits this long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Game {
    pub(crate) root: PathBuf,
}

impl Game {
    /// A facade `keel` and the modules `swim` and `tide`.
    pub(crate) fn new() -> Self {
        let game = Self { root: fresh_folder("game") };
        game.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"core/*\", \"systems/*\"]\n\n\
             [profile.live]\ninherits = \"dev\"\n",
        );
        game.write(
            ".cargo/config.toml",
            "[build]\nrustflags = [\"-Cprefer-dynamic\", \"-Crpath\", \"--cfg\", \"from_config\"]\n",
        );
        game.package("core/keel", "keel", "kind = \"area\"", "");
        game.write("core/keel/src/lib.rs", "pub fn speed() -> u32 { 7 }\n");
        game.module("swim");
        game.module("tide");
        game
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn module(&self, name: &str) {
        self.package(
            &format!("systems/{name}"),
            name,
            "kind = \"view-model\"",
            "keel = { path = \"../../core/keel\" }",
        );
        self.set_answer(name, 1);
    }

    /// A source of the module `name` that holds `answer` where [`holds`] finds it.
    pub(crate) fn set_answer(&self, name: &str, answer: u32) {
        self.write(&source_of(name), &source(answer));
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::from_metadata(&Workspace::read(&self.root).unwrap()).unwrap()
    }

    pub(crate) fn builder(&self) -> Arc<Builder> {
        Arc::new(Builder::new(BuilderConfig::new(&self.root)))
    }

    pub(crate) fn build(&self, modules: &[&str]) -> Result<BuildReport, BuildFailure> {
        self.builder().build(&requests(modules), &CancelToken::new())
    }

    fn package(&self, folder: &str, name: &str, section: &str, dependencies: &str) {
        self.write(&format!("{folder}/src/lib.rs"), "//! Nothing.\n");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [package.metadata.keel]\n{section}\n\n[lib]\ncrate-type = [\"dylib\", \"rlib\"]\n\n\
             [dependencies]\n{dependencies}\n"
        );
        self.write(&format!("{folder}/Cargo.toml"), &manifest);
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn fresh_folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("builder-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    // Cargo answers with the path it was asked from; links are resolved so that paths compare equal.
    folder.canonicalize().unwrap()
}

pub(crate) fn source_of(module: &str) -> String {
    format!("systems/{module}/src/lib.rs")
}

pub(crate) fn source(answer: u32) -> String {
    format!(
        "pub fn swim() -> u32 {{ keel::speed() }}\npub static KEEL_TEST_ANSWER: [u8; 12] \
         = *b\"answer={answer:05}\";\n"
    )
}

/// Whether the library was built from the source with this answer.
pub(crate) fn holds(library: &Path, answer: u32) -> bool {
    let bytes = std::fs::read(library).unwrap();
    let wanted = format!("answer={answer:05}");
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

pub(crate) fn requests(modules: &[&str]) -> Vec<BuildRequest> {
    modules.iter().map(|name| BuildRequest::library(*name, *name)).collect()
}
