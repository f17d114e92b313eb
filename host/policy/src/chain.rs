//! One exchange's way through the policies of its route: order, verdict, failure mode.
//!
//! Request phases run in order, response phases in reverse. A failed policy answers 503 or is skipped; a reply ends the
//! request phases; edits of one outcome are applied all or nothing.

use std::sync::Arc;

use crate::exchange::{Exchange, ReadSet};
use crate::failure::Failure;
use crate::outcome::{BodyDemand, Reply, Summary, Target};
use crate::policy::Policy;

/// The policies of a route, in request order, and the backends that they may choose.
#[derive(Debug)]
pub struct Chain {
    pub members: Box<[Member]>,
}

/// A member that never loaded answers by its failure mode.
#[derive(Debug)]
pub struct Member {
    pub name: Arc<str>,
    pub spec: Arc<cardea_model::config::Policy>,
    pub loaded: Option<Arc<Policy>>,
}

/// A worker's instances: idle ones by policy, reused last in first out. Not `Send`: nothing here is shared.
#[derive(Debug, Default)]
pub struct Instances {}

/// What the data plane does next.
#[derive(Debug)]
pub enum Step {
    /// To `Run::target`, or the route's own backend.
    Forward,
    Reply(Reply),
    /// Buffer, then call [`Run::on_request_body`].
    WantBody(BodyDemand),
    /// The failed policy's name, and how. Answer 503.
    Fail(Arc<str>, Failure),
}

#[derive(Debug)]
pub enum ResponseStep {
    /// Edits, if any, are applied to `exchange.response`.
    Forward,
    Replace(Reply),
    Fail(Arc<str>, Failure),
}

/// One decision, for the access line, metrics and explain.
#[derive(Debug, Clone)]
pub struct Decided {
    pub policy: Arc<str>,
    pub kind: DecisionKind,
    /// The denial's reason, the chosen backend, the failure's label; empty otherwise.
    pub detail: Arc<str>,
    pub reads: ReadSet,
    pub nanoseconds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionKind {
    Next,
    Route,
    Redirect,
    Respond,
    Deny,
    WantBody,
    Replace,
    Failed,
    Skipped,
}

/// The state of one exchange in its chain. Holds no instance between phases.
#[derive(Debug)]
pub struct Run {
    pub chain: Arc<Chain>,
    pub target: Option<Target>,
    pub decided: Vec<Decided>,
    pub labels: Vec<(String, String)>,
}

impl Run {
    pub fn new(chain: Arc<Chain>) -> Self {
        Self { chain, target: None, decided: Vec::new(), labels: Vec::new() }
    }

    /// Runs the request phase of each policy from the first. `allowed` says whether the route declares a backend name.
    pub fn on_request(
        &mut self,
        _instances: &mut Instances,
        _exchange: &mut Exchange,
        _allowed: &dyn Fn(&str) -> bool,
    ) -> Step {
        Step::Forward
    }

    /// Gives the policy that wanted it the body, then goes on with the rest of the chain.
    pub fn on_request_body(
        &mut self,
        _instances: &mut Instances,
        _exchange: &mut Exchange,
        _allowed: &dyn Fn(&str) -> bool,
        _body: &[u8],
        _complete: bool,
    ) -> Step {
        Step::Forward
    }

    /// Whether some policy has response edits or follows the response phase; when not, skip the phase.
    pub fn wants_response(&self) -> bool {
        false
    }

    /// In reverse order. `exchange.response` must be set.
    pub fn on_response(&mut self, _instances: &mut Instances, _exchange: &mut Exchange) -> ResponseStep {
        ResponseStep::Forward
    }

    pub fn wants_complete(&self) -> bool {
        false
    }

    /// In reverse order. Failures are counted, and change nothing.
    pub fn on_complete(&mut self, _instances: &mut Instances, _exchange: &mut Exchange, _summary: &Summary) {}
}
