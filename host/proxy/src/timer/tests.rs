#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_timer_fires_once_its_time_has_come_and_not_before() {
    let start = Instant::now();
    let timers = Timers::new(start);
    let timer = Timer::new(&timers);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);

    timer.set(Duration::from_millis(100));
    assert!(timer.poll(&mut cx).is_pending());
    timers.advance(start + Duration::from_millis(99));
    assert!(timer.poll(&mut cx).is_pending());
    timers.advance(start + Duration::from_millis(100));
    assert!(timer.poll(&mut cx).is_ready());
}

#[test]
fn a_look_wakes_due_tasks_only() {
    let start = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    let timers = Timers::new(start);
    let (due, later) = (Timer::new(&timers), Timer::new(&timers));
    let (woken, asleep) = (Arc::new(Count::default()), Arc::new(Count::default()));
    due.set(Duration::from_millis(10));
    later.set(Duration::from_secs(3600));
    assert!(due.poll(&mut Context::from_waker(&Waker::from(Arc::clone(&woken)))).is_pending());
    assert!(later.poll(&mut Context::from_waker(&Waker::from(Arc::clone(&asleep)))).is_pending());
    timers.look();
    assert_eq!((woken.0.load(Ordering::Relaxed), asleep.0.load(Ordering::Relaxed)), (1, 0));
}

#[test]
fn a_dropped_timer_leaves_no_slot() {
    let timers = Timers::new(Instant::now());
    drop(Timer::new(&timers));
    assert!(timers.slots.borrow().is_empty());
}
