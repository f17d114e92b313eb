//! Places: a seat for each live instance of the process, and a slot for each live policy in its workers' tables.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bounds the instances alive at once. Touched when an instance is made or dropped, not when it is reused.
#[derive(Debug)]
pub(crate) struct Seats {
    taken: AtomicU32,
    most: u32,
}

/// One instance's place; given back on drop.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Seats>);

impl Seats {
    pub fn new(most: u32) -> Self {
        Self { taken: AtomicU32::new(0), most }
    }

    pub fn take(this: &Arc<Self>) -> Option<Seat> {
        let seat = Seat(Arc::clone(this));
        // The seat exists already, so a refusal gives the place back by dropping it.
        (this.taken.fetch_add(1, Ordering::Relaxed) < this.most).then_some(seat)
    }

    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Small indices for live policies, reused when a policy is dropped.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    free: Mutex<Free>,
    next_id: AtomicU64,
}

#[derive(Debug, Default)]
struct Free {
    returned: Vec<usize>,
    next: usize,
}

/// A policy's index, with a number that no other policy of the process had.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    index: usize,
    id: u64,
}

impl Slots {
    pub fn take(this: &Arc<Self>) -> Slot {
        let mut free = this.free.lock().unwrap_or_else(PoisonError::into_inner);
        let index = free.returned.pop().unwrap_or_else(|| {
            free.next += 1;
            free.next - 1
        });
        Slot { slots: Arc::clone(this), index, id: this.next_id.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Slot {
    pub const fn index(&self) -> usize {
        self.index
    }

    pub const fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.free.lock().unwrap_or_else(PoisonError::into_inner).returned.push(self.index);
    }
}
