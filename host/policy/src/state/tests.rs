#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;

use super::*;
use crate::bindings::KvError;
use crate::chain::DecisionKind;

#[test]
fn a_value_lives_until_its_time_is_over() {
    let kv = Kv::default();
    kv.set("k", b"v", 100, None, 1000).unwrap();
    assert_eq!(kv.get("k", 1099).map(|(value, _)| value), Some(b"v".to_vec()));
    assert_eq!(kv.get("k", 1100), None);
    kv.set("k", b"w", 0, None, 1000).unwrap();
    assert!(kv.get("k", u64::MAX).is_some());
    kv.delete("k");
    assert_eq!((kv.get("k", 1000), kv.entries(), kv.bytes()), (None, 0, 0));
}

#[test]
fn compare_and_set_sees_every_change() {
    let kv = Kv::default();
    let first = kv.set("k", b"1", 0, Some(0), 1).unwrap();
    assert_eq!(kv.set("k", b"2", 0, Some(0), 1), Err(KvError::Conflict));
    let second = kv.set("k", b"2", 0, Some(first), 1).unwrap();
    kv.delete("k");
    assert_eq!(kv.set("k", b"3", 0, Some(second), 1), Err(KvError::Conflict));
    let again = kv.set("k", b"2", 0, Some(0), 1).unwrap();
    assert!(again > second, "a version is never used twice");
    // An expired value is as good as none.
    kv.set("e", b"1", 10, None, 1).unwrap();
    assert!(kv.set("e", b"2", 0, Some(0), 100).is_ok());
}

#[test]
fn kept_values_are_bounded_and_expired_ones_make_room() {
    let kv = Kv::default();
    let value = vec![0; kv::VALUE_BYTES_MAX];
    assert_eq!(kv.set("k", &[0; kv::VALUE_BYTES_MAX + 1], 0, None, 1), Err(KvError::TooLarge));
    assert_eq!(kv.set("", b"", 0, None, 1), Err(KvError::Invalid));
    assert_eq!(kv.set(&"k".repeat(257), b"", 0, None, 1), Err(KvError::Invalid));
    let refused = (0..1000).filter(|i| kv.set(&format!("k{i}"), &value, 1000, None, 1).is_err()).count();
    assert!(refused > 700 && kv.bytes() <= 16 << 20, "{refused} refused, {} bytes", kv.bytes());
    let (bytes, entries) = (kv.bytes(), kv.entries());
    assert!(entries > 0 && bytes > 8 << 20);
    for i in 0..40 {
        kv.set(&format!("n{i}"), &value, 1000, None, 5000).unwrap();
    }
    assert!(kv.bytes() <= 16 << 20);
}

#[test]
fn a_counter_starts_again_when_its_time_is_over() {
    let counters = Counters::default();
    assert_eq!(counters.add("k", 2, 10, 0), 2);
    assert_eq!(counters.add("k", 2, 10, 9_999), 4);
    assert_eq!(counters.get("k", 9_999), 4);
    assert_eq!(counters.get("k", 10_000), 0);
    assert_eq!(counters.add("k", 1, 0, 10_000), 1);
    assert_eq!(counters.add("k", i64::MAX, 0, 10_000), i64::MAX);
}

#[test]
fn counters_are_bounded_whoever_invents_keys() {
    let counters = Counters::default();
    for i in 0..100_000 {
        counters.add(&format!("k{i}"), 1, 0, 0);
    }
    assert!(counters.entries() <= 65_536);
    assert_eq!(counters.entries() + counters.evicted(), 100_000);
}

#[test]
fn a_bucket_of_no_limit_allows_nothing_and_a_cost_of_nothing_asks() {
    let counters = Counters::default();
    assert!(!counters.take("k", 1, 0, 1000, 0).allowed);
    assert!(!counters.take("k", 1, 10, 0, 0).allowed);
    assert!(!counters.take("k", 11, 10, 1000, 0).allowed);
    assert_eq!(counters.take("k", 0, 10, 1000, 0).remaining, 10);
    assert_eq!(counters.take("k", 4, 10, 1000, 0).remaining, 6);
    assert_eq!(counters.take("k", 0, 10, 1000, 0).remaining, 6);
}

