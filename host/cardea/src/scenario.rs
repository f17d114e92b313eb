//! What a policy promises, as cases that are played on the engine: for an author who tests it, and for an ingress before it
//! takes a module live.

pub mod exchange;
mod expect;
mod read;
mod replies;

pub mod play;
pub mod stage;

mod case;
mod compare;
pub mod vectors;

pub use read::read;

use cardea_model::config::ProxyWasm;
use serde_json::Value;

use exchange::fields::{Entries, Text};
use exchange::{Answer, Send};
use expect::{Expect, ExpectAnswer};
use replies::Replies;

/// A file of cases.
#[derive(Debug)]
pub struct Scenarios {
    /// Interfaces granted; `None` for all.
    pub grants: Option<Vec<String>>,
    /// Names that the route declares.
    pub backends: Vec<String>,
    /// Of a plugin of proxy-wasm.
    pub proxy_wasm: Option<ProxyWasm>,
    pub cases: Vec<Case>,
}

/// One promise.
#[derive(Debug)]
pub struct Case {
    pub promise: String,
    pub config: Value,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub draws: Vec<u64>,
    /// What `kv-local` keeps at the start.
    pub kept: Entries<Text>,
    /// Of the services that the policy may call: those that are named here.
    pub replies: Replies,
    pub plan: Plan,
}

#[derive(Debug)]
pub enum Plan {
    /// The policy must not start: its error contains this text.
    Refused(String),
    Requests(Vec<Step>),
}

/// One exchange, and what must come of it.
#[derive(Debug, Default)]
pub struct Step {
    pub send: Send,
    pub expect: Option<Expect>,
    /// What the backend answers, if the request reaches it.
    pub response: Answer,
    pub expect_response: Option<ExpectAnswer>,
}

#[cfg(test)]
mod tests;
