//! The primitives all areas share: each is cheap to clone, and its clones see the same value.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};
use crossbeam_utils::atomic::AtomicCell;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What every value that modules and threads share must be.
pub trait ThreadSafe: Send + Sync + 'static {}

impl<T: ?Sized + Send + Sync + 'static> ThreadSafe for T {}

/// An immutable value that is swapped as a whole; readers never wait.
pub struct Handle<T> {
    value: Arc<ArcSwap<T>>,
}

impl<T: ThreadSafe> Handle<T> {
    /// A handle to `value`.
    pub fn new(value: T) -> Self {
        Self { value: Arc::new(ArcSwap::from_pointee(value)) }
    }

    /// The value as it is now. It stays as it is for as long as the guard lives.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.value.load()
    }

    /// Replaces the value for all clones of the handle, and returns the one before.
    pub fn replace(&self, value: T) -> Arc<T> {
        self.value.swap(Arc::new(value))
    }
}

/// A mutable value behind a lock that a panic does not poison.
pub struct Shared<T: ?Sized> {
    value: Arc<RwLock<T>>,
}

impl<T: ThreadSafe> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self { value: Arc::new(RwLock::new(value)) }
    }

    /// Waits until no one writes, and reads.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.value.read()
    }

    /// Waits until no one else reads or writes, and writes.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.value.write()
    }
}

/// A lock-free value of a `Copy` type of at most 8 bytes; a larger one does not compile.
///
/// ```compile_fail
/// keel_core_types::Atomic::new([0_u64; 2]);
/// ```
pub struct Atomic<T> {
    value: Arc<AtomicCell<T>>,
}

impl<T: Copy + Send + 'static> Atomic<T> {
    const LOCK_FREE: () =
        assert!(AtomicCell::<T>::is_lock_free(), "an Atomic is lock-free: its type has at most 8 bytes");

    /// Shares `value`.
    pub fn new(value: T) -> Self {
        let () = Self::LOCK_FREE;
        Self { value: Arc::new(AtomicCell::new(value)) }
    }

    /// The value as it is now.
    pub fn get(&self) -> T {
        self.value.load()
    }

    /// Stores `value`.
    pub fn set(&self, value: T) {
        self.value.store(value);
    }

    /// Stores `value` and returns the one before.
    pub fn replace(&self, value: T) -> T {
        self.value.swap(value)
    }
}

impl<T: Copy + Eq + Send + 'static> Atomic<T> {
    /// Applies `change` until no other thread came between, and returns the value before.
    pub fn update(&self, mut change: impl FnMut(T) -> T) -> T {
        let mut current = self.value.load();
        loop {
            match self.value.compare_exchange(current, change(current)) {
                Ok(before) => return before,
                Err(found) => current = found,
            }
        }
    }
}

/// A value that is set once.
pub struct Once<T> {
    value: Arc<OnceLock<T>>,
}

impl<T: ThreadSafe> Once<T> {
    /// Not set yet.
    pub fn new() -> Self {
        Self { value: Arc::new(OnceLock::new()) }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Gives `value` back when one was set before.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)
    }

    /// The value, if it was set.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, made by `make` if it was not set yet; `make` runs once, whoever asks first.
    pub fn get_or_set(&self, make: impl FnOnce() -> T) -> &T {
        self.value.get_or_init(make)
    }
}

impl<T: ThreadSafe> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! clone_by_pointer {
    ($($name:ident)*) => {$(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { value: Arc::clone(&self.value) }
            }
        }
    )*};
}

clone_by_pointer!(Handle Shared Atomic Once);

impl<T: ThreadSafe + Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Copy + Send + Default + 'static> Default for Atomic<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

// A field of saved data that guards itself is saved as what is in it.

impl<T: ThreadSafe + Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.read().serialize(serializer)
    }
}

impl<'de, T: ThreadSafe + Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T: Copy + Send + Serialize + 'static> Serialize for Atomic<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de, T: Copy + Send + Deserialize<'de> + 'static> Deserialize<'de> for Atomic<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T: ThreadSafe + fmt::Debug> fmt::Debug for Handle<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Handle").field(&*self.load()).finish()
    }
}

impl<T: ThreadSafe + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Shared").field(&&*self.read()).finish()
    }
}

impl<T: Copy + Send + fmt::Debug + 'static> fmt::Debug for Atomic<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Atomic").field(&self.get()).finish()
    }
}

impl<T: ThreadSafe + fmt::Debug> fmt::Debug for Once<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Once").field(&self.get()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_keeps_the_value_it_loaded() {
        let handle = Handle::new("old".to_owned());
        let before = handle.clone().load().clone();
        assert_eq!(*handle.replace("new".to_owned()), "old");
        assert_eq!((before.as_str(), handle.load().as_str()), ("old", "new"));
    }

    #[test]
    fn clones_of_shared_and_atomic_see_the_same_value_from_all_threads() {
        let (shared, atomic) = (Shared::new(0), Atomic::new(0_u64));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (shared, atomic) = (shared.clone(), atomic.clone());
                scope.spawn(move || {
                    for _ in 0..1000 {
                        *shared.write() += 1;
                        atomic.update(|value| value + 1);
                    }
                });
            }
        });
        assert_eq!((*shared.read(), atomic.get()), (4000, 4000));
    }

    #[test]
    fn a_panic_does_not_poison_shared() {
        let shared = Shared::new(1);
        let clone = shared.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = clone.write();
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());
        assert_eq!(*shared.read(), 1);
    }

    #[test]
    fn once_is_set_once() {
        let once = Once::new();
        assert_eq!(once.get(), None);
        assert_eq!(once.set(1), Ok(()));
        assert_eq!(once.set(2), Err(2));
        assert_eq!(once.get_or_set(|| 3), &1);
    }
}
