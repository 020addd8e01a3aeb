//! A living world taken over into another one of other types.
//!
//! Values of types that stay as they are move as they are, whatever they own: for a while they lie in two worlds, of
//! which in the end one forgets them. So nothing is allocated for them, and going back is as easy as going on.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keel_core_types::ComponentId;

use crate::model::dropped::note_panic;
use crate::model::snapshot::exchange::Exchange;
use crate::model::snapshot::restore::Restore;
use crate::{EcsError, ModelTypeInfo, RestoreReport, StorageKind, World};

/// A world, and the one that is to take its place. Dropped, it drops both.
pub struct WorldConversion {
    // Both are there until the conversion ends; `new`, once it is made.
    old: Option<World>,
    new: Option<World>,
    moved: Moved,
    exchange: Exchange,
    /// Whether fields were to move by themselves when it was made last.
    moves_fields: bool,
}

impl WorldConversion {
    /// The conversion of `world`, of which nothing is done yet.
    pub fn of(world: World) -> Self {
        Self {
            old: Some(world),
            new: None,
            moved: Moved::default(),
            exchange: Exchange::default(),
            moves_fields: false,
        }
    }

    /// Makes the new world, with the values of the old one, of `types`: as [`World::from_snapshot`] would make it of
    /// the old world's snapshot, but that values of a type that stays as it is keep their skipped fields.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails, or when values would be lost and
    /// `accept_loss` is not set. The old world is as it was, also after a panic of the author's code.
    pub fn make(
        &mut self,
        types: impl IntoIterator<Item = Arc<ModelTypeInfo>>,
        accept_loss: bool,
    ) -> Result<RestoreReport, EcsError> {
        let types: Vec<_> = types.into_iter().collect();
        match self.make_of(types.iter().map(Arc::clone), accept_loss, true, |_| true) {
            // What stands in a field's place for a while may be nothing that its type takes; whole values are.
            Err(_) if self.moves_fields => self.make_of(types, accept_loss, false, |_| true),
            made => made,
        }
    }

    pub(super) fn make_of(
        &mut self,
        types: impl IntoIterator<Item = Arc<ModelTypeInfo>>,
        accept_loss: bool,
        may_move_fields: bool,
        is_wanted: impl Fn(&hecs::Archetype) -> bool,
    ) -> Result<RestoreReport, EcsError> {
        self.drop_new();
        let Some(old) = &self.old else { return Ok(RestoreReport::default()) };
        let mut world = World::of_types(types)?;
        world.keep_definitions_of(old)?;
        let moved = Moved::between(old, &world);
        // When this fails half-way, what is half-made must leave the old world its values. Begun before the new world is
        // held here, it ends after that one is dropped.
        let forgetting = Forgetting::begin(&moved);
        let mut world = world;
        world.unknown = Arc::clone(&old.unknown);
        let mut restore = Restore::of_world(&world, old, accept_loss);
        if may_move_fields {
            restore.move_fields(&world, old, &moved, accept_loss);
        }
        self.moves_fields = restore.moves_fields();
        restore.take_world(&mut world, old, &moved, is_wanted)?;
        let exchange = restore.exchange(&world, old)?;
        let report = restore.finish(&mut world, accept_loss)?;
        (self.new, self.moved, self.exchange) = (Some(world), moved, exchange);
        drop(forgetting);
        Ok(report)
    }

    /// Gives up the new world; the old one is as it was.
    pub fn undo(mut self) -> World {
        let old = self.old.take().unwrap_or_default();
        // Values that were made for the new world may panic when they are dropped; the old one is safe by now.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.drop_new())) {
            note_panic("World", panic);
        }
        old
    }

    /// The new world, and what is left of the old one. Without a new one, the old one stays.
    pub fn accept(mut self) -> (World, ReplacedWorld) {
        if let (Some(old), Some(new)) = (&mut self.old, &mut self.new) {
            std::mem::take(&mut self.exchange).run(old, new);
            self.moved.sets.iter().for_each(|id| move_set(old, new, *id));
            new.reactions.take_over(&mut old.reactions, &old.types, &new.types);
        }
        let old = self.old.take().unwrap_or_default();
        match self.new.take() {
            Some(new) => (new, ReplacedWorld { world: Some(old), moved: std::mem::take(&mut self.moved) }),
            None => (old, ReplacedWorld { world: None, moved: Moved::default() }),
        }
    }

    fn drop_new(&mut self) {
        self.exchange = Exchange::default();
        let _forgetting = Forgetting::begin(&self.moved);
        drop(self.new.take());
    }
}

impl Drop for WorldConversion {
    fn drop(&mut self) {
        self.drop_new();
    }
}

/// What is left of a world whose values have moved on. It holds the libraries whose code it needs to be dropped.
pub struct ReplacedWorld {
    world: Option<World>,
    moved: Moved,
}

impl ReplacedWorld {
    /// How many entities it had.
    pub fn entities(&self) -> usize {
        self.world.as_ref().map_or(0, World::len)
    }
}

