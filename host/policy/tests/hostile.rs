//! Components built to break out: each costs its own request, has its own failure, and leaves the worker serving.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config::Isolation;
use cardea_policy::{Failure, Policy};
use support::{Guest, Worker, exchange, spec};

/// Runs a hostile guest a few times between calls of a good one on the same worker.
fn failure_of(guest: &Guest) -> Failure {
    let mut worker = Worker::default();
    let good = worker.load("good", &Guest::next());
    worker.forward(&good, &mut exchange());
    let hostile = worker.load("hostile", guest);
    let failure = worker.failure(&hostile);
    for _ in 0..3 {
        worker.forward(&good, &mut exchange());
        assert_eq!(worker.failure(&hostile), failure);
    }
    worker.forward(&good, &mut exchange());
    let snapshot = worker.snapshot("test/hostile");
    let counted = snapshot.failures.iter().find(|(label, _)| *label == failure.label()).unwrap().1;
    assert_eq!(counted, 4, "each failure is counted under its label");
    failure
}

/// Stores a 32-bit value into the outcome.
fn put(offset: u32, value: u32) -> String {
    format!("(i32.store (i32.const {}) (i32.const {value}))", support::guest::OUTCOME + offset)
}

const EDITS: u32 = 32;
const RESPONSE_EDITS: u32 = 40;
const CARRY: u32 = 52;
const LABELS: u32 = 60;
const DECISION: u32 = 0;
const PAYLOAD: u32 = 4;

/// A guest whose outcome has one edit, laid out at 3000: case, then two strings.
fn edit(case: u32, name: &str, value: &str) -> Guest {
    let edit = format!(
        "{} {} (i32.store8 (i32.const 3000) (i32.const {case}))
         (i32.store (i32.const 3004) (i32.const 4000)) (i32.store (i32.const 3008) (i32.const {}))
         (i32.store (i32.const 3012) (i32.const 5000)) (i32.store (i32.const 3016) (i32.const {}))
         i32.const 1024",
        put(EDITS, 3000),
        put(EDITS + 4, 1),
        name.len(),
        value.len()
    );
    Guest::request(&edit).data(4000, name).data(5000, value)
}

fn is_invalid(failure: &Failure, text: &str) {
    match failure {
        Failure::OutcomeInvalid(message) => assert!(message.contains(text), "{message}"),
        other => panic!("{other:?}"),
    }
}

