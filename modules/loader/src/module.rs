//! An open module, and the objects it hands out.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use keel_core_types::{Provided, panic_message};
use keel_module_types::{ModelTypeInfo, ModuleDescriptor, ModuleRoot, PooledTypeInfo, ViewModel};
use libloading::Library;

use crate::loader::Ledger;
use crate::{Kept, LibraryFile, LoadError, open};

/// A module whose library is mapped, or that is linked in. Clones share the library.
#[derive(Clone)]
pub struct Module {
    mapped: Arc<Mapped>,
}

/// A mapped library. Dropping it leaves it mapped: only [`Module::retire`] closes.
pub(crate) struct Mapped {
    file: LibraryFile,
    root: ModuleRoot,
    /// `None` for a module that is linked in.
    library: ManuallyDrop<Option<Library>>,
    ledger: Arc<Ledger>,
}

impl Mapped {
    pub(crate) fn new(
        file: LibraryFile,
        root: ModuleRoot,
        library: Option<Library>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self { file, root, library: ManuallyDrop::new(library), ledger }
    }
}

impl Module {
    pub(crate) fn new(mapped: Mapped) -> Self {
        Self { mapped: Arc::new(mapped) }
    }

    /// The file that it was opened from.
    pub fn file(&self) -> &LibraryFile {
        &self.mapped.file
    }

    /// Says which generation of its module this is, for [`origin_of`](crate::origin_of).
    pub fn set_generation(&self, generation: u64) {
        open::note_generation(self.file().path(), generation);
    }

    /// What the module is and what it was built with.
    pub fn descriptor(&self) -> &ModuleDescriptor {
        self.mapped.file.descriptor()
    }

    /// The types of components, resources and events that it exports (a Model module), or was compiled with.
    ///
    /// # Errors
    /// [`LoadError::Panicked`].
    pub fn types(&self) -> Result<Vec<Arc<ModelTypeInfo>>, LoadError> {
        let types = contain(self.file(), "types", self.mapped.root.types)?;
        Ok(types.into_iter().map(|info| Arc::new(info.kept_by(self.guard()))).collect())
    }

    /// The types of models in pools that it exports (a Model module), or was compiled with.
    ///
    /// # Errors
    /// [`LoadError::Panicked`].
    pub fn pools(&self) -> Result<Vec<Arc<PooledTypeInfo>>, LoadError> {
        let pools = contain(self.file(), "pools", self.mapped.root.pools)?;
        Ok(pools.into_iter().map(|info| Arc::new(info.kept_by(self.guard()))).collect())
    }

    /// The views of a View module.
    ///
    /// # Errors
    /// [`LoadError::Panicked`].
    pub fn views(&self) -> Result<Vec<Provided>, LoadError> {
        let views = contain(self.file(), "views", self.mapped.root.views)?;
        Ok(views.into_iter().map(|view| view.kept_by(self.guard())).collect())
    }

    /// The behaviour of a view-model module; `None` for the other kinds.
    ///
    /// # Errors
    /// [`LoadError::Panicked`].
    pub fn view_model(&self) -> Result<Option<LoadedViewModel>, LoadError> {
        let object = contain(self.file(), "view_model", self.mapped.root.view_model)?;
        Ok(object.map(|object| LoadedViewModel {
            object: ManuallyDrop::new(object),
            dropped_by: None,
            _library: self.guard(),
        }))
    }

