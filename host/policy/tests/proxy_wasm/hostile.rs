//! Guests that mean harm: whatever they do costs their own request, and a status or a trap is all that they get.

use cardea_policy::Failure;

use crate::Bench;
use crate::guest::Guest;
use crate::support::exchange;

#[test]
fn pointers_outside_of_memory_are_bad_arguments() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 2) (call $get (i32.const 0) «:path» (i32.const -4) (i32.const 20)))
         (call $is (i32.const 2) (call $get (i32.const 0) «:path» (i32.const 16) (i32.const 262141)))
         (call $is (i32.const 2) (call $get (i32.const 0) (i32.const -8) (i32.const 5) (i32.const 16) (i32.const 20)))
         (call $is (i32.const 1) (call $get (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 16) (i32.const 20)))
         (call $is (i32.const 2) (call $replace (i32.const 0) «x» (i32.const 262140) (i32.const 8)))
         (call $is (i32.const 2) (call $replace (i32.const 0) «x» (i32.const 0) (i32.const -1)))
         (call $is (i32.const 2) (call $set_pairs (i32.const 0) (i32.const 1) (i32.const -1)))
         (call $is (i32.const 2) (call $log (i32.const 2) (i32.const 262143) (i32.const 2)))
         (call $is (i32.const 2) (call $log (i32.const 6) «x»))
         (call $is (i32.const 2) (call $log (i32.const -1) «x»))
         (call $is (i32.const 2) (call $time (i32.const 262140)))
         (call $is (i32.const 2) (call $continue (i32.const 4)))
         (call $is (i32.const 2) (call $continue (i32.const -1)))
         (call $is (i32.const 2)
           (call $reply (i32.const 200) «» (i32.const 4) (i32.const 2000000) «» (i32.const -1)))
         (call $is (i32.const 2) (call $set_shared «k» (i32.const 0) (i32.const 131072) (i32.const 0)))
         (i32.const 0)",
    );
    Bench::new(&guest).forward(&mut exchange());
}

#[test]
fn an_allocator_that_gives_bad_memory_gets_nothing() {
    for bad in ["(i32.const 0)", "(i32.const -1)", "(i32.const 262143)"] {
        let malloc = format!("(func (export \"malloc\") (param i32) (result i32) {bad})");
        let guest = Guest::default().malloc(&malloc).request_headers(
            "(call $is (i32.const 10) (call $get (i32.const 0) «:path» (i32.const 16) (i32.const 20)))
             (call $is (i32.const 0) (i32.load (i32.const 20)))
             (i32.const 0)",
        );
        Bench::new(&guest).forward(&mut exchange());
    }
}

#[test]
fn an_allocator_may_call_the_host_but_not_need_itself() {
    let malloc = "(func (export \"malloc\") (param i32) (result i32)
        (call $is (i32.const 0) (call $log (i32.const 2) (i32.const 1024) (i32.const 5)))
        (call $is (i32.const 10) (call $get (i32.const 0) (i32.const 1024) (i32.const 5) (i32.const 48) (i32.const 52)))
        (i32.const 4096))";
    let guest = Guest::default().malloc(malloc).request_headers(
        "(call $is (i32.const 0) (call $get (i32.const 0) «:path» (i32.const 16) (i32.const 20)))
         (call $same «/cart?user=a%20b&x=1»)
         (i32.const 0)",
    );
    let mut bench = Bench::new(&guest);
    bench.forward(&mut exchange());
    assert_eq!(bench.lines(), ["info :path"]);
}

#[test]
fn an_allocator_that_traps_ends_its_vm() {
    let guest = Guest::default()
        .malloc("(func (export \"malloc\") (param i32) (result i32) (unreachable))")
        .request_headers("(drop (call $get (i32.const 0) «:path» (i32.const 16) (i32.const 20))) (i32.const 0)");
    assert!(matches!(Bench::new(&guest).failure(), Failure::Trap(_)));
}

#[test]
fn a_guest_that_runs_for_ever_ends_at_its_deadline() {
    let guest = Guest::default().request_headers("(loop $l (br $l)) (i32.const 0)");
    assert_eq!(Bench::new(&guest).failure(), Failure::Deadline);
}

#[test]
fn a_guest_that_asks_for_ever_ends_at_its_quota() {
    let guest = Guest::default().request_headers(
        "(loop $l (drop (call $get (i32.const 0) «x» (i32.const 16) (i32.const 20))) (br $l)) (i32.const 0)",
    );
    assert_eq!(Bench::new(&guest).failure(), Failure::HostCalls);
}

#[test]
fn a_guest_that_wants_all_memory_fails_by_that() {
    let guest = Guest::default()
        .request_headers("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)");
    assert_eq!(Bench::new(&guest).failure(), Failure::Memory);
}

#[test]
fn edits_of_a_guest_that_traps_are_undone_when_it_is_skipped() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 0) (call $replace (i32.const 0) «x-half» «done»))
         (call $is (i32.const 0) (call $replace (i32.const 0) «:path» «/other»))
         (call $is (i32.const 0) (call $remove (i32.const 0) «cookie»))
         (unreachable)",
    );
    let (mut edited, untouched) = (exchange(), exchange());
    Bench::skipping(&guest).forward(&mut edited);
    assert_eq!(edited.request.headers, untouched.request.headers);
    assert_eq!(edited.request.uri, untouched.request.uri);
}

#[test]
fn recursion_through_the_host_ends() {
    let guest = Guest::default()
        .plain("(func $deep (result i32) (call $deep) (i32.const 1) (i32.add))")
        .request_headers("(call $deep)");
    assert!(matches!(Bench::new(&guest).failure(), Failure::Trap(_)));
}

#[test]
fn leaving_by_proc_exit_is_a_failure() {
    let text = r#"(module (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) (i32.const 8))
        (func (export "proxy_abi_version_0_2_0"))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $exit (i32.const 3)) (i32.const 0)))"#;
    let worker = &mut crate::support::Worker::default();
    let policy = worker.try_load(crate::support::spec("plugin", &wat::parse_str(text).unwrap())).unwrap();
    assert!(matches!(worker.failure(&policy), Failure::Trap(text) if text.contains("proc_exit(3)")));
}
