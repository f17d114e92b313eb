//! Bodies of both sides: collected where a guest can read them, consumed or kept, replaced, and bounded.

use crate::guest::Handler;
use crate::play::{Outcome, Play, given};

const BUFFER_REQUEST: &str = "(drop (call $enable_features (i32.const 1)))";
const BUFFER_RESPONSE: &str = "(drop (call $enable_features (i32.const 2)))";

/// Reads all of a body in pieces of so many bytes, and counts its bytes in `$n`.
fn read_all(kind: u32, piece: u32) -> String {
    format!(
        "(loop $more
           (local.set $w (call $read_body (i32.const {kind}) (i32.const 1024) (i32.const {piece})))
           (global.set $count (i32.add (global.get $count) (i32.wrap_i64 (local.get $w))))
           (br_if $more (i64.eqz (i64.shr_u (local.get $w) (i64.const 32)))))"
    )
}

fn handler(request: &str) -> Handler {
    Handler::request(request).with("(global $count (mut i32) (i32.const 0))")
}

fn small(spec: &mut cardea_model::config::Policy) {
    spec.limits.body_bytes_max = 10;
}

/// `length` bytes of `a` in three pieces.
fn pieces(length: usize) -> Vec<String> {
    let text = "a".repeat(length);
    let (first, rest) = text.split_at(length / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    [first, second, third].map(String::from).to_vec()
}

#[test]
fn a_body_of_any_length_is_read_to_its_end() {
    for length in [0, 5, 2048, 4096, 5000] {
        let owned = pieces(length);
        let pieces: Vec<&str> = owned.iter().map(String::as_str).collect();
        for piece in [1000, 2048, 8192] {
            let check = format!("{} (call $same32 (global.get $count) (i32.const {length}))", read_all(0, piece));
            let mut play = Play::new(&handler(&format!("{BUFFER_REQUEST} {check}")));
            assert_eq!(play.post(&pieces).outcome.forwarded().len(), length);
        }
    }
}

#[test]
fn a_request_without_a_body_is_at_its_end() {
    let check = "(call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 9)) (i64.const 0x100000000))";
    Play::new(&handler(check)).get().outcome.forwarded();
}

#[test]
fn a_body_comes_in_pieces_and_its_end_with_the_last() {
    let check = "(call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 3)) (i64.const 3))
        (call $text (i32.const 3) {hel})
        (call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 3)) (i64.const 0x100000002))
        (call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 3)) (i64.const 0x100000000))";
    Play::new(&handler(check)).post(&["he", "llo"]).outcome.forwarded();
}

#[test]
fn without_buffering_what_was_read_is_consumed() {
    let read = "(drop (call $read_body (i32.const 0) (i32.const 1024) (i32.const 2)))";
    assert_eq!(Play::new(&handler(read)).post(&["he", "llo"]).outcome.forwarded(), "llo");
    assert_eq!(Play::new(&handler(&read_all(0, 64))).post(&["he", "llo"]).outcome.forwarded(), "");
    assert_eq!(Play::new(&handler("")).post(&["he", "llo"]).outcome.forwarded(), "hello");
}

#[test]
fn with_buffering_the_backend_gets_all_of_it_and_the_guest_may_go_on_reading() {
    let read = format!("{BUFFER_REQUEST} (drop (call $read_body (i32.const 0) (i32.const 1024) (i32.const 2)))");
    let later = "(call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 64)) (i64.const 0x100000003))
        (call $text (i32.const 3) {llo})";
    let mut play = Play::new(&handler(&read).response(later));
    let mut played = play.post(&["he", "llo"]);
    play.answer(&mut played, given(&[]));
    assert_eq!(played.outcome.forwarded(), "");
    assert_eq!(Play::new(&handler(&read)).post(&["he", "llo"]).outcome.forwarded(), "hello");
}

