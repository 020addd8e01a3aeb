//! Checking a library beside the running game.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future;
use keel_binding::Offer;
use keel_core_types::{ModuleId, Provided, ViewDeclaration};
use keel_crash::{Mark, Thread};
use keel_ecs::ModelTypeInfo;
use keel_engine::{ModuleTag, Panic, catch};
use keel_loader::{LibraryFile, LoadError, LoadedViewModel, Loader, Module};
use keel_module_types::{ModuleContext, ModuleKind, ModuleResult, ModuleRoot, PooledTypeInfo, Setup};

use crate::drops::FailedDrops;
use crate::lineage::Lineage;
use crate::past::PastLibrary;
use crate::registry::Generation;
use crate::remove::discard;
use crate::{Code, LoadedBench, Rejection, Stated};

/// Opens libraries and asks them what they need, on any thread.
#[derive(Clone)]
pub struct Checker {
    loader: Loader,
    deadline: Duration,
    failed_drops: FailedDrops,
}

/// A module that is open, loaded, and ready to go live. Dropping it lets it go again.
pub struct Candidate {
    pub(crate) tag: ModuleTag,
    pub(crate) generation: u64,
    /// `None` if its library never ran.
    pub(crate) lineage: Option<Lineage>,
    pub(crate) types: Vec<Arc<ModelTypeInfo>>,
    /// The types of models that it states: it exports them, or was compiled with them.
    pub(crate) pools: Vec<Arc<PooledTypeInfo>>,
    /// Those of them whose pools it brings.
    pub(crate) brings: Vec<Arc<PooledTypeInfo>>,
    pub(crate) views: Vec<Provided>,
    pub(crate) view_model: Option<(LoadedViewModel, Setup)>,
    // Dropped last: all of the above is code of the library.
    pub(crate) module: Module,
}

impl Candidate {
    /// The module's id.
    pub fn id(&self) -> ModuleId {
        self.tag.id()
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        self.tag.name()
    }

    /// The open library.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Takes out the benchmark cases that it declared, each of which keeps the library mapped. Those that are not taken
    /// are let go when the module goes live.
    pub fn take_benches(&mut self) -> Vec<LoadedBench> {
        let declared = self.view_model.as_mut().map(|(_, setup)| setup.take_benches()).unwrap_or_default();
        declared.into_iter().map(|bench| LoadedBench::new(bench, self.module.guard())).collect()
    }

    /// All that it offers to the binding.
    pub(crate) fn take_offer(&mut self) -> Offer {
        let declared = self.view_model.as_mut().map(|(_, setup)| setup.take_views()).unwrap_or_default();
        let guarded = declared.into_iter().map(|view| view.kept_by(self.module.guard()));
        let views: Vec<_> = self.views.drain(..).chain(guarded).collect();
        let model_type = |view: &Provided| {
            let (_, setup) = self.view_model.as_ref()?;
            setup.model_type(view.declaration().id())
        };
        let offer =
            views.into_iter().fold(Offer::new(self.tag.name()), |offer, view| match model_type(&view) {
                Some(model_type) => offer.provides_on(model_type, view),
                None => offer.provides(view),
            });
        let descriptor = self.module.descriptor();
        let required = descriptor.requires().iter().chain(descriptor.optional());
        let required = required.map(|view| ViewDeclaration { name: view.name().to_owned(), hash: view.hash });
        let offer = required.fold(offer, Offer::requires);
        let guard = || self.module.guard();
        self.brings.iter().fold(offer, |offer, info| offer.pool_kept_by(info.make_pool(), guard()))
    }

    /// Only a Model module brings the pools of the types that it states, as the others were compiled with the same. A
    /// view model brings those that it declared.
    fn take_pools(&mut self) {
        let declared = self.view_model.as_mut().map(|(_, setup)| setup.take_pools()).unwrap_or_default();
        let declared = declared.into_iter().map(|info| Arc::new(info.kept_by(self.module.guard())));
        self.brings = match self.module.descriptor().kind() {
            ModuleKind::Model => self.pools.clone(),
            _ => declared.collect(),
        };
        let own =
            self.brings.iter().filter(|info| !self.pools.iter().any(|stated| Arc::ptr_eq(stated, info)));
        let own: Vec<_> = own.map(Arc::clone).collect();
        self.pools.extend(own);
    }
}

impl Checker {
    pub(crate) fn new(loader: Loader, deadline: Duration, failed_drops: FailedDrops) -> Self {
        Self { loader, deadline, failed_drops }
    }

    /// Opens the library at `path`, loads it as `generation`, and has it declare what it needs.
    ///
    /// # Errors
    /// [`Rejection`]; the library is let go again.
    pub fn check(&self, path: &Path, generation: u64) -> Result<Candidate, Rejection> {
        self.check_as(path, generation, None)
    }

    /// [`Checker::check`] of a library that must be what its manifest states; nothing of one that is not has run.
    ///
    /// # Errors
    /// [`Rejection`]; the library is let go again.
    pub fn check_stated(
        &self,
        path: &Path,
        generation: u64,
        stated: &Stated,
    ) -> Result<Candidate, Rejection> {
        self.check_as(path, generation, Some(stated))
    }

    fn check_as(
        &self,
        path: &Path,
        generation: u64,
        stated: Option<&Stated>,
    ) -> Result<Candidate, Rejection> {
        let file_name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let refuse = |error| Rejection::load(&file_name, &error);
        let file = LibraryFile::read(path).map_err(refuse)?;
        if let Some(stated) = stated {
            file.check_fit().map_err(refuse)?;
            stated.check(file.descriptor())?;
        }
        let module = self.loader.open_file(file).map_err(refuse)?;
        let opened = module.clone();
        self.prepare(module, generation).inspect_err(|_| discard(opened))
    }

