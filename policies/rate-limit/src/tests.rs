#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use cardea_policy_sdk::testing::{self, Exchange, Running, json};
use cardea_policy_sdk::{Decision, Outcome};

use crate::RateLimit;

fn allowed(outcome: &Outcome) -> bool {
    outcome.decision == Decision::Next
}

#[test]
fn the_limit_is_allowed_at_once_and_then_one_at_a_time() {
    let mut policy = Running::<RateLimit>::start(json!({ "limit": 2, "window": "10s" })).unwrap();
    let expected = Outcome::next()
        .set_response_header("ratelimit-policy", "\"default\";q=2;w=10")
        .set_response_header("ratelimit", "\"default\";r=1;t=5");
    assert_eq!(policy.request(Exchange::get("/")), expected);
    assert!(allowed(&policy.request(Exchange::get("/"))));
    let denied = Outcome::deny(429, "rate-limit")
        .retry_after_ms(5_000)
        .with_header("ratelimit-policy", "\"default\";q=2;w=10")
        .with_header("ratelimit", "\"default\";r=0;t=5");
    assert_eq!(policy.request(Exchange::get("/")), denied);
    testing::advance(Duration::from_secs(5));
    assert!(allowed(&policy.request(Exchange::get("/"))));
    assert!(!allowed(&policy.request(Exchange::get("/"))));
}

#[test]
fn the_burst_bounds_what_goes_at_once_and_keeps_the_rate() {
    let config = json!({ "limit": 60, "window": "1m", "burst": 3, "headers": false });
    let mut policy = Running::<RateLimit>::start(config).unwrap();
    let at_once = (0..10).filter(|_| allowed(&policy.request(Exchange::get("/")))).count();
    assert_eq!(at_once, 3);
    let mut later = 0;
    for _ in 0..60 {
        testing::advance(Duration::from_secs(1));
        later += usize::from(allowed(&policy.request(Exchange::get("/"))));
    }
    assert_eq!(later, 60);
}

#[test]
fn each_key_has_its_own_bucket() {
    let key = json!(["client", "header:X-Api-Key", "path:1"]);
    let mut policy = Running::<RateLimit>::start(json!({ "limit": 1, "window": "1h", "key": key })).unwrap();
    let one = || Exchange::get("/a/b").client("203.0.113.9").header("x-api-key", "k");
    assert!(allowed(&policy.request(one())));
    assert!(!allowed(&policy.request(one())));
    assert!(!allowed(&policy.request(Exchange::get("/a/c").client("203.0.113.9").header("x-api-key", "k"))));
    assert!(allowed(&policy.request(one().client("203.0.113.10"))));
    assert!(allowed(&policy.request(Exchange::get("/b").client("203.0.113.9").header("x-api-key", "k"))));
    assert!(allowed(&policy.request(Exchange::get("/a/b").client("203.0.113.9").header("x-api-key", "l"))));
    assert!(allowed(&policy.request(Exchange::get("/a/b").client("203.0.113.9"))));
}

#[test]
fn addresses_of_one_ipv6_network_share_a_bucket() {
    let mut policy = Running::<RateLimit>::start(json!({ "limit": 1, "window": "1h" })).unwrap();
    assert!(allowed(&policy.request(Exchange::get("/").client("2001:db8::1"))));
    assert!(!allowed(&policy.request(Exchange::get("/").client("2001:db8::ffff:2"))));
    assert!(allowed(&policy.request(Exchange::get("/").client("2001:db8:0:1::1"))));
}

#[test]
fn long_keys_are_cut_and_still_differ() {
    let mut policy = Running::<RateLimit>::start(json!({ "limit": 1, "window": "1h", "key": ["header:a"] })).unwrap();
    let with = |last: &str| Exchange::get("/").header("a", "\u{e9}".repeat(500) + last);
    assert!(allowed(&policy.request(with("1"))));
    assert!(allowed(&policy.request(with("2"))));
    assert!(!allowed(&policy.request(with("1"))));
}

#[test]
fn the_exempt_are_not_counted() {
    let exempt = json!({ "clients": ["10.0.0.0/8"], "paths": ["/healthz"] });
    let mut policy = Running::<RateLimit>::start(json!({ "limit": 1, "window": "1h", "exempt": exempt })).unwrap();
    for _ in 0..3 {
        assert_eq!(policy.request(Exchange::get("/").client("10.1.2.3")), Outcome::next());
        assert_eq!(policy.request(Exchange::get("/healthz/live")), Outcome::next());
    }
    assert!(allowed(&policy.request(Exchange::get("/healthzz"))));
    assert!(!allowed(&policy.request(Exchange::get("/healthzz"))));
}

#[test]
fn instances_share_their_buckets() {
    let config = json!({ "limit": 1, "window": "1h" });
    let mut first = Running::<RateLimit>::start(config.clone()).unwrap();
    let mut second = Running::<RateLimit>::start_again(config).unwrap();
    assert!(allowed(&first.request(Exchange::get("/"))));
    assert!(!allowed(&second.request(Exchange::get("/"))));
}

#[test]
fn a_config_that_means_nothing_is_refused() {
    for (config, field) in [
        (json!({ "limit": 0, "window": "1s" }), "config.limit"),
        (json!({ "limit": 1, "window": "1" }), "config.window"),
        (json!({ "limit": 1, "window": "1s", "burst": 0 }), "config.burst"),
        (json!({ "limit": 1000, "window": "500ms", "burst": 1 }), "config.window"),
        (json!({ "limit": 1, "window": "1s", "key": [] }), "config.key"),
        (json!({ "limit": 1, "window": "1s", "key": ["path:0"] }), "config.key[0]"),
        (json!({ "limit": 1, "window": "1s", "exempt": { "clients": ["10.0.0.1/8"] } }), "config.exempt.clients[0]"),
        (json!({ "limit": 1, "window": "1s", "name": "a b" }), "config.name"),
    ] {
        let error = Running::<RateLimit>::start(config.clone()).unwrap_err();
        assert!(error.contains(field), "{config}: {error}");
    }
}
