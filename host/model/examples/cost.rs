//! Prints what routes cost: nanoseconds a lookup at 10, 1,000 and 100,000 routes, time and memory to compile them, and the
//! time that one change takes.
//!
//! `cargo run --release -p cardea-model --example cost`
//!
//! Each size is measured in three shapes (many hosts with one path, hosts with ten paths, one host with all paths), over
//! requests in random order that touch every route. Requests lie in one buffer, in the order of their use, so that what
//! is measured is the index and not the fetching of requests: a real request was parsed a moment ago.
//! `bulk` is the mean of back-to-back lookups; `one` lets each begin only when the one before has ended;
//! `whole` is bulk with the checks of host and path that come before.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cardea_model::compile::{Compiler, Options, compile};
use cardea_model::config::{
    Config, EndpointSlice, Ingress, IngressBackend, IngressClass, IngressPath, IngressRule, Service, ServiceKind,
    ServicePort, ServicePortRef, SliceEndpoint, SlicePort, TargetPort,
};
use cardea_model::difference::Difference;
use cardea_model::endpoint::{Resolver, resolve};
use cardea_model::host::authority;
use cardea_model::lookup::Index;
use cardea_model::path::normalize;
use cardea_model::problem::Origin;
use cardea_model::snapshot::RouteId;

/// Bytes that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[expect(unsafe_code, reason = "counts bytes on their way to the system's allocator, and nothing else")]
// SAFETY: every call is passed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!("{:<26} {:>10} {:>10} {:>10}", "ns per lookup", "10", "1,000", "100,000");
    for shape in [
        Shape { name: "a host a route", paths: 1 },
        Shape { name: "ten paths a host", paths: 10 },
        Shape { name: "one host", paths: 100_000 },
    ] {
        let measured: Vec<[f64; 3]> = [10, 1_000, 100_000].iter().map(|&routes| lookups(&shape, routes)).collect();
        row(&format!("{}, bulk", shape.name), measured.iter().map(|cost| cost[0]));
        row(&format!("{}, one", shape.name), measured.iter().map(|cost| cost[1]));
        row(&format!("{}, whole", shape.name), measured.iter().map(|cost| cost[2]));
    }
    println!();
    preparation();
    compiling();
    changing();
}

fn row(name: &str, costs: impl Iterator<Item = f64>) {
    let costs: Vec<f64> = costs.collect();
    println!("{name:<26} {:>10.1} {:>10.1} {:>10.1}   x{:.2}", costs[0], costs[1], costs[2], costs[2] / costs[0]);
}

struct Shape {
    name: &'static str,
    /// Of each host.
    paths: usize,
}

impl Shape {
    fn host(&self, route: usize) -> String {
        let number = scatter(route / self.paths);
        format!("{}.{}.example.com", word(number), word(number % 97))
    }

    /// One to three elements, so that requests meet prefixes at several depths.
    fn path(&self, route: usize) -> String {
        let number = scatter(route % self.paths);
        match number % 3 {
            0 => format!("/{}", word(number)),
            1 => format!("/api/{}", word(number)),
            _ => format!("/api/{}/orders", word(number)),
        }
    }

    fn config(&self, routes: usize) -> Config {
        let rules = (0..routes).map(|route| (self.host(route), self.path(route)));
        config(rules.enumerate().map(|(number, (host, path))| ingress(number, host, path)).collect(), routes)
    }
}

fn from_the_wire(index: &Index, host: &str, path: &str) -> Option<RouteId> {
    index.find(&authority(host).ok()?.host, &normalize(path).ok()?)
}

/// Few routes have names as long and as different as many routes have: the first 10 are spread over the same 100,000.
fn scatter(number: usize) -> usize {
    (number * 7_919 + 31_337) % 100_000
}

/// Three to twelve letters, another for each number.
fn word(number: usize) -> String {
    let length = 1 + (number * 31 + number / 7) % 8;
    let letters = (0..length).map(|at| char::from(b'a' + ((number >> at) as u8 ^ at as u8) % 26));
    letters.collect::<String>() + &format!("-{number:x}")
}

