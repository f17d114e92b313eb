#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use super::*;
use crate::{clock, counters, kv, metrics, random};

/// Reports everything that it can ask.
struct Curious;

impl Policy for Curious {
    type Config = ();

    fn new(_: ()) -> Result<Self, String> {
        Ok(Curious)
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        let text = |value: Option<crate::Value>| value.and_then(|value| value.to_str().map(str::to_string));
        Outcome::next()
            .label("method", request.method())
            .label("path", request.path())
            .label("query", request.query().unwrap_or_default())
            .label("q", request.query_param("q").unwrap_or_default())
            .label("client", request.client().to_string())
            .label("x-a", text(request.header("X-A")).unwrap_or_default())
            .label("all", request.header_values("x-a").len().to_string())
            .label("cookie", text(request.cookie("b")).unwrap_or_default())
            .label("absent", text(request.header("x-none")).unwrap_or("absent".to_string()))
    }

    fn on_response(&mut self, _: &Request, response: &Response, carry: &[u8]) -> ResponseOutcome {
        crate::info!("{} {:?}", response.status(), response.header("x-b"));
        ResponseOutcome::keep().carry(carry)
    }
}

#[test]
fn a_policy_is_told_what_the_exchange_says() {
    let exchange = Exchange::new("POST", "/cart?x=1&q=a%20b+c")
        .client("2001:db8::1")
        .header("X-A", "one")
        .header("x-a", "two")
        .header("cookie", "a=1; b=two");
    let outcome = exchange.run::<Curious>(json!(null));
    let expected = [
        ("method", "POST"),
        ("path", "/cart"),
        ("query", "x=1&q=a%20b+c"),
        ("q", "a b c"),
        ("client", "2001:db8::1"),
        ("x-a", "one"),
        ("all", "2"),
        ("cookie", "two"),
        ("absent", "absent"),
    ];
    assert_eq!(outcome.labels, expected.map(|(key, value)| (key.to_string(), value.to_string())));
    assert!(reads().contains(&"cookie:b".to_string()), "{:?}", reads());
}

#[test]
fn the_response_phase_sees_the_answer_and_what_was_carried() {
    let mut policy = Running::<Curious>::start(json!(null)).unwrap();
    let outcome = policy.response(Exchange::get("/").answered(404).response_header("X-B", "y"), b"kept");
    assert_eq!(outcome.carry, b"kept");
    assert_eq!(log_lines(), ["info: 404 Some(Value([121]))"]);
}

#[test]
fn kept_values_have_versions_and_expire() {
    world::reset();
    let first = kv::set("a", b"1", Duration::from_secs(1)).unwrap();
    assert_eq!(kv::compare_and_set("a", 0, b"2", Duration::ZERO), Err(kv::Error::Conflict));
    let second = kv::compare_and_set("a", first, b"2", Duration::from_secs(1)).unwrap();
    assert_eq!(kv::get("a"), Some(kv::Entry { value: b"2".to_vec(), version: second }));
    advance(Duration::from_secs(1));
    assert_eq!(kv::get("a"), None);
}

#[test]
fn a_counter_expires_from_when_it_was_made() {
    world::reset();
    assert_eq!(counters::add("a", 2, Duration::from_secs(2)), 2);
    advance(Duration::from_secs(1));
    assert_eq!(counters::add("a", 1, Duration::from_secs(2)), 3);
    advance(Duration::from_secs(1));
    assert_eq!(counters::get("a"), 0);
}

#[test]
fn a_bucket_gives_its_limit_at_once_then_its_rate() {
    world::reset();
    let take = || counters::take("a", 1, 3, Duration::from_millis(300));
    assert_eq!(
        [take(), take(), take()].map(|bucket| (bucket.allowed, bucket.remaining)),
        [(true, 2), (true, 1), (true, 0)]
    );
    assert_eq!(take(), counters::Bucket { allowed: false, remaining: 0, retry_after_ms: 100 });
    advance(Duration::from_millis(99));
    assert_eq!(take().retry_after_ms, 1);
    advance(Duration::from_millis(1));
    assert!(take().allowed);
    assert!(!take().allowed);
}

#[test]
fn draws_are_as_told_then_a_fixed_sequence() {
    world::reset();
    draw(&[0.25, 0.75]);
    assert_eq!([random::fraction(), random::fraction()], [0.25, 0.75]);
    let after = random::next_u64();
    world::reset();
    assert_eq!(random::next_u64(), after);
}

#[test]
fn the_clock_moves_only_when_told() {
    world::reset();
    assert_eq!(clock::now_ms(), 1_767_225_600_000);
    advance(Duration::from_millis(5));
    assert_eq!((clock::now_ms(), clock::monotonic_us()), (1_767_225_600_005, 5_000));
}

#[test]
fn series_of_one_name_are_one() {
    world::reset();
    metrics::Counter::new("hits").add(2);
    metrics::Counter::new("hits").add(1);
    metrics::Gauge::new("level").set(-4);
    assert_eq!((metric("hits"), metric("level"), metric("none")), (Some(3), Some(-4), None));
}