fn is_trap(failure: &Failure, text: &str) {
    match failure {
        Failure::Trap(message) => assert!(message.contains(text), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let start = Instant::now();
    assert_eq!(failure_of(&Guest::request("(loop $l (br $l)) unreachable")), Failure::Deadline);
    // Four calls of 20 ms each.
    assert!(start.elapsed() > Duration::from_millis(80));
}

#[test]
fn an_endless_loop_of_host_calls_is_stopped_by_their_bound() {
    let guest = Guest::request("(loop $l (call $now) drop (br $l)) unreachable");
    assert_eq!(failure_of(&guest.import("clock", "now-ms", "now", "(result i64)")), Failure::HostCalls);
}

#[test]
fn kept_values_have_a_bound_of_operations_a_call() {
    let guest = Guest::request("(loop $l (call $get (i32.const 0) (i32.const 1)) drop (br $l)) unreachable");
    let guest = guest.import("counters", "get", "get", "(param i32 i32) (result i64)");
    assert_eq!(failure_of(&guest), Failure::HostCalls);
}

#[test]
fn deep_recursion_is_a_trap() {
    let guest = Guest::request("(call $deep (i32.const 1))")
        .with("(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))");
    is_trap(&failure_of(&guest), "call stack exhausted");
}

#[test]
fn memory_beyond_the_limit_is_not_given() {
    let guest = Guest::request("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable");
    assert_eq!(failure_of(&guest), Failure::Memory);
}

/// The limit is 256 pages: each of the two could have them, but not both.
#[test]
fn memory_is_bounded_over_all_memories_of_a_guest() {
    let two = "(memory (export \"memory\") 2) (memory $other 1)";
    let grow = |memory: &str, refused: bool| {
        let given = if refused { "i32.ne" } else { "i32.eq" };
        format!("(if ({given} (memory.grow {memory} (i32.const 150)) (i32.const -1)) (then unreachable))")
    };
    let [first, other] = [("0", "$other"), ("$other", "0")]
        .map(|(one, two)| Guest::request(&format!("{} {} i32.const 1024", grow(one, false), grow(two, true))));
    for guest in [first, other] {
        let mut worker = Worker::default();
        let policy = worker.load("greedy", &guest.memory(two));
        worker.forward(&policy, &mut exchange());
    }
    let ever = "(loop $l (br_if $l (i32.ne (memory.grow $other (i32.const 16)) (i32.const -1)))) unreachable";
    assert_eq!(failure_of(&Guest::request(ever).memory(two)), Failure::Memory);
    // And where each request has a copy of an instance that has started.
    let mut worker = Worker::default();
    let mut policy = spec("each", &Guest::request(ever).memory(two).build());
    policy.isolation = Isolation::Request;
    let policy = worker.try_load(policy).unwrap();
    assert_eq!([worker.failure(&policy), worker.failure(&policy)], [Failure::Memory, Failure::Memory]);
}

#[test]
fn a_guest_that_bears_a_refused_growth_goes_on() {
    let guest = Guest::request("(drop (memory.grow (i32.const 60000))) i32.const 1024");
    let mut worker = Worker::default();
    let policy = worker.load("greedy", &guest);
    worker.forward(&policy, &mut exchange());
}

#[test]
fn table_space_beyond_the_limit_is_not_given() {
    let guest = Guest::request(
        "(loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1)))) unreachable",
    )
    .with("(table $t 1 funcref)");
    assert_eq!(failure_of(&guest), Failure::Memory);
}

#[test]
fn unreachable_is_a_trap() {
    is_trap(&failure_of(&Guest::request("unreachable")), "unreachable");
}

#[test]
fn an_outcome_outside_of_memory_is_a_trap() {
    is_trap(&failure_of(&Guest::request("i32.const 0x7ffffff0")), "out of bounds");
    is_trap(&failure_of(&Guest::request("i32.const 1025")), "align");
}

#[test]
fn a_list_of_four_billion_edits_is_a_trap() {
    let outcome = format!("{} {} i32.const 1024", put(EDITS, 4096), put(EDITS + 4, u32::MAX));
    is_trap(&failure_of(&Guest::request(&outcome)), "out of bounds");
}

#[test]
fn a_list_that_fits_memory_but_not_the_crossing_is_too_large() {
    // 100,000 edits of 20 bytes each, all of them zero: a `set` of two empty strings.
    let outcome = format!("{} {} i32.const 1024", put(EDITS, 70_000), put(EDITS + 4, 100_000));
    let guest = Guest::request(&outcome).memory("(memory (export \"memory\") 64)");
    assert!(matches!(failure_of(&guest), Failure::OutcomeTooLarge(_)));
}

#[test]
fn a_string_that_fits_memory_but_not_the_crossing_is_too_large_a_host_call() {
    let guest =
        Guest::request("(call $note (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 2000000)) i32.const 1024")
            .import("exchange", "set-note", "note", "(param i32 i32 i32 i32)")
            .memory("(memory (export \"memory\") 64)");
    assert_eq!(failure_of(&guest), Failure::HostCalls);
}

#[test]
fn each_part_of_an_outcome_has_its_bound() {
    let part = |offset: u32, len: u32| {
        let outcome = format!("{} {} i32.const 1024", put(offset, 70_000), put(offset + 4, len));
        failure_of(&Guest::request(&outcome).memory("(memory (export \"memory\") 32)"))
    };
    assert_eq!(part(EDITS, 65), Failure::OutcomeTooLarge("more than 64 edits"));
    assert_eq!(part(RESPONSE_EDITS, 65), Failure::OutcomeTooLarge("more than 64 edits"));
    assert_eq!(part(CARRY, 4097), Failure::OutcomeTooLarge("more than 4 KiB of carry"));
    assert_eq!(part(LABELS, 17), Failure::OutcomeTooLarge("more than 16 labels"));
}

#[test]
fn a_body_of_more_than_a_mebibyte_is_too_large() {
    // respond: status 200, no headers, body of 1 MiB and a byte.
    let outcome = format!(
        "(i32.store8 (i32.const 1024) (i32.const 3)) {} {} {} i32.const 1024",
        put(PAYLOAD, 200),
        put(PAYLOAD + 12, 70_000),
        put(PAYLOAD + 16, (1 << 20) + 1)
    );
    let guest = Guest::request(&outcome).memory("(memory (export \"memory\") 32)");
    assert_eq!(failure_of(&guest), Failure::OutcomeTooLarge("a body of more than 1 MiB"));
}

#[test]
fn a_decision_that_does_not_exist_is_a_trap() {
    let outcome = format!("{} i32.const 1024", put(DECISION, 6));
    assert!(matches!(failure_of(&Guest::request(&outcome)), Failure::Trap(_)));
}

#[test]
fn a_header_cannot_split_a_message() {
    is_invalid(&failure_of(&edit(0, "x-a", "b\r\nset-cookie: evil")), "control character");
    is_invalid(&failure_of(&edit(1, "x-a", "b\nc")), "control character");
    is_invalid(&failure_of(&edit(1, "x-a", "b\0c")), "control character");
    is_invalid(&failure_of(&edit(0, "x-a\r\nb", "c")), "not a token");
    is_invalid(&failure_of(&edit(0, ":path", "/")), "not a token");
}

#[test]
fn headers_of_framing_belong_to_the_host() {
    for name in ["Connection", "transfer-encoding", "content-length", "host", "te", "upgrade", "Expect"] {
        is_invalid(&failure_of(&edit(0, name, "1")), "belongs to the host");
        is_invalid(&failure_of(&edit(2, name, "")), "belongs to the host");
    }
}

#[test]
fn identity_headers_need_a_grant() {
    is_invalid(&failure_of(&edit(0, "x-forwarded-for", "1.2.3.4")), "needs a grant");
    let mut worker = Worker::default();
    let mut granted = spec("granted", &edit(0, "X-Forwarded-For", "1.2.3.4").build());
    granted.grants.headers = vec![String::from("x-forwarded-for")];
    let policy = worker.try_load(granted).unwrap();
    let mut exchange = exchange();
    worker.forward(&policy, &mut exchange);
    assert_eq!(exchange.request.headers["x-forwarded-for"], "1.2.3.4");
}

#[test]
fn a_path_that_climbs_or_hides_a_slash_is_invalid() {
    for path in ["/../etc", "cart", "/a%2Fb", "/a%00", "/a\\b", "http://evil/", "/a\r\nb"] {
        is_invalid(&failure_of(&edit(3, path, "")), "the path");
    }
}

#[test]
fn an_authority_is_a_host_and_a_port() {
    for authority in ["", "user@host", "host/path", "host:0", "host:port", "ho st", "host\r\nx: y", "a%2eb"] {
        is_invalid(&failure_of(&edit(5, authority, "")), "authority");
    }
}

#[test]
fn one_bad_edit_leaves_the_request_as_it_was() {
    // A good edit at 3000, a bad one at 3020.
    let two = format!(
        "{} {} (i32.store (i32.const 3004) (i32.const 4000)) (i32.store (i32.const 3008) (i32.const 3))
         (i32.store (i32.const 3024) (i32.const 4010)) (i32.store (i32.const 3028) (i32.const 4)) i32.const 1024",
        put(EDITS, 3000),
        put(EDITS + 4, 2)
    );
    let mut worker = Worker::default();
    let policy = worker.load("half", &Guest::request(&two).data(4000, "x-a").data(4010, "host"));
    let mut exchange = exchange();
    let before = exchange.request.headers.clone();
    worker.request(&policy, &mut exchange);
    assert_eq!(exchange.request.headers, before);
}

#[test]
fn a_backend_that_the_route_does_not_declare_is_refused() {
    let outcome = format!(
        "(i32.store8 (i32.const 1024) (i32.const 1)) {} {} {} i32.const 1024",
        put(PAYLOAD, 0),
        put(PAYLOAD + 4, 4000),
        put(PAYLOAD + 8, 5)
    );
    let failure = failure_of(&Guest::request(&outcome).data(4000, "admin"));
    assert_eq!(failure, Failure::UnknownBackend(String::from("admin")));
}

#[test]
fn a_body_that_the_policy_cannot_take_is_refused() {
    let outcome = format!("(i32.store8 (i32.const 1024) (i32.const 5)) {} i32.const 1024", put(PAYLOAD, 10));
    let failure = failure_of(&Guest::request(&outcome));
    assert_eq!(failure, Failure::BodyDemand("the module does not export on-request-body"));
}

#[test]
fn a_log_line_without_end_is_cut_and_a_flood_is_dropped() {
    let flood = "(local $i i32)
        (loop $l (call $log (i32.const 2) (i32.const 65536) (i32.const 60000))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $l (i32.lt_u (local.get $i) (i32.const 100))))
        i32.const 1024";
    let guest = Guest::request(flood).import("log", "log", "log", "(param i32 i32 i32)");
    let mut worker = Worker::default();
    let policy = worker.load("chatty", &guest);
    worker.forward(&policy, &mut exchange());
    let lines = worker.lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 16);
    assert!(lines.iter().all(|line| line.len() < 4200));
    assert_eq!(worker.snapshot("test/chatty").logs_dropped, 84);
    // Not more than a rate over many calls either.
    for _ in 0..40 {
        worker.forward(&policy, &mut exchange());
    }
    let bytes: usize = worker.lines.lock().unwrap().iter().map(String::len).sum();
    assert!(bytes < 800 << 10, "{bytes}");
}