    /// Something that keeps the library mapped for as long as it lives.
    pub fn guard(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.mapped) as Arc<dyn Any + Send + Sync>
    }

    /// Whether both are of one library, opened once.
    pub fn shares_library(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mapped, &other.mapped)
    }

    /// How many guards and clones there are beside this one.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.mapped) - 1
    }

    /// Closes the library, if it qualifies: nothing that Keel handed out is held, it has no thread-local storage, and it
    /// starts no threads of its own. The caller has made sure that no thread of the host runs its code, and that every
    /// world its systems touched was rebuilt since. What an author leaked in ways that can't be counted (a forgotten
    /// `Box`, a static of another library that points here) is not covered; `docs/GUARANTEES.md` lists it.
    ///
    /// # Errors
    /// [`Kept`]: the library stays mapped for the rest of the process, and is counted.
    pub fn retire(self) -> Result<(), Kept> {
        let ledger = Arc::clone(&self.mapped.ledger);
        let bytes = self.mapped.file.bytes();
        let closed = self.close();
        let mut census = ledger.census.write();
        match &closed {
            Ok(()) => census.unmapped += 1,
            // It was never opened.
            Err(Kept::Linked) => {}
            Err(_) => {
                census.kept += 1;
                census.kept_bytes += bytes;
            }
        }
        closed
    }

    #[allow(unsafe_code, reason = "unmapping a library is what this crate is for")]
    fn close(self) -> Result<(), Kept> {
        if self.mapped.library.is_none() {
            return Err(Kept::Linked);
        }
        if self.file().has_thread_locals() {
            return Err(Kept::ThreadLocals);
        }
        if self.file().starts_threads() {
            return Err(Kept::Threads);
        }
        let mut mapped = Arc::try_unwrap(self.mapped)
            .map_err(|held| Kept::Held { holders: Arc::strong_count(&held).saturating_sub(1) })?;
        // SAFETY: `mapped` is owned here and dropped right after, so the library is taken once and not used again.
        let library = unsafe { ManuallyDrop::take(&mut mapped.library) };
        let path = mapped.file.path().to_owned();
        library.map_or(Ok(()), Library::close).map_err(|error| Kept::Refused(error.to_string()))?;
        mapped.ledger.open.write().remove(&path);
        open::note_closed(&path);
        Ok(())
    }
}

/// A module's behaviour. It keeps the library mapped; the object goes first when both are dropped, and a panic of its
/// `drop` ends there.
pub struct LoadedViewModel {
    object: ManuallyDrop<Box<dyn ViewModel>>,
    dropped_by: Option<DroppedBy>,
    _library: Arc<dyn Any + Send + Sync>,
}

/// Drops an object by calling what it is given.
type DroppedBy = Box<dyn FnOnce(Box<dyn FnOnce() + '_>) + Send>;

impl LoadedViewModel {
    /// Has the object dropped by `call`, once, by calling what it is given. If it does not, the object is never dropped.
    pub fn dropped_by(&mut self, call: impl FnOnce(Box<dyn FnOnce() + '_>) + Send + 'static) {
        self.dropped_by = Some(Box::new(call));
    }
}

impl Drop for LoadedViewModel {
    #[allow(unsafe_code, reason = "the object is dropped here, where its panic is caught, and not after")]
    fn drop(&mut self) {
        let object = &mut self.object;
        // SAFETY: `drop` runs once, and nothing uses the object after it.
        let mut drop_object = || unsafe { ManuallyDrop::drop(object) };
        let dropped = catch_unwind(AssertUnwindSafe(|| match self.dropped_by.take() {
            Some(call) => call(Box::new(drop_object)),
            None => drop_object(),
        }));
        // What the panic says was told by the panic hook. It may be code of the library, so it goes first too.
        drop(dropped.map_err(panic_message));
    }
}

impl Deref for LoadedViewModel {
    type Target = dyn ViewModel;

    fn deref(&self) -> &Self::Target {
        &**self.object
    }
}

impl DerefMut for LoadedViewModel {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut **self.object
    }
}

/// Calls a function of the root; a panic becomes an error with its text copied.
pub(crate) fn contain<T>(
    file: &LibraryFile,
    call: &'static str,
    function: fn() -> T,
) -> Result<T, LoadError> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        let message = panic_message(payload);
        LoadError::Panicked { module: file.descriptor().name().to_owned(), call, message }
    })
}
