//! Loading, configuration, the life of contexts and VMs, metrics, and swaps.

use std::sync::Arc;

use cardea_model::config;
use cardea_policy::{Failure, LoadError, Step, UserValue};

use crate::Bench;
use crate::guest::Guest;
use crate::support::{Worker, chain, exchange, spec};

const LOG_CONTEXT: &str = "(i32.store8 (i32.const 40) (i32.add (i32.const 48) (local.get $context)))
    (drop (call $log (i32.const 2) (i32.const 40) (i32.const 1)))";

fn refused(guest: &Guest, config: &str) -> LoadError {
    let mut spec = spec("plugin", &guest.build());
    spec.config = Arc::from(config);
    Worker::default().try_load(spec).unwrap_err()
}

#[test]
fn a_module_starts_in_the_order_of_the_abi() {
    let say = |text: &str| format!("(drop (call $log (i32.const 3) «{text}»))");
    let guest = Guest::default()
        .on("_initialize", "", &say("initialize"))
        .on("main", "(param i32 i32) (result i32)", &(say("main") + "(i32.const 0)"))
        .on("_start", "", &say("start"))
        .on("proxy_on_context_create", "(param $context i32) (param $root i32)", &say("create"))
        .on("proxy_on_vm_start", "(param i32 i32) (result i32)", &(say("vm_start") + "(i32.const 1)"))
        .start(&(say("configure") + "(i32.const 1)"))
        .request_headers(&(say("headers") + "(i32.const 0)"));
    let mut bench = Bench::new(&guest);
    let start = ["warn initialize", "warn main", "warn create", "warn vm_start", "warn configure"];
    assert_eq!(bench.lines(), start, "the probe at load");
    bench.forward(&mut exchange());
    assert_eq!(bench.lines()[5..10], start);
    assert_eq!(bench.lines()[10..], ["warn create", "warn headers"]);
}

#[test]
fn a_command_starts_by_its_entry() {
    let guest = Guest::default().on(
        "_start",
        "",
        "(drop (call $log (i32.const 0) «start»)) (drop (call $log (i32.const 1) «go»))",
    );
    assert_eq!(Bench::new(&guest).lines(), ["debug go"]);
}

#[test]
fn a_command_may_return_by_proc_exit() {
    let module = |code: u32| {
        let text = format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) (i32.const 8))
            (func (export "_start") (call $exit (i32.const {code})))
            (func (export "proxy_abi_version_0_2_1")))"#
        );
        Worker::default().try_load(spec("plugin", &wat::parse_str(text).unwrap())).map(|_| ())
    };
    module(0).unwrap();
    assert_eq!(module(1).unwrap_err().stage, "init");
}

