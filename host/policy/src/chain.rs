//! One exchange's way through the policies of its route: order, verdict, failure mode.
//!
//! Request phases run in order, response phases in reverse. A failed policy answers 503 or is skipped; a reply ends the
//! request phases; edits of one outcome are applied all or nothing.

mod explain;
mod phases;
mod served;
mod sessions;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cardea_model::config::FailureMode;

use crate::abi::Session;
use crate::exchange::{Exchange, ReadSet};
use crate::failure::Failure;
use crate::instances::Instances;
use crate::outcome::{BodyDemand, HeaderEdits, Reply, Summary, Target};
use crate::policy::{Kind, Policy};

use explain::Before;
pub use explain::Explained;
pub use served::Given;
use served::Told;

/// The policies of a route, in request order.
#[derive(Debug)]
pub struct Chain {
    pub members: Box<[Member]>,
}

/// A member that never loaded answers by its failure mode.
#[derive(Debug)]
pub struct Member {
    /// `namespace/name`.
    pub name: Arc<str>,
    pub spec: Arc<cardea_model::config::Policy>,
    pub loaded: Option<Arc<Policy>>,
}

/// What the data plane does next.
#[derive(Debug)]
pub enum Step {
    /// To `Run::target`, or the route's own backend.
    Forward,
    Reply(Reply),
    /// Buffer, then call [`Run::on_request_body`].
    WantBody(BodyDemand),
    /// A module of another ABI holds the head: give it the body with [`Run::on_body`], and watch [`Run::poll_resumed`]; when it
    /// lets the head go, [`Run::go_on`].
    Pause,
    /// A guest of wasi:http serves the exchange from here: [`Run::serve`] this member.
    Serve(usize),
    /// The failed policy's name, and how. Answer 503.
    Fail(Arc<str>, Failure),
}

#[derive(Debug)]
pub enum ResponseStep {
    /// Edits, if any, are applied to `exchange.response`.
    Forward,
    /// In place of the backend's answer; later edits are applied to it already.
    Replace(Reply),
    /// As [`Step::Pause`], with the head of the answer; then [`Run::respond_on`]. The body of the answer so far, if a policy
    /// replaced the backend's.
    Pause(Option<Bytes>),
    Fail(Arc<str>, Failure),
}

/// What becomes of a piece of a body that a module of another ABI hears of.
#[derive(Debug)]
pub enum BodyStep {
    /// These bytes go on in its place; a head that was held goes on before them.
    Send(Bytes),
    Hold,
    /// In place of the backend's answer.
    Reply(Reply),
    Fail(Arc<str>, Failure),
}

/// One decision, for the access line, metrics and explain.
#[derive(Debug, Clone)]
pub struct Decided {
    /// `namespace/name`: the worker's own copy, since all workers would write the count of a shared one.
    pub policy: Arc<str>,
    /// Index into the chain's members.
    pub member: usize,
    pub kind: DecisionKind,
    /// The denial's reason, the chosen backend, the failure's label; empty otherwise.
    pub detail: Cow<'static, str>,
    pub reads: ReadSet,
    pub nanoseconds: u32,
    /// Where the engine explains.
    pub explained: Option<Box<Explained>>,
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

impl DecisionKind {
    pub const ALL: [Self; 9] = [
        Self::Next,
        Self::Route,
        Self::Redirect,
        Self::Respond,
        Self::Deny,
        Self::WantBody,
        Self::Replace,
        Self::Failed,
        Self::Skipped,
    ];

