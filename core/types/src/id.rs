//! 64-bit ids: hashes of names for what is declared, index and generation for what is allocated.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The 64-bit FNV-1a hash of `name`, finished with the mixer of MurmurHash3.
///
/// FNV-1a (Fowler, Noll and Vo, <http://www.isthe.com/chongo/tech/comp/fnv/>) can run in a `const fn`; the
/// finisher spreads its weak low bits, because tables and shards are chosen by them.
pub const fn hash_name(kind: &str, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    hash = fnv1a(hash, kind.as_bytes());
    hash = fnv1a(hash, b":");
    hash = fnv1a(hash, name.as_bytes());
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut index = 0;
    while index < bytes.len() {
        hash ^= bytes[index] as u64;
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

macro_rules! name_ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(transparent)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            #[doc = concat!("The id of the ", $kind, " called `name`, the same in every process and build.")]
            pub const fn of(name: &str) -> Self {
                Self(hash_name($kind, name))
            }

            /// The id's 64 bits.
            pub const fn bits(self) -> u64 {
                self.0
            }

            /// The id with these 64 bits, as read from a descriptor or a snapshot.
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($kind, "#{:016x}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{:016x}", self.0)
            }
        }
    )*};
}

name_ids! {
    /// Names a module by the name of its package.
    ModuleId = "module";
    /// Names a view contract by the path of its trait.
    ViewId = "view";
    /// Names a type of model objects; each has one pool.
    ModelType = "model type";
    /// Names a component, resource or event type by its declared name.
    ComponentId = "component";
}

/// Names one object in a pool: a slot and the generation of what lives there.
///
/// A slot is reused after its object was released, with the next generation, so that a stale id is an error
/// and never another object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(u64);

impl ModelId {
    /// The id of slot `index` in its `generation`.
    pub const fn new(index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | index as u64)
    }

    /// The slot in the pool.
    pub const fn index(self) -> u32 {
        self.0 as u32
    }

    /// How often the slot was taken before this object.
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The id's 64 bits: the generation in the high half, the slot in the low one.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The id with these 64 bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "model {}v{}", self.index(), self.generation())
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}v{}", self.index(), self.generation())
    }
}

/// Two names have the same 64-bit id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{known}` and `{new}` have the same 64-bit id {bits:016x}; rename one of them")]
pub struct IdCollision {
    /// The name that was registered first.
    pub known: String,
    /// The name that was refused.
    pub new: String,
    /// The id of both.
    pub bits: u64,
}

/// Remembers which name each id stands for, so that a collision is an error at registration.
///
/// ```
/// use keel_core_types::IdTable;
///
/// let mut table = IdTable::default();
/// table.register(7, "swim")?;
/// table.register(7, "swim")?;
/// assert!(table.register(7, "hunt").is_err());
/// assert_eq!(table.name(7), Some("swim"));
/// # Ok::<(), keel_core_types::IdCollision>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IdTable {
    names: BTreeMap<u64, String>,
}

impl IdTable {
    /// Remembers that `bits` stands for `name`.
    ///
    /// # Errors
    /// [`IdCollision`] when `bits` already stands for another name.
    pub fn register(&mut self, bits: u64, name: &str) -> Result<(), IdCollision> {
        let known = self.names.entry(bits).or_insert_with(|| name.to_owned());
        if known == name {
            return Ok(());
        }
        Err(IdCollision { known: known.clone(), new: name.to_owned(), bits })
    }

    /// The name that `bits` stands for, if it was registered.
    pub fn name(&self, bits: u64) -> Option<&str> {
        self.names.get(&bits).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_kind_and_name_and_never_change() {
        assert_ne!(ModuleId::of("a").bits(), ViewId::of("a").bits());
        assert_ne!(ModuleId::of("a"), ModuleId::of("b"));
        // Snapshots hold these ids: a change of the hash would orphan every file that people have.
        assert_eq!(ComponentId::of("Position").bits(), hash_name("component", "Position"));
        assert_eq!(hash_name("component", "Position"), 0x9c61_1af5_e405_e350);
    }

    #[test]
    fn a_model_id_keeps_slot_and_generation() {
        let id = ModelId::new(7, 3);
        assert_eq!((id.index(), id.generation()), (7, 3));
        assert_eq!(ModelId::from_bits(id.bits()), id);
        assert_eq!(id.to_string(), "7v3");
    }

    #[test]
    fn a_collision_names_both() {
        let mut table = IdTable::default();
        table.register(1, "first").unwrap();
        let error = table.register(1, "second").unwrap_err();
        assert!(error.to_string().contains("`first` and `second`"), "{error}");
    }
}
