//! What a request means, or why it is refused: its host, its path, its framing.
//!
//! After this there is one host, one path, and no field that frames the message or belongs to one hop; the router,
//! policies and the backend all use this same head. What two parsers could read in two ways is refused with 400
//! (RFC 9110, 9112, 9113).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri, Version};

use cardea_model::{host, path};

use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;

/// The longest request target: what nginx and others take by default.
const TARGET_BYTES_MAX: usize = 8 << 10;

pub const X_CARDEA_DEBUG: HeaderName = HeaderName::from_static("x-cardea-debug");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// A request's head, understood.
#[derive(Debug)]
pub struct Head {
    /// The URI is path and query alone, normalised. No framing, nothing of one hop.
    pub parts: http::request::Parts,
    /// Lower case; empty where HTTP/1.0 gave none.
    pub authority: HeaderValue,
    /// The Host field is still among the headers, and is the authority: mostly it goes out as it came in.
    pub host_stays: bool,
    /// The client sent fields that say who it is.
    pub claims: bool,
    /// The client sent an id for the request.
    pub named: bool,
    host_bytes: usize,
    /// As received, where normalising changed it.
    pub raw_path: Option<Box<str>>,
    /// The protocol that the client wants to switch to.
    pub upgrade: Option<HeaderValue>,
    /// `te: trailers` was given.
    pub trailers: bool,
    /// The client asked for debug fields, and may.
    pub debug: bool,
}

impl Head {
    /// The host that routes are found by.
    pub fn host(&self) -> &str {
        self.authority.to_str().ok().and_then(|text| text.get(..self.host_bytes)).unwrap_or("")
    }
}

/// Checks and normalises a head, and strips what belongs to this hop.
pub fn head(client: &Client, mut parts: http::request::Parts, record: &mut Record) -> Result<Head, Failure> {
    method(&parts)?;
    if parts.headers.len() > client.worker.settings().headers_max {
        return Err(Failure::HeaderTooLarge);
    }
    let seen = scan(&parts)?;
    let (authority, host_bytes) = authority(&parts, &seen)?;
    let host_stays = parts.headers.get(header::HOST) == Some(&authority);
    if seen.hosts > 0 && !host_stays {
        parts.headers.remove(header::HOST);
    }
    let raw_path = target(&mut parts)?;
    let upgrade = seen.upgrade.then(|| requested_upgrade(&parts)).flatten();
    let debug = seen.debug && client.debug;
    let trailers = seen.te && names(&parts.headers, &header::TE, "trailers");
    if seen.cookies > 1 {
        join_cookies(&mut parts.headers);
    }
    strip(&mut parts.headers, &seen);
    record.host(&authority);
    let Seen { claims, named, .. } = seen;
    Ok(Head { parts, authority, host_stays, claims, named, host_bytes, raw_path, upgrade, trailers, debug })
}

/// CONNECT asks for a tunnel that an ingress does not give; TRACE would show other hops' fields (RFC 9110, 9.3.6, 9.3.8).
fn method(parts: &http::request::Parts) -> Result<(), Failure> {
    match parts.method {
        Method::CONNECT => Err(Failure::NotImplemented("CONNECT is not supported")),
        Method::TRACE => Err(Failure::NotImplemented("TRACE is not supported")),
        _ => Ok(()),
    }
}

/// Which fields of interest a head has; one pass, so that the common head pays for what it carries.
#[derive(Debug, Default)]
struct Seen {
    hosts: u32,
    encodings: u32,
    cookies: u32,
    connection: bool,
    upgrade: bool,
    te: bool,
    length: bool,
    expect: bool,
    proxy: bool,
    odd: bool,
    debug: bool,
    claims: bool,
    named: bool,
}

