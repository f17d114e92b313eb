use std::sync::Arc;
use std::time::Duration;

use super::kit::{ingress, policy, serve, with};
use crate::config::{Config, Grants, Limits, Policy};

const POLICIES: &str = "cardea.dev/policies";
const BACKENDS: &str = "cardea.dev/backends";

fn with_policies(annotations: &[(&str, &str)], policies: Vec<Policy>) -> Config {
    let declare = |(at, (name, value)): (usize, &(&str, &str))| {
        ingress(&format!("i{at}")).rule("a", &[&format!("Prefix /{at} web:80")]).annotated(name, value)
    };
    let ingresses = annotations.iter().enumerate().map(declare).collect();
    Config { policies: policies.into_iter().map(Arc::new).collect(), ..with(ingresses) }
}

#[test]
fn a_policy_that_is_a_backend_ends_the_chain_of_its_own_path() {
    let paths = ["Prefix /app Policy/b", "Prefix /again Policy/a", "Prefix / web:80"];
    let ingress = ingress("i").rule("a", &paths).annotated(POLICIES, "a");
    let config = Config { policies: ["a", "b"].map(|name| Arc::new(policy(name))).into(), ..with(vec![ingress]) };
    let served = serve(&config);
    served.check_told(&[]);
    served.check(&[("a", "/app", "i Prefix /app -> policy"), ("a", "/x", "i Prefix / -> shop/web:80")]);
    let names = |path: &str| -> Vec<&str> {
        let chain = served.route("a", path).unwrap().chain.unwrap();
        let ids = served.snapshot.chains.get(chain.0 as usize).unwrap();
        ids.iter().map(|id| &*served.snapshot.policies.get(id.0 as usize).unwrap().origin.name).collect()
    };
    assert_eq!((names("/app"), names("/again"), names("/x")), (vec!["a", "b"], vec!["a"], vec!["a"]));
}

#[test]
fn ingresses_with_the_same_order_of_policies_share_a_chain() {
    let chains = [(POLICIES, "a, b"), (POLICIES, "b,a"), (POLICIES, " a ,b "), (POLICIES, "b")];
    let served = serve(&with_policies(&chains, ["a", "b", "unused"].map(policy).into()));
    served.check_told(&[]);
    let names = |path: &str| -> Vec<&str> {
        let chain = served.route("a", path).unwrap().chain.unwrap();
        let ids = served.snapshot.chains.get(chain.0 as usize).unwrap();
        ids.iter().map(|id| &*served.snapshot.policies.get(id.0 as usize).unwrap().origin.name).collect()
    };
    assert_eq!((names("/0"), names("/1"), names("/3")), (vec!["a", "b"], vec!["b", "a"], vec!["b"]));
    assert_eq!(served.route("a", "/0").unwrap().chain, served.route("a", "/2").unwrap().chain);
    assert_eq!((served.snapshot.chains.len(), served.snapshot.policies.len()), (3, 2));
}

#[test]
fn a_route_without_policies_has_no_chain() {
    let served = serve(&with(vec![ingress("a").rule("a", &["Prefix / web:80"])]));
    assert_eq!(served.route("a", "/").unwrap().chain, None);
}

#[test]
fn a_policy_that_is_missing_closes_every_route_of_the_ingress() {
    for (value, message) in [
        ("gone", "there is no Policy shop/gone"),
        ("a, gone", "there is no Policy shop/gone"),
        ("other/a", "there is no Policy shop/other/a"),
        ("A", "there is no Policy shop/A"),
        ("", "a policy name is empty"),
        ("a,", "a policy name is empty"),
        ("a, a", "Policy a is named twice"),
    ] {
        let declared = ingress("x")
            .rule("a", &["Prefix / web:80", "Exact /y next:80"])
            .default_to("web:80")
            .annotated(POLICIES, value);
        let config = Config { policies: vec![Arc::new(policy("a"))], ..with(vec![declared]) };
        let served = serve(&config);
        let closed = format!("-> 503 cardea.dev/policies: {message}");
        for (host, path) in [("a", "/"), ("a", "/y"), ("elsewhere", "/")] {
            let answer = served.answer(host, path);
            assert!(answer.ends_with(&closed), "{value:?} {host}{path}: {answer}");
        }
        served.check_told(&[&format!("x: metadata.annotations[cardea.dev/policies]: {message}")]);
    }
}

#[test]
fn a_policy_of_another_namespace_cannot_be_named() {
    let mut foreign = policy("a");
    foreign.origin.namespace = "other".into();
    let served = serve(&with_policies(&[(POLICIES, "a")], vec![foreign]));
    assert!(served.answer("a", "/0").contains("503"));
}

