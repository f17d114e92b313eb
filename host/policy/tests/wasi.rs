//! WASI that a toolchain imports is there, and empty; what it gives is bounded and granted like everything else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use cardea_model::config::{self, Isolation};
use cardea_policy::{Clock, Exchange, Failure, Random, Sources};
use support::{Guest, Worker, exchange, spec};

/// A guest of the interface and of WASI. `request` leaves nothing on the stack; what WASI returns is at 512.
fn guest(request: &str) -> Guest {
    Guest::request(&format!("{request} i32.const 1024"))
        .with("(func $must (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))")
        .wasi("cli/environment@0.2.0", "get-environment", "environment", "(param i32)")
        .wasi("cli/environment@0.2.0", "get-arguments", "arguments", "(param i32)")
        .wasi("cli/environment@0.2.0", "initial-cwd", "cwd", "(param i32)")
        .wasi("cli/stdin@0.2.0", "get-stdin", "stdin", "(result i32)")
        .wasi("cli/stdout@0.2.0", "get-stdout", "stdout", "(result i32)")
        .wasi("cli/stderr@0.2.0", "get-stderr", "stderr", "(result i32)")
        .wasi("cli/exit@0.2.0", "exit", "exit", "(param i32)")
        .wasi("io/streams@0.2.3", "[method]input-stream.read", "read", "(param i32 i64 i32)")
        .wasi("io/streams@0.2.3", "[method]output-stream.check-write", "check", "(param i32 i32)")
        .wasi("io/streams@0.2.3", "[method]output-stream.write", "write", "(param i32 i32 i32 i32)")
        .wasi("io/streams@0.2.3", "[resource-drop]output-stream", "drop", "(param i32)")
        .wasi("io/poll@0.2.3", "poll", "poll", "(param i32 i32 i32)")
        .wasi("io/poll@0.2.3", "[method]pollable.block", "block", "(param i32)")
        .wasi("clocks/monotonic-clock@0.2.6", "now", "monotonic", "(result i64)")
        .wasi("clocks/monotonic-clock@0.2.6", "subscribe-duration", "sleep", "(param i64) (result i32)")
        .wasi("clocks/wall-clock@0.2.6", "now", "wall", "(param i32)")
        .wasi("random/random@0.2.9", "get-random-u64", "random", "(result i64)")
        .wasi("random/random@0.2.9", "get-random-bytes", "bytes", "(param i64 i32)")
        .wasi("random/insecure-seed@0.2.9", "insecure-seed", "seed", "(param i32)")
        .wasi("filesystem/preopens@0.2.3", "get-directories", "directories", "(param i32)")
        .wasi("sockets/tcp-create-socket@0.2.3", "create-tcp-socket", "socket", "(param i32 i32)")
        .import("exchange", "set-note", "note", "(param i32 i32 i32 i32)")
        .data(3000, "note")
}

fn without_grants(guest: &Guest) -> config::Policy {
    let mut spec = spec("wasi", &guest.build());
    spec.grants.interfaces.clear();
    spec
}

/// The note that the guest left.
fn note(exchange: &Exchange) -> Vec<u8> {
    exchange.notes.iter().find(|(key, _)| key == "note").unwrap().1.clone()
}

#[test]
fn nothing_of_the_machine_is_there() {
    let empty = "(call $must (i32.eqz (i32.load (i32.const 516))))";
    let guest = guest(&format!(
        "(call $environment (i32.const 512)) {empty}
         (call $arguments (i32.const 512)) {empty}
         (call $directories (i32.const 512)) {empty}
         (call $cwd (i32.const 512)) (call $must (i32.eqz (i32.load8_u (i32.const 512))))
         (call $read (call $stdin) (i64.const 10) (i32.const 512))
         (call $must (i32.load8_u (i32.const 512)))
         (call $must (i32.eq (i32.load8_u (i32.const 516)) (i32.const 1)))
         (call $socket (i32.const 0) (i32.const 512))
         (call $must (i32.load8_u (i32.const 512)))
         (call $must (i32.eq (i32.load8_u (i32.const 516)) (i32.const 1)))"
    ));
    let mut worker = Worker::default();
    let policy = worker.try_load(without_grants(&guest)).unwrap();
    worker.forward(&policy, &mut exchange());
    // Handles are given back, or the second call would find none left.
    for _ in 0..50 {
        worker.forward(&policy, &mut exchange());
    }
}

