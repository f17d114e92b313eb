//! The later phases, by the first byte of what the request phase carried over.

use std::time::Duration;

use cardea_policy_sdk::{Body, Outcome, Reply, Request, Response, ResponseOutcome, Summary, kv};

use crate::ask::seen;
use crate::text::{absent, hex, text};

pub fn body(request: &Request, body: &Body) -> Outcome {
    match body.carry.first() {
        Some(b'b') => {
            let whole = if body.complete { "complete" } else { "cut" };
            let head = format!("{} {whole} {}\n", body.bytes.len(), hex(&body.carry));
            text([head.as_bytes(), body.bytes.as_slice()].concat())
        }
        Some(b'f') => {
            let outcome = Outcome::next().set_header("x-length", body.bytes.len().to_string());
            outcome.label("phase", "body").follow_response().carry("q")
        }
        Some(b'h') => request.header("x-bytes").map_or_else(absent, |value| text(hex(value.as_bytes()))),
        _ => Outcome::next(),
    }
}

pub fn response(request: &Request, response: &Response, carry: &[u8]) -> ResponseOutcome {
    let keep = ResponseOutcome::keep();
    match carry.first() {
        Some(b'k') => keep.set_header("x-carry", hex(carry)).append_header("x-append", "b").remove_header("x-remove"),
        Some(b'r') => {
            let reply = Reply::new(203).header("x-replaced", "yes").body(seen(response));
            ResponseOutcome::replace(reply).set_header("x-edited", "yes")
        }
        Some(b'q') => keep.set_header("x-seen", seen(response)),
        Some(b'n') => keep.set_header("x-note", request.note("seen").unwrap_or_else(|| b"absent".to_vec())),
        Some(b'c') => keep.set_header("x-both", "yes").carry([carry, b"-later"].concat()),
        _ => keep,
    }
}

pub fn complete(summary: &Summary, carry: &[u8]) {
    let Some((b'c', key)) = carry.split_first() else { return };
    let text = format!(
        "{} {} {} {} {} {} {}",
        summary.status,
        summary.backend.as_deref().unwrap_or("none"),
        summary.error.as_deref().unwrap_or("none"),
        summary.retries,
        summary.bytes_in,
        summary.bytes_out,
        if summary.duration_us >= summary.upstream_us { "timed" } else { "untimed" },
    );
    // A value that finds no room is one that the next request does not find.
    let _ = kv::set(&String::from_utf8_lossy(key), text.as_bytes(), Duration::ZERO);
}
