//! What a call costs, in nanoseconds: of a whole policy, pooled and fresh, and of each kind of question.
//!
//! `cargo run --release -p cardea-policy --example call_cost [MODULE.wasm [HEADER:VALUE ...] | profile]`. Without an argument, the
//! hand-written reference policy and the single imports. A module of another ABI also hears of the answer, and of the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement, and not a part of the ingress"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cardea_model::config::Isolation;
use cardea_policy::{Chain, Exchange, ResponseHead, ResponseStep, Run, Step, Summary};
use support::{Guest, Worker, spec};

/// Host calls of one guest call, in the loops that measure one import.
const REPEATS: u32 = 100;

fn main() {
    let mut worker = Worker::default();
    println!("pool: {}", if worker.engine.is_pooled() { "yes" } else { "no, on demand" });
    let mut arguments = std::env::args().skip(1);
    match arguments.next() {
        // One thing for a profiler to look at.
        Some(name) if name == "profile" => {
            let module = support::reference::guest().build();
            let chain = support::chain(&[worker.try_load(spec("profiled", &module)).unwrap()]);
            let mut exchange = exchange(&[]);
            (0..5_000_000).for_each(|_| call(&mut worker, &chain, &mut exchange));
        }
        Some(path) => {
            let module = std::fs::read(&path).expect("the component");
            let headers: Vec<String> = arguments.collect();
            policy(&mut worker, &path, &module, &headers);
        }
        None => {
            let module = support::reference::guest().build();
            policy(&mut worker, "reference, next and set a header", &module, &[]);
            policy(&mut worker, "reference, route to canary", &module, &[String::from("x-canary:1")]);
            policy(&mut worker, "next, no question", &Guest::next().build(), &[]);
            imports(&mut worker);
        }
    }
}

fn policy(worker: &mut Worker, name: &str, module: &[u8], headers: &[String]) {
    let start = Instant::now();
    for isolation in [Isolation::Pooled, Isolation::Request] {
        let mut spec = spec("measured", module);
        spec.isolation = isolation;
        let chain = support::chain(&[worker.try_load(spec).unwrap()]);
        if isolation == Isolation::Pooled {
            println!("{name}: loaded in {:?}", start.elapsed());
        }
        let nanoseconds = best(|count| {
            let mut exchange = exchange(headers);
            let start = Instant::now();
            for _ in 0..count {
                call(worker, &chain, &mut exchange);
            }
            start.elapsed().as_nanos() as f64 / f64::from(count)
        });
        println!("  {isolation:?}: {nanoseconds:.0} ns");
    }
}

/// Twelve headers, as a browser sends them.
fn exchange(headers: &[String]) -> Box<Exchange> {
    let mut exchange = support::exchange();
    let more =
        ["accept-language", "accept-encoding", "dnt", "referer", "sec-fetch-mode", "cache-control", "x-a", "x-b"];
    for name in more {
        exchange.request.headers.insert(name, http::HeaderValue::from_static("a value of twenty-six byte"));
    }
    for header in headers {
        let (name, value) = header.split_once(':').expect("HEADER:VALUE");
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        exchange.request.headers.insert(name, value.trim().parse().expect("a header value"));
    }
    exchange
}

fn call(worker: &mut Worker, chain: &Arc<Chain>, exchange: &mut Box<Exchange>) {
    let mut run = Run::new(Arc::clone(chain));
    let step = run.on_request(&mut worker.instances, exchange, &|name| name == "canary");
    assert!(!matches!(step, Step::Fail(..)), "{step:?}");
    if run.wants_response() {
        answer(worker, &mut run, exchange);
    }
    black_box((run, step));
}

fn answer(worker: &mut Worker, run: &mut Run, exchange: &mut Box<Exchange>) {
    let head = ResponseHead { status: http::StatusCode::OK, headers: http::HeaderMap::new(), ended: true };
    exchange.response = Some(head);
    let step = run.on_response(&mut worker.instances, exchange);
    assert!(!matches!(step, ResponseStep::Fail(..)), "{step:?}");
    let summary = Summary {
        status: 200,
        duration_us: 0,
        upstream_us: 0,
        bytes_in: 0,
        bytes_out: 0,
        backend: None,
        retries: 0,
        error: None,
    };
    run.on_complete(&mut worker.instances, exchange, &summary);
    exchange.response = None;
}

/// The least of several rounds: the machine has other work.
fn best(mut round: impl FnMut(u32) -> f64) -> f64 {
    round(2_000);
    (0..20).map(|_| round(5_000)).fold(f64::INFINITY, f64::min)
}

fn imports(worker: &mut Worker) {
    let cases: [(&str, &str, &str, &str, &str); 9] = [
        ("exchange", "method", "(param i32)", "(i32.const 3000)", ""),
        ("exchange", "path", "(param i32)", "(i32.const 3000)", ""),
        ("exchange", "header", "(param i32 i32 i32)", "(i32.const 4000) (i32.const 10) (i32.const 3000)", ""),
        ("exchange", "header", "(param i32 i32 i32)", "(i32.const 4016) (i32.const 8) (i32.const 3000)", "absent"),
        ("exchange", "query-param", "(param i32 i32 i32)", "(i32.const 4032) (i32.const 1) (i32.const 3000)", ""),
        ("exchange", "headers", "(param i32)", "(i32.const 3000)", "of 12"),
        ("clock", "now-ms", "(result i64)", "", ""),
        ("random", "next-u64", "(result i64)", "", ""),
        ("log", "enabled", "(param i32) (result i32)", "(i32.const 0)", ""),
    ];
    let loop_of = |body: &str| {
        format!(
            "(local $i i32) (local.set $i (i32.const {REPEATS}))
             (loop $l {body} (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $l (local.get $i)))
             i32.const 1024"
        )
    };
    let empty = measure(worker, &Guest::request(&loop_of("(call $reset)")));
    for (interface, function, signature, arguments, note) in cases {
        let drop = if signature.contains("result") { "drop" } else { "" };
        let body = format!("(call $reset) (call $f {arguments}) {drop}");
        let guest = Guest::request(&loop_of(&body))
            .import(interface, function, "f", signature)
            .data(4000, "user-agent")
            .data(4016, "x-absent")
            .data(4032, "x");
        let nanoseconds = (measure(worker, &guest) - empty) / f64::from(REPEATS);
        println!("import {interface}.{function} {note}: {nanoseconds:.0} ns");
    }
    let set = |count: u32| {
        let edits: String = (0..count)
            .map(|i| {
                let at = 3000 + 20 * i;
                let words = [at + 4, at + 8, at + 12, at + 16].into_iter().zip([4000, 8, 4016, 9]);
                words.map(|(at, value)| format!("(i32.store (i32.const {at}) (i32.const {value}))")).collect::<String>()
            })
            .collect();
        let list =
            format!("(i32.store (i32.const 1056) (i32.const 3000)) (i32.store (i32.const 1060) (i32.const {count}))");
        Guest::request(&format!("{edits} {list} i32.const 1024")).data(4000, "x-policy").data(4016, "reference")
    };
    let nanoseconds = (measure(worker, &set(16)) - measure(worker, &set(0))) / 16.0;
    println!("edit set, each: {nanoseconds:.0} ns");
}

fn measure(worker: &mut Worker, guest: &Guest) -> f64 {
    let chain = support::chain(&[worker.load("import", guest)]);
    best(|count| {
        let (mut exchange, count) = (exchange(&[]), count / 20);
        let start = Instant::now();
        for _ in 0..count {
            call(worker, &chain, &mut exchange);
        }
        start.elapsed().as_nanos() as f64 / f64::from(count)
    })
}