#[test]
fn what_is_written_replaces_a_requests_body() {
    let write = "(call $write_body (i32.const 0) {good}) (call $write_body (i32.const 0) {bye})";
    assert_eq!(Play::new(&handler(write)).post(&["he", "llo"]).outcome.forwarded(), "goodbye");
    assert_eq!(Play::new(&handler(write)).get().outcome.forwarded(), "goodbye", "also where there was none");
    let without_reading = handler(write).without("read_body");
    assert_eq!(Play::new(&without_reading).post(&["he", "llo"]).outcome.forwarded(), "goodbye");
    let empty = handler("(call $write_body (i32.const 0) {})");
    assert_eq!(Play::new(&empty).post(&["he", "llo"]).outcome.forwarded(), "");
}

#[test]
fn a_guest_that_cannot_read_bodies_holds_up_none() {
    let mut play = Play::new(&handler("").without("read_body"));
    let played = play.post(&["he", "llo"]);
    assert!(!played.run.decided.is_empty());
    assert_eq!(played.outcome.forwarded(), "hello");
}

#[test]
fn a_guest_that_reads_no_body_is_not_kept_waiting_for_it() {
    let mut play = Play::new(&handler("(call $set_header_value (i32.const 0) {x-a} {1})"));
    let mut exchange = crate::support::exchange();
    exchange.ended = false;
    let mut run = cardea_policy::Run::new(crate::support::chain(std::slice::from_ref(&play.policy)));
    let step = run.on_request(&mut play.worker.instances, &mut exchange, &|_| true);
    assert!(matches!(step, cardea_policy::Step::Forward), "{step:?}");
    assert!(exchange.request.headers.contains_key("x-a") && run.take_joined().is_empty());
}

#[test]
fn one_that_reads_is_asked_again_with_the_body_and_its_first_edits_are_undone() {
    let read = format!("(call $add_header_value (i32.const 0) {{x-a}} {{1}}) {}", read_all(0, 64));
    let mut play = Play::new(&handler(&read));
    for _ in 0..3 {
        let mut played = play.post(&["he", "llo"]);
        assert_eq!(played.exchange.request.headers.get_all("x-a").iter().count(), 1);
        play.answer(&mut played, given(&[]));
        // The first was thrown away in the middle of its call; from then on the body is waited for.
        assert_eq!(play.worker.snapshot("test/handler").instances_created, 2);
    }
    assert!(play.worker.snapshot("test/handler").failures.iter().all(|(_, count)| *count == 0));
}

#[test]
fn a_body_over_the_limit_fails_only_a_guest_that_reads_so_far() {
    let body = ["0123456", "789abcd", "ef"];
    let mut idle = Play::with(&handler(""), small);
    assert_eq!(idle.post(&body).outcome.forwarded(), "0123456789abcdef");
    let part = "(call $same (call $read_body (i32.const 0) (i32.const 1024) (i32.const 4)) (i64.const 4))";
    let mut little = Play::with(&handler(part), small);
    assert_eq!(little.post(&body).outcome.forwarded(), "456789abcdef");
    let mut all = Play::with(&handler(&read_all(0, 64)), small);
    assert_eq!(all.post(&body).outcome.failure().label(), "policy_body_overflow");
}

#[test]
fn a_skipped_policy_loses_no_bytes() {
    let mut play = Play::with(&handler(&format!("{} unreachable", read_all(0, 2))), |spec| {
        spec.failure_mode = cardea_model::config::FailureMode::Skip;
    });
    assert_eq!(play.post(&["he", "llo"]).outcome.forwarded(), "hello");
    assert_eq!(play.post(&["he", "llo", "!"]).outcome.forwarded(), "hello!");
}

#[test]
fn with_buffering_a_responses_body_is_read_and_goes_on() {
    let check = format!("{} (call $same32 (global.get $count) (i32.const 5))", read_all(1, 2));
    let mut play = Play::new(&handler(BUFFER_RESPONSE).response(&check));
    assert_eq!(play.exchange(&[], &["he", "llo"]).outcome.forwarded(), "hello");
}

