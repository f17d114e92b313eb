//! Answers to unary calls, good and bad.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Unary, frame};
use crate::abi::{CallFailure, CallReply};

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn of(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &[u8],
    trailers: &[(&'static str, &'static str)],
) -> Unary {
    let (headers, trailers) = (fields(headers), fields(trailers));
    let status = StatusCode::from_u16(status).unwrap();
    Unary::of(Ok(CallReply { status, headers, body: Bytes::copy_from_slice(body), trailers }))
}

const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");

fn closed(unary: Unary) -> (u32, String) {
    match unary {
        Unary::Closed { status, text } => (status, text),
        Unary::Message { message, .. } => panic!("a message: {message:?}"),
    }
}

#[test]
fn a_message_with_status_0_is_the_answer() {
    match of(200, &[GRPC], &frame(b"yes"), &[("grpc-status", "0"), ("x-more", "1")]) {
        Unary::Message { initial, message, trailing } => {
            assert_eq!((&*message, initial.len(), trailing.len()), (&b"yes"[..], 1, 2));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(of(200, &[GRPC], &frame(b""), &[("grpc-status", "0")]), Unary::Message { message, .. } if message.is_empty())
    );
}

#[test]
fn a_status_is_told_with_its_text_wherever_it_stands() {
    let refused = of(200, &[GRPC], b"", &[("grpc-status", "7"), ("grpc-message", "not %E2%82%AC%zz%")]);
    assert_eq!(closed(refused), (7, String::from("not \u{20ac}%zz%")));
    assert_eq!(closed(of(200, &[GRPC, ("grpc-status", "16")], b"", &[])), (16, String::new()));
    assert_eq!(closed(of(503, &[GRPC, ("grpc-status", "16")], b"", &[])).0, 16, "it counts for more than that of HTTP");
    let both = of(200, &[GRPC, ("grpc-status", "0")], &frame(b"x"), &[("grpc-status", "5")]);
    assert_eq!(closed(both).0, 5, "trailers count");
}

#[test]
fn an_answer_that_is_not_of_grpc_is_told_by_its_status() {
    for (http, grpc) in
        [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (500, 2), (200, 2)]
    {
        assert_eq!(closed(of(http, &[("content-type", "text/html")], b"<p>", &[])).0, grpc, "{http}");
    }
    assert_eq!(closed(of(200, &[], &frame(b"x"), &[("grpc-status", "0")])).0, 2);
    assert_eq!(closed(of(200, &[GRPC], b"", &[("grpc-status", "none")])).0, 2);
}

#[test]
fn an_answer_of_other_than_one_whole_message_is_a_failure() {
    let end = [("grpc-status", "0")];
    for (body, status) in [
        (&b""[..], 12),
        (b"\0\0", 13),
        (b"\0\0\0\0\x05abc", 13),
        (b"\0\xff\xff\xff\xffabc", 13),
        (b"\x01\0\0\0\x03abc", 13),
        (b"\0\0\0\0\x03abc\0\0\0\0\x03abc", 12),
    ] {
        assert_eq!(closed(of(200, &[GRPC], body, &end)).0, status, "{body:?}");
    }
}

#[test]
fn a_call_that_came_to_nothing_has_a_status_too() {
    let of = |failure| closed(Unary::of(Err(failure))).0;
    assert_eq!((of(CallFailure::Timeout), of(CallFailure::TooLarge), of(CallFailure::Unreachable)), (4, 8, 14));
}
