//! The exchange in hand: what a policy may ask about, and edit. The data plane owns one a request.
//!
//! Its box is swapped into the store of an instance for the length of a call, and back: no copy, no lock, no borrow.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::fields::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// What is known of the connection; one value shared by its exchanges.
#[derive(Debug, Clone)]
pub struct Peer {
    pub source: SocketAddr,
    /// The address that the client connected to.
    pub local: SocketAddr,
    pub tls: bool,
    pub sni: Option<Arc<str>>,
    pub tls_version: Option<&'static str>,
}

#[derive(Debug)]
pub struct Exchange {
    /// Method, version, headers, and a URI that is the normalised path and query alone. Hop-by-hop and framing fields
    /// are gone. `host` may be among the headers, where it equals `authority`; policies do not see it there.
    pub request: http::request::Parts,
    /// More fields of the request, of names that are not in the map.
    pub beside: Beside,
    /// Lower case; with a port if the client gave one. What the backend gets as Host.
    pub authority: HeaderValue,
    /// As received; `None` where normalising changed nothing.
    pub raw_path: Option<Box<str>>,
    /// After trusted proxies.
    pub client: IpAddr,
    /// `http` or `https`, after trusted proxies.
    pub scheme: &'static str,
    pub peer: Arc<Peer>,
    /// `namespace/ingress` of the route.
    pub route: Arc<str>,
    /// The chosen backend's name, once there is one. A policy that routes sets it.
    pub backend: Option<Arc<str>>,
    /// No body follows the request's head.
    pub ended: bool,
    /// Set from the response phase on.
    pub response: Option<ResponseHead>,
    /// Of earlier policies and phases. At most 16 of 4 KiB.
    pub notes: Vec<(String, Vec<u8>)>,
}

/// Fields that the ingress adds to a request. They go to the backend as they are, and mostly nobody asks for them: a place
/// in a map of fields would cost more than they do.
#[derive(Debug, Default, Clone)]
pub struct Beside {
    pub forwarded_for: Option<HeaderValue>,
    pub forwarded_host: Option<HeaderValue>,
    pub forwarded_proto: Option<&'static str>,
    pub request_id: Option<[u8; 32]>,
}

impl Beside {
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        let Self { forwarded_for, forwarded_host, forwarded_proto, request_id } = self;
        let fields = [
            (&X_FORWARDED_FOR, forwarded_for.as_ref().map(HeaderValue::as_bytes)),
            (&X_FORWARDED_HOST, forwarded_host.as_ref().map(HeaderValue::as_bytes)),
            (&X_FORWARDED_PROTO, forwarded_proto.map(str::as_bytes)),
            (&X_REQUEST_ID, request_id.as_ref().map(<[u8; 32]>::as_slice)),
        ];
        fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)))
    }

    /// Drops what `headers` has by the same name.
    pub(crate) fn yield_to(&mut self, headers: &HeaderMap) {
        if headers.contains_key(&X_FORWARDED_FOR) {
            self.forwarded_for = None;
        }
        if headers.contains_key(&X_FORWARDED_HOST) {
            self.forwarded_host = None;
        }
        if headers.contains_key(&X_FORWARDED_PROTO) {
            self.forwarded_proto = None;
        }
        if headers.contains_key(&X_REQUEST_ID) {
            self.request_id = None;
        }
    }

    /// Moves all into a map: for an edit of one of them, or a protocol that has only the map.
    pub fn settle(&mut self, headers: &mut HeaderMap) {
        for (name, value) in self.iter() {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name.clone(), value);
            }
        }
        *self = Self::default();
    }
}

#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// No body follows.
    pub ended: bool,
}

/// What one call asked: fixed questions as bits, named ones by slot of the policy's name table. Read it with
/// [`Policy::reads`](crate::Policy::reads).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadSet {
    pub fixed: u32,
    pub named: u64,
    /// More names than the table holds were asked.
    pub overflow: bool,
}

impl ReadSet {
    pub(crate) fn add(&mut self, more: &Self) {
        self.fixed |= more.fixed;
        self.named |= more.named;
        self.overflow |= more.overflow;
    }
}

impl Exchange {
    pub fn authority(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// The request's fields as policies see them: the authority stands for `host`.
    pub fn fields(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        let of_map = self.request.headers.iter().filter(|(name, _)| **name != HOST);
        of_map.map(|(name, value)| (name, value.as_bytes())).chain(self.beside.iter())
    }

    /// The values of one of them.
    pub fn values(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        let of_map = (*name != HOST).then(|| self.request.headers.get_all(name));
        of_map.into_iter().flatten().map(HeaderValue::as_bytes).chain(self.beside.get(name))
    }

    /// The first of them.
    pub fn value(&self, name: &HeaderName) -> Option<&[u8]> {
        let of_map = self.request.headers.get(name).filter(|_| *name != HOST);
        of_map.map(HeaderValue::as_bytes).or_else(|| self.beside.get(name))
    }

    /// The field of that name.
    pub fn request_id(&self) -> Option<&str> {
        self.value(&X_REQUEST_ID).and_then(|id| std::str::from_utf8(id).ok())
    }

    /// An exchange about nothing: what an instance holds between calls. Also a start for tests.
    pub fn blank() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self {
            request: http::Request::new(()).into_parts().0,
            beside: Beside::default(),
            authority: HeaderValue::from_static(""),
            raw_path: None,
            client: nowhere.ip(),
            scheme: "http",
            peer: Arc::new(Peer { source: nowhere, local: nowhere, tls: false, sni: None, tls_version: None }),
            route: Arc::from(""),
            backend: None,
            ended: true,
            response: None,
            notes: Vec::new(),
        }
    }
}