#[test]
fn the_configuration_is_the_text_of_a_string_or_json() {
    for (config, seen) in [("null", ""), ("\"a: \\u00e4\"", "a: \u{e4}"), (r#"{"a":[1]}"#, r#"{"a":[1]}"#)] {
        let guest = Guest::default().start(&format!(
            "(call $is (i32.const {}) (local.get $size))
             (call $is (i32.const 0) (call $buffer (i32.const 7) (i32.const 0) (local.get $size) (i32.const 16) (i32.const 20)))
             (call $same «{seen}»)
             (i32.const 1)",
            seen.len()
        ));
        Bench::with(&guest, |spec| spec.config = Arc::from(config));
    }
}

#[test]
fn a_vm_starts_with_its_own_configuration() {
    let body = "(call $is (i32.const 5) (local.get $size))
        (call $is (i32.const 0) (call $buffer (i32.const 6) (i32.const 0) (local.get $size) (i32.const 16) (i32.const 20)))
        (call $same «of VM») (i32.const 1)";
    let guest = Guest::default().on("proxy_on_vm_start", "(param $root i32) (param $size i32) (result i32)", body);
    let told = |vm_config: &str| Some(config::ProxyWasm { root_id: Arc::default(), vm_config: Arc::from(vm_config) });
    Bench::with(&guest, |spec| spec.proxy_wasm = told("\"of VM\""));
    let mut other = spec("plugin", &guest.build());
    other.proxy_wasm = told("null");
    assert_eq!(Worker::default().try_load(other).unwrap_err().stage, "init");
}

#[test]
fn what_only_a_vm_is_told_is_refused_for_modules_without_one() {
    let mut handler = spec("handler", &wat::parse_str("(component)").unwrap());
    handler.proxy_wasm = Some(config::ProxyWasm { root_id: Arc::from("root"), vm_config: Arc::from("null") });
    let error = Worker::default().try_load(handler).unwrap_err();
    assert_eq!((error.stage, error.field), ("abi", "spec.proxyWasm"));
}

#[test]
fn what_cannot_run_is_refused_at_load() {
    let no = refused(&Guest::default().start("(i32.const 0)"), "1");
    assert_eq!((no.stage, no.field), ("init", "spec.config"));
    let trap = refused(&Guest::default().start("(unreachable)"), "1");
    assert_eq!((trap.stage, trap.field), ("init", "spec.module"));
    let typed = refused(&Guest::default().on("proxy_on_tick", "(param i64)", ""), "1");
    assert_eq!(typed.stage, "exports");
    let malloc = refused(&Guest::default().malloc(""), "1");
    assert_eq!(malloc.stage, "exports");
    let spin = refused(&Guest::default().start("(loop $l (br $l)) (i32.const 1)"), "1");
    assert_eq!(spin.stage, "init");
}

#[test]
fn a_module_of_another_abi_or_with_other_imports_is_refused() {
    let load = |text: &str| Worker::default().try_load(spec("plugin", &wat::parse_str(text).unwrap())).unwrap_err();
    let version = load(r#"(module (func (export "proxy_abi_version_9_9_9")))"#);
    assert_eq!(version.stage, "exports");
    assert!(version.message.contains("proxy_abi_version_"), "{version}");
    let import = load(r#"(module (import "env" "proxy_redis_call" (func)) (func (export "proxy_abi_version_0_2_0")))"#);
    assert_eq!(import.stage, "imports");
    assert!(import.message.contains("proxy_redis_call"), "{import}");
    let memory = load(r#"(module (memory (export "memory") 999) (func (export "proxy_abi_version_0_2_0")))"#);
    assert_eq!(memory.stage, "limits");
}

/// Contexts have numbers from 2; each hears of its end in order.
#[test]
fn a_context_ends_with_its_exchange() {
    let one = |what: &str| format!("(drop (call $log (i32.const 2) «{what}»)) {LOG_CONTEXT}");
    let guest = Guest::default()
        .request_headers("(i32.const 0)")
        .on("proxy_on_done", "(param $context i32) (result i32)", &(one("done") + "(i32.const 1)"))
        .on("proxy_on_log", "(param $context i32)", &one("log"))
        .on("proxy_on_delete", "(param $context i32)", &one("delete"));
    let mut bench = Bench::new(&guest);
    let mut first = exchange();
    let mut run = bench.forward(&mut first);
    drop(bench.forward(&mut exchange()));
    bench.complete(&mut run, &mut first);
    let lines: Vec<String> = bench.lines();
    let ended = ["info done", "info 2", "info log", "info 2", "info delete", "info 2"];
    assert_eq!(lines[..6], ended);
    assert_eq!(lines[6..8], ["info done", "info 3"], "a session that was dropped ends its context too");
}

#[test]
fn a_context_that_is_not_done_stays_until_it_says_so() {
    let guest = Guest::default()
        .plain("(global $late (mut i32) (i32.const 0))")
        .request_headers(
            "(if (global.get $late) (then
               (call $is (i32.const 0) (call $effective (global.get $late)))
               (call $is (i32.const 0) (call $done))))
             (i32.const 0)",
        )
        .on(
            "proxy_on_done",
            "(param $context i32) (result i32)",
            "(if (global.get $late) (then (return (i32.const 1))))
             (global.set $late (local.get $context)) (i32.const 0)",
        )
        .on("proxy_on_delete", "(param $context i32)", LOG_CONTEXT);
    let mut bench = Bench::new(&guest);
    let mut first = exchange();
    let mut run = bench.forward(&mut first);
    bench.complete(&mut run, &mut first);
    assert_eq!(bench.lines(), Vec::<String>::new());
    bench.forward(&mut exchange());
    assert_eq!(bench.lines()[..1], ["info 2"]);
}

#[test]
fn metrics_are_series_of_the_policy() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 0) (call $metric (i32.const 0) «My.Counter» (i32.const 24)))
         (call $is (i32.const 0) (call $increment (i32.load (i32.const 24)) (i64.const 3)))
         (call $is (i32.const 2) (call $increment (i32.load (i32.const 24)) (i64.const -1)))
         (call $is (i32.const 0) (call $get_metric (i32.load (i32.const 24)) (i32.const 32)))
         (call $is (i32.const 3) (i32.load (i32.const 32)))
         (call $is (i32.const 1) (call $increment (i32.const 77) (i64.const 1)))
         (call $is (i32.const 2) (call $metric (i32.const 3) «x» (i32.const 24)))
         (i32.const 0)",
    );
    let mut bench = Bench::new(&guest);
    bench.forward(&mut exchange());
    let metrics = bench.worker.snapshot("test/plugin").user_metrics;
    assert_eq!((metrics[0].name.as_str(), &metrics[0].value), ("my_counter", &UserValue::Counter(3)));
}

