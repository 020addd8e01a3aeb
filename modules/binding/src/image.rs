//! Pools whose type is not known here, and what is in them while a module is swapped.

use std::any::Any;
use std::fmt;
use std::sync::atomic::Ordering;

use atomic_refcell::{AtomicRef, AtomicRefMut};
use keel_core_types::{Model, ModelId, ModelType, ThreadSafe, TypedModel};

use crate::pool::{drained, name};
use crate::shard::SHARDS;
use crate::slots::SlotState;
use crate::{ModelMut, ModelPool, ModelRef, PoolCounts, PoolError};

/// All that is in a pool, so that another pool, made by other code, can go on in its place: the same ids stay
/// valid, the same stay stale, and the next ones handed out are the same.
#[derive(Default)]
pub struct PoolImage {
    /// The name of the model type.
    pub name: String,
    /// [`TypedModel::LAYOUT`] of the objects.
    pub layout: u64,
    /// The number of slots. One that is neither in `objects` nor in `free` has no generation left.
    pub slots: u32,
    /// [`PoolCounts::made`]
    pub made: u64,
    /// The objects that are handed out, in the order of their slots.
    pub objects: Vec<(ModelId, Box<dyn Model>)>,
    /// The ids that the free slots give next, in the order in which one thread would take them.
    pub free: Vec<ModelId>,
}

impl PoolImage {
    /// The same image with each object converted, for a pool of another `layout`. This one stays as it is, to
    /// go back to.
    ///
    /// # Errors
    /// The first that `convert` returns.
    pub fn converted<E>(
        &self,
        layout: u64,
        mut convert: impl FnMut(ModelId, &dyn Model) -> Result<Box<dyn Model>, E>,
    ) -> Result<Self, E> {
        let objects = self.objects.iter().map(|(id, object)| Ok((*id, convert(*id, &**object)?)));
        Ok(Self {
            name: self.name.clone(),
            layout,
            slots: self.slots,
            made: self.made,
            objects: objects.collect::<Result<_, E>>()?,
            free: self.free.clone(),
        })
    }

    /// The id of the model type.
    pub fn model_type(&self) -> ModelType {
        ModelType::of(&self.name)
    }
}

impl fmt::Debug for PoolImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<ModelId> = self.objects.iter().map(|(id, _)| *id).collect();
        out.debug_struct("PoolImage")
            .field("name", &self.name)
            .field("layout", &self.layout)
            .field("slots", &self.slots)
            .field("made", &self.made)
            .field("objects", &ids)
            .field("free", &self.free)
            .finish()
    }
}

/// A [`ModelPool`] whose type is not known here.
///
/// Its code lives in the module that made it: drop it before that module is unmapped.
pub trait AnyPool: Any + ThreadSafe {
    /// The name of the model type.
    fn name(&self) -> &str;

    /// [`TypedModel::LAYOUT`] of the objects.
    fn layout(&self) -> u64;

    /// As [`ModelPool::take`].
    ///
    /// # Errors
    /// As [`ModelPool::take`].
    fn take(&self) -> Result<ModelId, PoolError>;

    /// As [`ModelPool::release`].
    ///
    /// # Errors
    /// As [`ModelPool::release`].
    fn release(&self, id: ModelId) -> Result<(), PoolError>;

    /// As [`ModelPool::get`].
    ///
    /// # Errors
    /// As [`ModelPool::get`].
    fn get_model(&self, id: ModelId) -> Result<ModelRef<'_, dyn Model>, PoolError>;

    /// As [`ModelPool::get_mut`].
    ///
    /// # Errors
    /// As [`ModelPool::get_mut`].
    fn get_model_mut(&self, id: ModelId) -> Result<ModelMut<'_, dyn Model>, PoolError>;

    /// As [`ModelPool::counts`].
    fn counts(&self) -> PoolCounts;

    /// As [`ModelPool::ids`].
    fn live_ids(&self) -> Vec<ModelId>;