#[test]
fn without_buffering_a_responses_body_is_at_its_end() {
    let check = "(call $same (call $read_body (i32.const 1) (i32.const 1024) (i32.const 9)) (i64.const 0x100000000))";
    let mut play = Play::new(&handler("").response(check));
    assert_eq!(play.exchange(&[], &["he", "llo"]).outcome.forwarded(), "hello");
}

#[test]
fn with_buffering_what_is_written_replaces_a_responses_body() {
    let write = "(call $write_body (i32.const 1) {good}) (call $write_body (i32.const 1) {bye})";
    let mut play = Play::new(&handler(BUFFER_RESPONSE).response(write));
    assert_eq!(play.exchange(&[], &["he", "llo"]).outcome.forwarded(), "goodbye");
    let reply = play.exchange(&[], &[]).outcome.reply();
    assert_eq!((&reply.body[..], &reply.headers["server"]), (&b"goodbye"[..], &"backend".parse().unwrap()));
    let mut blind = Play::new(&handler(BUFFER_RESPONSE).response(write).without("read_body"));
    assert_eq!(blind.exchange(&[], &["he", "llo"]).outcome.reply().body, "goodbye");
}

#[test]
fn without_buffering_a_responses_body_cannot_be_written() {
    let mut play = Play::new(&handler("").response("(call $write_body (i32.const 1) {x})"));
    let text = play.exchange(&[], &[]).outcome.failure().to_string();
    assert!(text.contains("without buffer_response"), "{text}");
    let mut play = Play::new(&handler(BUFFER_RESPONSE).response("(call $write_body (i32.const 0) {x})"));
    assert!(play.exchange(&[], &[]).outcome.failure().to_string().contains("of the request in handle_response"));
}

#[test]
fn a_long_response_fails_only_a_guest_that_reads_so_far() {
    let body = ["0123456", "789abcd", "ef"];
    let mut idle = Play::with(&handler(BUFFER_RESPONSE), small);
    assert_eq!(idle.exchange(&[], &body).outcome.forwarded(), "0123456789abcdef");
    let mut all = Play::with(&handler(BUFFER_RESPONSE).response(&read_all(1, 64)), small);
    assert_eq!(all.exchange(&[], &body).outcome.failure().label(), "policy_body_overflow");
    let write = handler(BUFFER_RESPONSE).response("(call $write_body (i32.const 1) {short})");
    assert_eq!(Play::with(&write, small).exchange(&[], &body).outcome.forwarded(), "short");
}

#[test]
fn a_body_is_read_where_there_is_space_for_it() {
    for (call, text) in [
        ("(i32.const 0) (i32.const 1024) (i32.const 0)", "buf_limit of 0"),
        ("(i32.const 0) (i32.const 131000) (i32.const 1000)", "outside of its memory"),
        ("(i32.const 2) (i32.const 1024) (i32.const 9)", "body kind 2"),
    ] {
        let failed = Play::new(&handler(&format!("(drop (call $read_body {call}))"))).get().outcome;
        assert!(matches!(&failed, Outcome::Fail(failure) if failure.to_string().contains(text)), "{failed:?}");
    }
}

#[test]
fn writing_has_a_bound() {
    let write = "(loop $more (call $write_body (i32.const 0) (i32.const 0) (i32.const 65536)) (br $more))";
    assert_eq!(Play::new(&handler(write)).get().outcome.failure().label(), "policy_outcome_too_large");
}

#[test]
fn a_body_may_be_read_in_more_pieces_than_there_are_host_calls() {
    let long = "a".repeat(5000);
    let check = format!("{} (call $same32 (global.get $count) (i32.const 5000))", read_all(0, 1));
    let mut play = Play::new(&handler(&check));
    assert_eq!(play.post(&[&long]).outcome.forwarded(), "");
}