/// Writes `text` to a standard stream.
fn print(stream: &str, address: u32, text: &str) -> String {
    format!(
        "(local.set $out (call ${stream}))
         (call $check (local.get $out) (i32.const 512)) (call $must (i32.eqz (i32.load8_u (i32.const 512))))
         (call $write (local.get $out) (i32.const {address}) (i32.const {len}) (i32.const 512))
         (call $must (i32.eqz (i32.load8_u (i32.const 512)))) (call $drop (local.get $out))",
        len = text.len()
    )
}

fn printing(writes: &[(&str, &str)], then: &str) -> Guest {
    let mut body = String::from("(local $out i32) ");
    for (at, (stream, text)) in writes.iter().enumerate() {
        body.push_str(&print(stream, 4000 + 100 * at as u32, text));
    }
    let guest = guest(&format!("{body} {then}"));
    writes.iter().enumerate().fold(guest, |guest, (at, (_, text))| guest.data(4000 + 100 * at as u32, text))
}

#[test]
fn output_is_lines_of_the_log() {
    let writes = [("stdout", "one\ntw"), ("stderr", "bad\r\n"), ("stdout", "o \n\nhalf")];
    let mut worker = Worker::default();
    let policy = worker.load("wasi", &printing(&writes, ""));
    worker.forward(&policy, &mut exchange());
    let expected = ["info one", "error bad", "info two", "info half"].map(|line| format!("test/wasi {line}"));
    assert_eq!(*worker.lines.lock().unwrap(), expected);
}

#[test]
fn lines_over_the_bound_of_a_call_are_dropped_and_counted() {
    let many = "x\n".repeat(20);
    let mut worker = Worker::default();
    let policy = worker.load("wasi", &printing(&[("stdout", &many)], ""));
    worker.forward(&policy, &mut exchange());
    assert_eq!(worker.lines.lock().unwrap().len(), 16);
    assert_eq!(worker.snapshot("test/wasi").logs_dropped, 4);
}

#[test]
fn without_the_grant_output_is_dropped_but_a_trap_repeats_the_last_words() {
    let writes = [("stdout", "hello\n"), ("stderr", "panicked at\nthe disco\n")];
    let mut worker = Worker::default();
    let policy = worker.try_load(without_grants(&printing(&writes, "unreachable"))).unwrap();
    let Failure::Trap(text) = worker.failure(&policy) else { panic!("no trap") };
    assert!(text.contains("after writing: panicked at the disco"), "{text}");
    assert!(worker.lines.lock().unwrap().is_empty());
}

#[test]
fn time_is_that_of_the_clock_and_waiting_is_over_at_once() {
    let guest = guest(
        "(call $wall (i32.const 512))
         (i64.store (i32.const 528) (call $monotonic))
         (i32.store (i32.const 600) (call $sleep (i64.const 1000000000000)))
         (call $poll (i32.const 600) (i32.const 1) (i32.const 540))
         (call $must (i32.eq (i32.load (i32.const 544)) (i32.const 1)))
         (call $must (i32.eqz (i32.load (i32.load (i32.const 540)))))
         (call $block (i32.load (i32.const 600)))
         (call $must (i64.eq (call $monotonic) (i64.load (i32.const 528))))
         (call $note (i32.const 3000) (i32.const 4) (i32.const 512) (i32.const 24))",
    );
    let (clock, _) = Clock::fixed(1_700_000_000_250);
    let mut worker = Worker::new(Sources { clock, ..Sources::default() });
    let policy = worker.try_load(without_grants(&guest)).unwrap();
    let mut exchange = exchange();
    let run = worker.forward(&policy, &mut exchange);
    let note = note(&exchange);
    assert_eq!(note[..8], 1_700_000_000u64.to_le_bytes());
    assert_eq!(note[8..12], 250_000_000u32.to_le_bytes());
    assert_eq!(note[16..24], 1_700_000_000_250_000_000u64.to_le_bytes());
    assert_eq!(run.reads(&run.decided[0]), ["clock"]);
}