fn scan(parts: &http::request::Parts) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for (name, value) in &parts.headers {
        match *name {
            header::HOST => seen.hosts += 1,
            header::TRANSFER_ENCODING => {
                seen.encodings += 1;
                // RFC 9112, 6.1: an encoding that is not understood. Exactly one `chunked`, or nothing.
                if !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                    return Err(Failure::BadRequest("transfer-encoding is not exactly `chunked`"));
                }
            }
            header::COOKIE => seen.cookies += 1,
            header::FORWARDED => seen.claims = true,
            header::CONNECTION => seen.connection = true,
            header::UPGRADE => seen.upgrade = true,
            header::TE => seen.te = true,
            header::CONTENT_LENGTH => seen.length = true,
            header::EXPECT => {
                seen.expect = true;
                if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") {
                    return Err(Failure::Expectation);
                }
            }
            header::PROXY_AUTHENTICATE | header::PROXY_AUTHORIZATION => seen.proxy = true,
            _ => match name.as_str() {
                "keep-alive" | "proxy-connection" | "http2-settings" => seen.odd = true,
                "x-cardea-debug" => seen.debug = true,
                "x-request-id" => seen.named = true,
                "x-real-ip" => seen.claims = true,
                name => seen.claims |= name.starts_with("x-forwarded-"),
            },
        }
    }
    if seen.encodings > 1 {
        return Err(Failure::BadRequest("several transfer-encoding fields"));
    }
    if seen.encodings > 0 && seen.length {
        return Err(Failure::BadRequest("both transfer-encoding and content-length"));
    }
    Ok(seen)
}

/// HTTP/2 may send a cookie in crumbs; HTTP/1.1 has one field (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(header::COOKIE, whole);
    }
}

/// The host of a request: of the target where it names one, else of the one Host field; both must agree
/// (RFC 9112, 3.2 and 3.2.2; RFC 9113, 8.3.1).
fn authority(parts: &http::request::Parts, seen: &Seen) -> Result<(HeaderValue, usize), Failure> {
    if seen.hosts > 1 {
        return Err(Failure::BadRequest("several host fields"));
    }
    let field = if seen.hosts == 1 { parts.headers.get(header::HOST) } else { None };
    let of_target = parts.uri.authority().map(|authority| authority.as_str());
    match (of_target, field) {
        (Some(target), Some(field)) => {
            let both = checked(field)?;
            let (target, bytes) = checked_text(target)?;
            if both.0 == target {
                Ok((target, bytes))
            } else {
                Err(Failure::BadRequest("the host field and the target disagree"))
            }
        }
        (Some(target), None) if parts.version >= Version::HTTP_2 => checked_text(target),
        (None, Some(field)) => checked(field),
        (_, None) if parts.version == Version::HTTP_10 => Ok((HeaderValue::from_static(""), 0)),
        (_, None) => Err(Failure::BadRequest("no host field")),
    }
}

/// A valid authority in lower case, and how much of it is the host.
fn checked(field: &HeaderValue) -> Result<(HeaderValue, usize), Failure> {
    let text = field.to_str().map_err(|_| Failure::BadRequest("the host is not valid"))?;
    let authority = host::authority(text).map_err(|_| Failure::BadRequest("the host is not valid"))?;
    let bytes = authority.host.len();
    // Borrowed and whole: the field is as good as any copy of it.
    if authority.text == text { Ok((field.clone(), bytes)) } else { owned(&authority.text, bytes) }
}

fn checked_text(text: &str) -> Result<(HeaderValue, usize), Failure> {
    let authority = host::authority(text).map_err(|_| Failure::BadRequest("the host is not valid"))?;
    owned(&authority.text, authority.host.len())
}

fn owned(text: &str, bytes: usize) -> Result<(HeaderValue, usize), Failure> {
    HeaderValue::from_str(text).map(|value| (value, bytes)).map_err(|_| Failure::BadRequest("the host is not valid"))
}

