//! Bodies: buffering, edits, pausing at the head and at the body, and what failures leave.

use cardea_policy::{BodyStep, Failure, ResponseStep, Side, Step};
use http::HeaderMap;

use crate::guest::Guest;
use crate::support::exchange;
use crate::{Bench, answered, post, sent};

/// Holds until the end, and then puts `<` and `>` around the whole.
fn brackets() -> Guest {
    Guest::default().request_body(
        "(if (i32.eqz (local.get $end)) (then (return (i32.const 1))))
         (call $is (i32.const 0) (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 0) «<»))
         (call $is (i32.const 0) (call $set_buffer (i32.const 0) (i32.const 999) (i32.const 0) «>»))
         (i32.const 0)",
    )
}

#[test]
fn pieces_that_a_guest_lets_go_pass_as_they_come() {
    let guest = Guest::default().request_body("(call $is (i32.const 3) (local.get $size)) (i32.const 0)");
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert_eq!(run.take_joined(), [0]);
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "abc", false)), "abc");
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "def", true)), "def");
}

#[test]
fn held_pieces_go_on_together_with_the_edits() {
    let mut bench = Bench::new(&brackets());
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert!(matches!(bench.body(&mut run, &mut exchange, "def", false), BodyStep::Hold));
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "", true)), "<abcdef>");
}

#[test]
fn a_request_without_a_body_is_not_joined() {
    let mut run = Bench::new(&brackets()).forward(&mut exchange());
    assert_eq!(run.take_joined(), Vec::<usize>::new());
}

#[test]
fn the_buffer_is_read_and_replaced_by_ranges() {
    let guest = Guest::default().request_body(
        "(call $is (i32.const 0) (call $buffer (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 16) (i32.const 20)))
         (call $same «bc»)
         (call $is (i32.const 0) (call $buffer (i32.const 0) (i32.const 9) (i32.const 2) (i32.const 16) (i32.const 20)))
         (call $same «»)
         (call $is (i32.const 2) (call $buffer (i32.const 0) (i32.const 9) (i32.const -1) (i32.const 16) (i32.const 20)))
         (call $is (i32.const 0) (call $buffer (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 16) (i32.const 20)))
         (call $same «abcdef»)
         (call $is (i32.const 0) (call $set_buffer (i32.const 0) (i32.const 1) (i32.const 2) «12345»))
         (call $is (i32.const 0) (call $buffer_status (i32.const 0) (i32.const 24) (i32.const 28)))
         (call $is (i32.const 9) (i32.load (i32.const 24)))
         (call $is (i32.const 2) (call $set_buffer (i32.const 1) (i32.const 0) (i32.const 0) «x»))
         (call $is (i32.const 2) (call $set_buffer (i32.const 7) (i32.const 0) (i32.const 0) «x»))
         (call $is (i32.const 2) (call $set_buffer (i32.const 9) (i32.const 0) (i32.const 0) «x»))
         (call $is (i32.const 1) (call $buffer (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 20)))
         (i32.const 0)",
    );
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "abcdef", true)), "a12345def");
}

#[test]
fn a_body_over_the_limit_fails_and_is_not_lost_when_skipped() {
    let small = |spec: &mut cardea_model::config::Policy| spec.limits.body_bytes_max = 4;
    let mut bench = Bench::with(&brackets(), small);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert!(matches!(bench.body(&mut run, &mut exchange, "de", false), BodyStep::Fail(_, Failure::BodyOverflow)));

    let mut bench = Bench::with(&brackets(), |spec| {
        small(spec);
        spec.failure_mode = cardea_model::config::FailureMode::Skip;
    });
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "de", false)), "abcde");
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "f", true)), "f");
}

#[test]
fn a_trap_leaves_the_body_as_it_came() {
    let guest = Guest::default().request_body(
        "(if (i32.eqz (local.get $end)) (then (return (i32.const 1))))
         (drop (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 9) «gone»))
         (unreachable)",
    );
    let mut bench = Bench::skipping(&guest);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "def", true)), "abcdef");
}

