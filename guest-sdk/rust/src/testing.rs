//! The native test double: the same policy code, with answers from this thread instead of the ingress.
//!
//! ```
//! use cardea_policy_sdk::testing::{Exchange, Running, json};
//! # use cardea_policy_sdk::{counters, Outcome, Policy, Request};
//! # struct OneEach;
//! # impl Policy for OneEach {
//! #     type Config = ();
//! #     fn new(_: ()) -> Result<Self, String> { Ok(OneEach) }
//! #     fn on_request(&mut self, _: &Request) -> Outcome {
//! #         if counters::take("all", 1, 1, std::time::Duration::from_secs(1)).allowed { Outcome::next() }
//! #         else { Outcome::deny(429, "too-many") }
//! #     }
//! # }
//! let mut policy = Running::<OneEach>::start(json!(null)).expect("a good config");
//! assert_eq!(policy.request(Exchange::get("/")), Outcome::next());
//! assert_eq!(policy.request(Exchange::get("/")), Outcome::deny(429, "too-many"));
//! cardea_policy_sdk::testing::advance(std::time::Duration::from_secs(1));
//! assert_eq!(policy.request(Exchange::get("/")), Outcome::next());
//! ```
//!
//! The double answers as the ingress does, but for limits and validation of the outcome, which `cardea policy test`
//! checks on the real engine. Each test thread has its own world; [`Running::start`] begins a new one.

pub(crate) mod double;
mod world;

use std::time::Duration;

pub use serde_json::{Value as Config, json};

use crate::exchange::{Header, Request, Response};
use crate::outcome::{Outcome, ResponseOutcome, Summary};
use crate::policy::{Body, Policy};

use world::with;

/// A request, and what the backend answered to it, for a policy to see.
#[derive(Debug, Clone)]
#[must_use]
pub struct Exchange {
    method: String,
    scheme: String,
    authority: String,
    path: String,
    query: Option<String>,
    client: String,
    headers: Vec<Header>,
    attributes: Vec<(String, String)>,
    status: u16,
    response_headers: Vec<Header>,
}

impl Exchange {
    pub fn get(target: &str) -> Exchange {
        Exchange::new("GET", target)
    }

    /// `target` is a path, and a query if there is one. https to `shop.test` from 192.0.2.1, unless said otherwise.
    pub fn new(method: &str, target: &str) -> Exchange {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_string())),
            None => (target, None),
        };
        Exchange {
            method: method.to_string(),
            scheme: "https".to_string(),
            authority: "shop.test".to_string(),
            path: path.to_string(),
            query,
            client: "192.0.2.1".to_string(),
            headers: Vec::new(),
            attributes: Vec::new(),
            status: 0,
            response_headers: Vec::new(),
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Exchange {
        self.headers.push(Header { name: name.to_ascii_lowercase(), value: crate::Value(value.into()) });
        self
    }

    pub fn client(self, address: &str) -> Exchange {
        Exchange { client: address.to_string(), ..self }
    }

    pub fn scheme(self, scheme: &str) -> Exchange {
        Exchange { scheme: scheme.to_string(), ..self }
    }

    pub fn authority(self, authority: &str) -> Exchange {
        Exchange { authority: authority.to_string(), ..self }
    }

    pub fn attribute(mut self, name: &str, value: &str) -> Exchange {
        self.attributes.push((name.to_string(), value.to_string()));
        self
    }

    /// What the backend answered, for the response phase.
    pub fn answered(self, status: u16) -> Exchange {
        Exchange { status, ..self }
    }

    pub fn response_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Exchange {
        self.response_headers.push(Header { name: name.to_ascii_lowercase(), value: crate::Value(value.into()) });
        self
    }

    /// Starts a policy in a new world and asks it about this exchange.
    ///
    /// # Panics
    /// If the policy refuses the config.
    #[expect(clippy::panic, reason = "ends a test")]
    pub fn run<P: Policy>(self, config: Config) -> Outcome {
        match Running::<P>::start(config) {
            Ok(mut policy) => policy.request(self),
            Err(error) => panic!("the policy refused its config: {error}"),
        }
    }
}

/// A policy that has started, with the state that it keeps between exchanges.
#[derive(Debug)]
pub struct Running<P> {
    policy: P,
}

impl<P: Policy> Running<P> {
    /// Begins a new world (clock at 2026-01-01T00:00:00Z, nothing kept) and starts a policy in it. The error is what the
    /// operator would read.
    pub fn start(config: Config) -> Result<Running<P>, String> {
        world::reset();
        Running::start_again(config)
    }

    /// Starts one more instance in the same world, as the ingress does: only kept state is shared.
    pub fn start_again(config: Config) -> Result<Running<P>, String> {
        Ok(Running { policy: crate::policy::start(&config.to_string())? })
    }

    pub fn request(&mut self, exchange: Exchange) -> Outcome {
        world::enter(exchange);
        self.policy.on_request(&Request::in_hand())
    }

    pub fn request_body(&mut self, exchange: Exchange, body: Body) -> Outcome {
        world::enter(exchange);
        self.policy.on_request_body(&Request::in_hand(), body)
    }

    pub fn response(&mut self, exchange: Exchange, carry: &[u8]) -> ResponseOutcome {
        world::enter(exchange);
        self.policy.on_response(&Request::in_hand(), &Response::in_hand(), carry)
    }

    pub fn complete(&mut self, exchange: Exchange, summary: &Summary, carry: &[u8]) {
        world::enter(exchange);
        self.policy.on_complete(&Request::in_hand(), summary, carry);
    }
}

/// Sets the wall clock: milliseconds since 1970-01-01T00:00:00Z.
pub fn set_now_ms(now_ms: u64) {
    with(|world| world.now_ms = now_ms);
}

/// Moves both clocks on.
pub fn advance(by: Duration) {
    with(|world| world.advance(by));
}

/// The next draws, each at least 0 and below 1. Later draws follow a fixed sequence.
pub fn draw(fractions: &[f64]) {
    with(|world| world.draws.extend(fractions.iter().map(|fraction| (fraction * 2_f64.powi(64)) as u64)));
}

/// What the policy logged, as `level: message`.
pub fn log_lines() -> Vec<String> {
    with(|world| world.log.clone())
}

/// The value of a counter or gauge, or the sum of a histogram.
pub fn metric(name: &str) -> Option<i64> {
    with(|world| world.metrics.iter().find(|(known, _)| known == name).map(|(_, value)| *value))
}

/// What the exchange in hand was asked, in order, each once: `path`, `header:x-canary`, ...
pub fn reads() -> Vec<String> {
    with(|world| world.reads.clone())
}

#[cfg(test)]
mod tests;
