//! A request as the backend gets it, and an answer as the client gets it: the fields that a proxy adds and takes away.

use std::net::IpAddr;

use cardea_model::snapshot::BackendProtocol;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};

use super::normalize::{
    Head, X_CARDEA_DEBUG, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID, strip_connection,
};
use super::reply::Payload;
use crate::conn::Client;
use crate::forwarded_for;
use crate::record::Record;
use crate::upstream::Outgoing;
use crate::upstream::body::Outbound;
use crate::upstream::http1::{Added, Message};

const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Fields that say who the client is, and that we do not set.
const CLAIMS: [HeaderName; 4] = [X_FORWARDED_PORT, X_FORWARDED_PREFIX, X_REAL_IP, header::FORWARDED];

/// What is known of the client before policies run: fields of a peer that is not trusted are replaced, not believed.
pub fn identify(client: &Client, head: &mut Head) -> Identity {
    let Head { parts: http::request::Parts { headers, .. }, authority, .. } = head;
    if client.trusted {
        return trusted(client, headers, authority);
    }
    if head.claims {
        for name in &CLAIMS {
            headers.remove(name);
        }
    }
    headers.insert(X_FORWARDED_FOR, client.address.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(client.scheme));
    headers.insert(X_FORWARDED_HOST, authority.clone());
    Identity { client: client.peer.source.ip(), scheme: client.scheme }
}

/// Who asks, after trusted proxies.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    pub client: IpAddr,
    pub scheme: &'static str,
}

/// A trusted proxy's list is continued; the client is its last entry that is no trusted proxy.
fn trusted(client: &Client, headers: &mut HeaderMap, authority: &HeaderValue) -> Identity {
    let fields = headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    let known = forwarded_for::read(fields, client.peer.source.ip(), &client.worker.settings().trusted_proxies);
    let scheme = match headers.get(X_FORWARDED_PROTO).map(HeaderValue::as_bytes) {
        Some(b"https") => "https",
        Some(b"http") => "http",
        _ => client.scheme,
    };
    if let Ok(field) = HeaderValue::from_bytes(&known.field) {
        headers.insert(X_FORWARDED_FOR, field);
    }
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.entry(X_FORWARDED_HOST).or_insert_with(|| authority.clone());
    Identity { client: known.client, scheme }
}

/// The id of a request: the client's own, if it is a sane one, else a new one.
pub fn request_id(client: &Client, head: &mut Head) -> HeaderValue {
    if let Some(own) = own_id(head) {
        return own.clone();
    }
    let id = new_id(client);
    let id = HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("-"));
    head.parts.headers.insert(X_REQUEST_ID, id.clone());
    id
}

fn own_id(head: &Head) -> Option<&HeaderValue> {
    let id = if head.named { head.parts.headers.get(X_REQUEST_ID) } else { None };
    id.filter(|id| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic))
}

fn new_id(client: &Client) -> [u8; 32] {
    hexadecimal(u128::from(client.worker.random()) << 64 | u128::from(client.worker.random()))
}

fn hexadecimal(number: u128) -> [u8; 32] {
    let mut text = [0; 32];
    for (byte, pair) in number.to_be_bytes().into_iter().zip(text.chunks_exact_mut(2)) {
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// The request as it goes out.
pub fn request(
    client: &Client,
    mut head: Head,
    upgrade: Option<&HeaderValue>,
    protocol: BackendProtocol,
    body: Outbound,
    record: &mut Record,
) -> Outgoing {
    if head.debug {
        record.debug = true;
        head.parts.headers.remove(X_CARDEA_DEBUG);
    }
    // Policies were told who asks already, and may have changed it. Else nobody but the backend reads it.
    let told = record.policies.is_some();
    if protocol == BackendProtocol::Http1 && !told && !client.trusted {
        return Outgoing::Http1(Box::new(untold(client, &mut head, upgrade, body, record)));
    }
    if !told {
        record.identity = identify(client, &mut head);
        let id = request_id(client, &mut head);
        record.request_id = client.worker.settings().access_log.then_some(id);
    }
    match protocol {
        BackendProtocol::Http1 => Outgoing::Http1(Box::new(http1(&head, &[], upgrade, body))),
        BackendProtocol::H2c => Outgoing::Http2(Box::new(http2(head, body))),
    }
}

/// The plain case: what is added goes to the wire without a place in the map of fields.
fn untold(
    client: &Client,
    head: &mut Head,
    upgrade: Option<&HeaderValue>,
    body: Outbound,
    record: &mut Record,
) -> Message {
    if head.claims {
        for name in CLAIMS.iter().chain(&[X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST]) {
            head.parts.headers.remove(name);
        }
    }
    let (own, new) = (own_id(head).cloned(), new_id(client));
    if own.is_none() && head.named {
        head.parts.headers.remove(X_REQUEST_ID);
    }
    if client.worker.settings().access_log {
        record.request_id = own.clone().or_else(|| HeaderValue::from_bytes(&new).ok());
    }
    let fields = [
        ("x-forwarded-for", client.address.as_bytes()),
        ("x-forwarded-proto", client.scheme.as_bytes()),
        ("x-forwarded-host", head.authority.as_bytes()),
        ("x-request-id", &new[..]),
    ];
    let fields = if own.is_some() { fields.get(..3).unwrap_or(&[]) } else { &fields[..] };
    http1(head, fields, upgrade, body)
}

fn http1(head: &Head, fields: &[(&str, &[u8])], upgrade: Option<&HeaderValue>, body: Outbound) -> Message {
    let host = (!head.host_stays).then_some(&head.authority);
    Message::new(&head.parts, &Added { host, upgrade, trailers: head.trailers, fields }, body)
}

fn http2(head: Head, body: Outbound) -> Request<Outbound> {
    let Head { mut parts, authority, trailers, .. } = head;
    parts.extensions.clear();
    parts.version = Version::HTTP_2;
    parts.headers.remove(header::HOST);
    if trailers {
        parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    parts.uri = with_authority(parts.uri, &authority);
    Request::from_parts(parts, body)
}

/// HTTP/2 sends scheme and authority as pseudo fields, which hyper takes from the URI.
fn with_authority(uri: Uri, authority: &HeaderValue) -> Uri {
    let mut full = http::uri::Parts::default();
    full.scheme = Some(Scheme::HTTP);
    full.authority = authority.to_str().ok().and_then(|text| text.parse().ok());
    full.path_and_query = uri.path_and_query().cloned().or_else(|| Some(PathAndQuery::from_static("/")));
    Uri::from_parts(full).unwrap_or(uri)
}

/// The answer as it goes to the client: hop-by-hop fields removed, framing left to hyper.
pub fn response(mut response: Response<Payload>) -> Response<Payload> {
    *response.version_mut() = Version::HTTP_11;
    if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let headers = response.headers_mut();
    let (mut connection, mut encoding, mut odd) = (false, false, false);
    for name in headers.keys() {
        match *name {
            header::CONNECTION => connection = true,
            header::TRANSFER_ENCODING => encoding = true,
            header::UPGRADE | header::TE | header::PROXY_AUTHENTICATE => odd = true,
            _ => odd |= matches!(name.as_str(), "keep-alive" | "proxy-connection"),
        }
    }
    if connection {
        strip_connection(headers);
    }
    if encoding {
        // A length beside an encoding is not the length (RFC 9112, 6.3).
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
    }
    if odd {
        for name in [header::UPGRADE, header::TE, header::PROXY_AUTHENTICATE, KEEP_ALIVE, PROXY_CONNECTION] {
            headers.remove(name);
        }
    }
    response
}
