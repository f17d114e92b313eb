//! The header rules: which names and values a policy may write, and which belong to the host.
//!
//! The one place for them. Outcomes are checked here when lifted, and the data plane uses the same functions on what
//! leaves towards a backend or a client.

use std::net::Ipv6Addr;

use http::{HeaderName, HeaderValue};

pub const NAME_BYTES_MAX: usize = 256;
pub const VALUE_BYTES_MAX: usize = 16 * 1024;
pub const QUERY_BYTES_MAX: usize = 8 * 1024;
pub const AUTHORITY_BYTES_MAX: usize = 261;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error("a header name is not a token (RFC 9110, 5.6.2)")]
    Name,
    #[error("a header name is longer than 256 bytes")]
    NameTooLong,
    #[error("a header value has a control character")]
    Value,
    #[error("a header value is longer than 16 KiB")]
    ValueTooLong,
    #[error("the authority is not a host with an optional port")]
    Authority,
    #[error("the query has a byte that a query may not hold (RFC 3986, 3.4)")]
    Query,
    #[error("not a token of 1 to 64 bytes")]
    Token,
}

/// A token of RFC 9110, lower-cased. Pseudo headers (`:path`) are not tokens.
pub fn name(text: &str) -> Result<HeaderName, FieldError> {
    if text.len() > NAME_BYTES_MAX {
        return Err(FieldError::NameTooLong);
    }
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| FieldError::Name)
}

/// A field value without surrounding white space: no CR, LF, NUL or other control but HTAB (RFC 9110, 5.5).
pub fn value(mut bytes: Vec<u8>) -> Result<HeaderValue, FieldError> {
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(FieldError::ValueTooLong);
    }
    if bytes.first().is_some_and(is_ows) || bytes.last().is_some_and(is_ows) {
        bytes = trim(&bytes).to_vec();
    }
    HeaderValue::try_from(bytes).map_err(|_| FieldError::Value)
}

fn is_ows(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_ows(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_ows(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Fields that the ingress adds to each request.
pub static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Fields of framing, of one hop, and of routing: no policy may write or remove them, nor may they pass on as they came.
/// `host` changes by `set-authority` alone.
pub fn is_host_owned(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            | "expect"
            | "content-length"
            | "host"
    )
}

/// Fields by which backends know the client and the trace: writable only with `grants.headers`.
pub fn is_identity(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip" | "traceparent")
}

/// A host with an optional port, lower-cased: a DNS name, an IPv4 address or an IPv6 address in brackets. Narrower than
/// RFC 3986, 3.2.2, whose names may hold `,` and `;`: separators of the headers that repeat a host.
pub fn authority(text: &str) -> Result<String, FieldError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<Ipv6Addr>().is_ok() => (address, rest),
        Some(_) => return Err(FieldError::Authority),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    let port_is_good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if host.is_empty() || text.len() > AUTHORITY_BYTES_MAX || !is_name || !port_is_good {
        return Err(FieldError::Authority);
    }
    Ok(text.to_ascii_lowercase())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `*( pchar / "/" / "?" )` of RFC 3986, with the brackets, bars and quotes that browsers leave as they are.
pub fn query(text: &str) -> Result<(), FieldError> {
    let bytes = text.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'"' | b'\\' | b'`');
    if text.len() > QUERY_BYTES_MAX || !bytes.iter().all(allowed) {
        return Err(FieldError::Query);
    }
    let escapes_are_good = text
        .split('%')
        .skip(1)
        .all(|rest| matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()));
    if escapes_are_good { Ok(()) } else { Err(FieldError::Query) }
}

/// A short name of ours, such as a denial's reason: visible ASCII without quote, backslash or white space.
pub fn token(text: &str) -> Result<(), FieldError> {
    let good =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'*');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(good) {
        return Err(FieldError::Token);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
