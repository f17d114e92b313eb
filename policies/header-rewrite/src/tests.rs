#![allow(clippy::unwrap_used, reason = "a test")]

use cardea_policy_sdk::testing::{Exchange, Running, json};
use cardea_policy_sdk::{Outcome, ResponseOutcome};

use crate::HeaderRewrite;

#[test]
fn removals_come_first_then_sets_then_appends() {
    let config = json!({ "request": {
        "append": { "X-Trace": ["a", "b"] }, "set": { "x-trace": "first" }, "remove": ["X-Trace", "x-secret"],
    } });
    let expected = Outcome::next()
        .remove_header("x-trace")
        .remove_header("x-secret")
        .set_header("x-trace", "first")
        .append_header("x-trace", "a")
        .append_header("x-trace", "b");
    assert_eq!(Exchange::get("/").run::<HeaderRewrite>(config), expected);
}

#[test]
fn a_template_is_filled_from_the_request() {
    let config = json!({ "request": { "set": {
        "x-all": "${method} ${scheme}://${host}${path}?${query} from ${client} for $$${header:X-Price}",
        "x-rest": "${cookie:a}/${query:q}/${attribute:route.name}",
    } } });
    let exchange = Exchange::new("PUT", "/cart?q=1%202")
        .client("203.0.113.9")
        .header("x-price", "5")
        .header("cookie", "a=b")
        .attribute("route.name", "shop");
    let expected = Outcome::next()
        .set_header("x-all", "PUT https://shop.test/cart?q=1%202 from 203.0.113.9 for $5")
        .set_header("x-rest", "b/1 2/shop");
    assert_eq!(exchange.run::<HeaderRewrite>(config), expected);
}

#[test]
fn what_is_absent_takes_its_default_or_leaves_the_edit_out() {
    let config = json!({ "request": { "set": { "x-a": "${header:x-none}", "x-b": "${header:x-none|nobody}", "x-c": "${query:q|}" } } });
    let expected = Outcome::next().set_header("x-b", "nobody").set_header("x-c", "");
    assert_eq!(Exchange::get("/").run::<HeaderRewrite>(config), expected);
}

#[test]
fn a_line_break_from_the_query_stays_encoded() {
    let config = json!({ "request": { "set": { "x-q": "${query:q}" } } });
    let outcome = Exchange::get("/?q=a%0d%0aset-cookie:%20b").run::<HeaderRewrite>(config);
    assert_eq!(outcome, Outcome::next().set_header("x-q", "a%0D%0Aset-cookie: b"));
}

#[test]
fn a_response_rule_about_the_request_alone_needs_no_response_phase() {
    let config = json!({ "response": { "remove": ["server"], "set": { "x-path": "${path}" } } });
    let expected = Outcome::next().remove_response_header("server").set_response_header("x-path", "/a");
    assert_eq!(Exchange::get("/a").run::<HeaderRewrite>(config), expected);
}

#[test]
fn a_response_rule_about_the_response_waits_for_it() {
    let config = json!({ "response": { "set": { "x-was": "${status} ${response-header:server|unknown} ${path}" } } });
    let mut policy = Running::<HeaderRewrite>::start(config).unwrap();
    assert_eq!(policy.request(Exchange::get("/a")), Outcome::next().follow_response());
    let answered = Exchange::get("/a").answered(404).response_header("Server", "demo");
    assert_eq!(policy.response(answered, b""), ResponseOutcome::keep().set_header("x-was", "404 demo /a"));
}

#[test]
fn a_config_that_means_nothing_is_refused() {
    for (config, field) in [
        (json!({ "request": { "set": { "x a": "1" } } }), "config.request: \"x a\""),
        (json!({ "response": { "remove": [""] } }), "config.response"),
        (json!({ "request": { "set": { "x-a": "${" } } }), "config.request.set.x-a"),
        (json!({ "request": { "append": { "x-a": "$x" } } }), "config.request.append.x-a"),
        (json!({ "request": { "set": { "x-a": "${nonsense}" } } }), "unknown variable \"nonsense\""),
        (json!({ "request": { "set": { "x-a": "${header:}" } } }), "unknown variable \"header:\""),
        (json!({ "request": { "set": { "x-a": "${status}" } } }), "not there yet"),
        (json!({ "request": { "set": { "x-a": "a\nb" } } }), "control"),
        (json!({ "requests": {} }), "config.requests"),
    ] {
        let error = Running::<HeaderRewrite>::start(config.clone()).unwrap_err();
        assert!(error.contains(field), "{config}: {error}");
    }
}
