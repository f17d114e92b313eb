//! Series that a policy defines: found by name once, then by id, without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

pub(crate) const SERIES_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 64;
/// Powers of four from 1: fifteen buckets reach 268 million.
const BOUNDS: [u64; 15] = [
    1,
    4,
    16,
    64,
    256,
    1_024,
    4_096,
    16_384,
    65_536,
    262_144,
    1_048_576,
    4_194_304,
    16_777_216,
    67_108_864,
    268_435_456,
];

/// Given for names beyond the bound; operations on it do nothing.
pub(crate) const NO_SERIES: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug)]
struct Slot {
    kind: Series,
    name: Box<str>,
    /// The value of a counter or gauge; the sum of a histogram.
    value: AtomicI64,
    buckets: [AtomicU64; BOUNDS.len() + 1],
}

#[derive(Debug)]
pub(crate) struct UserMetrics {
    slots: Box<[OnceLock<Slot>]>,
    /// Taken to add a series.
    used: Mutex<usize>,
    refused: AtomicU64,
}

impl Default for UserMetrics {
    fn default() -> Self {
        Self {
            slots: (0..SERIES_MAX).map(|_| OnceLock::new()).collect(),
            used: Mutex::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

/// One series of a policy, as `cardea_policy_user_*` exports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMetric {
    /// `[a-z_][a-z0-9_]*`.
    pub name: String,
    pub value: UserValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserValue {
    Counter(u64),
    Gauge(i64),
    /// Bounds with the count of each (not cumulative), the count above them, and the sum.
    Histogram {
        buckets: Vec<(u64, u64)>,
        above: u64,
        sum: u64,
    },
}

impl UserMetrics {
    /// The id of a series, made if there is none. [`NO_SERIES`] beyond the bound, for a bad name, and for a name that
    /// another kind has.
    pub fn id(&self, kind: Series, name: &str) -> u32 {
        if !is_name(name) {
            return self.refuse();
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.slots.iter().take(*used).position(|slot| slot.get().is_some_and(|slot| *slot.name == *name));
        match known {
            Some(id) if self.slots.get(id).and_then(OnceLock::get).is_some_and(|slot| slot.kind == kind) => id as u32,
            Some(_) => self.refuse(),
            None => match self.slots.get(*used) {
                Some(slot) => {
                    slot.get_or_init(|| Slot::new(kind, name));
                    *used += 1;
                    (*used - 1) as u32
                }
                None => self.refuse(),
            },
        }
    }

    /// Adds to a counter (`delta >= 0`) or a gauge.
    pub fn add(&self, id: u32, delta: i64) {
        match self.slot(id) {
            Some(slot) if slot.kind == Series::Gauge || (slot.kind == Series::Counter && delta >= 0) => {
                slot.value.fetch_add(delta, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Sets a gauge.
    pub fn set(&self, id: u32, value: i64) {
        if let Some(slot) = self.slot(id).filter(|slot| slot.kind == Series::Gauge) {
            slot.value.store(value, Ordering::Relaxed);
        }
    }

    /// Adds an observation to a histogram.
    pub fn observe(&self, id: u32, value: u64) {
        let Some(slot) = self.slot(id).filter(|slot| slot.kind == Series::Histogram) else { return };
        let bucket = BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len());
        slot.value.fetch_add(value as i64, Ordering::Relaxed);
        if let Some(count) = slot.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The kind of a series, and the value of a counter or gauge.
    pub fn get(&self, id: u32) -> Option<(Series, i64)> {
        self.slot(id).map(|slot| (slot.kind, slot.value.load(Ordering::Relaxed)))
    }

    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub fn read(&self) -> Vec<UserMetric> {
        self.slots.iter().map_while(OnceLock::get).map(Slot::read).collect()
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.slots.get(id as usize)?.get()
    }

    fn refuse(&self) -> u32 {
        self.refused.fetch_add(1, Ordering::Relaxed);
        NO_SERIES
    }
}

impl Slot {
    fn new(kind: Series, name: &str) -> Self {
        Self { kind, name: name.into(), value: AtomicI64::new(0), buckets: Default::default() }
    }

    fn read(&self) -> UserMetric {
        let value = self.value.load(Ordering::Relaxed);
        let counts: Vec<u64> = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let value = match self.kind {
            Series::Counter => UserValue::Counter(value as u64),
            Series::Gauge => UserValue::Gauge(value),
            Series::Histogram => UserValue::Histogram {
                buckets: BOUNDS.iter().copied().zip(counts.iter().copied()).collect(),
                above: counts.last().copied().unwrap_or(0),
                sum: value as u64,
            },
        };
        UserMetric { name: self.name.to_string(), value }
    }
}

/// Of a Prometheus name what needs no escaping: `[a-z_][a-z0-9_]*`, at most 64 bytes.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(good)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