#[test]
fn a_string_of_a_host_call_outside_of_memory_is_a_trap() {
    let guest = Guest::request("(call $header (i32.const 0x7fffffff) (i32.const 100) (i32.const 3000)) i32.const 1024");
    let guest = guest.import("exchange", "header", "header", "(param i32 i32 i32)");
    is_trap(&failure_of(&guest), "out of bounds");
}

/// A guest whose allocator turns bad when it serves its first request.
fn bad_allocator(realloc: &str) -> Guest {
    Guest::request("(global.set $bad (i32.const 1)) (call $path (i32.const 3000)) i32.const 1024")
        .import("exchange", "path", "path", "(param i32)")
        .with("(global $bad (mut i32) (i32.const 0))")
        .with(&format!(
            "(func $realloc (param i32 i32 i32 i32) (result i32)
               (if (global.get $bad) (then {realloc})) i32.const 65536)"
        ))
}

#[test]
fn an_allocator_that_lies_is_a_trap() {
    is_trap(&failure_of(&bad_allocator("(return (i32.const 0x7ffffff0))")), "beyond end of memory");
}

#[test]
fn an_allocator_that_never_returns_ends_at_the_deadline() {
    assert_eq!(failure_of(&bad_allocator("(loop $l (br $l))")), Failure::Deadline);
}

