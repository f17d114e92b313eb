//! What the double knows: one exchange, two clocks, draws and kept state, of this thread.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Exchange;

/// 2026-01-01T00:00:00Z.
const START_MS: u64 = 1_767_225_600_000;

#[derive(Debug)]
pub struct World {
    pub exchange: Exchange,
    pub notes: Vec<(String, Vec<u8>)>,
    pub reads: Vec<String>,
    pub now_ms: u64,
    pub monotonic_us: u64,
    pub draws: VecDeque<u64>,
    sequence: u64,
    pub log: Vec<String>,
    pub metrics: Vec<(String, i64)>,
    pub kept: HashMap<String, Kept>,
    version: u64,
    pub counters: HashMap<String, (i64, Option<u64>)>,
    /// The theoretical arrival time of each bucket, in microseconds of the monotonic clock.
    pub buckets: HashMap<String, u64>,
}

#[derive(Debug)]
pub struct Kept {
    pub value: Vec<u8>,
    pub version: u64,
    /// In microseconds of the monotonic clock.
    expires_us: Option<u64>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

pub fn with<T>(act: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with(|world| act(&mut world.borrow_mut()))
}

pub fn reset() {
    with(|world| *world = World::new());
}

/// Puts an exchange in hand.
pub fn enter(exchange: Exchange) {
    with(|world| {
        world.exchange = exchange;
        world.reads.clear();
    });
}

/// Records a question about the exchange and answers it.
pub fn ask<T>(question: &str, answer: impl FnOnce(&Exchange) -> T) -> T {
    with(|world| {
        if !world.reads.iter().any(|read| read == question) {
            world.reads.push(question.to_string());
        }
        answer(&world.exchange)
    })
}

impl World {
    fn new() -> World {
        World {
            exchange: Exchange::get("/"),
            notes: Vec::new(),
            reads: Vec::new(),
            now_ms: START_MS,
            monotonic_us: 0,
            draws: VecDeque::new(),
            sequence: 0,
            log: Vec::new(),
            metrics: Vec::new(),
            kept: HashMap::new(),
            version: 0,
            counters: HashMap::new(),
            buckets: HashMap::new(),
        }
    }

    pub fn advance(&mut self, by: Duration) {
        self.now_ms += by.as_millis() as u64;
        self.monotonic_us += by.as_micros() as u64;
    }

    /// A given draw, or the next of SplitMix64.
    pub fn next_u64(&mut self) -> u64 {
        if let Some(draw) = self.draws.pop_front() {
            return draw;
        }
        self.sequence = self.sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.sequence;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn get(&self, key: &str) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| kept.expires_us.is_none_or(|expires| expires > self.monotonic_us))
    }

    pub fn set(&mut self, key: &str, value: &[u8], ttl_ms: u32) -> u64 {
        self.version += 1;
        let kept = Kept { value: value.to_vec(), version: self.version, expires_us: self.expiry_us(ttl_ms) };
        self.kept.insert(key.to_string(), kept);
        self.version
    }

    fn expiry_us(&self, ttl_ms: u32) -> Option<u64> {
        (ttl_ms > 0).then(|| self.monotonic_us + u64::from(ttl_ms) * 1000)
    }

    pub fn counter(&self, key: &str) -> i64 {
        match self.counters.get(key) {
            Some((value, expires)) if expires.is_none_or(|expires| expires > self.monotonic_us) => *value,
            _ => 0,
        }
    }

    pub fn add(&mut self, key: &str, delta: i64, ttl_ms: u32) -> i64 {
        let kept = self.counters.get(key).filter(|(_, expires)| expires.is_none_or(|at| at > self.monotonic_us));
        let (value, expires) = kept.copied().unwrap_or((0, self.expiry_us(ttl_ms)));
        let value = value.saturating_add(delta);
        self.counters.insert(key.to_string(), (value, expires));
        value
    }

    /// GCRA: (allowed, remaining, retry after in milliseconds).
    pub fn take(&mut self, key: &str, cost: u32, limit: u32, window_ms: u32) -> (bool, u32, u32) {
        if limit == 0 || window_ms == 0 {
            return (false, 0, window_ms);
        }
        let (now, window) = (self.monotonic_us, u64::from(window_ms) * 1000);
        let one = (window / u64::from(limit)).max(1);
        let arrival = self.buckets.get(key).copied().unwrap_or(now).max(now);
        let after = arrival + one * u64::from(cost);
        let remaining = |arrival: u64| (window.saturating_sub(arrival - now) / one) as u32;
        if after - now <= window {
            self.buckets.insert(key.to_string(), after);
            (true, remaining(after), 0)
        } else {
            (false, remaining(arrival), (after - now - window).div_ceil(1000) as u32)
        }
    }
}
