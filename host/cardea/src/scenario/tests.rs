#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use bytes::Bytes;
use cardea_policy::{DecisionKind, Reply, Target};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::compare::differences;
use super::play::{ClientAnswer, Failed, Observed, RequestHead};
use super::{Plan, Scenarios, read};

/// A policy that said `next`, and a backend that answered 200.
fn observed() -> Observed {
    let mut headers = HeaderMap::new();
    headers.append("x-trail", "a".parse().unwrap());
    headers.append("x-trail", "b".parse().unwrap());
    Observed {
        decision: Some(DecisionKind::Next),
        target: None,
        reason: None,
        reply: None,
        request: RequestHead {
            path: String::from("/cart"),
            query: Some(String::from("a=1")),
            host: String::from("shop.test"),
            headers,
        },
        response: Some(ClientAnswer { status: StatusCode::OK, headers: HeaderMap::new(), body: b"hello".to_vec() }),
        labels: vec![(String::from("group"), String::from("beta"))],
        reads: vec![String::from("header:x-a"), String::from("path")],
        response_reads: Vec::new(),
        failure: None,
        nanoseconds: (0, 0),
        body_demand: None,
    }
}

fn denied() -> Observed {
    let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "5".parse().unwrap())]);
    let reply = Reply { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Bytes::from_static(b"429 Too Many\n") };
    Observed {
        decision: Some(DecisionKind::Deny),
        reason: Some(String::from("rate-limit")),
        reply: Some(reply),
        ..observed()
    }
}

/// The differences of one exchange, a line each.
fn check(step: &str, observed: &Observed) -> Vec<String> {
    let indented = step.replace('\n', "\n    ");
    let file = read(&format!("cases:\n  - promise: p\n    send: {{}}\n    {indented}\n")).unwrap();
    let Plan::Requests(steps) = &file.cases.first().unwrap().plan else { panic!("a refusal") };
    let step = steps.first().unwrap();
    let differences = differences(step.expect.as_ref(), step.expect_response.as_ref(), observed);
    differences.iter().map(ToString::to_string).collect()
}

fn mistake(text: &str) -> String {
    read(text).map(|_: Scenarios| ()).unwrap_err()
}

#[test]
fn keys_that_hold_make_no_difference() {
    let step = "expect: { decision: next, path: /cart, query: a=1, host: shop.test, labels: { group: beta }, \
                request-headers: { X-Trail: [a, b], x-none: null }, reads: [path, 'header:x-a'] }\n\
                expect-response: { status: 200, body: hello, headers: { server: null } }";
    assert_eq!(check(step, &observed()), [""; 0]);
    let step = "expect: { decision: deny, status: 429, reason: rate-limit, headers: { retry-after: 5 }, \
                body: { contains: Too Many } }";
    assert_eq!(check(step, &denied()), [""; 0]);
}

