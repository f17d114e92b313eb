//! Counters and rate limits of one policy: a bounded map, shared by all workers, each operation atomic.
//!
//! A full map gives the place of the entry that would expire soonest among a few: a counter must answer a number, and
//! refusing new keys would let whoever invents keys shut everybody out.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bindings::Bucket;
use crate::state::kv::KEY_BYTES_MAX;

const SHARDS: usize = 16;
/// Of a policy: 65,536 keys.
const SHARD_ENTRIES_MAX: usize = 65_536 / SHARDS;
/// Entries looked at for one to evict.
const SAMPLE: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    evicted: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Box<str>, Entry>,
}

/// Times are microseconds of the policy's clock.
#[derive(Debug, Default, Clone, Copy)]
struct Entry {
    value: i64,
    /// 0: never.
    expires_us: u64,
    /// The theoretical arrival time of GCRA: when the bucket will be full again.
    full_us: u64,
}

impl Entry {
    fn is_live(&self, now_us: u64) -> bool {
        let counts = self.value != 0 && (self.expires_us == 0 || now_us < self.expires_us);
        counts || now_us < self.full_us
    }

    /// When it is worth nothing any more.
    fn ends_us(&self) -> u64 {
        let counter = if self.value == 0 {
            0
        } else if self.expires_us == 0 {
            u64::MAX
        } else {
            self.expires_us
        };
        counter.max(self.full_us)
    }
}

impl Counters {
    /// The new value.
    pub fn add(&self, key: &str, delta: i64, ttl_ms: u32, now_us: u64) -> i64 {
        if key.len() > KEY_BYTES_MAX {
            return delta;
        }
        self.update(key, now_us, |entry| {
            if entry.value == 0 || (entry.expires_us != 0 && now_us >= entry.expires_us) {
                entry.value = 0;
                entry.expires_us = if ttl_ms == 0 { 0 } else { now_us.saturating_add(u64::from(ttl_ms) * 1000) };
            }
            entry.value = entry.value.saturating_add(delta);
            entry.value
        })
    }

    pub fn get(&self, key: &str, now_us: u64) -> i64 {
        let shard = self.shard(key);
        let live = |entry: &&Entry| entry.expires_us == 0 || now_us < entry.expires_us;
        shard.entries.get(key).filter(live).map_or(0, |entry| entry.value)
    }

    /// The generic cell rate algorithm (ITU-T I.371): `limit` per window, all of it at once at most. A cost of 0 asks
    /// without taking.
    pub fn take(&self, key: &str, cost: u32, limit: u32, window_ms: u32, now_us: u64) -> Bucket {
        if limit == 0 || window_ms == 0 || key.len() > KEY_BYTES_MAX {
            return Bucket { allowed: false, remaining: 0, retry_after_ms: window_ms };
        }
        self.update(key, now_us, |entry| {
            let (bucket, full_us) = gcra(entry.full_us, cost, limit, window_ms, now_us);
            entry.full_us = full_us;
            bucket
        })
    }

    pub fn entries(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).entries.len() as u64).sum()
    }

    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the entry of a key, made if there is none, under the lock of its shard.
    fn update<R>(&self, key: &str, now_us: u64, change: impl FnOnce(&mut Entry) -> R) -> R {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.entries.get_mut(key) {
            return change(entry);
        }
        if shard.entries.len() >= SHARD_ENTRIES_MAX && shard.evict(now_us) {
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
        let mut entry = Entry::default();
        let result = change(&mut entry);
        shard.entries.insert(key.into(), entry);
        result
    }
}

impl Shard {
    /// Drops one entry; says whether it was still live.
    fn evict(&mut self, now_us: u64) -> bool {
        let soonest = self.entries.iter().take(SAMPLE).min_by_key(|(_, entry)| entry.ends_us());
        let Some((key, was_live)) = soonest.map(|(key, entry)| (key.clone(), entry.is_live(now_us))) else {
            return false;
        };
        self.entries.remove(&key);
        was_live
    }
}

/// The answer, and the new theoretical arrival time. All in microseconds, in 128 bits: the largest window times the
/// largest limit fits.
fn gcra(full_us: u64, cost: u32, limit: u32, window_ms: u32, now_us: u64) -> (Bucket, u64) {
    let window = u128::from(window_ms) * 1000;
    let (now, limit_wide) = (u128::from(now_us), u128::from(limit));
    let debt = u128::from(full_us).saturating_sub(now);
    // Rounded up, so that a limit never allows more than it says.
    let increment = (window * u128::from(cost)).div_ceil(limit_wide);
    let remaining = |debt: u128| (window.saturating_sub(debt) * limit_wide / window) as u32;
    if debt + increment > window {
        let wait = if u128::from(cost) > limit_wide { window } else { debt + increment - window };
        let retry_after_ms = u32::try_from(wait.div_ceil(1000)).unwrap_or(u32::MAX);
        return (Bucket { allowed: false, remaining: remaining(debt), retry_after_ms }, full_us);
    }
    let after = debt + increment;
    let full_us = u64::try_from(now + after).unwrap_or(u64::MAX);
    (Bucket { allowed: true, remaining: remaining(after), retry_after_ms: 0 }, full_us)
}
