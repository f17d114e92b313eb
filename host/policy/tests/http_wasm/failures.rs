//! What ends a request, and that it costs nothing but its own.

use std::time::Duration;

use cardea_model::config::FailureMode;

use crate::guest::Handler;
use crate::play::{Play, given};

#[test]
fn a_guest_that_runs_away_is_stopped() {
    let mut play = Play::with(&Handler::request("(loop $ever (br $ever))"), |spec| {
        spec.limits.deadline = Duration::from_millis(5);
    });
    assert_eq!(play.get().outcome.failure().label(), "policy_deadline");
    let mut play = Play::with(&Handler::request("").response("(loop $ever (br $ever))"), |spec| {
        spec.limits.deadline = Duration::from_millis(5);
    });
    assert_eq!(play.exchange(&[], &[]).outcome.failure().label(), "policy_deadline");
}

#[test]
fn a_guest_that_grows_too_large_is_stopped() {
    let grow = "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))";
    assert_eq!(Play::new(&Handler::request(grow)).get().outcome.failure().label(), "policy_memory");
}

#[test]
fn a_guest_that_asks_too_much_is_stopped() {
    let ask = "(loop $ever (drop (call $get_method (i32.const 0) (i32.const 0))) (br $ever))";
    assert_eq!(Play::new(&Handler::request(ask)).get().outcome.failure().label(), "policy_host_calls");
}

#[test]
fn a_request_that_failed_is_as_it_was() {
    let edits = "(call $set_header_value (i32.const 0) {accept} {x}) (call $set_header_value (i32.const 0) {host} {y})
        (call $set_uri {/x}) (call $set_method {POST}) unreachable";
    let mut play = Play::with(&Handler::request(edits), |spec| spec.failure_mode = FailureMode::Skip);
    let (before, played) = (crate::support::exchange(), play.get());
    let after = &played.exchange;
    assert_eq!((&after.request.headers, &after.authority), (&before.request.headers, &before.authority));
    assert_eq!((&after.request.uri, &after.request.method), (&before.request.uri, &before.request.method));
    played.outcome.forwarded();
}

#[test]
fn an_answer_that_failed_is_as_it_was() {
    let edits =
        "(call $set_header_value (i32.const 1) {server} {x}) (call $set_status_code (i32.const 404)) unreachable";
    let handler = Handler::request(
        "(drop (call $enable_features (i32.const 2))) (call $set_header_value (i32.const 1) {x-early} {1})",
    );
    let mut play = Play::with(&handler.response(edits), |spec| spec.failure_mode = FailureMode::Skip);
    let mut played = play.get();
    play.answer(&mut played, given(&["he", "llo"]));
    let head = played.exchange.response.as_ref().unwrap();
    assert_eq!((head.status.as_u16(), &head.headers["server"]), (200, &"backend".parse().unwrap()));
    assert!(!head.headers.contains_key("x-early"));
    assert_eq!(played.outcome.forwarded(), "hello");
}

#[test]
fn an_instance_that_failed_is_not_used_again() {
    let mut play = Play::new(&Handler::request(
        "(if (global.get $dirty) (then (call $set_header_value (i32.const 0) {x-dirty} {1})))
         (global.set $dirty (i32.const 1))
         (if (i64.ne (call $get_header_values (i32.const 0) {x-fail} (i32.const 0) (i32.const 0)) (i64.const 0)) (then unreachable))",
    ).with("(global $dirty (mut i32) (i32.const 0))"));
    let mut failing = crate::support::exchange();
    failing.request.headers.insert("x-fail", "1".parse().unwrap());
    play.send(failing, crate::play::Given::default()).outcome.failure();
    assert_eq!(play.worker.engine.instances(), 0);
    assert!(!play.exchange(&[], &[]).exchange.request.headers.contains_key("x-dirty"));
    assert!(play.exchange(&[], &[]).exchange.request.headers.contains_key("x-dirty"));
}

#[test]
fn an_exit_is_a_failure() {
    let exit = "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))";
    let failure = Play::new(&Handler::request("(call $exit (i32.const 1))").import(exit)).get().outcome.failure();
    assert_eq!(failure.to_string(), "trapped: the module ended itself by proc_exit(1)");
}
