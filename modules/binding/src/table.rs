//! An immutable map from 64-bit ids, in shards: a change copies the shards it touches and shares the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::shard::SHARDS;

// The ids are well mixed hashes: their high bits choose the shard, their low bits the bucket.
const SHARD_SHIFT: u32 = u64::BITS - SHARDS.ilog2();

type Bucket<V> = Option<(u64, V)>;

/// What is set (`Some`) and what is removed (`None`), by id.
pub(crate) type Changes<V> = BTreeMap<u64, Option<V>>;

pub(crate) struct Table<V> {
    // Open addressing with linear probing; at most half of the buckets are used, so that a search ends.
    shards: [Arc<[Bucket<V>]>; SHARDS],
}

impl<V: Clone> Table<V> {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Arc::from([None])) }
    }

    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<&V> {
        let buckets = &self.shards[shard_of(id)];
        let mask = buckets.len() - 1;
        let mut at = id as usize & mask;
        while let Some((key, value)) = &buckets[at] {
            if *key == id {
                return Some(value);
            }
            at = (at + 1) & mask;
        }
        None
    }

    pub(crate) fn with_changes(&self, changes: &Changes<V>) -> Self {
        let shards = std::array::from_fn(|shard| {
            let mut changes = changes.iter().filter(|(id, _)| shard_of(**id) == shard).peekable();
            if changes.peek().is_none() {
                return Arc::clone(&self.shards[shard]);
            }
            let mut entries: BTreeMap<u64, V> = self.shards[shard].iter().flatten().cloned().collect();
            for (id, change) in changes {
                match change {
                    Some(value) => entries.insert(*id, value.clone()),
                    None => entries.remove(id),
                };
            }
            buckets_of(entries)
        });
        Self { shards }
    }
}

#[inline]
fn shard_of(id: u64) -> usize {
    (id >> SHARD_SHIFT) as usize
}

fn buckets_of<V>(entries: BTreeMap<u64, V>) -> Arc<[Bucket<V>]> {
    let mut buckets: Vec<Bucket<V>> = Vec::new();
    buckets.resize_with((entries.len() * 2).next_power_of_two(), || None);
    let mask = buckets.len() - 1;
    for (id, value) in entries {
        let mut at = id as usize & mask;
        while buckets[at].is_some() {
            at = (at + 1) & mask;
        }
        buckets[at] = Some((id, value));
    }
    buckets.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_finds_what_was_put_in_and_nothing_else() {
        // Ids that collide in shard and bucket, beside some that don't.
        let ids: Vec<u64> = (0..40).map(|step| step << 32).chain((1..5).map(|step| step << 60)).collect();
        let empty = Table::new();
        let full = empty.with_changes(&ids.iter().map(|id| (*id, Some(id + 1))).collect());
        let half = full.with_changes(&ids.iter().step_by(2).map(|id| (*id, None)).collect());
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(empty.get(*id), None);
            assert_eq!(full.get(*id), Some(&(id + 1)));
            assert_eq!(half.get(*id).is_some(), at % 2 == 1);
        }
        assert_eq!(full.get(77), None);
    }

    #[test]
    fn a_change_shares_the_shards_it_does_not_touch() {
        let before = Table::new().with_changes(&BTreeMap::from([(1, Some(1)), (1 << 60, Some(2))]));
        let after = before.with_changes(&BTreeMap::from([(2, Some(3))]));
        assert!(!Arc::ptr_eq(&before.shards[0], &after.shards[0]));
        assert!(Arc::ptr_eq(&before.shards[1], &after.shards[1]));
    }
}
