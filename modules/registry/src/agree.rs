//! Whether modules fit together: the types they state, the sources of the model crates and views that they were
//! compiled with, and who provides what they require. A change of several modules is judged as a whole: those that come and those that stay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keel_core_types::{ComponentId, ModuleId, ViewId};
use keel_ecs::ModelTypeInfo;
use keel_engine::ModuleTag;
use keel_module_types::{ModuleDescriptor, ModuleKind, ViewEntry};

use crate::{Candidate, Code, Registry, Rejection};

/// The modules that would be live together, by what they say of themselves.
struct Together<'a> {
    coming: Vec<&'a ModuleDescriptor>,
    staying: Vec<&'a ModuleDescriptor>,
}

impl Registry {
    /// Names views whose provider is on its way, or was refused and is being mended: a module that requires one of
    /// them is not refused for want of it. A host that has asked the resolver says here what the resolver knows.
    pub fn plan_views(&mut self, views: impl IntoIterator<Item = ViewId>) {
        self.planned_views = views.into_iter().collect();
    }

    /// Judges `candidates` together with the live modules that they don't replace, but for those in `removed`.
    pub(crate) fn check_together(
        &self,
        candidates: &[Candidate],
        removed: &[ModuleId],
    ) -> Result<(), Rejection> {
        let live: Vec<_> = self.live().map(|(_, live)| live.module.descriptor()).collect();
        let goes = |module: ModuleId| {
            removed.contains(&module) || candidates.iter().any(|candidate| candidate.id() == module)
        };
        let together = Together {
            coming: candidates.iter().map(|candidate| candidate.module.descriptor()).collect(),
            staying: live.iter().copied().filter(|descriptor| !goes(descriptor.module())).collect(),
        };
        together.check_models()?;
        together.check_contracts()?;
        together.check_providers(&missing(&live), &self.planned_views)
    }

    /// The types of all modules as they would be after the swap, in which all of them agree.
    pub(crate) fn agreed_types(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<Arc<ModelTypeInfo>>, Rejection> {
        let is_replaced = |tag: &ModuleTag| candidates.iter().any(|candidate| candidate.tag == *tag);
        let staying = self.live().filter(|(tag, _)| !is_replaced(tag));
        let staying = staying.map(|(tag, live)| (tag.name(), live.module.descriptor().kind(), &live.types));
        let coming = candidates
            .iter()
            .map(|candidate| (candidate.name(), candidate.module.descriptor().kind(), &candidate.types));
        // Model modules last: where several state a type, the world is to use the code of the one that exports it.
        let mut all: Vec<_> = staying.chain(coming).collect();
        all.sort_by_key(|(name, kind, _)| (*kind == ModuleKind::Model, name.to_owned()));

        let mut agreed: BTreeMap<ComponentId, (&str, &Arc<ModelTypeInfo>)> = BTreeMap::new();
        agreed.extend(self.config.own_types.iter().map(|info| (info.id(), ("keel", info))));
        for (module, _, types) in all {
            for info in types {
                if let Some((other, known)) = agreed.get(&info.id())
                    && (known.fingerprint() != info.fingerprint() || known.name() != info.name())
                {
                    return Err(disagreement(module, other, info));
                }
                agreed.insert(info.id(), (module, info));
            }
        }
        Ok(agreed.into_values().map(|(_, info)| Arc::clone(info)).collect())
    }
}

impl<'a> Together<'a> {
    fn all(&self) -> impl Iterator<Item = &'a ModuleDescriptor> {
        self.coming.iter().chain(&self.staying).copied()
    }

    /// Of each model crate there is one set of sources.
    fn check_models(&self) -> Result<(), Rejection> {
        let mut known: BTreeMap<u64, (&str, &ViewEntry)> = BTreeMap::new();
        for module in self.all() {
            for model in module.models() {
                let (first, stated) = *known.entry(model.id).or_insert((module.name(), model));
                if stated.hash != model.hash {
                    return Err(other_models(first, module.name(), model));
                }
            }
        }
        Ok(())
    }

    /// A view's provider and its users were compiled from the same sources of the crate that declares it.
    fn check_contracts(&self) -> Result<(), Rejection> {
        let provided: BTreeMap<_, _> = self
            .all()
            .flat_map(|module| module.provides().iter().map(move |view| (view.id, (module, view))))
            .collect();
        for user in self.all() {
            for view in user.requires().iter().chain(user.optional()) {
                let Some((provider, found)) = provided.get(&view.id) else { continue };
                if found.hash != view.hash {
                    return Err(other_contract(provider.name(), user.name(), found, view));
                }
            }
        }
        Ok(())
    }

    /// Whoever requires a view finds a provider, or did not find one before either: a provider that could not start
    /// or was suspended must not keep its users from being changed.
    fn check_providers(
        &self,
        before: &BTreeSet<(ModuleId, u64)>,
        planned: &BTreeSet<ViewId>,
    ) -> Result<(), Rejection> {
        let all: Vec<_> = self.all().collect();
        let missing = missing(&all);
        for user in &all {
            for view in user.requires() {
                let is_new = missing.contains(&(user.module(), view.id))
                    && !before.contains(&(user.module(), view.id));
                if is_new && !planned.contains(&view.view()) {
                    return Err(no_provider(user.name(), view.name()));
                }
            }
        }
        Ok(())
    }
}

/// Each module with each view that it requires and nobody among `modules` provides.
fn missing(modules: &[&ModuleDescriptor]) -> BTreeSet<(ModuleId, u64)> {
    let provided: BTreeSet<_> =
        modules.iter().flat_map(|module| module.provides()).map(|view| view.id).collect();
    let required = modules.iter().flat_map(|module| {
        let module = *module;
        module.requires().iter().map(move |view| (module.module(), view.id))
    });
    required.filter(|(_, view)| !provided.contains(view)).collect()
}

fn other_models(module: &str, other: &str, model: &ViewEntry) -> Rejection {
    let message = format!(
        "modules `{module}` and `{other}` were compiled from different sources of the model crate `{}`; build both \
         again, and swap them together",
        model.name()
    );
    Rejection::new(module, Code::TypesDisagree, message)
}

fn other_contract(provider: &str, user: &str, found: &ViewEntry, expected: &ViewEntry) -> Rejection {
    let message = format!(
        "view `{}` was compiled from sources {:016x} in module `{provider}`, from {:016x} in its user `{user}`; \
         build both again, and swap them together",
        expected.name(),
        found.hash,
        expected.hash
    );
    Rejection::new(user, Code::ViewsCollide, message)
}

fn no_provider(user: &str, view: &str) -> Rejection {
    let message = format!(
        "module `{user}` requires the view `{view}`, which no live module would provide; bring its provider in the \
         same change, or let `{user}` name it in `optional: [...]` of its `export_module!` and do without"
    );
    Rejection::new(user, Code::Conflict, message)
}

fn disagreement(module: &str, other: &str, info: &ModelTypeInfo) -> Rejection {
    let message = format!(
        "modules `{module}` and `{other}` were compiled with different shapes of `{}`; build both again, with the \
         same sources and features of the crate that declares it",
        info.name()
    );
    Rejection::new(module, Code::TypesDisagree, message)
}
