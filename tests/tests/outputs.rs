//! Outputs that nobody reads: a log collector that is stuck stops no reload, no request, and not the end of the process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write;

use cardea_tests::client::{self, Connection, Dial, Request, http1};
use cardea_tests::guest;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};
use cardea_tests::wire::Wire;

const SETUP: &str = r#"
promise: a process whose outputs nobody reads serves on
backends: { shop: {} }
sites:
  shop.test: shop
  late.test: { backend: shop, policies: late }
steps: [{ get: shop.test/, from: shop }]
"#;

const POLICY: &[u8] = b"
apiVersion: cardea.dev/v1alpha1
kind: Policy
metadata: { name: late, namespace: default }
spec: { module: { file: late.wasm }, limits: { deadline: 500ms } }
";

/// More than a pipe holds and may wait for it, of both outputs.
const EDITS: usize = 20;
const REQUESTS: usize = 400;

/// Fifty problems, of some 90 KB to tell.
fn problems(edit: usize) -> String {
    let mut text = String::from(
        "{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: many, namespace: default, annotations: {",
    );
    for number in 0..50 {
        write!(text, "\"cardea.dev/unknown-{edit}-{number}-{}\": x, ", "x".repeat(900)).unwrap();
    }
    text + "} }, spec: { ingressClassName: cardea } }"
}

async fn wire(ingress: &Ingress) -> Wire {
    match client::open(ingress.http, &Dial::default()).await.unwrap().connection {
        Connection::Http1(wire) => wire,
        Connection::Http2(_) => panic!("not asked for"),
    }
}

async fn ask(wire: &mut Wire, host: &str, path: &str) -> u16 {
    wire.write(&http1::encode(&Request::get(host, path))).await.unwrap();
    http1::reply(wire, "GET").await.unwrap().status
}

#[tokio::test]
async fn a_process_whose_outputs_nobody_reads_serves_reloads_and_ends() {
    let mut world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let ingress = &mut world.ingress;
    ingress.leave_unread();

    for edit in 0..EDITS {
        let name = format!("unknown-{edit}-");
        ingress.manifests.write("many.yaml", problems(edit).as_bytes()).unwrap();
        let is_live = async |ingress: &Ingress| Ok(ingress.config().await?["problems"].to_string().contains(&name));
        ingress.eventually("the edit is live", is_live).await.unwrap();
    }
    let page = ingress.metrics().await.unwrap();
    let dropped = page.lines().find_map(|line| line.strip_prefix("cardea_event_lines_dropped_total ")).unwrap();
    assert!(dropped.parse::<u64>().unwrap() > 0, "all of it was taken by somebody");

    let mut wire = wire(ingress).await;
    let path = format!("/{}", "x".repeat(2000));
    for _ in 0..REQUESTS {
        assert_eq!(ask(&mut wire, "shop.test", &path).await, 200);
    }
    assert_eq!(ask(&mut wire, "late.test", "/").await, 503, "its policy is missing");
    ingress.manifests.write("late.wasm", &guest::component("next").unwrap()).unwrap();
    ingress.manifests.write("late.yaml", POLICY).unwrap();
    let is_live = async |ingress: &Ingress| {
        let policies = &ingress.config().await?["policies"];
        Ok(policies.as_array().is_some_and(|policies| policies.iter().any(|policy| policy["live"] == true)))
    };
    ingress.eventually("the policy is live", is_live).await.unwrap();
    assert_eq!(ask(&mut wire, "late.test", "/").await, 200);

    ingress.signal("TERM").unwrap();
    assert_eq!(ingress.exit_unread().await.unwrap(), 0);
}