/// Nanoseconds: back to back, and one after another.
fn lookups(shape: &Shape, routes: usize) -> [f64; 3] {
    let (snapshot, problems) = compile(&shape.config(routes), &Options::default());
    assert!(problems.is_empty(), "{problems:?}");
    let mut random = Random(1);
    let mut order: Vec<usize> = (0..routes.max(100_000)).map(|number| number % routes).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    let requests = Requests::of(order.iter().map(|&route| (shape.host(route), shape.path(route) + "/item/42")));
    let index = &snapshot.index;
    [
        best_of(|| requests.bulk(index, |index, host, path| index.find(host, path))),
        best_of(|| requests.one_by_one(index)),
        best_of(|| requests.bulk(index, from_the_wire)),
    ]
}

/// The least of several rounds: the machine is shared.
fn best_of(mut round: impl FnMut() -> f64) -> f64 {
    (0..15).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// Hosts and paths in one buffer, in the order of their use.
struct Requests {
    text: String,
    ends: Vec<(u32, u32)>,
}

impl Requests {
    fn of(requests: impl Iterator<Item = (String, String)>) -> Self {
        let mut all = Self { text: String::new(), ends: Vec::new() };
        for (host, path) in requests {
            all.text.push_str(&host);
            let host_end = all.text.len() as u32;
            all.text.push_str(&path);
            all.ends.push((host_end, all.text.len() as u32));
        }
        all
    }

    fn bulk(&self, index: &Index, find: fn(&Index, &str, &str) -> Option<RouteId>) -> f64 {
        let mut start = 0;
        let begin = Instant::now();
        for &(host_end, end) in &self.ends {
            let (host, path) = self.request(start, host_end, end);
            assert!(black_box(find(index, host, path)).is_some());
            start = end;
        }
        begin.elapsed().as_nanos() as f64 / self.ends.len() as f64
    }

    /// The place of the next request depends on the answer before, by adding what is always zero.
    fn one_by_one(&self, index: &Index) -> f64 {
        let mut start = 0;
        let zero = black_box(0);
        let begin = Instant::now();
        for &(host_end, end) in &self.ends {
            let (host, path) = self.request(start, host_end, end);
            let route = index.find(host, path).map_or(0, |route| route.0);
            start = end + (route & zero);
        }
        begin.elapsed().as_nanos() as f64 / self.ends.len() as f64
    }

    fn request(&self, start: u32, host_end: u32, end: u32) -> (&str, &str) {
        (&self.text[start as usize..host_end as usize], &self.text[host_end as usize..end as usize])
    }
}

/// What comes before a lookup, so that its cost has a measure.
fn preparation() {
    let path = "/api/v17/orders/item/42";
    let host = "shop-17.tenant-17.example.com:8080";
    let per = |rounds: u32, mut call: Box<dyn FnMut()>| {
        best_of(|| {
            let begin = Instant::now();
            (0..rounds).for_each(|_| call());
            begin.elapsed().as_nanos() as f64 / f64::from(rounds)
        })
    };
    println!(
        "ns to normalise {path}: {:.1}",
        per(100_000, Box::new(move || _ = black_box(normalize(black_box(path)))))
    );
    println!("ns to check {host}: {:.1}", per(100_000, Box::new(move || _ = black_box(authority(black_box(host))))));
    println!();
}

fn compiling() {
    for (name, shape) in [
        ("100,000 Ingresses, a host each", Shape { name: "", paths: 1 }),
        ("100,000 Ingresses, ten a host", Shape { name: "", paths: 10 }),
    ] {
        let config = shape.config(100_000);
        let before = LIVE.load(Ordering::Relaxed);
        let begin = Instant::now();
        let (snapshot, _) = compile(&config, &Options::default());
        let took = begin.elapsed();
        let bytes = LIVE.load(Ordering::Relaxed) - before;
        println!("compile {name}: {} ms, {} bytes a route", took.as_millis(), bytes / snapshot.routes.len());
        let (endpoints, took) = timed(|| resolve(&config, snapshot.backends.iter()));
        println!("resolve {} backends: {} ms", endpoints.len(), took.as_millis());
    }
}

/// What one change costs, from one configuration to the next; the median of many.
fn changing() {
    for (ingresses, paths) in [(5_000, 1), (100_000, 1), (100_000, 10), (100_000, 100_000)] {
        let shape = Shape { name: "", paths };
        let mut before = shape.config(ingresses);
        let mut compiler = Compiler::new(Options::default());
        let mut resolver = Resolver::default();
        let whole = compiler.apply(&Difference::between(&Config::default(), &before));
        let mut live = whole.snapshot;
        resolver.apply(&Difference::between(&Config::default(), &before), &live.backends, &whole.changes.backends);
        let mut random = Random(2);
        let edits = (0..101).map(|round| {
            let at = random.below(ingresses);
            let mut after = before.clone();
            after.ingresses[at] = ingress(at, shape.host(at), format!("{}/{round}", shape.path(at)));
            let begin = Instant::now();
            let difference = Difference::between(&before, &after);
            let compiled = compiler.apply(&difference);
            resolver.apply(&difference, &compiled.snapshot.backends, &compiled.changes.backends);
            live = compiled.snapshot;
            let took = begin.elapsed();
            before = after;
            took
        });
        println!("edit one of {ingresses} Ingresses, {paths} a host: {} us", median(edits.collect()));
        let services = before.slices.len();
        let slices = (0..101).map(|_| {
            let at = random.below(services);
            let mut after = before.clone();
            after.slices[at] = slice(at);
            let begin = Instant::now();
            let resolved = resolver.apply(&Difference::between(&before, &after), &live.backends, &[]);
            assert_eq!(resolved.len(), 1);
            let took = begin.elapsed();
            before = after;
            took
        });
        println!("change one of {services} EndpointSlices: {} us", median(slices.collect()));
    }
}

fn median(mut all: Vec<Duration>) -> u128 {
    all.sort_unstable();
    all[all.len() / 2].as_micros()
}

fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    (call(), begin.elapsed())
}