/// Two numbers that an instance drew, and its seed.
fn draws(worker: &mut Worker, spec: config::Policy) -> Vec<u8> {
    let policy = worker.try_load(spec).unwrap();
    let mut exchange = exchange();
    worker.forward(&policy, &mut exchange);
    note(&exchange)
}

#[test]
fn random_numbers_need_their_grant() {
    let drawing = guest(
        "(i64.store (i32.const 600) (call $random))
         (call $bytes (i64.const 8) (i32.const 512))
         (i64.store (i32.const 608) (i64.load (i32.load (i32.const 512))))
         (call $seed (i32.const 616))
         (call $note (i32.const 3000) (i32.const 4) (i32.const 600) (i32.const 32))",
    );
    let mut worker = Worker::new(Sources { random: Random::System, ..Sources::default() });
    let fixed = draws(&mut worker, without_grants(&drawing));
    assert_eq!(fixed, draws(&mut worker, without_grants(&drawing)), "another instance draws the same");
    let numbers: std::collections::HashSet<&[u8]> = fixed.chunks(8).collect();
    assert_eq!(numbers.len(), 4, "a sequence, and not one number: {fixed:?}");
    let granted = draws(&mut worker, spec("granted", &drawing.build()));
    assert_ne!(granted, fixed);
    assert_ne!(granted, draws(&mut worker, spec("again", &drawing.build())));
    let large = guest("(call $bytes (i64.const 1000000) (i32.const 512))");
    let policy = worker.try_load(without_grants(&large)).unwrap();
    assert_eq!(worker.failure(&policy), Failure::HostCalls);
}

#[test]
fn a_policy_that_ends_itself_is_told_so() {
    let mut worker = Worker::default();
    let policy = worker.load("wasi", &guest("(call $exit (i32.const 0))"));
    assert_eq!(worker.failure(&policy), Failure::Trap(String::from("the policy called exit")));
}

#[test]
fn its_calls_count_as_host_calls() {
    let mut worker = Worker::default();
    let policy = worker.load("wasi", &guest("(loop $again (drop (call $monotonic)) (br $again))"));
    assert_eq!(worker.failure(&policy), Failure::HostCalls);
    let policy = worker.load("void", &guest("(loop $again (call $environment (i32.const 512)) (br $again))"));
    assert_eq!(worker.failure(&policy), Failure::HostCalls);
}

#[test]
fn no_snapshot_is_taken_of_a_guest_that_may_hold_handles() {
    let mut spec = spec("wasi", &guest("(call $environment (i32.const 512))").build());
    spec.isolation = Isolation::Request;
    let mut worker = Worker::default();
    let policy = worker.try_load(spec).unwrap();
    assert!(!policy.is_snapshot());
    worker.forward(&policy, &mut exchange());
}

#[test]
fn other_wasi_is_refused_with_what_is_there() {
    for import in [
        "wasi:http/outgoing-handler@0.2.3",
        "wasi:cli/environment@0.3.0",
        "wasi:nn/tensor@0.2.0",
        "wasi:cli/environment",
    ] {
        let module = wat::parse_str(format!("(component (import \"{import}\" (instance)))")).unwrap();
        let error = Worker::default().try_load(spec("other", &module)).unwrap_err();
        assert_eq!((error.stage, error.field), ("imports", "spec.module"));
        assert!(error.message.contains(&format!("imports `{import}`")), "{error:?}");
        assert!(error.message.contains("cli, io, clocks, random, filesystem or sockets of WASI 0.2.x"), "{error:?}");
        assert!(error.remedy.contains("WASI 0.2"), "{error:?}");
    }
}