    /// Takes up a module that is linked into this program, `KEEL_MODULE` of its crate, as [`Checker::check`] does a
    /// library.
    ///
    /// # Errors
    /// [`Rejection`], as [`Checker::check`].
    pub fn check_linked(&self, root: &'static ModuleRoot, generation: u64) -> Result<Candidate, Rejection> {
        let refuse = |error| Rejection::load(root.descriptor.name(), &error);
        self.prepare(self.loader.link(root).map_err(refuse)?, generation)
    }

    /// Makes a fresh candidate of a module that is open already.
    pub(crate) fn prepare(&self, module: Module, generation: u64) -> Result<Candidate, Rejection> {
        module.set_generation(generation);
        let name = module.descriptor().name().to_owned();
        let refuse = |error| Rejection::load(&name, &error);
        let mut candidate = Candidate {
            tag: ModuleTag::new(&name),
            generation,
            lineage: None,
            types: module.types().map_err(refuse)?,
            pools: module.pools().map_err(refuse)?,
            brings: Vec::new(),
            views: module.views().map_err(refuse)?,
            view_model: None,
            module,
        };
        let view_model = candidate.module.view_model().map_err(refuse)?;
        if let Some(mut view_model) = view_model {
            self.failed_drops.watch(&name, &mut view_model);
            let context = ModuleContext { name: name.clone(), generation };
            self.within_deadline(&name, "load", view_model.load(&context))?;
            let mut setup = Setup::new();
            contained(&name, "register", || {
                view_model.register(&mut setup)?;
                setup.check_owner(&*view_model)
            })?;
            candidate.view_model = Some((view_model, setup));
        }
        candidate.take_pools();
        check_declared_views(&candidate)?;
        Ok(candidate)
    }

    /// Makes a fresh candidate of what still runs.
    pub(crate) fn prepare_again(&self, run: &Generation, generation: u64) -> Result<Candidate, Rejection> {
        self.prepare_as(run.module.clone(), run.lineage, generation)
    }

    /// Makes a fresh candidate of what has run before.
    pub(crate) fn prepare_as(
        &self,
        module: Module,
        lineage: Lineage,
        generation: u64,
    ) -> Result<Candidate, Rejection> {
        let candidate = self.prepare(module, generation)?;
        Ok(Candidate { lineage: Some(lineage), ..candidate })
    }

    /// Opens a library that an engine before this one had open, if it is what it was.
    pub(crate) fn open_past(&self, library: &PastLibrary) -> Result<Module, Rejection> {
        let path = library.path.display();
        let refuse = |message| Rejection::new("", Code::NotALibrary, message);
        let file = match LibraryFile::read(&library.path) {
            Ok(file) if file.checksum() == library.checksum => file,
            Err(LoadError::Read { source, .. }) => {
                return Err(refuse(format!("its library {path} can't be read: {source}")));
            }
            _ => return Err(refuse(format!("its library {path} is not what it was when it ran"))),
        };
        self.loader.open_file(file).map_err(|error| Rejection::load("", &error))
    }

    /// Drives a life-cycle call until it ends, or the deadline has come.
    pub(crate) fn within_deadline(
        &self,
        module: &str,
        call: &str,
        future: impl Future<Output = ModuleResult>,
    ) -> Result<(), Rejection> {
        let deadline = self.deadline;
        let _running = Thread::current().enter(Mark::of(module, call));
        let outcome = catch(|| {
            async_io::block_on(future::or(async { Some(future.await) }, async {
                async_io::Timer::after(deadline).await;
                None
            }))
        });
        match outcome {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(Rejection::call(module, call, &error.to_string())),
            Ok(None) => Err(Rejection::deadline(module, call, deadline)),
            Err(panic) => Err(call_panicked(module, call, panic)),
        }
    }
}

/// Runs a life-cycle call that does not wait.
pub(crate) fn contained(
    module: &str,
    call: &str,
    run: impl FnOnce() -> ModuleResult,
) -> Result<(), Rejection> {
    let _running = Thread::current().enter(Mark::of(module, call));
    match catch(run) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Rejection::call(module, call, &error.to_string())),
        Err(panic) => Err(call_panicked(module, call, panic)),
    }
}

fn call_panicked(module: &str, call: &str, panic: Panic) -> Rejection {
    Rejection::panicked(call, panic, |message| Rejection::call(module, call, message))
}

/// What `export_module!` says and what `register` does must agree: the resolver has planned with the former.
fn check_declared_views(candidate: &Candidate) -> Result<(), Rejection> {
    let descriptor = candidate.module.descriptor();
    if descriptor.kind() == ModuleKind::View {
        return Ok(());
    }
    let registered = candidate.view_model.iter().flat_map(|(_, setup)| setup.views());
    let registered: Vec<_> = registered.map(|view| view.declaration()).collect();
    let undeclared =
        registered.iter().find(|view| !descriptor.provides().iter().any(|entry| entry.view() == view.id()));
    if let Some(view) = undeclared {
        let message = format!(
            "module `{}` provides the view `{}` in `register`, but its `export_module!` does not say so; add it to \
             `provides: [...]` there and in its Cargo.toml",
            candidate.name(),
            view.name
        );
        return Err(Rejection::new(candidate.name(), Code::ViewsCollide, message));
    }
    if descriptor.provides().len() > registered.len() {
        let message = format!(
            "module `{}` says in `export_module!` that it provides {} views, and provided {} in `register`; call \
             `setup.provide` for each",
            candidate.name(),
            descriptor.provides().len(),
            registered.len()
        );
        return Err(Rejection::new(candidate.name(), Code::ViewsCollide, message));
    }
    Ok(())
}
