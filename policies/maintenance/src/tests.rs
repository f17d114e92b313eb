#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use cardea_policy_sdk::testing::{self, Exchange, Running, json};
use cardea_policy_sdk::{Decision, Outcome, Reply};

use crate::Maintenance;
use crate::time::Time;

fn reply(outcome: Outcome) -> Reply {
    match outcome.decision {
        Decision::Respond(reply) => reply,
        other => unreachable!("{other:?}"),
    }
}

fn header(reply: &Reply, name: &str) -> Option<String> {
    let found = reply.headers.iter().find(|header| header.name == name)?;
    found.value.to_str().map(str::to_string)
}

#[test]
fn visitors_get_a_page_and_a_time_to_come_back() {
    let config = json!({ "page": { "title": "Works & <more>" }, "retry-after": "5m" });
    let reply = reply(Exchange::get("/").run::<Maintenance>(config));
    assert_eq!(reply.status, 503);
    assert_eq!(header(&reply, "retry-after").as_deref(), Some("300"));
    assert_eq!(header(&reply, "content-type").as_deref(), Some("text/html; charset=utf-8"));
    assert!(String::from_utf8(reply.body).unwrap().contains("<h1>Works &amp; &lt;more&gt;</h1>"));
}

#[test]
fn a_body_of_ones_own_is_sent_as_it_is() {
    let config = json!({ "page": { "body": "{\"closed\":true}", "content-type": "application/json" } });
    let reply = reply(Exchange::get("/").run::<Maintenance>(config));
    assert_eq!(reply.body, b"{\"closed\":true}");
    assert_eq!(header(&reply, "content-type").as_deref(), Some("application/json"));
}

#[test]
fn switched_off_it_asks_nothing() {
    assert_eq!(Exchange::get("/").run::<Maintenance>(json!({ "enabled": false })), Outcome::next());
    assert!(testing::reads().is_empty());
}

#[test]
fn the_window_opens_and_closes_by_the_clock() {
    let config = json!({ "from": "2026-01-01T00:01:00Z", "until": "2026-01-01T01:02:00+01:00" });
    let mut policy = Running::<Maintenance>::start(config).unwrap();
    assert_eq!(policy.request(Exchange::get("/")), Outcome::next());
    testing::advance(Duration::from_millis(60_500));
    assert_eq!(header(&reply(policy.request(Exchange::get("/"))), "retry-after").as_deref(), Some("60"));
    testing::advance(Duration::from_millis(59_500));
    assert_eq!(policy.request(Exchange::get("/")), Outcome::next());
}

#[test]
fn those_who_do_the_work_get_through() {
    let config = json!({
        "open-paths": ["/healthz"],
        "admit": { "clients": ["10.0.0.0/8"], "header": { "name": "x-pass", "value": "s3" }, "cookie": { "name": "pass", "value": "s4" } },
    });
    let admitted = Outcome::next().label("maintenance", "admitted");
    for exchange in [
        Exchange::get("/healthz/live"),
        Exchange::get("/").client("10.9.8.7"),
        Exchange::get("/").header("x-pass", "s3"),
        Exchange::get("/").header("cookie", "a=b; pass=s4"),
    ] {
        assert_eq!(exchange.run::<Maintenance>(config.clone()), admitted);
    }
    for exchange in [
        Exchange::get("/healthzz"),
        Exchange::get("/").header("x-pass", "s4"),
        Exchange::get("/").header("cookie", "pass=s3"),
    ] {
        assert_eq!(reply(exchange.run::<Maintenance>(config.clone())).status, 503);
    }
}

#[test]
fn moments_are_read_as_rfc_3339() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2026-01-01T00:00:00+00:00", 1_767_225_600),
        ("2025-12-31T19:30:00-04:30", 1_767_225_600),
        ("2100-03-01T00:00:00z", 4_107_542_400),
    ] {
        assert_eq!(Time::parse(text), Some(Time { ms: seconds * 1_000 }), "{text}");
    }
    for wrong in [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00Zx",
        "2026-1-01T00:00:00Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:0\u{e9}Z",
        "1970-01-01T00:00:00+01:00",
    ] {
        assert_eq!(Time::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_config_that_means_nothing_is_refused() {
    for (config, field) in [
        (json!({ "from": "tomorrow" }), "config.from"),
        (json!({ "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z" }), "config.until"),
        (json!({ "admit": { "header": { "name": "x", "value": "" } } }), "config.admit"),
        (json!({ "retry-after": 5 }), "config.retry-after"),
    ] {
        let error = Running::<Maintenance>::start(config.clone()).unwrap_err();
        assert!(error.contains(field), "{config}: {error}");
    }
}
