//! Atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs the grant
//! `counters`.

use std::time::Duration;

use crate::host::counters as host;
use crate::kv::milliseconds;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub allowed: bool,
    pub remaining: u32,
    pub retry_after_ms: u32,
}

/// Returns the new value. The counter expires `ttl` after it was made; zero: never.
pub fn add(key: &str, delta: i64, ttl: Duration) -> i64 {
    host::add(key, delta, milliseconds(ttl))
}

pub fn get(key: &str) -> i64 {
    host::get(key)
}

/// Takes `cost` of a bucket that holds `limit` and refills within `window`.
pub fn take(key: &str, cost: u32, limit: u32, window: Duration) -> Bucket {
    let bucket = host::take(key, cost, limit, milliseconds(window));
    Bucket { allowed: bucket.allowed, remaining: bucket.remaining, retry_after_ms: bucket.retry_after_ms }
}