const SERVICES: usize = 5_000;

fn config(ingresses: Vec<Arc<Ingress>>, routes: usize) -> Config {
    let services = SERVICES.min(routes);
    Config {
        classes: vec![Arc::new(IngressClass {
            origin: origin("IngressClass", "", "cardea"),
            controller: "cardea.dev/ingress".into(),
            is_default: false,
            created: None,
        })],
        ingresses,
        services: (0..services).map(service).collect(),
        slices: (0..services).map(slice).collect(),
        ..Config::default()
    }
}

fn ingress(number: usize, host: String, path: String) -> Arc<Ingress> {
    let backend = IngressBackend::Service {
        name: format!("service-{}", number % SERVICES).into(),
        port: ServicePortRef::Number(80),
    };
    let path = IngressPath { path: Some(path.into()), path_type: Some("Prefix".into()), backend };
    Arc::new(Ingress {
        origin: origin("Ingress", "shop", &format!("ingress-{number}")),
        created: None,
        class_name: Some("cardea".into()),
        annotations: BTreeMap::new(),
        default_backend: None,
        rules: vec![IngressRule { host: Some(host.into()), paths: Some(vec![path]) }],
        tls: Vec::new(),
    })
}

fn service(number: usize) -> Arc<Service> {
    Arc::new(Service {
        origin: origin("Service", "shop", &format!("service-{number}")),
        kind: ServiceKind::Endpoints,
        ports: vec![ServicePort {
            name: Some("http".into()),
            port: 80,
            target: TargetPort::Number(8080),
            protocol: "TCP".into(),
            app_protocol: None,
        }],
    })
}

fn slice(number: usize) -> Arc<EndpointSlice> {
    let endpoint = |low: u8| SliceEndpoint {
        addresses: vec![IpAddr::V4(Ipv4Addr::new(10, (number >> 8) as u8, number as u8, low))],
        ready: true,
        serving: true,
        terminating: false,
        labels: BTreeMap::new(),
    };
    Arc::new(EndpointSlice {
        origin: origin("EndpointSlice", "shop", &format!("slice-{number}")),
        service: Some(format!("service-{number}").into()),
        ports: vec![SlicePort { name: Some("http".into()), port: Some(8080), app_protocol: None }],
        endpoints: (0..4).map(endpoint).collect(),
    })
}

fn origin(kind: &'static str, namespace: &str, name: &str) -> Origin {
    Origin { source: "cluster".into(), document: 0, kind, namespace: namespace.into(), name: name.into() }
}

/// SplitMix64: the same order in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