/// Pauses at the head, and shows what it heard of the body in the log.
#[test]
fn a_paused_head_waits_for_a_body_that_the_guest_looks_at() {
    let guest = Guest::default().request_headers("(i32.const 1)").request_body(
        "(if (i32.eqz (local.get $end)) (then (return (i32.const 1))))
         (call $is (i32.const 6) (local.get $size))
         (call $is (i32.const 0) (call $buffer (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 16) (i32.const 20)))
         (call $is (i32.const 0) (call $replace (i32.const 0) «x-body» «seen»))
         (i32.const 0)",
    );
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let (mut run, step) = bench.head(&mut exchange);
    assert!(matches!(step, Step::Pause));
    assert_eq!(run.paused(Side::Request), Some((0, true)));
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "def", true)), "abcdef");
    assert_eq!(exchange.request.headers["x-body"], "seen");
}

#[test]
fn a_callback_that_only_lets_the_body_through_does_not_let_a_paused_head_go() {
    let guest = Guest::default().request_headers("(i32.const 1)").request_body("(i32.const 0)");
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let (mut run, step) = bench.head(&mut exchange);
    assert!(matches!(step, Step::Pause));
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    assert!(matches!(bench.body(&mut run, &mut exchange, "def", true), BodyStep::Hold));
    assert!(!bench.is_resumed(&mut run));
}

#[test]
fn a_local_reply_to_a_body_ends_the_request() {
    let guest =
        Guest::default().request_body("(drop (call $reply (i32.const 400) «» «bad» «» (i32.const -1))) (i32.const 1)");
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    match bench.body(&mut run, &mut exchange, "abc", false) {
        BodyStep::Reply(reply) => assert_eq!((reply.status.as_u16(), &*reply.body), (400, &b"bad"[..])),
        other => panic!("no reply: {other:?}"),
    }
}

#[test]
fn trailers_are_read_and_edited_and_let_a_held_body_go() {
    let guest = Guest::default().request_body("(i32.const 1)").on(
        "proxy_on_request_trailers",
        "(param $context i32) (param $count i32) (result i32)",
        "(call $is (i32.const 1) (local.get $count))
         (call $is (i32.const 0) (call $get (i32.const 1) «x-sum» (i32.const 16) (i32.const 20))) (call $same «1»)
         (call $is (i32.const 0) (call $replace (i32.const 1) «x-sum» «2»))
         (i32.const 0)",
    );
    let mut bench = Bench::new(&guest);
    let mut exchange = post();
    let mut run = bench.forward(&mut exchange);
    assert!(matches!(bench.body(&mut run, &mut exchange, "abc", false), BodyStep::Hold));
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", "1".parse().unwrap());
    let step = run.on_trailers(0, Side::Request, &mut bench.worker.instances, &mut exchange, &mut fields);
    assert_eq!(sent(step), "abc");
    assert_eq!(fields["x-sum"], "2");
}

#[test]
fn a_response_body_is_rewritten() {
    let guest = Guest::default()
        .response_headers("(call $is (i32.const 0) (call $remove (i32.const 2) «content-length»)) (i32.const 0)")
        .response_body(
            "(if (i32.eqz (local.get $end)) (then (return (i32.const 1))))
             (call $is (i32.const 0) (call $set_buffer (i32.const 1) (i32.const 0) (i32.const -1) «new»))
             (i32.const 0)",
        );
    let mut bench = Bench::new(&guest);
    let mut exchange = exchange();
    let mut run = bench.forward(&mut exchange);
    answered(&mut exchange);
    exchange.response.as_mut().unwrap().ended = false;
    assert!(matches!(run.on_response(&mut bench.worker.instances, &mut exchange), ResponseStep::Forward));
    assert_eq!(run.take_joined(), [0]);
    let instances = &mut bench.worker.instances;
    let step = run.on_body(0, Side::Response, instances, &mut exchange, "old".into(), false);
    assert!(matches!(step, BodyStep::Hold));
    assert_eq!(sent(run.on_body(0, Side::Response, instances, &mut exchange, "".into(), true)), "new");
}
