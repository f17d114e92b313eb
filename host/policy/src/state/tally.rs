//! What a policy did, counted without contention: each worker writes a tally of its own, a scrape sums them.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::chain::DecisionKind;
use crate::failure::Failure;
use crate::state::metrics::UserMetric;

/// Upper bounds of the buckets of call durations, nanoseconds; one bucket more is above all of them.
pub const DURATION_BOUNDS_NS: [u64; 12] =
    [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000, 20_000_000];
const BUCKETS: usize = DURATION_BOUNDS_NS.len() + 1;
const KINDS: usize = DecisionKind::ALL.len();
const LABELS: usize = Failure::LABELS.len();

/// Written by one thread, read by any: an add is a load and a store.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        self.0.store(self.get().wrapping_add(n), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Tally {
    pub calls: Count,
    pub nanoseconds: Count,
    durations: [Count; BUCKETS],
    decisions: [Count; KINDS],
    failures: [Count; LABELS],
    pub created: Count,
    pub recycled: Count,
    pub logs_dropped: Count,
}

impl Tally {
    pub fn call(&self, nanoseconds: u64) {
        self.calls.add(1);
        self.nanoseconds.add(nanoseconds);
        let bucket = DURATION_BOUNDS_NS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BUCKETS - 1);
        if let Some(count) = self.durations.get(bucket) {
            count.add(1);
        }
    }

    pub fn decision(&self, kind: DecisionKind) {
        if let Some(count) = self.decisions.get(kind as usize) {
            count.add(1);
        }
    }

    pub fn failure(&self, failure: &Failure) {
        let label = failure.label();
        let index = Failure::LABELS.iter().position(|known| *known == label);
        if let Some(count) = index.and_then(|index| self.failures.get(index)) {
            count.add(1);
        }
    }

    fn add_to(&self, total: &mut PolicySnapshot) {
        total.calls += self.calls.get();
        total.nanoseconds += self.nanoseconds.get();
        total.instances_created += self.created.get();
        total.instances_recycled += self.recycled.get();
        total.logs_dropped += self.logs_dropped.get();
        add_all(&mut total.durations, &self.durations);
        for ((_, sum), count) in total.decisions.iter_mut().zip(&self.decisions) {
            *sum += count.get();
        }
        for ((_, sum), count) in total.failures.iter_mut().zip(&self.failures) {
            *sum += count.get();
        }
    }
}

fn add_all(sums: &mut [u64], counts: &[Count]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count.get();
    }
}

/// A policy's tallies.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    live: Vec<Arc<Tally>>,
    /// The sum of tallies whose worker dropped them.
    retired: Option<PolicySnapshot>,
}

/// A worker's hold of its tally; what it counted stays when the hold drops.
#[derive(Debug)]
pub(crate) struct TallyGuard {
    tally: Arc<Tally>,
    tallies: Arc<Tallies>,
}

impl Tallies {
    pub fn add(this: &Arc<Self>) -> TallyGuard {
        let tally = Arc::new(Tally::default());
        this.inner.lock().unwrap_or_else(PoisonError::into_inner).live.push(Arc::clone(&tally));
        TallyGuard { tally, tallies: Arc::clone(this) }
    }

    pub fn sum(&self, name: Arc<str>) -> PolicySnapshot {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total = inner.retired.clone().unwrap_or_default();
        total.name = name;
        inner.live.iter().for_each(|tally| tally.add_to(&mut total));
        total
    }
}

impl Deref for TallyGuard {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        &self.tally
    }
}

impl Drop for TallyGuard {
    fn drop(&mut self) {
        let mut inner = self.tallies.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.live.retain(|tally| !Arc::ptr_eq(tally, &self.tally));
        self.tally.add_to(inner.retired.get_or_insert_default());
    }
}

/// What a policy did since the process started, and what it holds.
#[derive(Debug, Clone)]
pub struct PolicySnapshot {
    /// `namespace/name`.
    pub name: Arc<str>,
    /// Guest calls of all phases, failed ones too.
    pub calls: u64,
    /// Wall time of those calls on their workers, making instances included.
    pub nanoseconds: u64,
    /// Calls by duration: not cumulative, by [`DURATION_BOUNDS_NS`] and one bucket above.
    pub durations: [u64; BUCKETS],
    pub decisions: [(DecisionKind, u64); KINDS],
    /// By label.
    pub failures: [(&'static str, u64); LABELS],
    pub instances_created: u64,
    pub instances_recycled: u64,
    /// Log lines over a bound of count or rate.
    pub logs_dropped: u64,
    pub kv_entries: u64,
    pub kv_bytes: u64,
    pub counters: u64,
    /// Counters that went before their time, because the policy had too many.
    pub counters_evicted: u64,
    /// User series beyond the bound.
    pub series_refused: u64,
    pub user_metrics: Vec<UserMetric>,
}

impl Default for PolicySnapshot {
    fn default() -> Self {
        Self {
            name: Arc::from(""),
            calls: 0,
            nanoseconds: 0,
            durations: [0; BUCKETS],
            decisions: DecisionKind::ALL.map(|kind| (kind, 0)),
            failures: Failure::LABELS.map(|label| (label, 0)),
            instances_created: 0,
            instances_recycled: 0,
            logs_dropped: 0,
            kv_entries: 0,
            kv_bytes: 0,
            counters: 0,
            counters_evicted: 0,
            series_refused: 0,
            user_metrics: Vec::new(),
        }
    }
}
