//! Answers to heads that never became a request: not HTTP, too large, too slow.
//!
//! hyper's own answer is held back; this one has the status that the RFC asks for, and a record.

use bytes::Bytes;
use http::{Method, Request, Version};

use super::{Client, close, write_answer};
use crate::failure::Failure;
use crate::io::{Phase, Stream};
use crate::record::Record;
use std::rc::Rc;

/// After hyper could not go on.
pub async fn unparsed(
    client: &Rc<Client>,
    stream: Stream,
    unread: &Bytes,
    error: &hyper::Error,
) -> std::io::Result<()> {
    let failure = match client.traffic.phase.get() {
        // Nothing of a request had come: the peer is gone, or an answer broke off and its record says why.
        Phase::Idle | Phase::Exchange => return Ok(()),
        _ if error.is_incomplete_message() || error.is_closed() => return Ok(()),
        _ if error.is_parse_too_large() => too_large(unread, client.worker.settings().header_bytes_max),
        _ if error.is_parse() => malformed(unread),
        _ => return Ok(()),
    };
    answer(client, stream, failure, unread).await
}

/// After a deadline.
pub async fn late(client: &Rc<Client>, stream: Stream, phase: Phase) -> std::io::Result<()> {
    match phase {
        Phase::Head => answer(client, stream, Failure::RequestTimeout, &Bytes::new()).await,
        Phase::Idle | Phase::Flush => close(stream).await,
        // The client does not take its answer: the socket closes with what is unsent.
        Phase::Exchange => Ok(()),
    }
}

/// A head that is too large is so for its target or for its fields (RFC 9110, 15.5.15; RFC 6585, 5).
fn too_large(unread: &[u8], header_bytes_max: usize) -> Failure {
    let line = unread.iter().position(|byte| *byte == b'\n').unwrap_or(unread.len());
    if line >= header_bytes_max / 2 { Failure::UriTooLong } else { Failure::HeaderTooLarge }
}

/// A version that is well-formed but not ours is 505 (RFC 9110, 15.6.6), the rest 400.
fn malformed(unread: &[u8]) -> Failure {
    let line = unread.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(&[]);
    let version = line.rsplit(|byte| *byte == b' ').next().and_then(|version| version.strip_prefix(b"HTTP/"));
    match version {
        Some([major @ b'0'..=b'9', b'.', b'0'..=b'9']) if *major != b'1' => Failure::Version,
        _ => Failure::BadRequest("the request is malformed"),
    }
}

async fn answer(client: &Rc<Client>, mut stream: Stream, failure: Failure, unread: &[u8]) -> std::io::Result<()> {
    let status = failure.status();
    let mut record = Record::start(client, &described(unread));
    record.refused(status, failure);
    record.end();
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let body = format!("{} {reason}\n", status.as_u16());
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let head = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\ndate: {date}\r\n\r\n{body}",
        status.as_u16(),
        body.len(),
    );
    write_answer(&mut stream, head.as_bytes()).await?;
    close(stream).await
}

/// The method and target as far as they can be read, for the record alone.
fn described(unread: &[u8]) -> Request<()> {
    let line = unread.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(&[]);
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let mut request = Request::new(());
    *request.method_mut() = words.next().and_then(|word| Method::from_bytes(word).ok()).unwrap_or_default();
    if let Some(uri) = words.next().and_then(|word| std::str::from_utf8(word).ok()).and_then(|word| word.parse().ok()) {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = Version::HTTP_11;
    request
}
