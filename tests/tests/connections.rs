//! Connections that are in use live on, whatever their deadlines at rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use cardea_tests::client::{self, Connection, Dial, Request};
use cardea_tests::scenario::{self, World};

const SETUP: &str = r#"
promise: a connection in use lives on
flags: [--header-timeout, 300ms, --idle-timeout, 2s]
backends: { shop: {} }
sites: { shop.test: shop }
steps: [{ get: shop.test/, from: shop }]
"#;
/// Several times the deadline of the first head.
const LIFE: Duration = Duration::from_millis(1500);

/// One request after the other that the ingress answers by itself: at no moment that the connection looks, one is in flight.
#[tokio::test]
async fn an_http2_connection_in_use_outlives_the_deadline_of_its_first_head() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let dial = Dial { http2: true, ..Dial::default() };
    let Connection::Http2(client) = client::open(world.ingress.http, &dial).await.unwrap().connection else {
        panic!("asked for HTTP/2");
    };
    // Meanwhile the settings of both sides are acknowledged, so that nothing but requests comes from now on.
    world.ingress.metrics().await.unwrap();
    let started = Instant::now();
    let mut answers = 0;
    while started.elapsed() < LIFE {
        let reply = client.exchange(&Request::get("nobody.test", "/")).await;
        let reply = reply.unwrap_or_else(|error| panic!("after {:?}: {error:#}", started.elapsed()));
        assert_eq!(reply.status, 404);
        answers += 1;
    }
    assert!(answers > 10, "only {answers} answers");
}
