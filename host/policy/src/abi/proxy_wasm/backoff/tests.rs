//! Pauses between starts.

use std::time::{Duration, Instant};

use super::{Backoff, MOST, WELL};

/// The pause after each of so many failures.
fn pauses(count: usize) -> Vec<Duration> {
    let now = Instant::now();
    let mut backoff = Backoff::default();
    let pause = |backoff: Backoff| backoff.retry.map_or(Duration::ZERO, |retry| retry - now);
    (0..count)
        .map(|_| {
            backoff = backoff.failed(now, Duration::ZERO);
            pause(backoff)
        })
        .collect()
}

#[test]
fn pauses_grow_from_none_to_a_bound() {
    let ms = Duration::from_millis;
    assert_eq!(pauses(4), [ms(0), ms(100), ms(200), ms(400)]);
    assert_eq!(pauses(60).pop(), Some(MOST));
}

#[test]
fn a_vm_that_was_well_for_long_begins_anew() {
    let now = Instant::now();
    let mut backoff = Backoff::default();
    for _ in 0..5 {
        backoff = backoff.failed(now, Duration::ZERO);
    }
    assert!(!backoff.may_start(now));
    assert!(backoff.failed(now, WELL).may_start(now));
}