    /// Takes all objects out, so that none of their code is left in the pool. Until [`AnyPool::put_objects`],
    /// every call is refused with [`PoolError::Drained`]. To be called between frames, with no task running.
    ///
    /// # Errors
    /// [`PoolError::Borrowed`] when somebody holds a guard, [`PoolError::Drained`] when they are out already.
    /// The pool is as before then.
    fn take_objects(&self) -> Result<PoolImage, PoolError>;

    /// Puts objects in, into the pool they came from or into a new one, and leaves `image` empty.
    ///
    /// # Errors
    /// [`PoolError::NotEmpty`], [`PoolError::LayoutMismatch`], [`PoolError::WrongType`],
    /// [`PoolError::Exhausted`] when the image has more slots than the limit allows, and
    /// [`PoolError::InvalidImage`]. Pool and image are as before then.
    fn put_objects(&self, image: &mut PoolImage) -> Result<(), PoolError>;
}

impl dyn AnyPool {
    /// The pool with its type.
    ///
    /// # Errors
    /// [`PoolError::LayoutMismatch`] when its objects were compiled from another definition of `T`,
    /// [`PoolError::WrongType`] when another type has the name of `T`.
    #[inline]
    pub fn typed<T: TypedModel>(&self) -> Result<&ModelPool<T>, PoolError> {
        // Asked before the type: a rebuilt `T` has the same `TypeId`, and maybe other fields.
        if self.layout() != T::LAYOUT {
            return Err(PoolError::LayoutMismatch {
                pool: self.name().to_owned(),
                expected: T::LAYOUT,
                found: self.layout(),
            });
        }
        let pool: &dyn Any = self;
        pool.downcast_ref()
            .ok_or_else(|| PoolError::WrongType { pool: name::<T>(), found: ModelType::of(self.name()) })
    }
}

impl<T: TypedModel> AnyPool for ModelPool<T> {
    fn name(&self) -> &str {
        T::NAME
    }

    fn layout(&self) -> u64 {
        T::LAYOUT
    }

    fn take(&self) -> Result<ModelId, PoolError> {
        self.take()
    }

    fn release(&self, id: ModelId) -> Result<(), PoolError> {
        self.release(id)
    }

    fn get_model(&self, id: ModelId) -> Result<ModelRef<'_, dyn Model>, PoolError> {
        let object = AtomicRef::map(self.get(id)?.object, |object| object as &dyn Model);
        Ok(ModelRef { id, object })
    }

    fn get_model_mut(&self, id: ModelId) -> Result<ModelMut<'_, dyn Model>, PoolError> {
        let object = AtomicRefMut::map(self.get_mut(id)?.object, |object| object as &mut dyn Model);
        Ok(ModelMut { id, object })
    }

    fn counts(&self) -> PoolCounts {
        self.counts()
    }

    fn live_ids(&self) -> Vec<ModelId> {
        self.ids().collect()
    }

    fn take_objects(&self) -> Result<PoolImage, PoolError> {
        if !self.close() {
            return Err(drained::<T>());
        }
        let mut closed = Closed { pool: self, keep: false };
        let image = self.lift_out()?;
        closed.keep = true;
        Ok(image)
    }

    fn put_objects(&self, image: &mut PoolImage) -> Result<(), PoolError> {
        self.check_image(image)?;
        if !self.close_empty() {
            return Err(PoolError::NotEmpty { pool: name::<T>() });
        }
        self.fill(std::mem::take(image));
        Ok(())
    }
}

/// Opens the pool again when its objects were not taken out after all, be it by an error or a panic.
struct Closed<'a, T: TypedModel> {
    pool: &'a ModelPool<T>,
    keep: bool,
}

impl<T: TypedModel> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        if !self.keep {
            self.pool.reopen();
        }
    }
}

