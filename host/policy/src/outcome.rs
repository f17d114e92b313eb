//! What a policy decided, lifted out of the guest, validated, in the host's own types.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Where the request goes, of backends that the route allows.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Declared name.
    Backend(Arc<str>),
    /// Labels that an endpoint of the route's own backend must all carry.
    Subset(Vec<(String, String)>),
}

/// An answer made by a policy. Its headers are valid and free of framing fields.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// How much body a policy wants to see before it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDemand {
    pub bytes_max: u32,
    pub deny_on_overflow: bool,
}

/// What became of an exchange, for `on-complete`.
#[derive(Debug, Clone)]
pub struct Summary {
    pub status: u16,
    pub duration_us: u64,
    pub upstream_us: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub backend: Option<Arc<str>>,
    pub retries: u8,
    pub error: Option<&'static str>,
}