    /// The label of metrics and access lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Route => "route",
            Self::Redirect => "redirect",
            Self::Respond => "respond",
            Self::Deny => "deny",
            Self::WantBody => "want-body",
            Self::Replace => "replace",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The state of one exchange in its chain. Holds no instance between phases.
pub struct Run {
    pub chain: Arc<Chain>,
    pub target: Option<Target>,
    pub decided: Vec<Decided>,
    pub labels: Vec<(String, String)>,
    /// When the last successful call ended: a clock that was read already.
    pub ended: Option<Instant>,
    /// What members left for later phases, in request order; most leave nothing.
    kept: Vec<Kept>,
    /// The member that waits for the body, with what it left.
    waiting: Option<(usize, Vec<u8>)>,
    /// The member that answered in the backend's place through its session.
    replied: Option<usize>,
    /// The member that holds the head of a side.
    paused: Option<usize>,
    /// Members that hear of the body from here on, and that the data plane does not know of yet.
    joined: Vec<usize>,
    /// What guests that serve the exchange found and changed, where the engine explains.
    told: Vec<Told>,
    response: Responding,
}

/// How far the response phases have come.
#[derive(Debug, Default)]
struct Responding {
    /// Of `kept`, the number that still has its turn; `None` before the first.
    left: Option<usize>,
    /// The body of the answer that replaced the backend's.
    body: Option<Bytes>,
}

/// What one member left for later phases.
struct Kept {
    member: usize,
    response_edits: HeaderEdits,
    follow_response: bool,
    follow_complete: bool,
    carry: Vec<u8>,
    /// Its stay in a module of another ABI; gone when that failed and is skipped.
    session: Option<Box<dyn Session>>,
    /// Its guest has sent the exchange on and waits for the answer: the response phases end here, until it has answered.
    serves: bool,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("decided", &self.decided).field("target", &self.target).finish_non_exhaustive()
    }
}

impl Run {
    pub fn new(chain: Arc<Chain>) -> Self {
        let decided = Vec::with_capacity(chain.members.len());
        Self {
            chain,
            target: None,
            decided,
            labels: Vec::new(),
            ended: None,
            kept: Vec::new(),
            waiting: None,
            replied: None,
            paused: None,
            joined: Vec::new(),
            told: Vec::new(),
            response: Responding::default(),
        }
    }

    /// What the decision asked, as text: `path`, `header:x-canary`.
    pub fn reads(&self, decided: &Decided) -> Vec<String> {
        let policy = self.chain.members.get(decided.member).and_then(|member| member.loaded.as_ref());
        policy.map(|policy| policy.reads(&decided.reads)).unwrap_or_default()
    }