#[test]
fn a_chain_has_a_bound() {
    let names: Vec<String> = (0..17).map(|number| format!("p{number}")).collect();
    let policies = names.iter().map(|name| policy(name)).collect();
    let served = serve(&with_policies(&[(POLICIES, &names[..16].join(",")), (POLICIES, &names.join(","))], policies));
    assert!(served.answer("a", "/0").ends_with("shop/web:80"));
    assert!(served.answer("a", "/1").ends_with("17 policies are more than 16"));
}

#[test]
fn named_backends_are_sorted_and_joined() {
    let served = serve(&with_policies(&[(BACKENDS, "stable = web:80 , canary=next:http")], Vec::new()));
    served.check_told(&[]);
    let named = &served.route("a", "/0").unwrap().named;
    let named: Vec<(&str, &str)> =
        named.iter().map(|(name, id)| (&**name, &*served.snapshot.backends.get(id.0 as usize).unwrap().name)).collect();
    assert_eq!(named, [("canary", "shop/next:80"), ("stable", "shop/web:80")]);
}

#[test]
fn named_backends_that_cannot_be_read_close_the_routes() {
    for value in [
        "",
        "canary",
        "canary=next",
        "canary=next:",
        "=next:80",
        "canary=:80",
        "canary=next:0",
        "canary=next:65536",
        "canary=other/next:80",
        "canary=next:80,",
        "canary=next:80;beta=web:80",
        "canary=next:80, canary=web:80",
    ] {
        let served = serve(&with_policies(&[(BACKENDS, value)], Vec::new()));
        assert!(served.answer("a", "/0").contains("-> 503 cardea.dev/backends: "), "{value:?}");
        served.check_told(&["i0: metadata.annotations[cardea.dev/backends]: "]);
    }
}

#[test]
fn a_named_backend_whose_service_is_missing_is_empty_and_the_route_lives() {
    let served = serve(&with_policies(&[(BACKENDS, "canary=gone:80, udp=web:dns")], Vec::new()));
    served.check(&[("a", "/0", "i0 Prefix /0 -> shop/web:80")]);
    served.check_told(&["canary: there is no Service shop/gone", "udp: port 53 of Service shop/web is UDP"]);
    let names: Vec<&str> = served
        .route("a", "/0")
        .unwrap()
        .named
        .iter()
        .map(|(_, id)| &*served.snapshot.backends.get(id.0 as usize).unwrap().name)
        .collect();
    assert_eq!(names, ["shop/gone:80", "shop/web:dns"]);
}

#[test]
fn limits_are_brought_within_bounds() {
    let limited = |deadline_ms, memory_bytes_max, body_bytes_max| {
        let limits = Limits { deadline: Duration::from_millis(deadline_ms), memory_bytes_max, body_bytes_max };
        serve(&with_policies(&[(POLICIES, "a")], vec![Policy { limits, ..policy("a") }]))
    };
    limited(1, 64 << 10, 0).check_told(&[]);
    limited(1000, 256 << 20, 1 << 20).check_told(&[]);
    let served = limited(0, 1, 0);
    served
        .check_told(&["a: spec.limits.deadline: 0ns is out of bounds; 1ms is taken", "a: spec.limits.memory: 1 bytes"]);
    let served = limited(1001, 257 << 20, (1 << 20) + 1);
    served.check_told(&[
        "a: spec.limits.deadline: 1.001s is out of bounds; 1s is taken",
        "a: spec.limits.memory: 257Mi is out of bounds; 256Mi is taken",
        "a: spec.limits.body: 1048577 bytes is out of bounds; 1Mi is taken",
    ]);
    let taken = served.snapshot.policies.get(0).unwrap().limits;
    assert_eq!(
        taken,
        Limits { deadline: Duration::from_secs(1), memory_bytes_max: 256 << 20, body_bytes_max: 1 << 20 }
    );
}

#[test]
fn what_does_not_exist_is_not_granted() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let grants = Grants {
        interfaces: names(&["log", "sockets", "kv-local", "log"]),
        headers: names(&["X-Forwarded-For", "x y", ""]),
        upstreams: Vec::new(),
    };
    let served = serve(&with_policies(&[(POLICIES, "a")], vec![Policy { grants, ..policy("a") }]));
    let taken = &served.snapshot.policies.get(0).unwrap().grants;
    assert_eq!(
        (taken.interfaces.clone(), taken.headers.clone()),
        (names(&["log", "kv-local"]), names(&["x-forwarded-for"]))
    );
    served.check_told(&[
        "a: spec.grants.interfaces[1]: there is no interface \"sockets\"",
        "a: spec.grants.headers[1]: \"x y\" is no header name",
        "a: spec.grants.headers[2]: \"\" is no header name",
    ]);
}
