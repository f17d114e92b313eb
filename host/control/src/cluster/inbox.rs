//! When a burst of changes is over.
//!
//! Tasks post what they heard; the thread of the source takes it all at once, when nothing was posted for a moment or
//! the first of it has waited for long enough.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::watched::Change;

/// No change for so long means that the burst is over.
const QUIET: Duration = Duration::from_millis(20);
/// A burst that does not end is taken anyway.
const SETTLE_MAX: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: Vec<Change>,
    woken: bool,
    /// Of the first and last post since they were taken.
    first: Option<Instant>,
    last: Option<Instant>,
    stopped: bool,
}

/// What was posted since the last time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub changes: Vec<Change>,
    /// Something beside the objects changed, such as what is known of a module.
    pub woken: bool,
    pub stopped: bool,
}

impl Inbox {
    pub(super) fn post(&self, change: Change) {
        let mut waiting = self.lock();
        waiting.changes.push(change);
        self.note(waiting);
    }

    /// Ends the wait without a change to any object.
    pub(super) fn wake(&self) {
        let mut waiting = self.lock();
        waiting.woken = true;
        self.note(waiting);
    }

    /// Ends this wait and every later one.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_all();
    }

    /// Blocks until a burst is over, or until `deadline`, or until stopped.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Heard {
        let mut waiting = self.lock();
        loop {
            let now = Instant::now();
            let until = match (waiting.settled_at(), deadline) {
                (Some(settled), Some(deadline)) => Some(settled.min(deadline)),
                (settled, deadline) => settled.or(deadline),
            };
            let left = until.map(|until| until.saturating_duration_since(now));
            if waiting.stopped || left.is_some_and(|left| left.is_zero()) {
                return waiting.take();
            }
            waiting = match left {
                Some(left) => self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn note(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let now = Instant::now();
        waiting.first.get_or_insert(now);
        waiting.last = Some(now);
        drop(waiting);
        self.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn settled_at(&self) -> Option<Instant> {
        Some((self.last? + QUIET).min(self.first? + SETTLE_MAX))
    }

    fn take(&mut self) -> Heard {
        (self.first, self.last) = (None, None);
        Heard {
            changes: std::mem::take(&mut self.changes),
            woken: std::mem::take(&mut self.woken),
            stopped: self.stopped,
        }
    }
}
