#![allow(clippy::unwrap_used, reason = "a test")]

use cardea_policy_sdk::Outcome;
use cardea_policy_sdk::testing::{Exchange, Running, json};

use crate::AccessControl;

/// `open sesame`, salted with `pepper`.
const FAST: &str = "sha256:pepper:1a62cb3bb3ecfcd0e49236c037d100f64ec07a1a3c5964db8d0bfb8a31a221fa";
const SLOW: &str = "pbkdf2-sha256:2000:pepper:3fa64aee58aa86b9eb8008d6c2197e027770208628e82cf3123a49050852024d";
const ALICE: &str = "Basic YWxpY2U6b3BlbiBzZXNhbWU=";
const BOB: &str = "Basic Ym9iOm9wZW4gc2VzYW1l";

fn run(exchange: Exchange, config: cardea_policy_sdk::testing::Config) -> Outcome {
    exchange.run::<AccessControl>(config)
}

fn unauthorized(reason: &str) -> Outcome {
    Outcome::deny(401, reason).with_header("www-authenticate", "Basic realm=\"shop\", charset=\"UTF-8\"")
}

#[test]
fn nothing_configured_admits_everyone() {
    assert_eq!(run(Exchange::get("/"), json!({})), Outcome::next());
    assert_eq!(run(Exchange::get("/"), json!(null)), Outcome::next());
}

#[test]
fn denied_addresses_win_over_allowed_ones() {
    let config = json!({ "allow": ["10.0.0.0/8", "2001:db8::/32"], "deny": ["10.1.0.0/16"] });
    for (client, admitted) in [
        ("10.2.0.1", true),
        ("10.1.0.1", false),
        ("192.0.2.1", false),
        ("2001:db8::9", true),
        ("::ffff:10.2.0.1", true),
    ] {
        let expected = if admitted { Outcome::next() } else { Outcome::deny(403, "address") };
        assert_eq!(run(Exchange::get("/").client(client), config.clone()), expected, "{client}");
    }
}

#[test]
fn another_method_is_told_which_are_allowed() {
    let config = json!({ "methods": ["GET", "HEAD"] });
    assert_eq!(run(Exchange::get("/"), config.clone()), Outcome::next());
    let refused = Outcome::deny(405, "method").with_header("allow", "GET, HEAD");
    assert_eq!(run(Exchange::new("DELETE", "/"), config), refused);
}

#[test]
fn paths_are_prefixes_by_whole_elements() {
    let config = json!({ "paths": { "allow": ["/shop"], "deny": ["/shop/admin"] }, "except": ["/shop/admin/health"] });
    for (path, admitted) in [
        ("/shop", true),
        ("/shop/x", true),
        ("/shopping", false),
        ("/", false),
        ("/shop/admin", false),
        ("/shop/admin/x", false),
        ("/shop/administer", true),
        ("/shop/admin/health", true),
    ] {
        let expected = if admitted { Outcome::next() } else { Outcome::deny(403, "path") };
        assert_eq!(run(Exchange::get(path), config.clone()), expected, "{path}");
    }
}

#[test]
fn a_required_header_is_present_exact_or_prefixed() {
    let config = json!({ "headers": [{ "name": "x-any" }, { "name": "x-key", "value": "k1" }, { "name": "x-v", "prefix": "v2." }] });
    let with = |key: &'static str, version: &'static str| {
        Exchange::get("/").header("x-any", "").header("x-key", key).header("x-v", version)
    };
    assert_eq!(run(with("k1", "v2.7"), config.clone()), Outcome::next());
    let missing = |name: &str| Outcome::deny(403, "header").label("missing-header", name);
    assert_eq!(run(with("k12", "v2.7"), config.clone()), missing("x-key"));
    assert_eq!(run(with("k1", "v2"), config.clone()), missing("x-v"));
    assert_eq!(run(Exchange::get("/"), config), missing("x-any"));
}