/// Traps for `x-trap`.
fn fragile() -> Guest {
    Guest::default()
        .request_headers(
            "(if (i32.eqz (call $get (i32.const 0) «x-trap» (i32.const 16) (i32.const 20))) (then unreachable))
         (i32.const 0)",
        )
        .response_headers("(i32.const 0)")
}

#[test]
fn a_trap_ends_the_streams_of_its_vm_and_the_vm_starts_again() {
    let mut bench = Bench::new(&fragile());
    let mut other = exchange();
    let mut run = bench.forward(&mut other);
    let mut bad = exchange();
    bad.request.headers.insert("x-trap", "1".parse().unwrap());
    assert!(matches!(bench.head(&mut bad).1, Step::Fail(_, Failure::Trap(_))));

    crate::answered(&mut other);
    let step = run.on_response(&mut bench.worker.instances, &mut other);
    assert!(matches!(step, cardea_policy::ResponseStep::Fail(_, Failure::Trap(_))), "{step:?}");

    bench.forward(&mut exchange());
    let snapshot = bench.worker.snapshot("test/plugin");
    assert_eq!((snapshot.instances_created, snapshot.instances_recycled), (2, 1));
}

#[test]
fn a_vm_that_keeps_failing_waits_before_it_starts_again() {
    let mut bench = Bench::new(&Guest::default().request_headers("(unreachable)"));
    assert!(matches!(bench.failure(), Failure::Trap(_)));
    assert!(matches!(bench.failure(), Failure::Trap(_)));
    assert!(matches!(bench.failure(), Failure::Instantiate(_)));
    assert_eq!(bench.worker.snapshot("test/plugin").instances_created, 2);
}

#[test]
fn a_new_version_starts_fresh_while_old_streams_end_on_their_vm() {
    let version = |name: &str| {
        Guest::default().request_headers("(i32.const 0)").response_headers(&format!(
            "(call $is (i32.const 0) (call $add (i32.const 2) «x-version» «{name}»)) (i32.const 0)"
        ))
    };
    let mut worker = Worker::default();
    let old = worker.try_load(spec("plugin", &version("old").build())).unwrap();
    let new = worker.try_load(spec("plugin", &version("new").build())).unwrap();
    let mut exchanges = [exchange(), exchange()];
    let mut runs: Vec<_> = [&old, &new]
        .into_iter()
        .zip(&mut exchanges)
        .map(|(policy, exchange)| worker.chain(&chain(std::slice::from_ref(policy)), exchange).0)
        .collect();
    drop((old, new));
    worker.instances.sweep();
    for (index, name) in ["old", "new"].into_iter().enumerate() {
        crate::answered(&mut exchanges[index]);
        runs[index].on_response(&mut worker.instances, &mut exchanges[index]);
        assert_eq!(exchanges[index].response.as_ref().unwrap().headers["x-version"], name);
    }
}
