//! Why modules don't fit together. Each conflict names the thing, the cause and the next step.

use std::fmt;
use std::path::{Path, PathBuf};

use cargo_metadata::semver::{Version, VersionReq};
use keel_core_types::IdCollision;

/// One reason why a workspace's modules can't be loaded together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A view is required and nobody provides it.
    #[error(
        "`{requirer}` requires the view `{view}`, which no module provides; add it to `provides` in the module \
         that implements it, or add such a module, or take it out of `requires` in {}", manifest.display()
    )]
    MissingProvider {
        /// The module or area.
        requirer: String,
        /// Its `Cargo.toml`.
        manifest: PathBuf,
        /// The contract's name.
        view: String,
    },
    /// More than one module provides a view.
    #[error(
        "the view `{view}` is provided by {}, and a view has one provider; take it out of `provides` in all \
         but one",
        list(providers)
    )]
    TwoProviders {
        /// The contract's name.
        view: String,
        /// The modules, sorted by name.
        providers: Vec<String>,
    },
    /// Modules require each other's views in a circle, so that none of them can be loaded first.
    #[error(
        "cycle: {} -> {}: each requires a view of the next, so none can be loaded first; take one out of \
         `requires`, or move the view that closes the circle into a module of its own",
        path.join(" -> "), path.first().map_or("", String::as_str)
    )]
    Cycle {
        /// The modules on the circle, each once, from the first by name.
        path: Vec<String>,
    },
    /// A feature is asked for that the provider doesn't offer.
    #[error(
        "`{requirer}` requires the view `{view}` with the feature `{feature}`, which its provider `{provider}` \
         doesn't offer (it offers {}); add it to `features` in the provider, or take it out of `requires`",
        list(offered)
    )]
    FeatureNotOffered {
        /// The module or area that asks.
        requirer: String,
        /// The contract's name.
        view: String,
        /// The feature asked for.
        feature: String,
        /// The module that provides the view.
        provider: String,
        /// What it offers.
        offered: Vec<String>,
    },
    /// The view is provided in a version its user doesn't accept.
    #[error(
        "`{requirer}` requires the view `{view}` in version {required}, and `{provider}` provides {found}; \
         change the version in `requires`, or use another `{provider}`"
    )]
    VersionMismatch {
        /// The module or area that asks.
        requirer: String,
        /// The contract's name.
        view: String,
        /// The versions it accepts.
        required: VersionReq,
        /// The module that provides the view.
        provider: String,
        /// The version it provides.
        found: Version,
    },
    /// A manifest names a kind there is not.
    #[error(
        "{}: package.metadata.keel.kind: expected `model`, `view`, `view-model`, `types` or `area`, found \
         `{found}`; use one of them", manifest.display()
    )]
    UnknownKind {
        /// The `Cargo.toml`.
        manifest: PathBuf,
        /// The kind it names.
        found: String,
    },
    /// A key of a manifest can't be used.
    #[error("{}: {key}: {problem}", manifest.display())]
    Malformed {
        /// The `Cargo.toml`.
        manifest: PathBuf,
        /// The key with its table, as in `package.metadata.keel.requires[0].version`.
        key: String,
        /// What was expected, what was found, and what to write.
        problem: String,
    },
    /// Two modules have the same name.
    #[error(
        "two modules are called `{name}`: {} and {}; rename one of them",
        manifests[0].display(), manifests[1].display()
    )]
    SameName {
        /// The name.
        name: String,
        /// Both `Cargo.toml`.
        manifests: [PathBuf; 2],
    },
    /// Two names have the same id.
    #[error(transparent)]
    SameId(#[from] IdCollision),
    /// A module or types crate links a module: its new generation would be tied to that module's old one.
    #[error(
        "`{package}` depends on the module `{module}`, and a module is loaded, never linked; take it out of \
         the dependencies in {} and use its views, or move the types both need into a crate with \
         kind = \"types\"", manifest.display()
    )]
    DependsOnModule {
        /// The module or types crate.
        package: String,
        /// Its `Cargo.toml`.
        manifest: PathBuf,
        /// The module it depends on.
        module: String,
    },
    /// A module or types crate links a crate of the workspace that is neither the facade nor a types crate.
    #[error(
        "`{package}` depends on `{dependency}`, and of this workspace's crates a module links only the facade \
         `keel` and crates with kind = \"types\"; take it out of the dependencies in {} and use what `keel` \
         re-exports, or move what modules share into a crate with that kind", manifest.display()
    )]
    ForeignDependency {
        /// The module or types crate.
        package: String,
        /// Its `Cargo.toml`.
        manifest: PathBuf,
        /// The crate it depends on.
        dependency: String,
    },
}

impl Conflict {
    /// Whether it names the package `name`, whose `Cargo.toml` is `manifest`, as one of those that don't fit.
    pub(crate) fn concerns(&self, name: &str, manifest: &Path) -> bool {
        match self {
            Self::MissingProvider { requirer, .. } => requirer == name,
            Self::TwoProviders { providers: names, .. } | Self::Cycle { path: names } => {
                names.iter().any(|it| it == name)
            }
            Self::FeatureNotOffered { requirer, provider, .. }
            | Self::VersionMismatch { requirer, provider, .. } => requirer == name || provider == name,
            Self::UnknownKind { manifest: of, .. } | Self::Malformed { manifest: of, .. } => of == manifest,
            Self::SameName { name: of, .. } => of == name,
            Self::SameId(collision) => collision.known == name || collision.new == name,
            // The module that is linked is all right.
            Self::DependsOnModule { package, .. } | Self::ForeignDependency { package, .. } => {
                package == name
            }
        }
    }
}

/// All conflicts of a workspace; there is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolveErrors {
    conflicts: Vec<Conflict>,
}

impl ResolveErrors {
    /// An error if there are any conflicts.
    pub(crate) fn check(conflicts: Vec<Conflict>) -> Result<(), Self> {
        if conflicts.is_empty() { Ok(()) } else { Err(Self { conflicts }) }
    }

    /// The conflicts, in an order that depends on nothing but the manifests.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

impl fmt::Display for ResolveErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conflicts.len() {
            1 => write!(out, "the workspace's modules don't fit together:")?,
            count => write!(out, "the workspace's modules don't fit together, for {count} reasons:")?,
        }
        self.conflicts.iter().try_for_each(|conflict| write!(out, "\n  - {conflict}"))
    }
}

impl std::error::Error for ResolveErrors {}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