#[test]
fn each_key_that_does_not_hold_is_one_line_with_both_values() {
    for (expect, line) in [
        ("decision: deny", "expect.decision: expected deny, got next"),
        ("backend: canary", "expect.backend: expected \"canary\", got none"),
        ("subset: { zone: a }", "expect.subset: expected [zone=a], got none"),
        ("status: 403", "expect.status: expected 403, got none"),
        ("reason: x", "expect.reason: expected \"x\", got none"),
        ("headers: { x: a }", "expect.headers.x: expected \"a\", got no such field"),
        ("body: x", "expect.body: expected \"x\", got none"),
        ("body: { contains: x }", "expect.body: expected a text that contains \"x\", got none"),
        ("request-headers: { x-trail: a }", "expect.request-headers.x-trail: expected \"a\", got [\"a\", \"b\"]"),
        (
            "request-headers: { x-trail: null }",
            "expect.request-headers.x-trail: expected no such field, got [\"a\", \"b\"]",
        ),
        ("path: /", "expect.path: expected \"/\", got \"/cart\""),
        ("query: null", "expect.query: expected none, got \"a=1\""),
        ("host: a.test", "expect.host: expected \"a.test\", got \"shop.test\""),
        ("labels: { group: a }", "expect.labels.group: expected \"a\", got \"beta\""),
        ("reads: [path]", "expect.reads: expected [path], got [header:x-a, path]"),
        ("failure: policy_trap", "expect.failure: expected policy_trap, got none"),
    ] {
        assert_eq!(check(&format!("expect: {{ {expect} }}"), &observed()), [line]);
    }
    let lines = check("expect-response: { status: 404, body: bye, headers: { a: b } }", &observed());
    let expected = [
        "expect-response.status: expected 404, got 200",
        "expect-response.headers.a: expected \"b\", got no such field",
        "expect-response.body: expected \"bye\", got \"hello\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_wrong_decision_shows_what_was_answered() {
    let expected = ["expect.decision: expected next, got deny 429 (rate-limit)"];
    assert_eq!(check("expect: { decision: next }", &denied()), expected);
}

#[test]
fn a_chosen_backend_and_subset_are_compared() {
    let routed = |target| Observed { decision: Some(DecisionKind::Route), target: Some(target), ..observed() };
    let backend = routed(Target::Backend("canary".into()));
    assert_eq!(check("expect: { decision: route, backend: canary }", &backend), [""; 0]);
    assert_eq!(check("expect: { backend: main }", &backend), ["expect.backend: expected \"main\", got \"canary\""]);
    let subset = routed(Target::Subset(vec![("zone".into(), "a".into()), ("node".into(), "n".into())]));
    assert_eq!(check("expect: { subset: { node: n, zone: a } }", &subset), [""; 0]);
    assert_eq!(check("expect: { subset: { zone: a } }", &subset).len(), 1, "exactly these labels");
}

#[test]
fn a_failure_breaks_every_promise_but_that_it_fails() {
    let failure = Failed { label: "policy_trap", message: String::from("trapped: unreachable") };
    let failed = Observed { failure: Some(failure), ..observed() };
    let line = "expect.failure: expected none, got policy_trap (trapped: unreachable)";
    assert_eq!(check("expect: {}", &failed), [line]);
    assert_eq!(check("expect-response: {}", &failed), [line]);
    assert_eq!(check("expect: { failure: policy_trap }", &failed), [""; 0]);
}

#[test]
fn a_case_takes_the_files_config_unless_it_gives_its_own() {
    let file = read(
        "config: { a: 1 }\ngrants: [random]\nbackends: [canary]\ncases:\n  \
         - { promise: one, send: {}, expect: {} }\n  \
         - { promise: two, config: null, at: 2026-01-01T00:00:01Z, random: [0, 0.5], refused: config }\n",
    )
    .unwrap();
    let [one, two] = file.cases.as_slice() else { panic!("two cases") };
    assert_eq!((&one.config, &two.config), (&json!({ "a": 1 }), &json!(null)));
    assert_eq!((one.at_ms, two.at_ms), (1_767_225_600_000, 1_767_225_601_000));
    assert_eq!(two.draws, [0, 1 << 63]);
    assert!(matches!(&two.plan, Plan::Refused(text) if text == "config"));
    assert_eq!((file.grants, file.backends), (Some(vec![String::from("random")]), vec![String::from("canary")]));
}

#[test]
fn a_mistake_in_the_file_names_case_and_key() {
    for (text, parts) in [
        ("cases: []", ["cases", "empty"]),
        ("cases:\n  - { promise: p, send: {}, expct: {} }", ["cases[0]", "unknown field `expct`"]),
        ("cases:\n  - { promise: p, send: { pth: / }, expect: {} }", ["cases[0].send", "unknown field `pth`"]),
        ("cases:\n  - { promise: p, send: {}, expect: { decision: allow } }", ["cases[0].expect.decision", "`deny`"]),
        ("cases:\n  - { promise: p, send: {} }", ["cases[0].expect", "nothing could fail"]),
        ("cases:\n  - { promise: p, expect: {} }", ["cases[0].send", "is missing"]),
        ("cases:\n  - { promise: p }", ["cases[0].send", "is missing"]),
        ("cases:\n  - { promise: ' ', send: {}, expect: {} }", ["cases[0].promise", "empty"]),
        ("cases:\n  - { promise: p, refused: '' }", ["cases[0].refused", "empty"]),
        ("cases:\n  - { promise: p, refused: x, send: {}, expect: {} }", ["cases[0].requests", "keep one"]),
        ("cases:\n  - { promise: p, requests: [] }", ["cases[0].requests", "empty"]),
        (
            "cases:\n  - { promise: p, requests: [ { send: {}, expect: {} }, { send: { path: x }, expect: {} } ] }",
            ["cases[0].requests[1].send.path", "does not begin with /"],
        ),
        ("cases:\n  - { promise: p, at: noon, refused: x }", ["cases[0].at", "2026-01-01T00:00:00Z"]),
        ("cases:\n  - { promise: p, random: [1.0], refused: x }", ["cases[0].random[0]", "below 1"]),
        (
            "cases:\n  - { promise: p, send: {}, response: { status: 9 }, expect: {} }",
            ["cases[0].response.status", "200 to 599"],
        ),
        ("grants: [randm]\ncases:\n  - { promise: p, refused: x }", ["grants", "kv-local"]),
        (
            "cases:\n  - { promise: p, refused: x }\n  - { promise: p, refused: y }",
            ["cases[1].promise", "another case"],
        ),
    ] {
        let error = mistake(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}
