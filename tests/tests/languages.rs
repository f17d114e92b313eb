//! Modules of every language are swapped under load: no request is lost, and what they count is counted on.
//!
//! The modules are the conformance policies, as `make conformance` built them: a language without one fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1, http2};
use cardea_tests::guest;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};
use cardea_tests::wire::{Wire, text};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, LocalSet};

/// What is swapped in for one language, in order: its own module or that of Rust, and how instances are used. Each has a
/// configuration of its own.
const ROUNDS: [(bool, &str); 4] = [(true, "pooled"), (false, "pooled"), (true, "request"), (true, "pooled")];
/// Of a module that takes turns with an instance for each request: an unoptimised host takes its time for larger ones.
const ISOLATED_BYTES_MAX: usize = 1 << 20;
/// For one swap to be seen: an interpreter of 18 MB is compiled by an unoptimised host, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
const CLIENTS: usize = 3;

const SETUP: &str = r#"
promise: modules of all languages are swapped under load
flags: [--workers, "2", "--module-cache=${folder}/modules"]
backends: { shop: {} }
sites: { other.test: shop }
steps: [{ get: other.test/, from: shop }]
"#;

/// Every language that has a conformance policy, by its folder; `tools/conformance` sees to it that the list is whole.
/// `CARDEA_LANGUAGES=c,zig` names those that are worked on.
fn languages() -> Vec<String> {
    let table = std::fs::read_to_string(guest::root().join("policies/conformance/table.toml")).unwrap();
    let folder = |line: &str| Some(line.strip_prefix("folder = \"")?.strip_suffix('"')?.to_owned());
    let wanted = std::env::var("CARDEA_LANGUAGES").unwrap_or_default();
    let is_wanted = |name: &String| wanted.is_empty() || wanted.split(',').any(|wanted| wanted == name);
    table.lines().filter_map(folder).filter(is_wanted).collect()
}

/// The Policy `swapped` as `number` says, and the route that it decides about.
fn manifest(module: &str, isolation: &str, number: u32) -> String {
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "swapped", "namespace": "default"},
        "spec": {
            "module": {"file": module},
            "config": {"backend": "shop", "mark": number.to_string()},
            "grants": {"interfaces": ["log", "metrics", "clock", "random", "kv-local", "counters"]},
            "limits": {"deadline": "500ms", "memory": "64Mi"},
            "isolation": isolation,
        },
    });
    let service = json!({"service": {"name": "shop", "port": {"number": 80}}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "swap", "namespace": "default", "annotations": {"cardea.dev/policies": "swapped"}},
        "spec": {
            "ingressClassName": "cardea",
            "rules": [{"host": "swap.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": service}]}}],
        },
    });
    format!("{policy}\n---\n{ingress}\n")
}

/// What the clients saw, until they are told to stop.
#[derive(Default)]
struct Load {
    stop: Cell<bool>,
    /// Whose module is swapped.
    language: RefCell<String>,
    answers: Cell<u32>,
    swaps: RefCell<BTreeSet<u32>>,
}

impl Load {
    /// The swap whose configuration decided about an answer, which came from the backend.
    fn check(&self, reply: &Reply) -> u32 {
        assert_eq!(reply.status, 200, "{}: {}", self.language.borrow(), text(&reply.body.bytes));
        let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
        // The module before all swaps says `mark`.
        let mark = seen["headers"]["x-policy"].as_str().expect("a mark on the request").parse().unwrap_or(0);
        self.swaps.borrow_mut().insert(mark);
        self.answers.set(self.answers.get() + 1);
        mark
    }
}

async fn wire(ingress: &Ingress) -> Wire {
    match client::open(ingress.http, &Dial::default()).await.unwrap().connection {
        Connection::Http1(wire) => wire,
        Connection::Http2(_) => panic!("not asked for"),
    }
}

async fn streams(ingress: &Ingress) -> http2::Client {
    match client::open(ingress.http, &Dial { http2: true, ..Dial::default() }).await.unwrap().connection {
        Connection::Http2(client) => client,
        Connection::Http1(_) => panic!("asked for HTTP/2"),
    }
}

async fn get(wire: &mut Wire, path: &str) -> Reply {
    wire.write(&http1::encode(&Request::get("swap.test", path))).await.unwrap();
    http1::reply(wire, "GET").await.expect("a kept connection answers")
}

/// A client that keeps its one connection, and never sees an older swap after a newer one.
fn keep_asking(load: &Rc<Load>, mut wire: Wire) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        let mut last = 0;
        while !load.stop.get() {
            let mark = load.check(&get(&mut wire, "/cart").await);
            assert!(mark >= last, "swap {mark} after {last}");
            last = mark;
        }
    })
}