/// Counts its calls in a global, and traps on the second.
fn second_call_traps() -> Guest {
    Guest::request(
        "(global.set $n (i32.add (global.get $n) (i32.const 1)))
         (if (i32.eq (global.get $n) (i32.const 2)) (then unreachable)) i32.const 1024",
    )
    .with("(global $n (mut i32) (i32.const 0))")
}

fn load(worker: &Worker, isolation: Isolation) -> Arc<Policy> {
    let mut policy = spec("counting", &second_call_traps().build());
    policy.isolation = isolation;
    worker.try_load(policy).unwrap()
}

#[test]
fn a_pooled_instance_is_reused_until_it_traps_and_then_never_again() {
    let mut worker = Worker::default();
    let policy = load(&worker, Isolation::Pooled);
    for _ in 0..3 {
        worker.forward(&policy, &mut exchange());
        is_trap(&worker.failure(&policy), "unreachable");
        assert_eq!(worker.instances.idle(), 0);
    }
    assert_eq!(worker.snapshot("test/counting").instances_created, 3);
}

#[test]
fn isolation_by_request_shows_nothing_of_the_last() {
    let mut worker = Worker::default();
    let policy = load(&worker, Isolation::Request);
    for _ in 0..5 {
        worker.forward(&policy, &mut exchange());
        assert_eq!(worker.instances.idle(), 0);
    }
}

#[test]
fn memory_of_one_instance_is_not_seen_by_the_next() {
    // Traps if the page that it dirties is dirty already.
    let guest = Guest::request(
        "(if (i32.load (i32.const 100000)) (then unreachable)) (i32.store (i32.const 100000) (i32.const 7))
         i32.const 1024",
    );
    let mut worker = Worker::default();
    let mut policy = spec("dirty", &guest.build());
    policy.isolation = Isolation::Request;
    let policy = worker.try_load(policy).unwrap();
    for _ in 0..50 {
        worker.forward(&policy, &mut exchange());
    }
}

#[test]
fn instances_are_bounded_over_all_policies() {
    let mut worker = Worker::default();
    let policies: Vec<_> = (0..17).map(|i| worker.load(&format!("p{i}"), &Guest::next())).collect();
    for policy in &policies[..16] {
        worker.forward(policy, &mut exchange());
    }
    assert_eq!(worker.failure(&policies[16]), Failure::Overloaded);
    // Policies that are gone give their instances back.
    let last = policies[16].clone();
    drop(policies);
    worker.instances.sweep();
    worker.forward(&last, &mut exchange());
    assert_eq!((worker.instances.idle(), worker.engine.instances()), (1, 1));
}
