//! What the answer to a unary gRPC call means: one message, or a status with its text; and how clients of gRPC are answered.
//!
//! By gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md) and its tables of statuses (statuscodes.md, http-grpc-status-mapping.md).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::abi::proxy_wasm::stream::CallResult;
use crate::abi::{CallFailure, CallReply};
use crate::outcome::Reply;

const UNKNOWN: u32 = 2;
const DEADLINE_EXCEEDED: u32 = 4;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const UNAUTHENTICATED: u32 = 16;

/// Of a status' text.
const TEXT_BYTES_MAX: usize = 1024;
/// A flag and a length before each message.
const PREFIX_BYTES: usize = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Message { initial: HeaderMap, message: Bytes, trailing: HeaderMap },
    Closed { status: u32, text: String },
}

impl Unary {
    pub fn of(result: CallResult) -> Self {
        match result {
            Ok(reply) => Self::of_reply(reply),
            Err(CallFailure::Timeout) => Self::closed(DEADLINE_EXCEEDED, "timeout"),
            Err(CallFailure::TooLarge) => Self::closed(RESOURCE_EXHAUSTED, "the answer is too large"),
            Err(CallFailure::Unreachable) => Self::closed(UNAVAILABLE, "unreachable"),
        }
    }

    fn closed(status: u32, text: &str) -> Self {
        Self::Closed { status, text: text.to_owned() }
    }

    fn of_reply(reply: CallReply) -> Self {
        let CallReply { status, headers, body, trailers } = reply;
        // An answer without a message may have its status in the head (Trailers-Only).
        let from = if trailers.contains_key("grpc-status") { &trailers } else { &headers };
        match from.get("grpc-status").map(|status| status.to_str().ok().and_then(|status| status.parse().ok())) {
            None if status != StatusCode::OK => return Self::closed(of_http(status), status.as_str()),
            None => return Self::closed(UNKNOWN, "the answer has no grpc-status"),
            Some(None) => return Self::closed(UNKNOWN, "the grpc-status is no number"),
            Some(Some(0)) if !is_grpc(&headers) => return Self::closed(UNKNOWN, "the answer is not of gRPC"),
            Some(Some(0)) => {}
            Some(Some(status)) => return Self::Closed { status, text: text(from) },
        }
        match only_message(body) {
            Ok(message) => Self::Message { initial: headers, message, trailing: trailers },
            Err((status, text)) => Self::closed(status, text),
        }
    }
}

/// By its content type: not that of gRPC-Web.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let rest = headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    matches!(rest, Some([] | [b'+' | b';', ..]))
}

/// A plugin's reply to a client of gRPC, of trailers alone: the status in a field, and the body's text as its message. Without a
/// status of gRPC the one of HTTP says it.
pub(super) fn local_reply(reply: Reply, status: Option<u32>) -> Reply {
    let Reply { status: http, mut headers, body } = reply;
    let of_http = || if http == StatusCode::OK { 0 } else { of_http(http) };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(status.unwrap_or_else(of_http)));
    if let Ok(message) = HeaderValue::try_from(percent(&body)) {
        headers.insert("grpc-message", message);
    }
    Reply { status: StatusCode::OK, headers, body: Bytes::new() }
}

/// As gRPC encodes the text of a status.
fn percent(text: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.iter().take(TEXT_BYTES_MAX) {
        match byte {
            b' '..=b'~' if *byte != b'%' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// What an answer means that is not of gRPC.
fn of_http(status: StatusCode) -> u32 {
    match status.as_u16() {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502..=504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

fn only_message(mut body: Bytes) -> Result<Bytes, (u32, &'static str)> {
    let Some(([flag, length @ ..], rest)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        let what = if body.is_empty() { (UNIMPLEMENTED, "no message") } else { (INTERNAL, "half a message") };
        return Err(what);
    };
    let length = u32::from_be_bytes(*length) as usize;
    match (flag, rest.len().cmp(&length)) {
        (0, std::cmp::Ordering::Equal) => Ok(body.split_off(PREFIX_BYTES)),
        (0, std::cmp::Ordering::Less) => Err((INTERNAL, "half a message")),
        (0, std::cmp::Ordering::Greater) => Err((UNIMPLEMENTED, "more than one message")),
        _ => Err((INTERNAL, "a compressed message, which was not asked for")),
    }
}

/// A message as it goes out.
pub(super) fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0][..], &length, message].concat().into()
}

/// The text of a status, percent-encoded; what is not encoded well stays as it is.
fn text(fields: &HeaderMap) -> String {
    let encoded = fields.get("grpc-message").map_or(&[][..], HeaderValue::as_bytes);
    let mut encoded = encoded.get(..TEXT_BYTES_MAX).unwrap_or(encoded);
    let mut text = Vec::with_capacity(encoded.len());
    while let Some((first, rest)) = encoded.split_first() {
        let decoded = (*first == b'%').then(|| hexadecimal(rest)).flatten();
        text.push(decoded.unwrap_or(*first));
        encoded = if decoded.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
