//! Whatever bytes a guest hands back as its outcome, the host lifts it or refuses it, and what it lifts is valid.
//!
//! The guest reads the bytes from a header, in hex, writes them to its memory, and says that this is its outcome. Most
//! words are bent to lie inside of its memory, so that lists and strings are found at all.
#![no_main]

#[path = "../../../host/policy/tests/support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::sync::Arc;

use cardea_policy::{Policy, Step};
use libfuzzer_sys::fuzz_target;
use support::{Guest, Worker, exchange};

/// Decodes the hex at `$from` to 1024, two digits a byte, and returns 1024.
const DECODE: &str = r#"
    (local $at i32) (local $from i32) (local $length i32)
    call $reset
    (call $header (i32.const 900) (i32.const 6) (i32.const 920))
    (local.set $from (i32.load (i32.const 924)))
    (local.set $length (i32.div_u (i32.load (i32.const 928)) (i32.const 2)))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 8192))
    (block $done (loop $more
      (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
      (i32.store8 (i32.add (i32.const 1024) (local.get $at))
        (i32.or
          (i32.shl (call $digit (i32.load8_u (i32.add (local.get $from) (i32.mul (local.get $at) (i32.const 2))))) (i32.const 4))
          (call $digit (i32.load8_u (i32.add (local.get $from) (i32.add (i32.mul (local.get $at) (i32.const 2)) (i32.const 1)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more)))
    (i32.const 1024)"#;

const DIGIT: &str = "(func $digit (param i32) (result i32)
    (if (result i32) (i32.ge_u (local.get 0) (i32.const 97))
      (then (i32.sub (local.get 0) (i32.const 87))) (else (i32.sub (local.get 0) (i32.const 48)))))";

thread_local! {
    static HOST: RefCell<(Worker, Arc<Policy>)> = RefCell::new(host());
}

fn host() -> (Worker, Arc<Policy>) {
    let worker = Worker::default();
    let guest = Guest::request(DECODE)
        .import("exchange", "header", "header", "(param i32 i32 i32)")
        .with(DIGIT)
        .data(900, "x-fuzz");
    let policy = worker.load("fuzz", &guest);
    (worker, policy)
}

fuzz_target!(|bytes: &[u8]| {
    HOST.with_borrow_mut(|(worker, policy)| {
        let mut exchange = exchange();
        let value = http::HeaderValue::from_str(&hex(&bend(bytes))).expect("hex is a value");
        exchange.request.headers.insert("x-fuzz", value);
        let (_, step) = worker.request(policy, &mut exchange);
        check(&step);
        for (name, value) in &exchange.request.headers {
            assert!(!value.as_bytes().iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')), "{name}: {value:?}");
        }
        let path = exchange.request.uri.path();
        let normal = cardea_model::path::normalize(path);
        assert_eq!(normal.as_deref(), Ok(path), "an edited path is normal");
    });
});

fn check(step: &Step) {
    if let Step::Reply(reply) = step {
        assert!((200..=599).contains(&reply.status.as_u16()), "{reply:?}");
        assert!(!reply.headers.contains_key("transfer-encoding") && !reply.headers.contains_key("content-length"));
        assert!(reply.body.len() <= 1 << 20);
    }
}

/// Words with their top bit clear become addresses within the first 16 KiB; 4 KiB of bytes at most.
fn bend(bytes: &[u8]) -> Vec<u8> {
    let mut bent = bytes.get(..4096).unwrap_or(bytes).to_vec();
    for word in bent.chunks_exact_mut(4) {
        if word[3] < 128 {
            word[1] &= 0x3f;
            word[2] = 0;
            word[3] = 0;
        }
    }
    bent
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
