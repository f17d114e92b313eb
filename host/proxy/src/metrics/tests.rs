#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_failure_is_counted_under_its_own_label_only() {
    for label in failure_labels() {
        let counters = WorkerCounters::default();
        counters.fail(label);
        let counted: Vec<_> =
            failure_labels().zip(&counters.failures).filter(|(_, counter)| counter.get() > 0).collect();
        assert_eq!(counted.iter().map(|(label, _)| *label).collect::<Vec<_>>(), [label]);
    }
}

#[test]
fn a_histogram_is_cumulative_and_ends_with_everything() {
    let sharded = Sharded::new(2);
    sharded.shard(0).unwrap().observe(200, Duration::from_micros(400));
    sharded.shard(1).unwrap().observe(503, Duration::from_secs(100));
    let mut out = Exposition { text: String::new() };
    histogram(&mut out, "d", "route", "a/b", &sharded);
    assert!(out.text.contains("d_bucket{route=\"a/b\",le=\"0.0005\"} 1\n"));
    assert!(out.text.contains("d_bucket{route=\"a/b\",le=\"10\"} 1\n"));
    assert!(out.text.contains("d_bucket{route=\"a/b\",le=\"+Inf\"} 2\n"));
    assert!(out.text.contains("d_count{route=\"a/b\"} 2\n"));
}

#[test]
fn routes_keep_their_counters_over_a_generation_and_lose_them_when_gone() {
    let metrics = Metrics::new(1);
    let (a, b): (Arc<str>, Arc<str>) = ("ns/a".into(), "ns/b".into());
    let first = [&a, &a, &b].map(|name| metrics.adopt_route(name));
    assert!(Arc::ptr_eq(&first[0], &first[1]) && !Arc::ptr_eq(&first[1], &first[2]));
    metrics.forget_route(&a);
    assert!(Arc::ptr_eq(&first[0], &metrics.adopt_route(&a)));
    metrics.forget_route(&a);
    metrics.forget_route(&a);
    assert!(!Arc::ptr_eq(&first[0], &metrics.adopt_route(&a)));
    assert!(Arc::ptr_eq(&first[2], &metrics.adopt_route(&b)));
}

#[test]
fn label_values_are_escaped() {
    let mut out = Exposition { text: String::new() };
    out.sample("m", &[("l", "a\"b\\c\nd")], 1);
    assert_eq!(out.text, "m{l=\"a\\\"b\\\\c\\nd\"} 1\n");
}
