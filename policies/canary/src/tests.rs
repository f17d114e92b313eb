#![allow(clippy::unwrap_used, reason = "a test")]

use cardea_policy_sdk::testing::{self, Exchange, Running, json};
use cardea_policy_sdk::{Decision, Edit, Outcome, Target};

use crate::Canary;

fn chosen(outcome: &Outcome) -> bool {
    outcome.decision == Decision::Route(Target::Backend("canary".to_string()))
}

#[test]
fn always_and_never_decide_before_the_share() {
    let config = json!({ "backend": "canary", "header": { "name": "x-canary" }, "percent": 100 });
    assert!(chosen(&Exchange::get("/").header("x-canary", "always").run::<Canary>(config.clone())));
    assert_eq!(Exchange::get("/").header("x-canary", "never").run::<Canary>(config.clone()), Outcome::next());
    let other = Exchange::get("/").header("x-canary", "perhaps").run::<Canary>(config);
    assert_eq!(other, Outcome::to("canary").label("canary", "percent"));
}

#[test]
fn a_value_chooses_and_another_says_nothing() {
    let config = json!({ "backend": "canary", "header": { "name": "x-group", "value": "beta" },
                         "cookie": { "name": "group", "value": "beta" } });
    assert!(chosen(&Exchange::get("/").header("x-group", "beta").run::<Canary>(config.clone())));
    assert!(!chosen(&Exchange::get("/").header("x-group", "always").run::<Canary>(config.clone())));
    let by_cookie = Exchange::get("/").header("x-group", "gamma").header("cookie", "group=beta");
    assert_eq!(by_cookie.run::<Canary>(config), Outcome::to("canary").label("canary", "cookie"));
}

#[test]
fn the_share_is_a_share() {
    let config = json!({ "backend": "canary", "percent": 30 });
    let mut policy = Running::<Canary>::start(config).unwrap();
    testing::draw(&[0.0, 0.29, 0.31, 0.99]);
    let drawn: Vec<bool> = (0..4).map(|_| chosen(&policy.request(Exchange::get("/")))).collect();
    assert_eq!(drawn, [true, true, false, false]);
    let hits = (0..10_000).filter(|_| chosen(&policy.request(Exchange::get("/")))).count();
    assert!((2_800..3_200).contains(&hits), "{hits} of 10,000");
}

#[test]
fn a_client_stays_where_it_is_and_a_larger_share_keeps_it() {
    let start = |percent: u32| {
        Running::<Canary>::start(json!({ "backend": "canary", "percent": percent, "sticky": { "by": "client" } }))
            .unwrap()
    };
    let (mut small, mut replica, mut large) = (start(20), start(20), start(40));
    let mut hits = 0;
    for host in 0..2_000_u32 {
        let exchange = || Exchange::get("/").client(&format!("10.0.{}.{}", host / 256, host % 256));
        let in_small = chosen(&small.request(exchange()));
        assert_eq!(in_small, chosen(&replica.request(exchange())), "replicas agree");
        assert!(!in_small || chosen(&large.request(exchange())), "a larger share keeps the smaller one");
        hits += u32::from(in_small);
    }
    assert!((320..480).contains(&hits), "{hits} of 2,000");
}

#[test]
fn a_new_visitor_gets_a_cookie_that_keeps_the_choice() {
    let config = json!({ "backend": "canary", "percent": 50,
                         "sticky": { "by": "cookie", "name": "visitor", "set-cookie": { "max-age": "7d" } } });
    let mut policy = Running::<Canary>::start(config).unwrap();
    for _ in 0..20 {
        let first = policy.request(Exchange::get("/").scheme("http"));
        let [Edit::Append(cookie)] = &first.response_edits[..] else { unreachable!("{first:?}") };
        let cookie = cookie.value.to_str().unwrap();
        assert!(cookie.ends_with("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        let second = policy.request(Exchange::get("/").header("cookie", pair));
        assert_eq!(chosen(&second), chosen(&first));
        assert!(second.response_edits.is_empty(), "{second:?}");
    }
}

#[test]
fn a_cookie_that_comes_by_tls_goes_by_tls_alone() {
    let config = json!({ "backend": "canary", "percent": 50,
                         "sticky": { "by": "cookie", "name": "visitor", "set-cookie": { "max-age": "1h" } } });
    let outcome = Exchange::get("/").scheme("https").run::<Canary>(config);
    let [Edit::Append(cookie)] = &outcome.response_edits[..] else { unreachable!("{outcome:?}") };
    assert!(cookie.value.to_str().unwrap().ends_with("; SameSite=Lax; Secure"), "{cookie:?}");
}

#[test]
fn any_bytes_are_a_visitor_and_replicas_agree_on_them() {
    let config = || json!({ "backend": "canary", "percent": 50, "sticky": { "by": "cookie", "name": "visitor" } });
    let start = || Running::<Canary>::start(config()).unwrap();
    let (mut one, mut other) = (start(), start());
    for value in ["", "\"", "a b", "%00", &"x".repeat(8_000)] {
        let exchange = || Exchange::get("/").header("cookie", format!("visitor={value}; visitor=second"));
        assert_eq!(chosen(&one.request(exchange())), chosen(&other.request(exchange())), "{value}");
    }
}

#[test]
fn a_config_that_means_nothing_is_refused() {
    for (config, field) in [
        (json!({}), "backend"),
        (json!({ "backend": "" }), "config.backend"),
        (json!({ "backend": "c", "percent": 101 }), "config.percent"),
        (json!({ "backend": "c", "sticky": { "by": "cookie" } }), "config.sticky.name"),
        (json!({ "backend": "c", "sticky": { "by": "client", "set-cookie": { "max-age": "1d" } } }), "set-cookie"),
        (json!({ "backend": "c", "sticky": { "by": "cookie", "name": "a; Domain=evil" } }), "config.sticky.name"),
        (json!({ "backend": "c", "weight": 1 }), "config.weight"),
    ] {
        let error = Running::<Canary>::start(config.clone()).unwrap_err();
        assert!(error.contains(field), "{config}: {error}");
    }
}
