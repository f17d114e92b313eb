//! Bytes between host and guest, counted: what the arithmetic of each ABI says, and nothing where nobody asked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "http_wasm/guest.rs"]
#[allow(dead_code, reason = "the suite of http-wasm uses all of it")]
mod handler;
#[path = "proxy_wasm/guest.rs"]
#[allow(dead_code, reason = "the suite of proxy-wasm uses all of it")]
mod plugin;
mod support;

use std::sync::Arc;
use std::time::Duration;

use cardea_policy::{Copied, Exchange, Policy, ResponseHead, ResponseStep, StartCost, Step, Summary};
use http::{HeaderMap, StatusCode};
use support::guest::words;
use support::{Guest, SUMMARY, Worker, exchange, spec};

/// Of `request-outcome`, without what its lists hold.
const OUTCOME_BYTES: u64 = 68;
const EDIT_BYTES: u64 = 20;
/// Of `init`: its config, and its result.
const INIT: Copied = Copied { to_guest: "null".len() as u64, from_guest: 12 };

fn sum(first: Copied, second: Copied) -> Copied {
    Copied { to_guest: first.to_guest + second.to_guest, from_guest: first.from_guest + second.from_guest }
}

fn copied(worker: &Worker, policy: &Policy) -> Copied {
    worker.instances.footprint(policy).unwrap().copied
}

/// Of one exchange through an instance that has had one: request, an answer without a body, and the end.
fn of_an_exchange(worker: &mut Worker, policy: &Arc<Policy>) -> Copied {
    play(worker, policy);
    let before = copied(worker, policy);
    play(worker, policy);
    copied(worker, policy).since(before)
}

fn play(worker: &mut Worker, policy: &Arc<Policy>) {
    let mut exchange = exchange();
    exchange.ended = true;
    let mut run = worker.forward(policy, &mut exchange);
    exchange.response = Some(ResponseHead { status: StatusCode::OK, headers: HeaderMap::new(), ended: true });
    assert!(matches!(run.on_response(&mut worker.instances, &mut exchange), ResponseStep::Forward));
    run.on_complete(&mut worker.instances, &mut exchange, &SUMMARY);
}

#[test]
fn a_call_of_a_component_copies_its_questions_answers_and_outcome() {
    let mut worker = Worker::measuring();
    let policy = worker.load("reference", &support::reference::guest());
    let asked = |name: &str| name.len() as u64;
    // `header` answers an option of a list, 12 bytes and none of them beyond; `path` a string, 8 and "/cart".
    let call = Copied {
        to_guest: 12 + 8 + asked("/cart"),
        from_guest: asked("x-canary") + OUTCOME_BYTES + EDIT_BYTES + asked("x-policy") + asked("reference"),
    };
    worker.forward(&policy, &mut exchange());
    assert_eq!(copied(&worker, &policy), sum(INIT, call));
    assert_eq!(of_an_exchange(&mut worker, &policy), call);
}

#[test]
fn fields_are_counted_with_the_list_that_holds_them() {
    let mut worker = Worker::measuring();
    let guest = Guest::request("(call $reset) (call $headers (i32.const 3000)) i32.const 1024").world("pure").import(
        "exchange",
        "headers",
        "headers",
        "(param i32)",
    );
    let policy = worker.load("headers", &guest);
    let (text, count) = fields(&exchange());
    let call = Copied { to_guest: 8 + count * 16 + text, from_guest: OUTCOME_BYTES };
    assert_eq!(of_an_exchange(&mut worker, &policy), call);
}

/// Bytes of names and values, and their number.
fn fields(exchange: &Exchange) -> (u64, u64) {
    let headers = &exchange.request.headers;
    let text: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (text as u64, headers.len() as u64)
}