impl<T: TypedModel> ModelPool<T> {
    fn lift_out(&self) -> Result<PoolImage, PoolError> {
        let mut slots = Vec::new();
        for (index, slot) in self.slots_opened() {
            let id = ModelId::new(index, slot.state().generation());
            let object = slot.object.try_borrow_mut();
            slots.push((id, slot, object.map_err(|_| PoolError::Borrowed { pool: name::<T>(), id })?));
        }
        // These first: should one of them panic as it is dropped, the live ones are still in place.
        for (_, _, object) in slots.iter_mut().filter(|(_, slot, _)| !slot.state().is_live()) {
            **object = None;
        }
        let lift = |(id, _, object): &mut (ModelId, _, AtomicRefMut<'_, Option<T>>)| {
            object.take().map(|object| (*id, Box::new(object) as Box<dyn Model>))
        };
        Ok(PoolImage {
            name: name::<T>(),
            layout: T::LAYOUT,
            slots: self.opened() as u32,
            made: self.made.load(Ordering::Relaxed),
            objects: slots.iter_mut().filter_map(lift).collect(),
            free: self.unlink_free(),
        })
    }

    /// Takes all free slots off the stacks, in the order in which one thread would take them.
    fn unlink_free(&self) -> Vec<ModelId> {
        let stacks = (0..SHARDS)
            .map(|shard| &self.shards[shard].free)
            .chain((0..SHARDS).map(|shard| &self.shards[shard].held));
        stacks
            .flat_map(|stack| std::iter::from_fn(|| stack.pop(&self.slots)))
            .map(|index| ModelId::new(index, self.slots.get_or_make(index).state().takes() as u32))
            .collect()
    }

    fn check_image(&self, image: &PoolImage) -> Result<(), PoolError> {
        if image.name != T::NAME {
            return Err(PoolError::WrongType { pool: name::<T>(), found: image.model_type() });
        }
        if image.layout != T::LAYOUT {
            let (expected, found) = (image.layout, T::LAYOUT);
            return Err(PoolError::LayoutMismatch { pool: name::<T>(), expected, found });
        }
        if image.slots > self.limit() {
            return Err(PoolError::Exhausted { pool: name::<T>(), limit: self.limit() });
        }
        let invalid =
            |id, reason: &str| PoolError::InvalidImage { pool: name::<T>(), id, reason: reason.to_owned() };
        let mut seen = vec![false; image.slots as usize];
        for id in image.objects.iter().map(|(id, _)| *id).chain(image.free.iter().copied()) {
            let Some(seen) = seen.get_mut(id.index() as usize) else {
                return Err(invalid(id, "its slot is beyond the last one"));
            };
            if std::mem::replace(seen, true) {
                return Err(invalid(id, "its slot occurs twice"));
            }
        }
        for (_, object) in &image.objects {
            let any: &dyn Any = &**object;
            if !any.is::<T>() {
                return Err(PoolError::WrongType { pool: name::<T>(), found: object.model_type() });
            }
        }
        Ok(())
    }

    /// Fills the pool, which is closed and without objects, with an image that was checked.
    fn fill(&self, image: PoolImage) {
        self.unlink_free();
        for index in 0..image.slots {
            self.slots.get_or_make(index).set_state(SlotState::spent());
        }
        // Slots that the image lacks count as never used, as they would in a new pool.
        for index in image.slots..self.opened() as u32 {
            self.slots.get_or_make(index).set_state(SlotState::free(0));
        }
        for (id, object) in image.objects {
            let object: Box<dyn Any> = object;
            self.place(id, object.downcast().ok().map(|object| *object));
            self.slots.get_or_make(id.index()).set_state(SlotState::live(id));
        }
        for id in image.free.into_iter().rev() {
            self.slots.get_or_make(id.index()).set_state(SlotState::free(u64::from(id.generation())));
            self.shards[0].free.push(&self.slots, id.index());
        }
        self.made.store(image.made, Ordering::Relaxed);
        self.open(image.slots);
    }

    fn place(&self, id: ModelId, object: Option<T>) {
        let slot = self.slots.get_or_make(id.index());
        loop {
            if let Ok(mut place) = slot.object.try_borrow_mut() {
                *place = object;
                return;
            }
            // Somebody just now finds that the pool is drained, and lets go.
            std::thread::yield_now();
        }
    }
}