/// Reduces the target to a normalised path and query; gives the path as it came, where that was another.
fn target(parts: &mut http::request::Parts) -> Result<Option<Box<str>>, Failure> {
    let uri = &parts.uri;
    if uri.path().len() + uri.query().map_or(0, str::len) > TARGET_BYTES_MAX {
        return Err(Failure::UriTooLong);
    }
    if uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Err(Failure::BadRequest("the target's scheme is not http or https"));
    }
    if uri.path() == "*" {
        // Asked of the server as a whole, so of no backend (RFC 9110, 9.3.7).
        return Err(match parts.method {
            Method::OPTIONS => Failure::NotImplemented("OPTIONS * is not supported"),
            _ => Failure::BadRequest("the target is `*`"),
        });
    }
    let normal = path::normalize(uri.path()).map_err(|_| Failure::BadRequest("the path is not valid"))?;
    let (target, raw) = match normal {
        std::borrow::Cow::Borrowed(_) if uri.scheme().is_none() && uri.authority().is_none() => return Ok(None),
        std::borrow::Cow::Borrowed(_) => (uri.path_and_query().cloned(), None),
        std::borrow::Cow::Owned(normal) => {
            let text = match uri.query() {
                Some(query) => format!("{normal}?{query}"),
                None => normal,
            };
            (PathAndQuery::from_maybe_shared(text.into_bytes()).ok(), Some(Box::from(uri.path())))
        }
    };
    let target = target.ok_or(Failure::BadRequest("the path is not valid"))?;
    parts.uri = Uri::from(target);
    Ok(raw)
}

/// The one protocol of an Upgrade field that a Connection field names (RFC 9110, 7.8); of HTTP/1.1, on a request
/// without a body. Switching to h2c is never done (RFC 9113, 3.1).
fn requested_upgrade(parts: &http::request::Parts) -> Option<HeaderValue> {
    let mut protocols = parts.headers.get_all(header::UPGRADE).iter();
    let protocol = protocols.next().filter(|_| protocols.next().is_none())?;
    let one = !protocol.is_empty() && !protocol.as_bytes().contains(&b',');
    let wanted = parts.version == Version::HTTP_11
        && one
        && !protocol.as_bytes().eq_ignore_ascii_case(b"h2c")
        && !parts.headers.contains_key(header::TRANSFER_ENCODING)
        && parts.headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && names(&parts.headers, &header::CONNECTION, "upgrade");
    wanted.then(|| protocol.clone())
}

/// Whether a list field has a token, parameters aside.
fn names(headers: &HeaderMap, field: &HeaderName, token: &str) -> bool {
    tokens(headers, field)
        .any(|found| found.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(token)))
}

fn tokens<'a>(headers: &'a HeaderMap, field: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(field)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Removes what belongs to the client's hop: framing, Connection and what it names (RFC 9110, 7.6.1).
fn strip(headers: &mut HeaderMap, seen: &Seen) {
    if seen.connection {
        strip_connection(headers);
    }
    if seen.encodings > 0 {
        headers.remove(header::TRANSFER_ENCODING);
    }
    if seen.length {
        headers.remove(header::CONTENT_LENGTH);
    }
    if seen.te {
        headers.remove(header::TE);
    }
    if seen.upgrade {
        headers.remove(header::UPGRADE);
    }
    if seen.expect {
        headers.remove(header::EXPECT);
    }
    if seen.proxy {
        headers.remove(header::PROXY_AUTHENTICATE);
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    if seen.odd {
        for name in [KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS] {
            headers.remove(name);
        }
    }
}

/// Removes the Connection field and the fields that it names.
pub fn strip_connection(headers: &mut HeaderMap) {
    // Mostly it names no field at all.
    let mut values = headers.get_all(header::CONNECTION).iter();
    if let (Some(value), None) = (values.next(), values.next())
        && [&b"keep-alive"[..], b"close"].iter().any(|plain| value.as_bytes().eq_ignore_ascii_case(plain))
    {
        headers.remove(header::CONNECTION);
        return;
    }
    let named: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .collect();
    headers.remove(header::CONNECTION);
    for name in named {
        // Naming what the host itself decides by would let a client take that away from the backend and from policies.
        if !matches!(name, header::HOST | header::AUTHORIZATION | header::COOKIE) {
            headers.remove(name);
        }
    }
}
