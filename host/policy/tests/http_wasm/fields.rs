//! Header fields and trailers.

use crate::guest::Handler;
use crate::play::{Given, Play, Played, given};
use crate::support::exchange;

fn get(text: &str) -> Played {
    Play::new(&Handler::request(text)).get()
}

fn values(played: &Played, name: &str) -> Vec<String> {
    played.exchange.request.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn refusal(text: &str) -> String {
    get(text).outcome.failure().to_string()
}

#[test]
fn values_are_found_without_regard_to_case() {
    for name in ["cookie", "Cookie", "COOKIE"] {
        let text =
            "(call $same (local.tee $w (call $get_header_values (i32.const 0) {NAME} (i32.const 1024) (i32.const 64)))
              (i64.const 0x100000016))
            (call $show (i32.sub (i32.wrap_i64 (local.get $w)) (i32.const 1)))";
        assert_eq!(values(&get(&text.replace("NAME", name)), "x-shown"), ["a=1; session=abc; a=2"]);
    }
}

#[test]
fn several_values_come_in_their_order_each_with_a_nul() {
    let text = "(call $same (call $get_header_values (i32.const 0) {accept} (i32.const 1024) (i32.const 64))
          (i64.const 0x20000000f))
        (call $same32 (i32.load8_u (i32.const 1027)) (i32.const 0))
        (call $same32 (i32.load8_u (i32.const 1038)) (i32.const 0))
        (i32.store8 (i32.const 1027) (i32.const 44))
        (call $text (i32.const 14) {*/*,text/plain})";
    get(text).outcome.forwarded();
}

#[test]
fn a_field_that_is_not_there_has_no_values() {
    for name in ["not-header", "no name", "x-\u{e9}"] {
        let text =
            "(call $same (call $get_header_values (i32.const 0) {NAME} (i32.const 1024) (i32.const 64)) (i64.const 0))";
        get(&text.replace("NAME", name)).outcome.forwarded();
    }
    assert!(
        refusal("(drop (call $get_header_values (i32.const 0) {} (i32.const 0) (i32.const 0)))").contains("no bytes")
    );
}

#[test]
fn a_list_that_does_not_fit_is_not_written() {
    let text = "(call $same (call $get_header_values (i32.const 0) {accept} (i32.const 1024) (i32.const 14)) (i64.const 0x20000000f))
        (call $same32 (i32.load8_u (i32.const 1024)) (i32.const 0))
        (call $same (call $get_header_values (i32.const 0) {accept} (i32.const -9) (i32.const 0)) (i64.const 0x20000000f))";
    get(text).outcome.forwarded();
    assert!(
        refusal("(drop (call $get_header_values (i32.const 0) {accept} (i32.const 131070) (i32.const 64)))")
            .contains("outside")
    );
}

#[test]
fn names_are_lower_case_and_once_each_with_the_host() {
    let text = "(local.set $w (call $get_header_names (i32.const 0) (i32.const 1024) (i32.const 256)))
        (call $same (i64.shr_u (local.get $w) (i64.const 32)) (i64.const 4))
        (call $same32 (i32.wrap_i64 (local.get $w)) (i32.const 30))
        (call $text (i32.const 4) {host})";
    get(text).outcome.forwarded();
}

#[test]
fn the_host_is_the_authority_and_can_be_set() {
    let text = "(call $same (call $get_header_values (i32.const 0) {Host} (i32.const 1024) (i32.const 64)) (i64.const 0x10000000a))
        (call $text (i32.const 9) {shop.test})
        (call $set_header_value (i32.const 0) {Host} {Other.test:81})";
    assert_eq!(get(text).exchange.authority(), "other.test:81");
    assert!(refusal("(call $set_header_value (i32.const 0) {host} {a/b})").contains("authority"));
    assert!(refusal("(call $remove_header (i32.const 0) {host})").contains("exactly one host"));
    assert!(refusal("(call $add_header_value (i32.const 0) {host} {b})").contains("exactly one host"));
}

#[test]
fn setting_overwrites_all_values_and_adding_adds_one() {
    assert_eq!(values(&get("(call $set_header_value (i32.const 0) {New-Header} {value})"), "new-header"), ["value"]);
    assert_eq!(values(&get("(call $set_header_value (i32.const 0) {accept} {value})"), "accept"), ["value"]);
    assert_eq!(values(&get("(call $set_header_value (i32.const 0) {accept} {})"), "accept"), [""]);
    assert_eq!(values(&get("(call $add_header_value (i32.const 0) {new-header} {value})"), "new-header"), ["value"]);
    let added = get("(call $add_header_value (i32.const 0) {accept} { value })");
    assert_eq!(values(&added, "accept"), ["*/*", "text/plain", "value"]);
}

#[test]
fn removing_removes_all_values_and_nothing_is_no_mistake() {
    assert_eq!(values(&get("(call $remove_header (i32.const 0) {Accept})"), "accept"), [""; 0]);
    get("(call $remove_header (i32.const 0) {new-header})").outcome.forwarded();
    get("(call $remove_header (i32.const 0) {content-length})").outcome.forwarded();
}

#[test]
fn a_value_that_was_set_is_read_back() {
    let text = "(call $set_header_value (i32.const 0) {x-a} {1}) (call $add_header_value (i32.const 0) {X-A} {2})
        (call $same (call $get_header_values (i32.const 0) {x-a} (i32.const 1024) (i32.const 64)) (i64.const 0x200000004))";
    get(text).outcome.forwarded();
}

#[test]
fn the_rules_of_every_policys_edits_hold() {
    for (name, value, text) in [
        ("connection", "close", "the header `connection` belongs to the host"),
        ("content-length", "3", "the header `content-length` belongs to the host"),
        ("transfer-encoding", "chunked", "the header `transfer-encoding` belongs to the host"),
        ("x-forwarded-for", "1.2.3.4", "needs a grant"),
        (":path", "/", "not a token"),
        ("", "1", "not a token"),
        ("a b", "1", "not a token"),
        ("x", "a\nb: c", "a control character"),
        ("x", "a\0b", "a control character"),
    ] {
        let found = refusal(&format!("(call $set_header_value (i32.const 0) {{{name}}} {{{value}}})"));
        assert!(found.starts_with("returned an invalid outcome") && found.contains(text), "{name}: {found}");
    }
    let name = "a".repeat(257);
    assert!(refusal(&format!("(call $add_header_value (i32.const 0) {{{name}}} {{1}})")).contains("longer than 256"));
    assert!(refusal("(call $remove_header (i32.const 0) {forwarded})").contains("needs a grant"));
    assert!(refusal("(call $remove_header (i32.const 0) {a b})").contains("not a token"));
}

#[test]
fn a_granted_header_may_be_written() {
    let handler = Handler::request("(call $set_header_value (i32.const 0) {x-forwarded-for} {10.9.8.7})");
    let mut play = Play::with(&handler, |spec| spec.grants.headers = vec![String::from("x-forwarded-for")]);
    let mut given = exchange();
    given.beside.forwarded_for = Some("1.1.1.1".parse().unwrap());
    let played = play.send(given, Given::default());
    assert_eq!(played.exchange.values(&"x-forwarded-for".parse().unwrap()).collect::<Vec<_>>(), [b"10.9.8.7"]);
}

#[test]
fn fields_that_the_ingress_adds_are_seen() {
    let handler = Handler::request(
        "(call $same (call $get_header_values (i32.const 0) {x-forwarded-proto} (i32.const 1024) (i32.const 64)) (i64.const 0x100000006))
         (call $text (i32.const 5) {https})",
    );
    let mut given = exchange();
    given.beside.forwarded_proto = Some("https");
    Play::new(&handler).send(given, Given::default()).outcome.forwarded();
}

#[test]
fn a_call_may_write_64_kib_of_fields() {
    let value = "v".repeat(16_000);
    let text = format!("(call $set_header_value (i32.const 0) {{x-a}} {{{value}}})");
    get(&text.repeat(4)).outcome.forwarded();
    assert_eq!(get(&text.repeat(5)).outcome.failure().label(), "policy_outcome_too_large");
}

#[test]
fn unknown_kinds_end_the_request() {
    assert!(
        refusal("(drop (call $get_header_names (i32.const 4) (i32.const 0) (i32.const 0)))").contains("header kind 4")
    );
    assert!(refusal("(call $set_header_value (i32.const -1) {a} {b})").contains("header kind"));
}

#[test]
fn trailers_are_seen_and_changed_with_their_feature() {
    let edit = "(call $same (call $get_header_names (i32.const 2) (i32.const 1024) (i32.const 64)) (i64.const 0x10000000b))
        (call $text (i32.const 10) {x-checksum})
        (call $same (call $get_header_values (i32.const 2) {X-Checksum} (i32.const 1024) (i32.const 64)) (i64.const 0x100000004))
        (call $set_header_value (i32.const 2) {x-checksum} {def}) (call $add_header_value (i32.const 2) {x-more} {1})
        (call $same (call $get_header_names (i32.const 3) (i32.const 1024) (i32.const 64)) (i64.const 0))";
    let enable = "(call $same32 (call $enable_features (i32.const 4)) (i32.const 4))";
    let body = Given { pieces: &["hello"], trailers: &[("x-checksum", "abc")] };
    let mut play = Play::new(&Handler::request(edit).start(enable).without("read_body"));
    let played = play.send(exchange(), body);
    assert_eq!(played.trailers.as_ref().unwrap()["x-checksum"], "def");
    assert_eq!(played.trailers.as_ref().unwrap()["x-more"], "1");
    assert_eq!(played.outcome.forwarded(), "hello");
}

#[test]
fn without_the_feature_or_a_section_there_are_no_trailers() {
    let none = "(call $same (call $get_header_names (i32.const 2) (i32.const 1024) (i32.const 64)) (i64.const 0))
        (call $same (call $get_header_values (i32.const 2) {x-checksum} (i32.const 1024) (i32.const 64)) (i64.const 0))";
    let body = Given { pieces: &["hello"], trailers: &[("x-checksum", "abc")] };
    let mut play = Play::new(&Handler::request(none));
    assert_eq!(play.send(exchange(), body).trailers.unwrap()["x-checksum"], "abc");
    for start in ["", "(drop (call $enable_features (i32.const 4)))"] {
        let set = Handler::request("(call $set_header_value (i32.const 2) {a} {b})").start(start);
        assert!(Play::new(&set).get().outcome.failure().to_string().contains("no body was collected"));
    }
}

#[test]
fn trailers_of_a_response_are_seen_and_changed() {
    let response = "(call $same (call $get_header_values (i32.const 3) {grpc-status} (i32.const 1024) (i32.const 64)) (i64.const 0x100000003))
        (call $remove_header (i32.const 3) {grpc-status}) (call $set_header_value (i32.const 3) {grpc-message} {hidden})
        (call $set_header_value (i32.const 1) {x-status} (i32.const 1024) (i32.const 2))";
    let handler = Handler::request("").start("(drop (call $enable_features (i32.const 6)))").response(response);
    let mut play = Play::new(&handler.without("read_body"));
    let mut played = play.get();
    play.answer(&mut played, Given { pieces: &["x"], trailers: &[("grpc-status", "13")] });
    let trailers = played.trailers.unwrap();
    assert_eq!(trailers.keys().collect::<Vec<_>>(), ["grpc-message"]);
    assert_eq!(played.exchange.response.unwrap().headers["x-status"], "13");
    assert_eq!(played.outcome.forwarded(), "x");
}

#[test]
fn trailers_are_added_to_a_body_that_had_none() {
    let request =
        "(call $set_header_value (i32.const 2) {x-sum} {7}) (call $add_header_value (i32.const 2) {x-sum} {8})
        (call $set_header_value (i32.const 2) {x-gone} {1}) (call $remove_header (i32.const 2) {x-gone})";
    let response = "(call $set_header_value (i32.const 3) {x-end} {1})";
    let handler = Handler::request(request).start("(drop (call $enable_features (i32.const 6)))").response(response);
    let mut play = Play::new(&handler.without("read_body"));
    let mut played = play.post(&["hel", "lo"]);
    let values = |fields: &http::HeaderMap, name| fields.get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(values(played.trailers.as_ref().unwrap(), "x-sum"), ["7", "8"]);
    assert_eq!(values(&played.exchange.request.headers, "trailer"), ["x-sum"], "the head names what follows");
    play.answer(&mut played, given(&["x"]));
    assert_eq!(values(played.trailers.as_ref().unwrap(), "x-end"), ["1"]);
    assert_eq!(values(&played.exchange.response.unwrap().headers, "trailer"), ["x-end"]);
    assert_eq!(played.outcome.forwarded(), "x");
}

#[test]
fn a_name_that_is_announced_is_not_announced_again() {
    let handler = Handler::request("(call $set_header_value (i32.const 2) {x-sum} {7})");
    let mut play = Play::new(&handler.start("(drop (call $enable_features (i32.const 4)))"));
    let mut exchange = exchange();
    exchange.request.headers.insert("trailer", "x-other, X-Sum".parse().unwrap());
    let played = play.send(exchange, Given { pieces: &["hello"], trailers: &[("x-other", "1")] });
    assert_eq!(played.trailers.unwrap().len(), 2);
    assert_eq!(played.exchange.request.headers.get_all("trailer").iter().count(), 1);
}

#[test]
fn no_trailer_follows_a_body_that_is_longer_than_was_collected() {
    let handler = Handler::request("(call $set_header_value (i32.const 2) {x-sum} {7})");
    let handler = handler.start("(drop (call $enable_features (i32.const 4)))");
    let mut play = Play::with(&handler, |spec| spec.limits.body_bytes_max = 4);
    assert!(play.post(&["hello", "world"]).outcome.failure().to_string().contains("no body was collected"));
}
