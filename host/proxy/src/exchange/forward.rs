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
use crate::upstream::body::Outbound;

const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What is known of the client before policies run: fields of a peer that is not trusted are replaced, not believed.
pub fn identify(client: &Client, head: &mut Head) -> Identity {
    let Head { parts: http::request::Parts { headers, .. }, authority, .. } = head;
    if client.trusted {
        return trusted(client, headers, authority);
    }
    let claimed: &[HeaderName] =
        if head.claims { &[X_FORWARDED_PORT, X_FORWARDED_PREFIX, X_REAL_IP, header::FORWARDED] } else { &[] };
    for name in claimed {
        headers.remove(name);
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
    let headers = &mut head.parts.headers;
    if head.named
        && let Some(id) = headers.get(X_REQUEST_ID)
        && (1..=128).contains(&id.len())
        && id.as_bytes().iter().all(u8::is_ascii_graphic)
    {
        return id.clone();
    }
    let number = u128::from(client.worker.random()) << 64 | u128::from(client.worker.random());
    let text = hexadecimal(number);
    let id = HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-"));
    headers.insert(X_REQUEST_ID, id.clone());
    id
}

fn hexadecimal(number: u128) -> [u8; 32] {
    let mut text = [0; 32];
    for (byte, pair) in number.to_be_bytes().into_iter().zip(text.chunks_exact_mut(2)) {
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// The request as it goes out. Policies that want later phases keep the head; others give it away.
pub fn request(
    client: &Client,
    mut head: Head,
    upgrade: Option<&HeaderValue>,
    protocol: BackendProtocol,
    body: Outbound,
    record: &mut Record,
) -> Request<Outbound> {
    // Policies were told already, and may have changed it.
    if record.policies.is_none() {
        record.identity = identify(client, &mut head);
        let id = request_id(client, &mut head);
        record.request_id = client.worker.settings().access_log.then_some(id);
    }
    if head.debug {
        record.debug = true;
        head.parts.headers.remove(X_CARDEA_DEBUG);
    }
    let Head { mut parts, authority, host_stays, trailers, .. } = head;
    parts.extensions.clear();
    if trailers {
        parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    match protocol {
        BackendProtocol::Http1 => {
            parts.version = Version::HTTP_11;
            if !host_stays {
                parts.headers.insert(header::HOST, authority);
            }
            if let Some(upgrade) = upgrade {
                parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                parts.headers.insert(header::UPGRADE, upgrade.clone());
            }
        }
        BackendProtocol::H2c => {
            parts.version = Version::HTTP_2;
            parts.headers.remove(header::HOST);
            parts.uri = with_authority(parts.uri, &authority);
        }
    }
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
