//! Times of the same thing, many times over: how often it is done, and what of them is told.

use std::time::{Duration, Instant};

use serde::Serialize;

/// How long to go on, and how often at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub warm_up: Duration,
    pub time: Duration,
    pub count_max: usize,
}

/// In nanoseconds.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Sample {
    pub calls: usize,
    pub min_ns: u64,
    pub median_ns: u64,
    pub p99_ns: u64,
}

impl Sample {
    /// `None` of nothing.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let at = |share: usize| {
            let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
            times.get(index).map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
        };
        Some(Self { calls: times.len(), min_ns: at(0)?, median_ns: at(50)?, p99_ns: at(99)? })
    }
}

/// Does it until the bounds say enough, at least once each; the warm-up is not kept.
///
/// # Errors
/// The first that it gives.
pub fn repeat<T, E>(bounds: Bounds, mut once: impl FnMut() -> Result<T, E>) -> Result<Vec<T>, E> {
    let start = Instant::now();
    once()?;
    while start.elapsed() < bounds.warm_up {
        once()?;
    }
    let (start, mut kept) = (Instant::now(), Vec::new());
    while kept.is_empty() || (start.elapsed() < bounds.time && kept.len() < bounds.count_max) {
        kept.push(once()?);
    }
    Ok(kept)
}
