//! HTTP/1.1 as a client: a request written as it is given, a reply read strictly.

use anyhow::{Context, Result, ensure};

use super::{Reply, Request};
use crate::wire::{Wire, bytes, reply_framing};

/// The bytes of a request. A body gets `content-length` unless the fields frame it already.
pub fn encode(request: &Request) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    if let Some(host) = &request.host {
        text += &format!("host: {host}\r\n");
    }
    for (name, value) in &request.fields {
        text += &format!("{name}: {value}\r\n");
    }
    let framed = request
        .fields
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding"));
    let chunked = !request.trailers.is_empty();
    if chunked {
        text += "transfer-encoding: chunked\r\n";
    } else if !request.body.is_empty() && !framed {
        text += &format!("content-length: {}\r\n", request.body.len());
    }
    text += "\r\n";
    let mut encoded = bytes(&text);
    if chunked {
        encode_chunks(request, &mut encoded);
    } else {
        encoded.extend(&request.body);
    }
    encoded
}

fn encode_chunks(request: &Request, encoded: &mut Vec<u8>) {
    for chunk in request.body.chunks(4) {
        encoded.extend(format!("{:x}\r\n", chunk.len()).bytes());
        encoded.extend(chunk);
        encoded.extend(b"\r\n");
    }
    encoded.extend(b"0\r\n");
    for (name, value) in &request.trailers {
        encoded.extend(bytes(&format!("{name}: {value}\r\n")));
    }
    encoded.extend(b"\r\n");
}

/// Reads the answer to a request of `method`, and the 1xx before it.
///
/// # Errors
/// When the connection ends first, or the answer is not HTTP/1.
pub async fn reply(wire: &mut Wire, method: &str) -> Result<Reply> {
    let mut interim = Vec::new();
    loop {
        let head = wire.head().await?.context("closed without a reply")?;
        let mut words = head.start.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        ensure!(version == "HTTP/1.1" || version == "HTTP/1.0", "not a status line: {:?}", head.start);
        let status: u16 = words.next().unwrap_or_default().parse().with_context(|| head.start.clone())?;
        if (100..200).contains(&status) && status != 101 {
            interim.push(status);
            continue;
        }
        let body = wire.body(reply_framing(method, status, &head)?).await?;
        return Ok(Reply { version, status, interim, fields: head.fields, body });
    }
}
