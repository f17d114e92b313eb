//! Deadlines of one worker: coarse, and nearly free to set, because every request sets several and few ever fire.
//!
//! A timer is a slot with a time and a waker; one task of the worker looks over the slots every [`RESOLUTION`]. A timer
//! fires at most one resolution late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use slab::Slab;

pub const RESOLUTION: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Timers {
    start: Instant,
    /// Milliseconds since `start`, as of the last look or reading.
    now: Cell<u64>,
    slots: RefCell<Slab<Slot>>,
}

#[derive(Debug)]
struct Slot {
    /// `u64::MAX` when not set.
    deadline: u64,
    waker: Option<Waker>,
}

impl Timers {
    pub fn new(start: Instant) -> Rc<Self> {
        Rc::new(Self { start, now: Cell::new(0), slots: RefCell::default() })
    }

    /// Wakes what is due. Called every [`RESOLUTION`].
    pub fn look(&self) {
        let now = self.advance(Instant::now());
        for (_, slot) in self.slots.borrow_mut().iter_mut() {
            if slot.deadline <= now
                && let Some(waker) = slot.waker.take()
            {
                waker.wake();
            }
        }
    }

    /// Wakes every task that waits, so that it sees that something else has changed.
    pub fn wake_all(&self) {
        for (_, slot) in self.slots.borrow_mut().iter_mut() {
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }

    /// Tells the time to this clock, from a reading that was made anyway.
    pub fn advance(&self, instant: Instant) -> u64 {
        let now = u64::try_from(instant.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        self.now.set(now);
        now
    }

    /// As of the last reading.
    pub fn now_ms(&self) -> u64 {
        self.now.get()
    }

    fn after(&self, wait: Duration) -> u64 {
        self.now.get().saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    }
}

/// One deadline of one task. Unset at first.
#[derive(Debug)]
pub struct Timer {
    timers: Rc<Timers>,
    slot: usize,
}

impl Timer {
    pub fn new(timers: &Rc<Timers>) -> Self {
        let slot = timers.slots.borrow_mut().insert(Slot { deadline: u64::MAX, waker: None });
        Self { timers: Rc::clone(timers), slot }
    }

    /// Fires `wait` from now, as the worker's clock has it.
    pub fn set(&self, wait: Duration) {
        let deadline = self.timers.after(wait);
        if let Some(slot) = self.timers.slots.borrow_mut().get_mut(self.slot) {
            slot.deadline = deadline;
        }
    }

    /// Ready once the deadline has passed, and until it is set again; registers the task otherwise.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slots = self.timers.slots.borrow_mut();
        let Some(slot) = slots.get_mut(self.slot) else { return Poll::Pending };
        if slot.deadline <= self.timers.now.get() {
            return Poll::Ready(());
        }
        if slot.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.slots.borrow_mut().try_remove(self.slot);
    }
}

#[cfg(test)]
mod tests;
