//! Replies of a guest's own, and what it makes of the backend's answer.

use http::StatusCode;

use crate::guest::Handler;
use crate::play::{Play, given};

const BUFFER_RESPONSE: &str = "(drop (call $enable_features (i32.const 2)))";

#[test]
fn a_guest_that_does_not_go_on_replies_itself() {
    let mut play = Play::new(&Handler::ending(
        "(call $set_status_code (i32.const 403)) (call $set_header_value (i32.const 1) {x-why} {no})
         (call $write_body (i32.const 1) {for}) (call $write_body (i32.const 1) {bidden})
         (call $same32 (call $get_status_code) (i32.const 403)) (i64.const 0)",
    ));
    let reply = play.get().outcome.reply();
    assert_eq!((reply.status, &reply.body[..]), (StatusCode::FORBIDDEN, &b"forbidden"[..]));
    assert_eq!(reply.headers["x-why"], "no");
}

#[test]
fn a_reply_is_200_and_empty_unless_the_guest_says_more() {
    let reply = Play::new(&Handler::ending("(i64.const 0x1000000000)")).get().outcome.reply();
    assert_eq!((reply.status, reply.body.len(), reply.headers.len()), (StatusCode::OK, 0, 0));
}

#[test]
fn a_guest_that_replied_does_not_hear_of_the_response() {
    let mut play = Play::new(&Handler::ending("(i64.const 0)").response("unreachable"));
    let mut played = play.get();
    play.answer(&mut played, given(&[]));
    play.complete(&mut played, 200);
    assert_eq!(played.outcome.forwarded(), "");
    assert!(play.worker.snapshot("test/handler").failures.iter().all(|(_, count)| *count == 0));
}

#[test]
fn the_value_of_handle_request_comes_back_in_handle_response() {
    let check =
        "(call $same32 (local.get $context) (i32.const -559038737)) (call $same32 (local.get $is_error) (i32.const 0))";
    let mut play = Play::new(&Handler::ending("(i64.const 0xdeadbeef00000001)").response(check));
    play.exchange(&[], &["x"]).outcome.forwarded();
}

#[test]
fn next_is_one_or_zero() {
    let failure = Play::new(&Handler::ending("(i64.const 2)")).get().outcome.failure();
    assert_eq!(failure.label(), "policy_outcome_invalid");
}

#[test]
fn the_head_of_an_answer_is_seen_and_its_fields_changed() {
    let check = "(call $same32 (call $get_status_code) (i32.const 200))
        (call $same (call $get_header_values (i32.const 1) {Set-Cookie} (i32.const 1024) (i32.const 64)) (i64.const 0x200000008))
        (call $same (call $get_header_names (i32.const 1) (i32.const 1024) (i32.const 64)) (i64.const 0x200000012))
        (call $set_header_value (i32.const 1) {server} {ours}) (call $add_header_value (i32.const 1) {set-cookie} {c=3})
        (call $remove_header (i32.const 1) {x-nothing})";
    let mut play = Play::new(&Handler::request("").response(check));
    let mut played = play.get();
    play.answer(&mut played, given(&[]));
    let head = played.exchange.response.unwrap();
    assert_eq!(head.headers["server"], "ours");
    assert_eq!(head.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2", "c=3"]);
    assert_eq!(played.outcome.forwarded(), "");
}

#[test]
fn the_status_is_changed_with_buffering_alone() {
    let set = "(call $set_status_code (i32.const 404))";
    let mut play = Play::new(&Handler::request(BUFFER_RESPONSE).response(set));
    let mut played = play.get();
    play.answer(&mut played, given(&["x"]));
    assert_eq!(played.exchange.response.as_ref().unwrap().status, StatusCode::NOT_FOUND);
    let mut play = Play::new(&Handler::request("").response(set));
    assert!(play.exchange(&[], &[]).outcome.failure().to_string().contains("without buffer_response"));
}

#[test]
fn a_status_is_one_of_a_final_response() {
    for status in [0, 100, 199, 600, 70_000, -1] {
        let handler = Handler::ending(&format!("(call $set_status_code (i32.const {status})) (i64.const 0)"));
        assert_eq!(Play::new(&handler).get().outcome.failure().label(), "policy_outcome_invalid", "{status}");
    }
}

#[test]
fn fields_set_before_the_answer_are_on_it() {
    let mut play = Play::new(
        &Handler::request(
            "(call $set_header_value (i32.const 1) {x-handled} {1}) (call $set_header_value (i32.const 1) {server} {ours})
             (call $add_header_value (i32.const 1) {set-cookie} {c=3}) (call $set_status_code (i32.const 500))
             (call $write_body (i32.const 1) {lost})",
        )
        .response("(call $same32 (call $get_status_code) (i32.const 200))"),
    );
    let mut played = play.get();
    play.answer(&mut played, given(&["x"]));
    let head = played.exchange.response.as_ref().unwrap();
    assert_eq!(
        (head.status, &head.headers["x-handled"], &head.headers["server"]),
        (StatusCode::OK, &"1".parse().unwrap(), &"ours".parse().unwrap())
    );
    assert_eq!(head.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2", "c=3"]);
    assert_eq!(played.outcome.forwarded(), "x");
}

#[test]
fn an_exchange_without_an_answer_is_told_as_an_error() {
    let check = "(call $same32 (local.get $is_error) (i32.const 1)) (call $same32 (local.get $context) (i32.const 7))
        (call $same32 (call $get_status_code) (i32.const 502))
        (call $same (call $get_header_names (i32.const 1) (i32.const 0) (i32.const 0)) (i64.const 0))
        (call $set_header_value (i32.const 1) {x} {for nobody}) (call $log (i32.const 1) {cleaned up})";
    let mut play = Play::new(&Handler::ending("(i64.const 0x700000001)").response(check));
    let mut played = play.get();
    play.complete(&mut played, 502);
    assert_eq!(*play.worker.lines.lock().unwrap(), ["test/handler warn cleaned up"]);
    assert!(play.worker.snapshot("test/handler").failures.iter().all(|(_, count)| *count == 0));
}

#[test]
fn a_failure_without_an_answer_is_counted() {
    let mut play = Play::new(&Handler::request("").response("unreachable"));
    let mut played = play.get();
    play.complete(&mut played, 502);
    let failures = play.worker.snapshot("test/handler").failures;
    assert!(failures.iter().any(|(label, count)| *label == "policy_trap" && *count == 1), "{failures:?}");
}
