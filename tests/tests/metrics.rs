//! `/metrics` is what a Prometheus server takes without complaint, before any request and after all kinds of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use cardea_tests::client::{self, Connection, Dial, Request, http1};
use cardea_tests::exposition;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};

const SETUP: &str = r#"
promise: metrics of every kind
flags: [--workers, "2"]
backends: { shop: {}, next: {}, gone: { dead: true } }
policies:
  canary: { module: "shipped:canary", spec: { config: { backend: next, percent: 50 }, grants: { interfaces: [random] }, limits: { deadline: 500ms } } }
  spin: { module: "wat:spin", spec: { limits: { deadline: 1ms } } }
  counting: { module: "wat:count", spec: { grants: { interfaces: [counters] }, limits: { deadline: 500ms } } }
  broken: { module: "text:no module" }
sites:
  shop.test: shop
  "*.wild.test": shop
  gone.test: gone
  canary.test: { backend: shop, policies: canary, annotations: { backends: "next=next:80" } }
  spin.test: { backend: shop, policies: spin }
  counting.test: { backend: shop, policies: counting }
  broken.test: { backend: shop, policies: broken }
steps: [{ get: shop.test/, from: shop }]
"#;

const HOSTS: [(&str, u16); 8] = [
    ("shop.test", 200),
    ("a.wild.test", 200),
    ("gone.test", 502),
    ("canary.test", 200),
    ("spin.test", 503),
    ("counting.test", 200),
    ("broken.test", 503),
    ("no.test", 404),
];

async fn ask(ingress: &Ingress, host: &str) -> u16 {
    let request = Request::get(host, "/");
    let opened = client::open(ingress.http, &Dial::default()).await.unwrap();
    let Connection::Http1(mut wire) = opened.connection else { panic!("not asked for") };
    wire.write(&http1::encode(&request)).await.unwrap();
    http1::reply(&mut wire, "GET").await.unwrap().status
}

#[tokio::test]
async fn every_page_of_metrics_keeps_the_rules_of_prometheus() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let before = exposition::check(&world.ingress.metrics().await.unwrap()).unwrap();
    for (host, status) in HOSTS {
        assert_eq!(ask(&world.ingress, host).await, status, "{host}");
    }
    let page = world.ingress.metrics().await.unwrap();
    let after = exposition::check(&page).unwrap();
    assert!(before.keys().all(|name| after.contains_key(name)), "no family goes away");
    for series in [
        "cardea_route_requests_total{",
        "cardea_backend_request_duration_seconds_bucket{",
        "cardea_failures_total{reason=\"no_route\"} 1\n",
        "cardea_policy_call_duration_seconds_bucket{",
        "cardea_proxy_protocol_failures_total{reason=\"missing\"} 0\n",
    ] {
        assert!(page.contains(series), "{series}");
    }
}
