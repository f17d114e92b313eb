//! How long a guest of wasi:http may run before it waits for something: its deadline, in CPU time of the thread.
//!
//! A guest runs in bursts, from one wait to the next. While it runs, it yields to the worker's other exchanges every
//! millisecond; a yield does not end its burst. What bounds the whole is the exchange's own time.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use wasmtime::UpdateDeadline;

use super::service::Fate;
use crate::deadline::thread_cpu_time;
use crate::engine::Pulse;

/// After so long, others have their turn.
const SLICE: Duration = Duration::from_millis(1);

/// Written by the one thread that polls the guest; atomic because wasmtime wants a store that could move.
#[derive(Debug)]
pub(super) struct Burst {
    limit: AtomicU64,
    /// CPU time of the thread when the poll in hand began, nanoseconds.
    since: AtomicU64,
    /// Of the burst, before the poll in hand.
    used: AtomicU64,
    /// Of all polls.
    total: AtomicU64,
    yielded: AtomicBool,
}

impl Burst {
    pub fn new(limit: Duration) -> Self {
        let zero = || AtomicU64::new(0);
        let burst = Self { limit: zero(), since: zero(), used: zero(), total: zero(), yielded: AtomicBool::new(false) };
        burst.limit(limit);
        burst
    }

    /// From here on, with the burst in hand begun anew.
    pub fn limit(&self, limit: Duration) {
        self.limit.store(nanoseconds(limit), Ordering::Relaxed);
        self.since.store(now(), Ordering::Relaxed);
        self.used.store(0, Ordering::Relaxed);
    }

    /// CPU time of the guest so far.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        if !self.yielded.swap(false, Ordering::Relaxed) {
            self.used.store(0, Ordering::Relaxed);
        }
        self.since.store(now(), Ordering::Relaxed);
    }

    fn end(&self) {
        let took = now().saturating_sub(self.since.load(Ordering::Relaxed));
        self.used.fetch_add(took, Ordering::Relaxed);
        self.total.fetch_add(took, Ordering::Relaxed);
    }

    /// What becomes of a guest that still runs.
    pub fn reached(&self) -> UpdateDeadline {
        let took = now().saturating_sub(self.since.load(Ordering::Relaxed));
        if self.used.load(Ordering::Relaxed).saturating_add(took) >= self.limit.load(Ordering::Relaxed) {
            return UpdateDeadline::Interrupt;
        }
        // The epoch is stale after a wait: then this is asked at once.
        if took < nanoseconds(SLICE) {
            return UpdateDeadline::Continue(1);
        }
        self.yielded.store(true, Ordering::Relaxed);
        // Not wasmtime's own yield, which wakes the task before the runtime has looked at its sockets.
        UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
    }
}

fn now() -> u64 {
    thread_cpu_time().map_or(0, nanoseconds)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A guest at work: each poll is known to the ticker, and counted.
pub(super) struct Timed<F> {
    pub guest: Pin<Box<F>>,
    pub burst: Arc<Fate>,
    pub pulse: Rc<Pulse>,
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        this.burst.burst.begin();
        this.pulse.begin();
        let polled = this.guest.as_mut().poll(cx);
        this.pulse.end();
        this.burst.burst.end();
        polled
    }
}
