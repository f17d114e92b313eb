//! When a VM that failed may start again.

use std::time::{Duration, Instant};

/// After the first failure at once; then after this, and twice as long each time.
const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(10);
/// A VM that ran so long was well.
const WELL: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
    /// No start before this.
    retry: Option<Instant>,
}

impl Backoff {
    pub fn may_start(&self, now: Instant) -> bool {
        self.retry.is_none_or(|retry| retry <= now)
    }

    /// When that is; at once if there is no time.
    pub fn retry(&self) -> Option<Instant> {
        self.retry
    }

    /// After a failure of a VM that ran for so long.
    pub fn failed(self, now: Instant, ran: Duration) -> Self {
        let before = if ran >= WELL { 0 } else { self.failures };
        let pause = before.checked_sub(1).map(|doublings| FIRST.saturating_mul(1 << doublings.min(16)).min(MOST));
        Self { failures: before.saturating_add(1), retry: pause.map(|pause| now + pause) }
    }
}

#[cfg(test)]
mod tests;