proptest! {
    /// Against the definition: from the start, no more than a full bucket and what flowed in since.
    #[test]
    fn a_rate_limit_holds(
        limit in 1u32..50,
        window_ms in 1u32..5000,
        steps in proptest::collection::vec((0u64..100_000, 1u32..4), 1..200),
    ) {
        let counters = Counters::default();
        let (mut now, mut taken) = (1_000_000u64, 0u64);
        let start = now;
        for (step, cost) in steps {
            now += step;
            let bucket = counters.take("k", cost, limit, window_ms, now);
            if bucket.allowed {
                taken += u64::from(cost);
            }
            let flowed = u128::from(now - start) * u128::from(limit) / (u128::from(window_ms) * 1000);
            prop_assert!(u128::from(taken) <= u128::from(limit) + flowed, "{} taken", taken);
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back(limit in 1u32..50, window_ms in 1u32..5000, part in 0u32..50) {
        let cost = 1 + part % limit;
        let counters = Counters::default();
        while counters.take("k", 1, limit, window_ms, 0).allowed {}
        let refused = counters.take("k", cost, limit, window_ms, 0);
        prop_assert!(!refused.allowed);
        let wait = u64::from(refused.retry_after_ms) * 1000;
        prop_assert!(counters.take("k", cost, limit, window_ms, wait).allowed);
    }
}

#[test]
fn series_are_bounded_and_keep_their_kind() {
    let metrics = UserMetrics::default();
    let id = metrics.id(Series::Counter, "hits");
    assert_eq!(metrics.id(Series::Counter, "hits"), id);
    assert_eq!(metrics.id(Series::Gauge, "hits"), u32::MAX);
    metrics.add(id, -1);
    metrics.set(id, 9);
    metrics.add(u32::MAX, 1);
    for i in 0..200 {
        metrics.id(Series::Gauge, &format!("g{i}"));
    }
    let read = metrics.read();
    assert_eq!((read.len(), metrics.refused()), (100, 102));
    assert_eq!(read.first().map(|metric| metric.value.clone()), Some(UserValue::Counter(0)));
}

#[test]
fn tallies_sum_over_workers_and_outlive_them() {
    let state = State::default();
    let policy = state.of(&Arc::from("test/p"));
    let (one, two) = (policy.tally(), policy.tally());
    one.call(1_500);
    one.decision(DecisionKind::Deny);
    two.call(3_000_000_000);
    let check = || {
        let snapshot = state.stats().pop().unwrap();
        assert_eq!((snapshot.calls, snapshot.nanoseconds), (2, 3_000_001_500));
        assert_eq!((snapshot.durations.get(1), snapshot.durations.last()), (Some(&1), Some(&1)));
        assert!(snapshot.decisions.contains(&(DecisionKind::Deny, 1)));
    };
    check();
    drop((one, two));
    check();
    state.retain(|name| name != "test/p");
    assert!(state.stats().is_empty());
}

#[test]
fn log_bytes_have_a_rate() {
    let budget = LogBudget::default();
    let taken = (0..1000).filter(|_| budget.take(1_000, 4096)).count();
    assert_eq!(taken as u64, LOG_BYTES_PER_SECOND / 4096);
    assert!(budget.take(2_000, 4096));
}

#[test]
fn a_queue_gives_what_was_added_first_and_is_bounded() {
    let queues = super::Queues::default();
    let id = queues.register("jobs").unwrap();
    assert_eq!(queues.register("jobs"), Some(id));
    assert_eq!((queues.resolve("jobs"), queues.resolve("other")), (Some(id), None));
    assert_eq!(queues.waiting(id), None);
    queues.add(id, b"one").unwrap();
    queues.add(id, b"two").unwrap();
    assert_eq!(queues.waiting(id), Some(2));
    assert_eq!(queues.take(id).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(queues.take(id).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(queues.take(id), Ok(None));
    for unknown in [0, id + 1, u32::MAX] {
        assert_eq!(queues.take(unknown), Err(super::QueueError::Unknown));
    }
    while queues.add(id, &[0; 32 << 10]).is_ok() {}
    assert_eq!(queues.add(id, &[0; 32 << 10]), Err(super::QueueError::Full));
    assert_eq!((2..100).map_while(|n| queues.register(&n.to_string())).count(), 63);
}
