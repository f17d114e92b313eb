//! A map in many small parts, which a changed copy shares with the original but for one.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// A part has hundreds of entries at most, and the list of parts fits a page.
const SHARDS: usize = 256;

#[derive(Clone)]
pub struct Shards<K, V> {
    shards: Vec<Arc<HashMap<K, V>>>,
    state: RandomState,
}

impl<K: Eq + Hash, V> Shards<K, V> {
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards.get(self.shard(key))?.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        // The maps use the same bits of hashes of their own.
        (self.state.hash_one(key) % SHARDS as u64) as usize
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Shards<K, V> {
    /// Puts a value there, or takes it away.
    pub fn set(&mut self, key: K, value: Option<V>) {
        let at = self.shard(&key);
        let Some(shard) = self.shards.get_mut(at) else { return };
        let shard = Arc::make_mut(shard);
        match value {
            Some(value) => _ = shard.insert(key, value),
            None => _ = shard.remove(&key),
        }
    }
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { shards: vec![Arc::default(); SHARDS], state: RandomState::new() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shards.iter().flat_map(|shard| shard.iter())).finish()
    }
}

#[cfg(test)]
mod tests;
