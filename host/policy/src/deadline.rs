//! How long a guest may run: wall time, but not against a guest whose thread was not running.
//!
//! The epoch says when to look at a clock; it may be early. On a busy machine a thread may be kept waiting for longer than
//! a deadline in the middle of a microsecond's work, so wall time alone would be unjust: at half of the deadline the
//! thread's CPU time is read, and from there the guest has the other half in CPU time. A guest that runs all the time ends
//! at its deadline, or a few ticks later; one that ends early costs no reading of clocks.

use std::cell::Cell;
use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

/// The deadline of the call in hand.
#[derive(Debug)]
pub(crate) struct Deadline {
    start: Cell<Option<Instant>>,
    half: Cell<Duration>,
    /// CPU time of the thread when the first half was over.
    since: Cell<Option<Duration>>,
}

impl Deadline {
    pub const fn new() -> Self {
        Self { start: Cell::new(None), half: Cell::new(Duration::ZERO), since: Cell::new(None) }
    }

    /// Starts anew. Ticks until [`Self::reached`] must be asked.
    pub fn begin(&self, start: Instant, limit: Duration) -> u64 {
        let half = limit / 2;
        self.start.set(Some(start));
        self.half.set(half);
        self.since.set(None);
        ticks(half)
    }

    /// What becomes of a guest that still runs.
    pub fn reached(&self) -> UpdateDeadline {
        let half = self.half.get();
        let wall = self.start.get().map_or(half, |start| start.elapsed());
        if wall < half {
            return UpdateDeadline::Continue(ticks(half - wall));
        }
        let Some(now) = thread_cpu_time() else { return UpdateDeadline::Interrupt };
        let used = match self.since.get() {
            Some(since) => now.saturating_sub(since),
            None => {
                self.since.set(Some(now));
                Duration::ZERO
            }
        };
        if used >= half { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(ticks(half - used)) }
    }
}

/// Ticks of a millisecond in `time`, at least one and at most a minute of them.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).div_ceil(1_000_000).clamp(1, 60_000)
}

#[expect(unsafe_code, reason = "std has no clock of a thread's CPU time: see the proof inside")]
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid `timespec` of ours that lives through the call, which writes to it and keeps no pointer;
    // the clock id is a constant that every Linux has.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    (status == 0).then(|| Duration::new(time.tv_sec as u64, nanoseconds))
}

#[cfg(test)]
mod tests;