impl From<World> for ReplacedWorld {
    fn from(world: World) -> Self {
        Self { world: Some(world), moved: Moved::default() }
    }
}

impl Drop for ReplacedWorld {
    fn drop(&mut self) {
        let _forgetting = Forgetting::begin(&self.moved);
        drop(self.world.take());
    }
}

/// Hands a sparse set on, as it is.
fn move_set(old: &mut World, new: &mut World, id: ComponentId) {
    let operations = |world: &World| world.type_info(id).and_then(|info| info.sparse_operations()).cloned();
    let (Some(of_old), Some(of_new)) = (operations(old), operations(new)) else { return };
    let set = old.sparse.replace(id, of_old.make());
    // The new world's code handles it from now on.
    if let Some(set) = set.and_then(|set| of_new.own(set.into_any())) {
        drop(new.sparse.replace(id, set));
    }
    // If it is tracked since this swap, its values have no ticks yet.
    if let Some(info) = new.type_info(id).map(Arc::clone) {
        new.settle_ticks(&info, false);
    }
}

/// Components that stay as they are.
#[derive(Clone, Default)]
pub(super) struct Moved {
    /// Their values lie in two worlds.
    columns: Arc<BTreeSet<TypeId>>,
    /// Their values are handed on at the end.
    sets: Arc<Vec<ComponentId>>,
}

impl Moved {
    fn between(old: &World, new: &World) -> Self {
        let is_same = |info: &&Arc<ModelTypeInfo>| {
            let after = new.type_info(info.id());
            after.is_some_and(|after| {
                after.fingerprint() == info.fingerprint()
                    && after.kind() == info.kind()
                    && after.storage() == info.storage()
            })
        };
        let same = old.component_types().filter(is_same);
        let (columns, sets): (Vec<_>, Vec<_>) = same.partition(|info| info.storage() == StorageKind::Columns);
        Self {
            columns: Arc::new(columns.into_iter().map(|info| info.fingerprint().rust).collect()),
            sets: Arc::new(sets.into_iter().map(|info| info.id()).collect()),
        }
    }

    pub(super) fn contains(&self, id: TypeId) -> bool {
        self.columns.contains(&id)
    }

    pub(super) fn contains_set(&self, id: ComponentId) -> bool {
        self.sets.contains(&id)
    }
}

/// How many threads forget something, so that the others need not ask what.
static FORGETTING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Lives in the facade, which is never unmapped.
    static FORGOTTEN: RefCell<Vec<Moved>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, columns that are dropped on this thread leave moved values alone.
struct Forgetting;

impl Forgetting {
    fn begin(moved: &Moved) -> Self {
        FORGOTTEN.with_borrow_mut(|forgotten| forgotten.push(moved.clone()));
        FORGETTING.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        FORGETTING.fetch_sub(1, Ordering::Relaxed);
        FORGOTTEN.with_borrow_mut(Vec::pop);
    }
}

#[inline]
fn is_forgotten(id: TypeId) -> bool {
    // Only this thread's own scopes matter to it, and it has seen them.
    FORGETTING.load(Ordering::Relaxed) > 0 && is_forgotten_here(id)
}

#[inline(never)]
fn is_forgotten_here(id: TypeId) -> bool {
    // A thread that is ending forgets nothing any more.
    let here = FORGOTTEN.try_with(|forgotten| forgotten.borrow().iter().any(|moved| moved.contains(id)));
    here.unwrap_or(false)
}

/// The drop function of a column of `T`.
///
/// # Safety
/// `value` points to a `T` that nothing uses afterwards.
#[allow(unsafe_code, reason = "hecs drops values by address")]
pub(crate) unsafe fn drop_value<T: 'static>(value: *mut u8) {
    if !is_forgotten(TypeId::of::<T>()) {
        let drop_it = || {
            // SAFETY: the caller says so, and the value has not moved to another world.
            unsafe { value.cast::<T>().drop_in_place() }
        };
        // hecs moves rows while it drops a value; a panic through it would leave two entities in one row.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(drop_it)) {
            note_panic(std::any::type_name::<T>(), panic);
        }
    }
}

/// Lets the values of a column lie in the column of the same type of a batch too.
///
/// # Safety
/// Of the world of `archetype` and the one that `batch` becomes part of, one forgets the values of type `T`, by
/// [`Forgetting`] when it is dropped, and until it is clear which, neither is changed.
#[allow(unsafe_code, reason = "values move without being read")]
pub(crate) unsafe fn share_column<T: Send + Sync + 'static>(
    archetype: &hecs::Archetype,
    batch: &hecs::ColumnBatchBuilder,
) {
    // The batch was made from a type list that `T` is part of, as the archetype was.
    let (Some(column), Some(mut places)) = (archetype.get::<&T>(), batch.writer::<T>()) else { return };
    for value in column.iter() {
        // SAFETY: `value` is a valid `T`; that only one of both is dropped or changed is the caller's promise.
        let shared = unsafe { std::ptr::read(value) };
        // The batch has room for exactly this column.
        if let Err(shared) = places.push(shared) {
            std::mem::forget(shared);
        }
    }
}
