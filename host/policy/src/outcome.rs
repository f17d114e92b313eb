//! What a policy decided, validated, in the host's own types: the only way from a guest's answer to the exchange.
//!
//! Checking is complete before anything is applied, so an outcome takes effect wholly or not at all.

mod check;
pub(crate) mod edits;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use check::fuzz_request_outcome;
pub(crate) use check::{Context, request, response};
pub(crate) use edits::{HeaderEdits, RequestEdits, invalid};

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

/// A request phase's outcome, checked.
#[derive(Debug)]
pub(crate) struct RequestOutcome {
    pub decision: Decision,
    pub edits: RequestEdits,
    pub response_edits: HeaderEdits,
    pub follow_response: bool,
    pub follow_complete: bool,
    pub carry: Vec<u8>,
    pub labels: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) enum Decision {
    Next,
    Route(Target),
    /// Boxed, like the other replies: most outcomes have none, and move through the chain by value.
    Redirect(Box<Reply>),
    Respond(Box<Reply>),
    Deny {
        reply: Box<Reply>,
        reason: String,
    },
    WantBody(BodyDemand),
}

/// The response phase's outcome, checked.
#[derive(Debug)]
pub(crate) struct ResponseOutcome {
    pub replace: Option<Reply>,
    pub edits: HeaderEdits,
    pub carry: Vec<u8>,
}

#[cfg(test)]
mod tests;
