//! Method, URI, protocol version and source address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cardea_policy::Peer;
use http::Version;

use crate::guest::Handler;
use crate::play::{Given, Play};
use crate::support::exchange;

/// A request's text after `call` put it at 1024.
fn shown(call: &str, change: impl FnOnce(&mut cardea_policy::Exchange)) -> String {
    let mut given = exchange();
    change(&mut given);
    let handler = Handler::request(&format!("(call $show {call})"));
    let played = Play::new(&handler).send(given, Given::default());
    played.exchange.request.headers["x-shown"].to_str().unwrap().to_owned()
}

/// What a handler makes of the request: method and URI.
fn set(text: &str) -> (String, String) {
    let played = Play::new(&Handler::request(text)).get();
    (played.exchange.request.method.to_string(), played.exchange.request.uri.to_string())
}

fn refusal(text: &str) -> String {
    Play::new(&Handler::request(text)).get().outcome.failure().to_string()
}

#[test]
fn every_method_is_told() {
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"] {
        let found = shown("(call $get_method (i32.const 1024) (i32.const 16))", |exchange| {
            exchange.request.method = method.parse().unwrap();
        });
        assert_eq!(found, method);
    }
}

#[test]
fn a_method_is_set() {
    assert_eq!(set("(call $set_method {POST})").0, "POST");
    assert_eq!(set("(call $set_method {PURGE})").0, "PURGE");
}

#[test]
fn what_is_no_method_of_an_exchange_is_refused() {
    for method in ["", "A B", "CONNECT", "TRACE", "AVERYVERYLONGMETHODNAMETHATNOBODYHAS"] {
        let text = refusal(&format!("(call $set_method {{{method}}})"));
        assert_eq!(text, format!("returned an invalid outcome: the method {method:?}"));
    }
}

#[test]
fn the_uri_is_path_and_query_as_they_are_encoded() {
    let get = "(call $get_uri (i32.const 1024) (i32.const 64))";
    for uri in ["/simple", "/simple%26clean", "/animal?name=panda", "/disney?name=chip%26dale", "/", "/?"] {
        assert_eq!(shown(get, |exchange| exchange.request.uri = uri.parse().unwrap()), uri);
    }
    assert_eq!(shown(get, |exchange| exchange.request.uri = http::Uri::default()), "/");
}

#[test]
fn a_uri_is_set_with_its_query_or_without() {
    for uri in ["/simple", "/simple%26clean", "/animal?name=panda", "/disney?name=chip%26dale"] {
        assert_eq!(set(&format!("(call $set_uri {{{uri}}})")).1, uri);
    }
    assert_eq!(set("(call $set_uri {})").1, "/");
    assert_eq!(set("(call $set_uri {?a=b})").1, "/?a=b");
}

#[test]
fn a_uri_that_is_set_is_normalised_like_a_clients() {
    assert_eq!(set("(call $set_uri {/a/../b//c/%7euser})").1, "/b/c/~user");
    for uri in ["/../x", "/a%2Fb", "http://elsewhere/", "a", "/a?b#c", "/a?b c"] {
        assert!(refusal(&format!("(call $set_uri {{{uri}}})")).starts_with("returned an invalid outcome"), "{uri}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_not_written_and_its_length_is_told() {
    let handler = Handler::request(
        "(call $same32 (call $get_uri (i32.const 1024) (i32.const 20)) (i32.const 21))
         (call $same32 (i32.load8_u (i32.const 1024)) (i32.const 0))
         (call $same32 (call $get_method (i32.const 1024) (i32.const 0)) (i32.const 3))
         (call $same32 (i32.load8_u (i32.const 1024)) (i32.const 0))
         (call $text (call $get_uri (i32.const 1024) (i32.const 21)) {/cart?user=a%20b&x=1})",
    );
    let mut given = exchange();
    given.request.uri = "/cart?user=a%20b&x=12".parse().unwrap();
    let text = Play::new(&handler).send(given, Given::default()).outcome.failure().to_string();
    assert!(text.contains("unreachable"), "the last comparison is of 21 bytes with 20: {text}");
    let handler =
        Handler::request("(call $text (call $get_uri (i32.const 1024) (i32.const 20)) {/cart?user=a%20b&x=1})");
    Play::new(&handler).get().outcome.forwarded();
}

#[test]
fn a_value_that_fits_and_lies_outside_of_memory_ends_the_request() {
    assert!(refusal("(drop (call $get_uri (i32.const 131071) (i32.const 64)))").contains("outside of its memory"));
    assert!(refusal("(drop (call $get_uri (i32.const -1) (i32.const -1)))").contains("outside of its memory"));
    assert!(refusal("(call $set_uri (i32.const 131070) (i32.const 3))").contains("outside of its memory"));
}

#[test]
fn versions_have_the_names_of_the_abi() {
    let get = "(call $get_protocol_version (i32.const 1024) (i32.const 16))";
    for (version, name) in
        [(Version::HTTP_10, "HTTP/1.0"), (Version::HTTP_11, "HTTP/1.1"), (Version::HTTP_2, "HTTP/2.0")]
    {
        assert_eq!(shown(get, |exchange| exchange.request.version = version), name);
    }
}

#[test]
fn the_source_is_the_client_with_its_port_where_that_is_known() {
    let get = "(call $get_source_addr (i32.const 1024) (i32.const 64))";
    let from = |source: &str, client: &str| {
        let (source, client): (SocketAddr, IpAddr) = (source.parse().unwrap(), client.parse().unwrap());
        shown(get, |exchange| {
            exchange.peer = Arc::new(Peer { source, ..(*exchange.peer).clone() });
            exchange.client = client;
        })
    };
    assert_eq!(from("1.2.3.4:12345", "1.2.3.4"), "1.2.3.4:12345");
    assert_eq!(
        from("[fe80::101e:2bdf:8bfb:b97e]:12345", "fe80::101e:2bdf:8bfb:b97e"),
        "[fe80::101e:2bdf:8bfb:b97e]:12345"
    );
    assert_eq!(from("10.0.0.1:999", "1.2.3.4"), "1.2.3.4:0", "behind a trusted proxy");
}

#[test]
fn a_request_is_not_changed_any_more_when_its_response_is_here() {
    for call in ["(call $set_method {POST})", "(call $set_uri {/x})", "(call $set_header_value (i32.const 0) {a} {b})"]
    {
        let mut play = Play::new(&Handler::request("").response(call));
        let mut played = play.get();
        play.answer(&mut played, Given::default());
        let text = played.outcome.failure().to_string();
        assert!(text.contains("in handle_response"), "{text}");
    }
}

#[test]
fn a_request_can_be_asked_about_when_its_response_is_here() {
    let response = "(call $text (call $get_method (i32.const 1024) (i32.const 16)) {GET})
        (call $text (call $get_uri (i32.const 1024) (i32.const 64)) {/there})";
    let mut play = Play::new(&Handler::request("(call $set_uri {/there})").response(response));
    play.exchange(&[], &[]).outcome.forwarded();
}

#[test]
fn what_was_asked_is_on_record() {
    let handler = Handler::request(
        "(drop (call $get_method (i32.const 0) (i32.const 0)))
         (drop (call $get_header_values (i32.const 0) {X-Canary} (i32.const 0) (i32.const 0)))",
    );
    let played = Play::new(&handler).get();
    assert_eq!(played.run.reads(&played.run.decided[0]), ["method", "header:x-canary"]);
}
