//! A rolling restart under load: three instances behind a load balancer that obeys `/readyz` are replaced one by one, and
//! no request fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cardea_tests::balancer::{Balancer, Member};
use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1, http2};
use cardea_tests::ingress::{Ingress, Launch, Manifests};
use cardea_tests::scenario::{self, World};
use cardea_tests::wire::{Wire, text, values};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, LocalSet};

const INSTANCES: usize = 3;
/// The whole test, on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// The delay is many periods of the balancer, and longer than any of these clients pauses on a connection.
const FLAGS: [&str; 4] = ["--workers", "2", "--drain-delay", "1s"];

const SETUP: &str = r#"
promise: three instances are replaced under load
backends:
  shop: {}
  slow0: { script: [request, { send: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst" }, { gate: end0 }, { send: other }, hold] }
  slow1: { script: [request, { send: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst" }, { gate: end1 }, { send: other }, hold] }
  slow2: { script: [request, { send: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst" }, { gate: end2 }, { send: other }, hold] }
sites: { shop.test: shop, slow0.test: slow0, slow1.test: slow1, slow2.test: slow2 }
steps: [{ get: shop.test/, from: shop }]
"#;

fn request(host: &str) -> Request {
    Request::get(host, "/cart")
}

async fn wire(address: SocketAddr) -> Wire {
    match client::open(address, &Dial::default()).await.expect("a connection is accepted").connection {
        Connection::Http1(wire) => wire,
        Connection::Http2(_) => panic!("not asked for"),
    }
}

async fn http2(address: SocketAddr) -> http2::Client {
    let dial = Dial { http2: true, ..Dial::default() };
    match client::open(address, &dial).await.expect("a connection is accepted").connection {
        Connection::Http2(client) => client,
        Connection::Http1(_) => panic!("asked for HTTP/2"),
    }
}

/// What the clients did, until they are told to stop. A request that fails ends its client, and so the test.
struct Load {
    balancer: SocketAddr,
    stop: Cell<bool>,
    answers: Cell<u32>,
    /// Answers that said that their connection closes.
    closes: Cell<u32>,
    /// HTTP/2 connections that were left after GOAWAY.
    left: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

impl Load {
    fn check(&self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{}", text(&reply.body.bytes));
        let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
        assert_eq!(seen["name"], "shop");
        count(&self.answers);
    }
}

/// A client that keeps its connection until it is told that it closes; with `fresh`, one that never does.
fn ask(load: &Rc<Load>, fresh: bool) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        while !load.stop.get() {
            let mut wire = wire(load.balancer).await;
            loop {
                wire.write(&http1::encode(&request("shop.test"))).await.expect("a kept connection takes a request");
                let reply = http1::reply(&mut wire, "GET").await.expect("a kept connection answers");
                load.check(&reply);
                let closes = values(&reply.fields, "connection").any(|value| value == "close");
                if closes {
                    count(&load.closes);
                }
                if closes || fresh || load.stop.get() {
                    break;
                }
            }
        }
    })
}

/// An HTTP/2 client that goes elsewhere after GOAWAY. What was sent must be answered.
fn stream(load: &Rc<Load>) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        let mut client = http2(load.balancer).await;
        while !load.stop.get() {
            match client.exchange(&request("shop.test")).await {
                Ok(reply) => load.check(&reply),
                Err(error) => {
                    assert_eq!(error.to_string(), http2::NOT_SENT, "{error:#}");
                    count(&load.left);
                    client = http2(load.balancer).await;
                }
            }
        }
    })
}

/// One instance with the balancer's view of it.
struct Instance {
    ingress: Ingress,
    member: Rc<Member>,
}

impl Instance {
    async fn start(world: &World, balancer: &Balancer) -> Self {
        let manifests = Manifests::new().unwrap();
        for file in std::fs::read_dir(world.ingress.manifests.path()).unwrap() {
            let path = file.unwrap().path();
            manifests.write(path.file_name().unwrap().to_str().unwrap(), &std::fs::read(&path).unwrap()).unwrap();
        }
        let launch = Launch { flags: FLAGS.map(str::to_owned).into(), ..Launch::default() };
        let ingress = Ingress::start(manifests, &launch, &world.stage.pulse).await.unwrap();
        let member = balancer.add(&ingress).await.unwrap();
        Self { ingress, member }
    }

    /// Ends it as Kubernetes does, with an answer half sent.
    async fn stop(mut self, world: &World, balancer: &Balancer, slow: &str, gate: &str) {
        let mut wire = wire(self.ingress.http).await;
        wire.write(&http1::encode(&request(slow))).await.unwrap();
        wire.receive(b"first").await.unwrap();
        let mark = self.ingress.mark();
        self.ingress.signal("TERM").unwrap();
        balancer.await_unready(&self.member).await.unwrap();
        self.ingress.event(mark, &json!({"event": "draining"})).await.unwrap();
        balancer.remove(&self.member);
        world.stage.open(gate);
        wire.receive(b"other").await.expect("the answer in flight ends whole");
        assert_eq!(self.ingress.exit().await.unwrap(), 0);
        assert!(self.member.forwarded.get() > 0, "the balancer gave it connections");
    }
}

async fn play() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let balancer = Balancer::start(&world.stage.pulse).await.unwrap();
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(Instance::start(&world, &balancer).await);
    }
    let load = Rc::new(Load {
        balancer: balancer.address,
        stop: Cell::new(false),
        answers: Cell::new(0),
        closes: Cell::new(0),
        left: Cell::new(0),
    });
    let mut clients: Vec<_> = (0..6).map(|index| ask(&load, index % 3 == 2)).collect();
    clients.extend((0..INSTANCES).map(|_| stream(&load)));
    for round in 0..INSTANCES {
        let next = Instance::start(&world, &balancer).await;
        instances.push(next);
        instances.remove(0).stop(&world, &balancer, &format!("slow{round}.test"), &format!("end{round}")).await;
    }
    load.stop.set(true);
    for client in clients {
        client.await.expect("no request failed");
    }
    for instance in &instances {
        assert!(instance.member.forwarded.get() > 0, "the balancer gave connections to each new instance");
    }
    let (answers, closes, left) = (load.answers.get(), load.closes.get(), load.left.get());
    println!("{answers} answers, {closes} connections closed in order, {left} left after GOAWAY, 0 failed");
    assert!(answers > 300, "only {answers} answers: no load");
    assert!(closes > 0 && left > 0, "{closes} closed, {left} left: no client was on a restarted instance");
}

#[test]
fn no_request_fails_while_every_instance_is_replaced_under_load() {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play());
    assert!(started.elapsed() < BOUND, "took {:?}", started.elapsed());
}
