//! Hot reload under load: everything is replaced again and again, and no client of any kind notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1};
use cardea_tests::guest;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};
use cardea_tests::wire::{Wire, text, values};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, LocalSet};

const ROUNDS: u32 = 24;
/// The whole test, on a busy machine.
const BOUND: Duration = Duration::from_secs(15);

const SETUP: &str = r#"
promise: everything is replaced under load
flags: [--workers, "2"]
backends:
  odd: {}
  even: {}
  slow: { script: [request, { send: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst" }, { gate: end }, { send: other }, hold] }
policies:
  counting: { module: "wat:count", spec: { grants: { interfaces: [counters] }, limits: { deadline: 500ms } } }
  fragile: { module: "wat:mark", spec: { limits: { deadline: 500ms } } }
  stamp: { module: "shipped:header-rewrite", spec: { config: {}, limits: { deadline: 500ms } } }
sites: { slow.test: slow, socket.test: odd, counting.test: { backend: odd, policies: "fragile, counting" } }
steps: [{ get: slow.test/, from: slow }]
"#;

/// Generation N in one file: a Policy that stamps N on the request and on the answer, and a route to the backend of N's
/// parity. An answer that mixes two generations would show.
fn generation(number: u32) -> String {
    let backend = if number.is_multiple_of(2) { "even" } else { "odd" };
    let stamp = json!({"request": {"set": {"x-generation": number.to_string()}}, "response": {"set": {"x-generation": number.to_string()}}});
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "generation", "namespace": "default"},
        "spec": {"module": {"file": "stamp.wasm"}, "config": stamp, "limits": {"deadline": "500ms"}},
    });
    let service = json!({"service": {"name": backend, "port": {"number": 80}}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "swap", "namespace": "default", "annotations": {"cardea.dev/policies": "generation"}},
        "spec": {
            "ingressClassName": "cardea",
            "rules": [{"host": "swap.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": service}]}}],
        },
    });
    format!("{policy}\n---\n{ingress}\n")
}

fn request(host: &str) -> Request {
    Request::get(host, "/cart")
}

async fn wire(ingress: &Ingress) -> Wire {
    match client::open(ingress.http, &Dial::default()).await.unwrap().connection {
        Connection::Http1(wire) => wire,
        Connection::Http2(_) => panic!("not asked for"),
    }
}

async fn get(wire: &mut Wire, host: &str) -> Reply {
    wire.write(&http1::encode(&request(host))).await.unwrap();
    http1::reply(wire, "GET").await.expect("a kept connection answers")
}

/// What the clients saw, until they are told to stop.
#[derive(Default)]
struct Load {
    stop: Cell<bool>,
    answers: Cell<u32>,
    generations: RefCell<BTreeSet<u32>>,
}

impl Load {
    /// An answer is whole, and of one generation.
    fn check(&self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{}", text(&reply.body.bytes));
        let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
        let stamped = values(&reply.fields, "x-generation").next().expect("a stamped answer").to_owned();
        assert_eq!(seen["headers"]["x-generation"], stamped.as_str(), "request and answer are of one generation");
        let number: u32 = stamped.parse().unwrap();
        assert_eq!(
            seen["name"],
            if number.is_multiple_of(2) { "even" } else { "odd" },
            "route and policy are of one generation"
        );
        self.generations.borrow_mut().insert(number);
        self.answers.set(self.answers.get() + 1);
    }
}

/// A client that keeps its one connection to the end.
fn keep_asking(load: &Rc<Load>, mut wire: Wire) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        while !load.stop.get() {
            load.check(&get(&mut wire, "swap.test").await);
        }
    })
}

fn keep_streaming(load: &Rc<Load>, client: client::http2::Client) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        while !load.stop.get() {
            load.check(&client.exchange(&request("swap.test")).await.expect("a stream is answered"));
        }
    })
}

async fn http2(ingress: &Ingress) -> client::http2::Client {
    match client::open(ingress.http, &Dial { http2: true, ..Dial::default() }).await.unwrap().connection {
        Connection::Http2(client) => client,
        Connection::Http1(_) => panic!("asked for HTTP/2"),
    }
}

/// A WebSocket that must live as long as the test.
async fn socket(ingress: &Ingress) -> Wire {
    let mut wire = wire(ingress).await;
    let head = b"GET / HTTP/1.1\r\nhost: socket.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    wire.write(head).await.unwrap();
    assert_eq!(http1::reply(&mut wire, "GET").await.unwrap().status, 101);
    wire
}

/// The last digit of the kept counter, one higher with each call.
async fn count(wire: &mut Wire) -> u64 {
    let reply = get(wire, "counting.test").await;
    let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
    assert_eq!(seen["headers"]["x-policy"], "mark", "the last good version serves");
    seen["headers"]["x-count"].as_str().expect("counted").parse().unwrap()
}

/// The same module with other bytes: a custom section more.
fn edition(mut module: Vec<u8>, number: u32) -> Vec<u8> {
    module.extend([0, 3, 1, b'v', number.to_le_bytes()[0]]);
    module
}

/// One round: in turn a module replaced, a file broken and taken away, a module broken, a module repaired; then a new
/// generation.
async fn round(ingress: &Ingress, number: u32) {
    let applied = match number % 4 {
        1 => ingress.apply("counting.wasm", &edition(guest::component("count").unwrap(), number)).await,
        2 if number % 8 == 2 => ingress.apply("broken.yaml", b"kind: [").await,
        2 => ingress.delete("broken.yaml").await,
        3 => ingress.apply("fragile.wasm", format!("no module {number}").as_bytes()).await,
        _ => ingress.apply("fragile.wasm", &edition(guest::component("mark").unwrap(), number)).await,
    };
    applied.unwrap();
    ingress.apply("swap.yaml", generation(number).as_bytes()).await.unwrap();
}

async fn play() {
    let mut world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let ingress = &mut world.ingress;
    ingress.apply("swap.yaml", generation(1).as_bytes()).await.unwrap();
    let mut idle = wire(ingress).await;
    get(&mut idle, "swap.test").await;
    let mut stream = wire(ingress).await;
    stream.write(&http1::encode(&request("slow.test"))).await.unwrap();
    stream.receive(b"first").await.unwrap();
    let mut socket = socket(ingress).await;
    let mut counter = wire(ingress).await;
    let mut counted = count(&mut counter).await;

    let load = Rc::new(Load::default());
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(keep_asking(&load, wire(ingress).await));
    }
    clients.push(keep_streaming(&load, http2(ingress).await));
    for number in 2..2 + ROUNDS {
        round(ingress, number).await;
        let ping = format!("ping {number}");
        socket.write(ping.as_bytes()).await.unwrap();
        socket.receive(ping.as_bytes()).await.expect("the tunnel lives");
        let next = count(&mut counter).await;
        assert_eq!(next, (counted + 1) % 10, "the counter survives the swap");
        counted = next;
    }
    load.stop.set(true);
    for client in clients {
        client.await.expect("no client failed");
    }
    world.stage.open("end");
    stream.receive(b"other").await.expect("a stream of the first generation ends whole");
    load.check(&get(&mut idle, "swap.test").await);
    assert!(load.answers.get() > 10 * ROUNDS, "only {} answers: no load", load.answers.get());
    let seen = load.generations.borrow().len();
    assert!(seen > ROUNDS as usize / 2, "only {seen} generations were seen under load");
    println!("{} answers over {seen} generations", load.answers.get());
}

#[test]
fn no_client_notices_that_everything_is_replaced_under_load() {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play());
    assert!(started.elapsed() < BOUND, "took {:?}", started.elapsed());
}