#[test]
fn credentials_are_asked_for_checked_and_kept_from_the_backend() {
    let config =
        json!({ "basic": { "realm": "shop", "users": { "alice": FAST, "bob": SLOW }, "user-header": "x-user" } });
    let mut policy = Running::<AccessControl>::start(config).unwrap();
    let mut with = |authorization: &str| policy.request(Exchange::get("/").header("authorization", authorization));
    let admitted =
        |user: &str| Outcome::next().set_header("x-user", user).label("user", user).remove_header("authorization");
    for _ in 0..2 {
        assert_eq!(with(ALICE), admitted("alice"));
        assert_eq!(with(BOB), admitted("bob"));
        // bob:open sesam
        assert_eq!(with("Basic Ym9iOm9wZW4gc2VzYW0="), unauthorized("wrong-credentials"));
        // carol:open sesame
        assert_eq!(with("Basic Y2Fyb2w6b3BlbiBzZXNhbWU="), unauthorized("wrong-credentials"));
    }
    for nonsense in ["", "Basic", "Basic !!", "Bearer YWxpY2U6b3BlbiBzZXNhbWU=", "Basic YWxpY2U=", "Basic //79"] {
        assert_eq!(with(nonsense), unauthorized("no-credentials"), "{nonsense}");
    }
    assert_eq!(policy.request(Exchange::get("/")), unauthorized("no-credentials"));
}

#[test]
fn any_of_address_and_password_may_be_enough() {
    let basic =
        json!({ "realm": "shop", "users": { "alice": FAST }, "user-header": "x-user", "forward-credentials": true });
    let config = json!({ "allow": ["10.0.0.0/8"], "satisfy": "any", "basic": basic });
    let inside = Exchange::get("/").client("10.0.0.1").header("x-user", "root");
    assert_eq!(run(inside, config.clone()), Outcome::next().remove_header("x-user"));
    let outside = Exchange::get("/").header("authorization", ALICE);
    assert_eq!(run(outside, config.clone()), Outcome::next().set_header("x-user", "alice").label("user", "alice"));
    assert_eq!(run(Exchange::get("/"), config), unauthorized("no-credentials"));
}

#[test]
fn all_of_address_and_password_are_needed_otherwise() {
    let config = json!({ "allow": ["10.0.0.0/8"], "basic": { "realm": "shop", "users": { "alice": FAST } } });
    let outside = Exchange::get("/").header("authorization", ALICE);
    assert_eq!(run(outside, config.clone()), Outcome::deny(403, "address"));
    assert_eq!(run(Exchange::get("/").client("10.0.0.1"), config), unauthorized("no-credentials"));
}

#[test]
fn a_config_that_means_nothing_is_refused() {
    let user = |hash: &str| json!({ "basic": { "realm": "r", "users": { "a": hash } } });
    for (config, field) in [
        (json!({ "allow": ["10.0.0.0/40"] }), "config.allow[0]"),
        (json!({ "methods": ["get"] }), "config.methods"),
        (json!({ "except": ["healthz"] }), "config.paths"),
        (json!({ "headers": [{ "name": "a", "value": "b", "prefix": "c" }] }), "config.headers"),
        (json!({ "satisfy": "any", "allow": ["::/0"] }), "config.satisfy"),
        (json!({ "basic": { "realm": "a\"b", "users": {} } }), "config.basic.realm"),
        (json!({ "basic": { "realm": "r", "users": { "a:b": FAST } } }), "config.basic.users"),
        (user("open sesame"), "config.basic.users.a"),
        (user("sha256:pepper:00"), "config.basic.users.a"),
        (user("pbkdf2-sha256:600000:s:00"), "600000 iterations"),
        (user("pbkdf2-sha256:0:s:00"), "0 iterations"),
    ] {
        let error = Running::<AccessControl>::start(config.clone()).unwrap_err();
        assert!(error.contains(field), "{config}: {error}");
    }
}
