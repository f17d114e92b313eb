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

/// What one policy has of the seats, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Share(AtomicU32);

/// A place that counts to a policy's share.
#[derive(Debug)]
pub(crate) struct SharedSeat {
    share: Arc<Share>,
    _seat: Seat,
}

impl Seats {
    pub fn new(most: u32) -> Self {
        Self { taken: AtomicU32::new(0), most }
    }

    pub fn take(this: &Arc<Self>) -> Option<Seat> {
        let seat = Seat(Arc::clone(this));
        // The seat exists already, so a refusal gives the place back by dropping it.
        (this.taken.fetch_add(1, Ordering::Relaxed) < this.most).then_some(seat)
    }

    /// None where a policy would have more than are left to all others: the first to be slow gets half of the seats, the next half
    /// of the rest, and there are always some for one that has none. (Choudhury and Hahn, 1998, on buffers that queues share.)
    pub fn take_of(this: &Arc<Self>, share: &Arc<Share>) -> Option<SharedSeat> {
        let held = share.0.fetch_add(1, Ordering::Relaxed);
        let seat = Self::take(this).map(|seat| SharedSeat { share: Arc::clone(share), _seat: seat });
        if seat.is_none() {
            share.0.fetch_sub(1, Ordering::Relaxed);
        }
        seat.filter(|_| held <= this.most.saturating_sub(this.taken()))
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

impl Drop for SharedSeat {
    fn drop(&mut self) {
        self.share.0.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_gets_no_more_than_are_left_to_others() {
        let seats = Arc::new(Seats::new(16));
        let take = |share: &Arc<Share>| std::iter::from_fn(|| Seats::take_of(&seats, share)).collect::<Vec<_>>();
        let [first, second, third] = [(); 3].map(|()| Arc::default());
        let taken = [take(&first), take(&second), take(&third)];
        assert_eq!(taken.each_ref().map(Vec::len), [8, 4, 2]);
        drop(taken);
        assert_eq!((seats.taken(), take(&second).len()), (0, 8));
    }

    #[test]
    fn the_last_seat_is_for_one_that_has_none() {
        let seats = Arc::new(Seats::new(1));
        let share = Arc::default();
        let seat = Seats::take_of(&seats, &share);
        assert!(seat.is_some() && Seats::take_of(&seats, &share).is_none());
        drop(seat);
        assert!(Seats::take_of(&seats, &share).is_some(), "a refusal takes nothing");
    }
}
