//! Kept values of one policy: a bounded map with versions and expiry, shared by all workers.
//!
//! Sharded by key, each shard under a short lock of its own; only policies that keep values meet it. Bounds hold a shard,
//! so the whole is bounded without a shared counter.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bindings::KvError;

const SHARDS: usize = 16;
pub(crate) const KEY_BYTES_MAX: usize = 256;
pub(crate) const VALUE_BYTES_MAX: usize = 64 << 10;
/// Of a policy: 65,536 entries and 16 MiB, keys and a fixed cost an entry included.
const SHARD_ENTRIES_MAX: usize = 65_536 / SHARDS;
const SHARD_BYTES_MAX: usize = (16 << 20) / SHARDS;
/// What an entry costs beside its key and value.
const ENTRY_BYTES: usize = 64;
/// Least time between two searches of a shard for expired entries.
const SWEEP_MS: u64 = 1000;

#[derive(Debug, Default)]
pub(crate) struct Kv {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Versions are never reused, so a value that was deleted and set anew has another.
    version: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Box<str>, Entry>,
    bytes: usize,
    swept_ms: u64,
}

#[derive(Debug)]
struct Entry {
    value: Box<[u8]>,
    version: u64,
    /// 0: never.
    expires_ms: u64,
}

impl Entry {
    fn is_live(&self, now_ms: u64) -> bool {
        self.expires_ms == 0 || now_ms < self.expires_ms
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    key.len() + value.len() + ENTRY_BYTES
}

impl Kv {
    pub fn get(&self, key: &str, now_ms: u64) -> Option<(Vec<u8>, u64)> {
        let shard = self.shard(key);
        let entry = shard.entries.get(key).filter(|entry| entry.is_live(now_ms))?;
        Some((entry.value.to_vec(), entry.version))
    }

    /// The new version. `expected`: the version that must be there, 0 for none.
    pub fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl_ms: u32,
        expected: Option<u64>,
        now_ms: u64,
    ) -> Result<u64, KvError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(KvError::Invalid);
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(KvError::TooLarge);
        }
        let mut shard = self.shard(key);
        let present = shard.entries.get(key).filter(|entry| entry.is_live(now_ms)).map_or(0, |entry| entry.version);
        if expected.is_some_and(|expected| expected != present) {
            return Err(KvError::Conflict);
        }
        shard.make_room(key, value, now_ms)?;
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let expires_ms = if ttl_ms == 0 { 0 } else { now_ms.saturating_add(u64::from(ttl_ms)) };
        shard.insert(key, Entry { value: value.into(), version, expires_ms });
        Ok(version)
    }

    pub fn delete(&self, key: &str) {
        self.shard(key).remove(key);
    }

    pub fn entries(&self) -> u64 {
        self.sum(|shard| shard.entries.len())
    }

    pub fn bytes(&self) -> u64 {
        self.sum(|shard| shard.bytes)
    }

    fn sum(&self, of: impl Fn(&Shard) -> usize) -> u64 {
        self.shards.iter().map(|shard| of(&shard.lock().unwrap_or_else(PoisonError::into_inner)) as u64).sum()
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// Room for the value, at the cost of expired entries only: a live value never goes before its time.
    fn make_room(&mut self, key: &str, value: &[u8], now_ms: u64) -> Result<(), KvError> {
        if self.fits(key, value) {
            return Ok(());
        }
        if now_ms.saturating_sub(self.swept_ms) >= SWEEP_MS || self.swept_ms == 0 {
            self.swept_ms = now_ms.max(1);
            self.entries.retain(|_, entry| entry.is_live(now_ms));
            self.bytes = self.entries.iter().map(|(key, entry)| cost(key, &entry.value)).sum();
        }
        if self.fits(key, value) { Ok(()) } else { Err(KvError::Quota) }
    }

    fn fits(&self, key: &str, value: &[u8]) -> bool {
        let (entries, bytes) = self.entries.get(key).map_or((1, 0), |old| (0, cost(key, &old.value)));
        self.entries.len() + entries <= SHARD_ENTRIES_MAX && self.bytes - bytes + cost(key, value) <= SHARD_BYTES_MAX
    }

    fn insert(&mut self, key: &str, entry: Entry) {
        self.remove(key);
        self.bytes += cost(key, &entry.value);
        self.entries.insert(key.into(), entry);
    }

    fn remove(&mut self, key: &str) {
        if let Some(old) = self.entries.remove(key) {
            self.bytes -= cost(key, &old.value);
        }
    }
}