#[test]
fn bodies_carries_and_summaries_are_counted() {
    let mut worker = Worker::measuring();
    // want-body, then next; the carry of each is "first".
    let guest = Guest::next()
        .world("gateway")
        .with(&words(1024, &[5, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4000, 5]))
        .data(4000, "first")
        .with("(func $body (param i32 i32 i32 i32 i32) (result i32) i32.const 1152)")
        .with(&words(1152, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4000, 5]))
        .with("(func $response (param i32 i32) (result i32) i32.const 1280)")
        .with(&words(1280, &[0, 0, 0, 0, 0, 0, 0, 0, 4000, 5]))
        .with("(func $complete (param i32 i64 i64 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32))");
    let policy = worker.load("phases", &guest);
    let mut exchange = exchange();
    let (mut run, step) = worker.request(&policy, &mut exchange);
    assert!(matches!(step, Step::WantBody(_)));
    let first = OUTCOME_BYTES + 5;
    assert_eq!(copied(&worker, &policy), sum(INIT, Copied { to_guest: 0, from_guest: first }));
    // The body and the carry.
    let before = copied(&worker, &policy);
    run.on_request_body(&mut worker.instances, &mut exchange, &|_| false, b"0123456789", true);
    assert_eq!(copied(&worker, &policy).since(before), Copied { to_guest: 10 + 5, from_guest: first });
    // The carry; an outcome without a reply is 40 bytes.
    let before = copied(&worker, &policy);
    exchange.response = Some(ResponseHead { status: StatusCode::OK, headers: HeaderMap::new(), ended: true });
    run.on_response(&mut worker.instances, &mut exchange);
    assert_eq!(copied(&worker, &policy).since(before), Copied { to_guest: 5, from_guest: 40 + 5 });
    // Summary and carry: 14 numbers, in registers.
    let before = copied(&worker, &policy);
    run.on_complete(&mut worker.instances, &mut exchange, &Summary { error: Some("client_gone"), ..SUMMARY });
    let told = "client_gone".len() as u64;
    assert_eq!(copied(&worker, &policy).since(before), Copied { to_guest: told + 5, from_guest: 0 });
}

#[test]
fn an_engine_that_does_not_measure_counts_no_component() {
    let mut worker = Worker::default();
    let policy = worker.load("reference", &support::reference::guest());
    assert_eq!(of_an_exchange(&mut worker, &policy), Copied::default());
}

#[test]
fn a_plugin_of_proxy_wasm_is_counted_where_its_memory_is() {
    let mut worker = Worker::default();
    let guest = plugin::Guest::default().request_headers(
        "(call $is (i32.const 0) (call $get (i32.const 0) «User-Agent» (i32.const 16) (i32.const 20)))
         (call $is (i32.const 0) (call $replace (i32.const 0) «x-a» «one»))
         (i32.const 0)",
    );
    let policy = worker.try_load(spec("plugin", &guest.build())).unwrap();
    // A value comes with its address and length, which are first written as zeros.
    let value = "test/1".len() as u64 + 4 * 4;
    let expected = Copied { to_guest: value, from_guest: ("User-Agent".len() + "x-a".len() + "one".len()) as u64 };
    assert_eq!(of_an_exchange(&mut worker, &policy), expected);
}

#[test]
fn a_handler_of_http_wasm_is_counted_where_its_memory_is() {
    let mut worker = Worker::default();
    let handler = handler::Handler::request(
        "(drop (call $get_uri (i32.const 1024) (i32.const 512)))
         (drop (call $get_uri (i32.const 1024) (i32.const 3)))
         (drop (call $get_header_values (i32.const 0) {accept} (i32.const 1024) (i32.const 512)))
         (call $set_header_value (i32.const 0) {x-a} {one})",
    );
    let policy = worker.try_load(spec("handler", &handler.build())).unwrap();
    // Of what does not fit nothing is written; each value of a list has a NUL after it.
    let to_guest = "/cart?user=a%20b&x=1".len() + "*/*".len() + 1 + "text/plain".len() + 1;
    let from_guest = "accept".len() + "x-a".len() + "one".len();
    let expected = Copied { to_guest: to_guest as u64, from_guest: from_guest as u64 };
    assert_eq!(of_an_exchange(&mut worker, &policy), expected);
}

#[test]
fn the_halves_of_a_start_are_told_apart() {
    let worker = Worker::default();
    // Some milliseconds of work.
    let spin = "(func $init (param i32 i32) (result i32) (local $n i32)
        (loop $next (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000000))))
        i32.const 2048)";
    let busy = worker.load("busy", &Guest::next().with(spin));
    // A busy machine may hold up some of them.
    let costs: Vec<_> = (0..10).map(|_| busy.time_start().unwrap()).collect();
    let least = |half: fn(&StartCost) -> Option<Duration>| costs.iter().filter_map(half).min();
    assert!(least(|cost| cost.init) > least(|cost| Some(cost.instance)), "{costs:?}");
    for module in [handler::Handler::request("").build(), plugin::Guest::default().build()] {
        let cost = worker.try_load(spec("core", &module)).unwrap().time_start().unwrap();
        assert!(!cost.instance.is_zero(), "{cost:?}");
    }
}
