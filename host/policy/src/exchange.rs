//! The exchange in hand: what a policy may ask about, and edit. The data plane owns one a request.
//!
//! Its box is swapped into the store of an instance for the length of a call, and back: no copy, no lock, no borrow.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

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
    pub request_id: Option<HeaderValue>,
    /// The chosen backend's name, once there is one. A policy that routes sets it.
    pub backend: Option<Arc<str>>,
    /// Set from the response phase on.
    pub response: Option<ResponseHead>,
    /// Of earlier policies and phases. At most 16 of 4 KiB.
    pub notes: Vec<(String, Vec<u8>)>,
}

#[derive(Debug)]
pub struct ResponseHead {
    pub status: StatusCode,
    pub headers: HeaderMap,
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

impl Exchange {
    pub fn authority(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// The request's fields as policies see them: the authority stands for `host`.
    pub fn fields(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.request.headers.iter().filter(|(name, _)| **name != HOST)
    }

    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// An exchange about nothing: what an instance holds between calls. Also a start for tests.
    pub fn blank() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self {
            request: http::Request::new(()).into_parts().0,
            authority: HeaderValue::from_static(""),
            raw_path: None,
            client: nowhere.ip(),
            scheme: "http",
            peer: Arc::new(Peer { source: nowhere, local: nowhere, tls: false, sni: None, tls_version: None }),
            route: Arc::from(""),
            request_id: None,
            backend: None,
            response: None,
            notes: Vec::new(),
        }
    }
}
