//! What a policy is: a config, a constructor, and one method a phase.

use serde::de::DeserializeOwned;

use crate::exchange::{Request, Response};
use crate::outcome::{Outcome, ResponseOutcome, Summary};

/// A routing policy. Hand it to [`export!`](crate::export) to make a component of it.
///
/// One value is made for an instance and answers many exchanges, one at a time. An instance may be thrown away at any
/// moment and there are several of them, so a field is a cache at best: what must be shared or kept belongs in
/// [`kv`](crate::kv) or [`counters`](crate::counters).
pub trait Policy: Sized {
    /// The Policy object's `spec.config`. Use `()` for none; a struct whose fields all have defaults may be absent.
    type Config: DeserializeOwned + 'static;

    /// Checks the config and prepares. An error keeps this version from going live, and is shown to the operator.
    fn new(config: Self::Config) -> Result<Self, String>;

    /// The head of a request is here.
    fn on_request(&mut self, request: &Request) -> Outcome;

    /// The body that [`Outcome::want_body`] asked for. Exported by the phase `request_body`.
    fn on_request_body(&mut self, request: &Request, body: Body) -> Outcome {
        let _ = (request, body);
        Outcome::next()
    }

    /// The head of the answer is here, for exchanges that asked by [`Outcome::follow_response`]. Exported by the phase
    /// `response`.
    fn on_response(&mut self, request: &Request, response: &Response, carry: &[u8]) -> ResponseOutcome {
        let _ = (request, response, carry);
        ResponseOutcome::keep()
    }

    /// The exchange is over, for exchanges that asked by [`Outcome::follow_complete`]. Exported by the phase `complete`.
    fn on_complete(&mut self, request: &Request, summary: &Summary, carry: &[u8]) {
        let _ = (request, summary, carry);
    }
}

/// A buffered request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub bytes: Vec<u8>,
    /// Whether `bytes` is all of it.
    pub complete: bool,
    /// What `on_request` handed over by [`Outcome::carry`].
    pub carry: Vec<u8>,
}

/// Makes a policy from the JSON text of its config.
pub(crate) fn start<P: Policy>(config: &str) -> Result<P, String> {
    P::new(crate::config::read(config)?)
}
