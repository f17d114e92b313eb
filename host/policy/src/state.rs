//! What outlives the versions of a policy, by its name: kept values, counters, user metrics, and tallies for `/metrics`.

mod counters;
mod kv;
mod metrics;
mod queues;
mod tally;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use counters::Counters;
pub(crate) use kv::Kv;
pub(crate) use metrics::{NO_SERIES, Series, UserMetrics};
pub use metrics::{UserMetric, UserValue};
pub(crate) use queues::{QueueError, Queues};
pub use tally::{DURATION_BOUNDS_NS, PolicySnapshot};
pub(crate) use tally::{Tallies, Tally, TallyGuard};

/// One a process. A policy of the same `namespace/name` finds its state again after a swap, and after it was gone.
#[derive(Debug, Default)]
pub struct State {
    policies: Mutex<HashMap<Arc<str>, Arc<PolicyState>>>,
}

/// The state of one policy, shared by its versions, instances and all workers.
#[derive(Debug)]
pub(crate) struct PolicyState {
    pub name: Arc<str>,
    pub kv: Kv,
    pub counters: Counters,
    pub metrics: UserMetrics,
    pub queues: Queues,
    pub log_budget: LogBudget,
    tallies: Arc<Tallies>,
}

impl State {
    pub(crate) fn of(&self, name: &Arc<str>) -> Arc<PolicyState> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let state = policies.entry(Arc::clone(name)).or_insert_with(|| Arc::new(PolicyState::new(Arc::clone(name))));
        Arc::clone(state)
    }

    /// A value that a policy (`namespace/name`) keeps; `None` where there is none at that time.
    pub fn kept(&self, policy: &str, key: &str, now_ms: u64) -> Option<Vec<u8>> {
        self.of(&Arc::from(policy)).kv.get(key, now_ms).map(|(value, _)| value)
    }

    /// Keeps a value for a policy, for good; false if it is over a bound. For tests of policies.
    pub fn keep(&self, policy: &str, key: &str, value: &[u8]) -> bool {
        self.of(&Arc::from(policy)).kv.set(key, value, 0, None, 0).is_ok()
    }

    /// What every policy did so far, by name; the sum over workers.
    pub fn stats(&self) -> Vec<PolicySnapshot> {
        let policies: Vec<_> =
            self.policies.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect();
        let mut snapshots: Vec<_> = policies.iter().map(|policy| policy.snapshot()).collect();
        snapshots.sort_by(|a, b| a.name.cmp(&b.name));
        snapshots
    }

    /// Forgets the state of policies that are no longer declared: their keys would otherwise stay for ever.
    pub fn retain(&self, is_declared: impl Fn(&str) -> bool) {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| is_declared(name));
    }
}

impl PolicyState {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            kv: Kv::default(),
            counters: Counters::default(),
            metrics: UserMetrics::default(),
            queues: Queues::default(),
            log_budget: LogBudget::default(),
            tallies: Arc::default(),
        }
    }

    /// A tally for one worker to write alone.
    pub fn tally(&self) -> TallyGuard {
        Tallies::add(&self.tallies)
    }

    fn snapshot(&self) -> PolicySnapshot {
        let mut snapshot = self.tallies.sum(Arc::clone(&self.name));
        snapshot.kv_entries = self.kv.entries();
        snapshot.kv_bytes = self.kv.bytes();
        snapshot.counters = self.counters.entries();
        snapshot.counters_evicted = self.counters.evicted();
        snapshot.series_refused = self.metrics.refused();
        snapshot.user_metrics = self.metrics.read();
        snapshot
    }
}

/// Bytes of log lines a second, over all workers; used only by policies that log.
#[derive(Debug, Default)]
pub(crate) struct LogBudget {
    second: AtomicU64,
    used: AtomicU64,
}

/// A policy's log bytes a second.
pub(crate) const LOG_BYTES_PER_SECOND: u64 = 256 << 10;

impl LogBudget {
    /// Whether `bytes` more fit into this second. Two workers that enter a new second at once may both reset it, and so
    /// let through up to twice the bound: good enough for a rate of log lines.
    pub fn take(&self, now_ms: u64, bytes: usize) -> bool {
        let second = now_ms / 1000;
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.used.store(0, Ordering::Relaxed);
        }
        self.used.fetch_add(bytes as u64, Ordering::Relaxed) < LOG_BYTES_PER_SECOND
    }
}

#[cfg(test)]
mod tests;
