//! A request as the backend gets it, and an answer as the client gets it: the fields that a proxy adds and takes away.

use std::net::IpAddr;

use cardea_model::snapshot::BackendProtocol;
use cardea_policy::fields::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID};
use cardea_policy::{Beside, CallRequest};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version, request};

use super::normalize::{Head, X_CARDEA_DEBUG, strip_connection};
use super::reply::Payload;
use crate::conn::Client;
use crate::forwarded_for;
use crate::record::Record;
use crate::upstream::Outgoing;
use crate::upstream::body::Outbound;
use crate::upstream::http1::{Added, Message};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Fields that say who the client is.
const CLAIMS: [&str; 7] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-real-ip",
];

/// What is known of the client before policies run: fields of a peer that is not trusted are replaced, not believed.
pub fn identify(client: &Client, head: &mut Head) -> Identity {
    let mut beside = Beside::default();
    let (address, scheme) = match client.trusted {
        true => trusted(client, &mut head.parts.headers, &head.authority),
        false => {
            if head.claims {
                for name in CLAIMS {
                    head.parts.headers.remove(name);
                }
            }
            beside.forwarded_for = Some(client.address.clone());
            beside.forwarded_proto = Some(client.scheme);
            beside.forwarded_host = Some(head.authority.clone());
            (client.peer.source.ip(), client.scheme)
        }
    };
    beside.request_id = request_id(client, head);
    Identity { client: address, scheme, beside }
}

/// Who asks, after trusted proxies, and the fields that say so.
pub struct Identity {
    pub client: IpAddr,
    pub scheme: &'static str,
    pub beside: Beside,
}

/// A trusted proxy's list is continued; the client is its last entry that is no trusted proxy.
fn trusted(client: &Client, headers: &mut HeaderMap, authority: &HeaderValue) -> (IpAddr, &'static str) {
    let fields = headers.get_all(&X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    let known = forwarded_for::read(fields, client.peer.source.ip(), &client.worker.settings().trusted_proxies);
    let scheme = match headers.get(&X_FORWARDED_PROTO).map(HeaderValue::as_bytes) {
        Some(b"https") => "https",
        Some(b"http") => "http",
        _ => client.scheme,
    };
    if let Ok(field) = HeaderValue::from_bytes(&known.field) {
        headers.insert(&X_FORWARDED_FOR, field);
    }
    headers.insert(&X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.entry(&X_FORWARDED_HOST).or_insert_with(|| authority.clone());
    (known.client, scheme)
}

/// A new id for a request, unless the client gave it a sane one.
fn request_id(client: &Client, head: &mut Head) -> Option<[u8; 32]> {
    if head.named {
        if head.parts.headers.get(&X_REQUEST_ID).is_some_and(is_sane) {
            return None;
        }
        head.parts.headers.remove(&X_REQUEST_ID);
    }
    Some(new_id(client))
}

fn is_sane(id: &HeaderValue) -> bool {
    (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
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
    // Policies were told who asks, and may have changed it.
    let beside = match &record.policies {
        Some(policies) => policies.borrow_mut().give_beside(),
        None => {
            let identity = identify(client, &mut head);
            record.identify(&identity, &head);
            identity.beside
        }
    };
    if head.debug {
        record.debug = true;
        head.parts.headers.remove(X_CARDEA_DEBUG);
    }
    match protocol {
        BackendProtocol::Http1 => {
            let host = (!head.host_stays).then_some(&head.authority);
            let added = Added { host, upgrade, trailers: head.trailers, beside: &beside };
            Outgoing::Http1(Box::new(Message::new(&head.parts, &added, body)))
        }
        BackendProtocol::H2c => {
            Outgoing::Http2(Box::new(http2(head.parts, &head.authority, head.trailers, beside, body)))
        }
    }
}

/// Takes a request of our own apart. Trailers are announced: over HTTP/1.1 no others are sent (RFC 9110, 6.6.2).
pub fn with_trailers(request: CallRequest) -> (request::Parts, Outbound) {
    let (mut parts, (body, trailers)) = request.into_parts();
    if body.is_empty() && trailers.is_empty() {
        return (parts, Outbound::Empty);
    }
    let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
    if let (false, Ok(names)) = (names.is_empty(), HeaderValue::try_from(names.join(", "))) {
        parts.headers.insert(header::TRAILER, names);
    }
    (parts, Outbound::Own(Some(body), trailers))
}

/// A request of our own, with `host` among its fields. It takes trailers.
pub fn own(mut parts: request::Parts, protocol: BackendProtocol, body: Outbound) -> Outgoing {
    let beside = Beside::default();
    match protocol {
        BackendProtocol::Http1 => {
            let added = Added { host: None, upgrade: None, trailers: true, beside: &beside };
            Outgoing::Http1(Box::new(Message::new(&parts, &added, body)))
        }
        BackendProtocol::H2c => {
            let authority = parts.headers.remove(header::HOST).unwrap_or(HeaderValue::from_static("localhost"));
            Outgoing::Http2(Box::new(http2(parts, &authority, true, beside, body)))
        }
    }
}

fn http2(
    mut parts: request::Parts,
    authority: &HeaderValue,
    trailers: bool,
    mut beside: Beside,
    body: Outbound,
) -> Request<Outbound> {
    parts.extensions.clear();
    parts.version = Version::HTTP_2;
    beside.settle(&mut parts.headers);
    parts.headers.remove(header::HOST);
    if trailers {
        parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    parts.uri = with_authority(parts.uri, authority);
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
