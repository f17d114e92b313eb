//! The harness itself, without an ingress: its clients against its backends, where every answer is known.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use cardea_tests::backend::{Backend, BackendSpec, Protocol, Stage};
use cardea_tests::client::{self, Connection, Dial, Reply, Request, frames, http1};
use cardea_tests::wire::{Body, Wire};
use serde_json::{Value, json};

fn request(method: &str, body: &str, trailers: &[(&str, &str)]) -> Request {
    Request {
        method: method.to_owned(),
        scheme: "http",
        host: Some("shop.test".to_owned()),
        target: "/cart?x=1".to_owned(),
        fields: vec![("x-one".to_owned(), "1".to_owned()), ("x-one".to_owned(), "2".to_owned())],
        body: body.as_bytes().to_vec(),
        trailers: trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

async fn backend(spec: Value) -> (Backend, Stage) {
    let stage = Stage::default();
    let spec: BackendSpec = serde_json::from_value(spec).unwrap();
    (Backend::start("shop", &spec, &stage).await.unwrap(), stage)
}

async fn wire(backend: &Backend) -> Wire {
    match client::open(backend.address, &Dial::default()).await.unwrap().connection {
        Connection::Http1(wire) => wire,
        Connection::Http2(_) => panic!("not asked for"),
    }
}

async fn exchange(wire: &mut Wire, request: &Request) -> Reply {
    wire.write(&http1::encode(request)).await.unwrap();
    http1::reply(wire, &request.method).await.unwrap()
}

#[tokio::test]
async fn the_echo_tells_what_it_saw_and_keeps_the_connection() {
    let (backend, stage) = backend(json!({})).await;
    let mut wire = wire(&backend).await;
    let reply = exchange(&mut wire, &request("POST", "hello world", &[("x-sum", "7")])).await;
    let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
    assert_eq!(seen["path"], "/cart?x=1");
    assert_eq!(seen["headers"]["x-one"], "1, 2");
    assert_eq!(seen["body"], "hello world");
    assert_eq!(seen["trailers"], json!({"x-sum": "7"}));
    let reply = exchange(&mut wire, &request("HEAD", "", &[])).await;
    assert_eq!((reply.status, reply.body.bytes.len()), (200, 0));
    assert_eq!(stage.calls().iter().map(|call| call.connection).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn an_upgrade_becomes_an_echo_of_bytes() {
    let (backend, _stage) = backend(json!({})).await;
    let mut wire = wire(&backend).await;
    wire.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n").await.unwrap();
    assert_eq!(http1::reply(&mut wire, "GET").await.unwrap().status, 101);
    wire.write(b"ping").await.unwrap();
    wire.receive(b"ping").await.unwrap();
}

#[tokio::test]
async fn a_script_waits_at_its_gate_and_then_resets() {
    let script =
        json!(["request", {"gate": "go"}, {"send": "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"}, "reset"]);
    let (backend, stage) = backend(json!({"script": script})).await;
    let mut wire = wire(&backend).await;
    wire.write(&http1::encode(&request("GET", "", &[]))).await.unwrap();
    stage.open("go");
    http1::reply(&mut wire, "GET").await.unwrap_err();
    assert_eq!(stage.calls().len(), 1);
}

#[tokio::test]
async fn a_dead_backend_refuses() {
    let (backend, _stage) = backend(json!({"dead": true})).await;
    assert!(client::open(backend.address, &Dial::default()).await.is_err());
}

#[tokio::test]
async fn http2_goes_both_ways_with_trailers() {
    let (backend, stage) = backend(json!({"protocol": "h2c"})).await;
    assert_eq!(backend.spec.protocol, Protocol::H2c);
    let dial = Dial { http2: true, ..Dial::default() };
    let Connection::Http2(client) = client::open(backend.address, &dial).await.unwrap().connection else { panic!() };
    let reply = client.exchange(&request("POST", "hello", &[("x-sum", "7")])).await.unwrap();
    assert_eq!(reply.to_json()["trailers"], json!({"grpc-status": "0"}));
    let call = stage.calls()[0].to_json();
    assert_eq!((&call["body"], &call["trailers"]), (&json!("hello"), &json!({"x-sum": "7"})));
    assert_eq!(call["headers"][":authority"], "shop.test");
}

#[tokio::test]
async fn frames_are_sent_as_they_are() {
    let (backend, stage) = backend(json!({"protocol": "h2c"})).await;
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields =
        vec![field(":method", "GET"), field(":scheme", "http"), field(":authority", "a"), field(":path", "/")];
    assert_eq!(frames::exchange(backend.address, &fields, b"").await.unwrap().status, 200);
    fields.push(field("X-Upper", "no"));
    let refusal = frames::exchange(backend.address, &fields, b"").await.unwrap_err().to_string();
    assert!(refusal.contains("refused"), "{refusal}");
    assert_eq!(stage.calls().len(), 1);
}

#[test]
fn body_text_survives_any_byte() {
    let body = Body { bytes: (0..=255).collect(), trailers: Vec::new() };
    assert_eq!(cardea_tests::wire::bytes(&cardea_tests::wire::text(&body.bytes)), body.bytes);
}

#[test]
fn every_guest_is_a_component_of_the_contract() {
    let folder = cardea_tests::guest::root().join("tests/guests");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let names = names.filter(|path| path.extension().is_some_and(|found| found == "wat"));
    let names: Vec<_> = names.filter(|path| !path.ends_with("prelude.wat")).collect();
    assert!(!names.is_empty());
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let component = cardea_tests::guest::component(name).unwrap();
        assert_eq!(component.get(..4), Some(b"\0asm".as_slice()), "{name}");
    }
}