fn keep_streaming(load: &Rc<Load>, client: http2::Client) -> JoinHandle<()> {
    let load = Rc::clone(load);
    tokio::task::spawn_local(async move {
        while !load.stop.get() {
            let request = Request::get("swap.test", "/cart");
            load.check(&client.exchange(&request).await.expect("a stream is answered"));
        }
    })
}

/// Declares a swap, and asks until it decides. Its bound is on the whole, since a compiler is at work meanwhile.
async fn swap(ingress: &Ingress, load: &Load, probe: &mut Wire, manifest: &str, number: u32) {
    ingress.manifests.write("swap.yaml", manifest.as_bytes()).unwrap();
    let started = Instant::now();
    while load.check(&get(probe, "/probe").await) != number {
        assert!(started.elapsed() < PATIENCE, "swap {number} is not live: {manifest} {:?}", ingress.config().await);
    }
}

/// The policy's own counter, after one more call that counts twice.
async fn counted(ingress: &Ingress, probe: &mut Wire) -> u64 {
    let reply = get(probe, "/metrics").await;
    assert_eq!((reply.status, text(&reply.body.bytes).to_string()), (200, String::from("measured")));
    let page = ingress.metrics().await.unwrap();
    let value = |series: &str| {
        let of = |line: &&str| line.starts_with(series) && line.contains("swapped");
        let line = page.lines().find(of).unwrap_or_else(|| panic!("no {series} in {page}"));
        line.rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(value("cardea_policy_user_conformance_level"), "-2");
    value("cardea_policy_user_conformance_calls_total").parse().unwrap()
}

/// Writes a language's module as `LANGUAGE.wasm`; its size.
fn write(ingress: &Ingress, language: &str) -> usize {
    let module = guest::shipped(&format!("conformance/{language}")).unwrap();
    ingress.manifests.write(&format!("{language}.wasm"), &module).unwrap();
    module.len()
}

/// Swaps without load, so that all modules are compiled: a compiler that shares two cores with clients takes minutes.
async fn compile(ingress: &Ingress, load: &Load, probe: &mut Wire, languages: &[String]) -> u32 {
    let mut number = 0;
    for language in languages {
        let (started, bytes) = (Instant::now(), write(ingress, language));
        number += 1;
        swap(ingress, load, probe, &manifest(&format!("{language}.wasm"), "pooled", number), number).await;
        println!("{language}: {bytes} bytes, live in {:?}", started.elapsed());
    }
    number
}

/// Rounds of one language, all of them under load; the number of the last.
async fn play(ingress: &Ingress, load: &Load, probe: &mut Wire, language: &str, last: u32) -> u32 {
    let isolated = write(ingress, language) <= ISOLATED_BYTES_MAX;
    language.clone_into(&mut load.language.borrow_mut());
    let (answers, mut number) = (load.answers.get(), last);
    for (own, isolation) in ROUNDS {
        let module = if own { language } else { "rust" };
        let isolation = if isolated { isolation } else { "pooled" };
        number += 1;
        swap(ingress, load, probe, &manifest(&format!("{module}.wasm"), isolation, number), number).await;
    }
    let answers = load.answers.get() - answers;
    assert!(answers > 40, "{language}: only {answers} answers: no load");
    println!("{language}: {answers} answers over {} swaps, none lost", ROUNDS.len());
    number
}

async fn play_all() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let (ingress, languages) = (&world.ingress, languages());
    assert!(!languages.is_empty(), "none of policies/conformance/table.toml");
    write(ingress, "rust");
    ingress.manifests.write("mark.wasm", &guest::component("mark").unwrap()).unwrap();
    ingress.apply("swap.yaml", manifest("mark.wasm", "pooled", 0).as_bytes()).await.unwrap();
    let mut probe = wire(ingress).await;
    let load = Rc::new(Load::default());
    let mut last = compile(ingress, &load, &mut probe, &languages).await;
    let mut clients: Vec<JoinHandle<()>> = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(keep_asking(&load, wire(ingress).await));
    }
    clients.push(keep_streaming(&load, streams(ingress).await));
    for (before, language) in languages.iter().enumerate() {
        last = play(ingress, &load, &mut probe, language, last).await;
        let calls = counted(ingress, &mut probe).await;
        assert_eq!(calls, 2 * (before as u64 + 1), "{language} counts on where the language before it ended");
    }
    load.stop.set(true);
    for client in clients {
        client.await.expect("no client lost a request");
    }
    let seen = load.swaps.borrow().len();
    assert!(seen > last as usize, "only {seen} of {last} swaps were seen");
}

#[test]
fn no_request_is_lost_when_a_module_is_swapped_in_any_language() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play_all());
}
