//! What a module's `Cargo.toml` says of it, held against what its library says.

use std::collections::BTreeSet;
use std::path::Path;

use keel_loader::LibraryFile;
use keel_module_types::{ModuleDescriptor, ViewEntry};
use serde::{Deserialize, Serialize};

use crate::{Code, Rejection};

/// What `[package.metadata.keel]` in a module's `Cargo.toml` says. The resolver has planned with it, so the library
/// must say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// The module's kind, as it is written there.
    pub kind: String,
    /// The views it provides, by name.
    pub provides: Vec<String>,
    /// The views it requires, by name.
    pub requires: Vec<String>,
    /// The views it requires with `optional = true`, by name.
    pub optional: Vec<String>,
}

impl Stated {
    /// Reads the library at `path`, and compares it with this host and with what is stated. Nothing of it runs.
    ///
    /// # Errors
    /// [`Rejection`], as [`Checker::check_stated`](crate::Checker::check_stated) would refuse it before it is opened.
    pub fn check_file(&self, path: &Path) -> Result<LibraryFile, Rejection> {
        let file_name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let refuse = |error| Rejection::load(&file_name, &error);
        let file = LibraryFile::read(path).map_err(refuse)?;
        file.check_fit().map_err(refuse)?;
        self.check(file.descriptor())?;
        Ok(file)
    }

    /// Compares it with what the library says in `export_module!`.
    ///
    /// # Errors
    /// [`Rejection`] that names both sides, with [`Code::ViewsCollide`].
    pub fn check(&self, descriptor: &ModuleDescriptor) -> Result<(), Rejection> {
        let module = descriptor.name();
        if self.kind != descriptor.kind().name() {
            let (stated, found) = (&self.kind, descriptor.kind().name());
            return Err(differs(module, &format!("kind = \"{stated}\""), &format!("{found} module")));
        }
        let lists = [
            ("provides", &self.provides, descriptor.provides()),
            ("requires", &self.requires, descriptor.requires()),
            ("optional", &self.optional, descriptor.optional()),
        ];
        for (key, stated, found) in lists {
            let stated: BTreeSet<_> = stated.iter().map(String::as_str).collect();
            let found: BTreeSet<_> = found.iter().map(ViewEntry::name).collect();
            if stated != found {
                let manifest = match key {
                    "optional" => format!("requires with `optional = true` {}", list(&stated)),
                    _ => format!("{key} = {}", list(&stated)),
                };
                return Err(differs(module, &manifest, &format!("{key}: {}", list(&found))));
            }
        }
        Ok(())
    }
}

fn differs(module: &str, manifest: &str, library: &str) -> Rejection {
    let message = format!(
        "the Cargo.toml of module `{module}` says {manifest}, and the `export_module!` of its library says \
         {library}; make both say the same, and build it again"
    );
    Rejection::new(module, Code::ViewsCollide, message)
}

fn list(names: &BTreeSet<&str>) -> String {
    format!("[{}]", names.iter().copied().collect::<Vec<_>>().join(", "))
}
