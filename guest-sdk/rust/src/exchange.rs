//! What a policy may ask about the exchange in hand. Each question is one host call, and is recorded by the host.

use std::net::{IpAddr, Ipv4Addr};

use crate::host::exchange;
use crate::path;

/// The request in hand. Holds nothing: every method asks the host, so keep an answer that is needed twice.
#[derive(Debug)]
pub struct Request(());

impl Request {
    #[doc(hidden)]
    pub const fn in_hand() -> Request {
        Request(())
    }

    /// `GET`, `POST`, ...; case matters.
    pub fn method(&self) -> String {
        exchange::method()
    }

    /// `http` or `https`, as the client spoke to the ingress.
    pub fn scheme(&self) -> String {
        exchange::scheme()
    }

    /// Host, and port if the client gave one; lower case.
    pub fn authority(&self) -> String {
        exchange::authority()
    }

    /// Normalised, without the query: the bytes that the router matched and the backend gets.
    pub fn path(&self) -> String {
        exchange::path()
    }

    /// Whether the path is `prefix` or lies below it, by whole elements: `/admin` covers `/admin/x`, not `/administer`.
    pub fn path_under(&self, prefix: &str) -> bool {
        path::under(&exchange::path(), prefix)
    }

    /// As received, before normalising.
    pub fn raw_path(&self) -> String {
        exchange::raw_path()
    }

    /// Without the question mark. `None` where there is no question mark.
    pub fn query(&self) -> Option<String> {
        exchange::query()
    }

    /// The first value of a query parameter, percent-decoded.
    pub fn query_param(&self, name: &str) -> Option<String> {
        exchange::query_param(name)
    }

    /// The client's address, after trusted proxies.
    pub fn client(&self) -> IpAddr {
        exchange::client().parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// The first value of a header. Absent is not empty.
    pub fn header(&self, name: &str) -> Option<Value> {
        exchange::header(name).map(Value)
    }

    /// Every value of a header, in order.
    pub fn header_values(&self, name: &str) -> Vec<Value> {
        exchange::header_values(name).into_iter().map(Value).collect()
    }

    /// Lower case, each once.
    pub fn header_names(&self) -> Vec<String> {
        exchange::header_names()
    }

    /// All headers. Reads everything, so the decision depends on everything: prefer [`header`](Self::header).
    pub fn headers(&self) -> Vec<Header> {
        exchange::headers().into_iter().map(Header::from).collect()
    }

    /// The first value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<Value> {
        exchange::cookie(name).map(Value)
    }

    /// `route.name`, `route.namespace`, `tls.sni`, `tls.version`, `http.version`, `source.address`, `source.port`,
    /// `request.id`, `backend.name`: an open set.
    pub fn attribute(&self, name: &str) -> Option<String> {
        exchange::attribute(name)
    }

    /// A note that an earlier policy or phase of this exchange left.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        exchange::note(key)
    }

    /// Leaves a note to later policies and phases of this exchange: at most 16 of 4 KiB, more are dropped.
    pub fn set_note(&self, key: &str, value: &[u8]) {
        exchange::set_note(key, value);
    }
}

/// The head of the backend's answer, in the response phase.
#[derive(Debug)]
pub struct Response(());

impl Response {
    #[doc(hidden)]
    pub const fn in_hand() -> Response {
        Response(())
    }

    pub fn status(&self) -> u16 {
        exchange::response_status()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<Value> {
        exchange::response_header(name).map(Value)
    }

    pub fn headers(&self) -> Vec<Header> {
        exchange::response_headers().into_iter().map(Header::from).collect()
    }
}

/// A header with its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Value,
}

/// The value of a header or cookie: bytes, which need not be UTF-8. Compares with text and bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value(pub Vec<u8>);

impl Value {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `None` where the bytes are not UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl From<Value> for Vec<u8> {
    fn from(value: Value) -> Vec<u8> {
        value.0
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value(text.as_bytes().to_vec())
    }
}
