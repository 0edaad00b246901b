//! The feature cache in the process: the least recently used entries go first.

use assay_core::Digest;
use assay_store::{FeatureCache, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use lru::LruCache;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What an entry takes beside its value: key, list pointers, hash table slot, allocation.
const ENTRY_BYTES: usize = 160;

/// A cache that never holds more bytes than it was made for.
pub struct MemoryFeatureCache {
    capacity_bytes: usize,
    entries: Mutex<Entries>,
}

struct Entries {
    values: LruCache<Digest, Bytes>,
    held_bytes: usize,
}

impl MemoryFeatureCache {
    /// An empty cache for so many bytes of values, their keys and bookkeeping included; with 0 it
    /// keeps nothing.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            capacity_bytes: bytes,
            entries: Mutex::new(Entries {
                values: LruCache::unbounded(),
                held_bytes: 0,
            }),
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.lock().held_bytes
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic in the middle could at worst miscount the bytes of one entry.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &Digest) {
        if let Some(old) = self.values.pop(key) {
            self.held_bytes -= cost(&old);
        }
    }

    fn keep(&mut self, key: Digest, value: &Bytes, capacity_bytes: usize) {
        self.remove(&key);
        let cost = cost(value);
        if cost > capacity_bytes {
            return;
        }
        while self.held_bytes > capacity_bytes - cost {
            let Some((_, old)) = self.values.pop_lru() else {
                break;
            };
            self.held_bytes -= self::cost(&old);
        }
        // A copy: the value may be a small part of a large buffer, which it would keep alive.
        self.values.put(key, Bytes::copy_from_slice(value));
        self.held_bytes += cost;
    }
}

const fn cost(value: &Bytes) -> usize {
    value.len() + ENTRY_BYTES
}

#[async_trait]
impl FeatureCache for MemoryFeatureCache {
    async fn get(&self, keys: &[Digest]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut entries = self.lock();
        Ok(keys
            .iter()
            .map(|key| entries.values.get(key).cloned())
            .collect())
    }

    async fn put(&self, new: Vec<(Digest, Bytes)>) -> Result<(), StoreError> {
        let mut entries = self.lock();
        for (key, value) in new {
            entries.keep(key, &value, self.capacity_bytes);
        }
        Ok(())
    }
}

impl std::fmt::Debug for MemoryFeatureCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryFeatureCache")
            .field("capacity_bytes", &self.capacity_bytes)
            .field("held_bytes", &self.held_bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn key(n: u8) -> Digest {
        Digest::of(&[n])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn does_what_every_cache_does() {
        let cache = Arc::new(MemoryFeatureCache::with_capacity(1 << 20));
        assay_store::conformance::cache(cache).await;
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first() {
        let cache = MemoryFeatureCache::with_capacity(3 * (ENTRY_BYTES + 10));
        let value = Bytes::from_static(&[7; 10]);
        for n in 0..3 {
            cache.put(vec![(key(n), value.clone())]).await.unwrap();
        }
        assert!(cache.get(&[key(0)]).await.unwrap()[0].is_some());
        cache.put(vec![(key(3), value.clone())]).await.unwrap();
        let found = cache.get(&[key(0), key(1), key(2), key(3)]).await.unwrap();
        let there: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(there, [true, false, true, true]);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_cache_is_not_kept_and_replaces_what_stood_there() {
        let cache = MemoryFeatureCache::with_capacity(ENTRY_BYTES + 10);
        let put = async |n: usize| {
            let value = Bytes::from(vec![1; n]);
            cache.put(vec![(key(0), value)]).await.unwrap();
        };
        put(10).await;
        assert!(cache.get(&[key(0)]).await.unwrap()[0].is_some());
        put(11).await;
        assert_eq!(cache.get(&[key(0)]).await.unwrap(), [None]);
        assert_eq!(cache.held_bytes(), 0);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_capacity_and_counts_right(
            capacity in 0_usize..2_000,
            puts in proptest::collection::vec((0_u8..8, 0_usize..900), 0..60),
        ) {
            let cache = MemoryFeatureCache::with_capacity(capacity);
            for (n, length) in puts {
                let mut entries = cache.lock();
                entries.keep(key(n), &Bytes::from(vec![n; length]), capacity);
                let held: usize = entries.values.iter().map(|(_, v)| cost(v)).sum();
                prop_assert_eq!(held, entries.held_bytes);
                prop_assert!(held <= capacity);
            }
        }
    }
}