    /// Runs the request phase of each policy from the first. `allowed` says whether the route declares a backend name.
    pub fn on_request(
        &mut self,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Step {
        self.request_from(0, instances, exchange, allowed)
    }

    /// Gives the policy that wanted it the body, then goes on with the rest of the chain.
    pub fn on_request_body(
        &mut self,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
        body: &[u8],
        complete: bool,
    ) -> Step {
        let Some((index, carry)) = self.waiting.take() else { return Step::Forward };
        let Some(member) = self.chain.members.get(index) else { return Step::Forward };
        let before = instances.explains().then(|| Before::of(exchange));
        let answer = phases::request_body(member, instances, exchange, allowed, phases::Body { body, complete, carry });
        let step = self.settle(index, answer, instances, exchange);
        self.explain(index, before, exchange);
        match step {
            Some(step) => step,
            None => self.request_from(index + 1, instances, exchange, allowed),
        }
    }

    /// Whether some policy has response edits or follows the response phase; when not, skip the phase.
    pub fn wants_response(&self) -> bool {
        self.kept.iter().any(|kept| {
            kept.follow_response || !kept.response_edits.is_empty() || kept.session.is_some() || kept.serves
        })
    }

    /// In reverse order, as far as the first that serves the exchange. `exchange.response` must be set.
    pub fn on_response(&mut self, instances: &mut Instances, exchange: &mut Box<Exchange>) -> ResponseStep {
        phases::respond(self, instances, exchange)
    }

    pub fn wants_complete(&self) -> bool {
        self.kept.iter().any(|kept| kept.follow_complete || kept.session.is_some())
    }

    /// In reverse order. Failures are counted, and change nothing.
    pub fn on_complete(&mut self, instances: &mut Instances, exchange: &mut Box<Exchange>, summary: &Summary) {
        phases::complete(self, instances, exchange, summary);
    }

    fn request_from(
        &mut self,
        start: usize,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Step {
        for index in start..self.chain.members.len() {
            let Some(member) = self.chain.members.get(index) else { break };
            let before = instances.explains().then(|| Before::of(exchange));
            let step = match member.loaded.as_deref().map(|policy| &policy.kind) {
                Some(Kind::Server(_)) => return Step::Serve(index),
                Some(Kind::Foreign(_)) => self.open(index, instances, exchange, allowed),
                _ => {
                    let answer = phases::request(member, instances, exchange, allowed);
                    self.settle(index, answer, instances, exchange)
                }
            };
            self.explain(index, before, exchange);
            if let Some(step) = step {
                return step;
            }
        }
        Step::Forward
    }

    /// Adds to a member's last decision what it was made of.
    fn explain(&mut self, member: usize, before: Option<Before>, exchange: &Exchange) {
        let (Some(before), Some(decided)) = (before, self.decided.last()) else { return };
        let questions = self.reads(decided);
        if let Some(decided) = self.decided.last_mut().filter(|decided| decided.member == member) {
            decided.explained = Some(Box::new(before.explain(&questions, exchange)));
        }
    }

    /// Applies one member's answer; `None` to go on with the next member.
    fn settle(
        &mut self,
        index: usize,
        answer: Result<phases::Answer, Failure>,
        instances: &mut Instances,
        exchange: &mut Exchange,
    ) -> Option<Step> {
        match answer {
            Ok(answer) => self.accept(index, answer, exchange),
            Err(failure) => self.fail(index, failure, instances).map(|(name, failure)| Step::Fail(name, failure)),
        }
    }

    fn accept(&mut self, index: usize, answer: phases::Answer, exchange: &mut Exchange) -> Option<Step> {
        let phases::Answer { outcome, decided, ended } = answer;
        self.ended = Some(ended);
        outcome.edits.apply(exchange);
        self.labels.extend(outcome.labels);
        self.decided.push(Decided { member: index, ..decided });
        let mut kept = Kept {
            member: index,
            response_edits: outcome.response_edits,
            follow_response: outcome.follow_response,
            follow_complete: outcome.follow_complete,
            carry: Vec::new(),
            session: None,
            serves: false,
        };
        let step = phases::step(outcome.decision, &mut self.target, exchange);
        match step {
            Some(Step::WantBody(_)) => self.waiting = Some((index, outcome.carry)),
            _ => kept.carry = outcome.carry,
        }
        self.keep(kept);
        step
    }

    /// Adds what a member left to what it left before it saw the body.
    fn keep(&mut self, kept: Kept) {
        match self.kept.last_mut().filter(|last| last.member == kept.member) {
            Some(last) => {
                last.response_edits.extend(kept.response_edits);
                last.follow_response |= kept.follow_response;
                last.follow_complete |= kept.follow_complete;
                last.carry = kept.carry;
            }
            None if kept.is_something() => self.kept.push(kept),
            None => {}
        }
    }

    /// Records a failure. Gives it back, with the policy's name, if it ends the exchange; `None` if the policy is skipped.
    fn fail(&mut self, index: usize, failure: Failure, instances: &mut Instances) -> Option<(Arc<str>, Failure)> {
        let member = self.chain.members.get(index)?;
        let skip = member.spec.failure_mode == FailureMode::Skip;
        let kind = if skip { DecisionKind::Skipped } else { DecisionKind::Failed };
        if let Some(tally) = member.loaded.as_ref().and_then(|policy| instances.tally(policy)) {
            tally.failure(&failure);
            tally.decision(kind);
        }
        let loaded = member.loaded.as_ref();
        self.decided.push(Decided {
            policy: loaded.and_then(|policy| instances.name(policy)).unwrap_or_else(|| Arc::clone(&member.name)),
            member: index,
            kind,
            detail: Cow::Borrowed(failure.label()),
            reads: ReadSet::default(),
            nanoseconds: 0,
            explained: None,
        });
        (!skip).then(|| (Arc::clone(&member.name), failure))
    }
}
