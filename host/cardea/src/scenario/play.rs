//! One exchange through the production engine, phase by phase as the data plane does it, and all that came of it.

mod guest;
mod held;
mod observed;
mod phases;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config;
use cardea_policy::{
    BodyDemand, CallFailure, CallReply, Chain, DecisionKind, Exchange, Failure, Footprint, Instances, LoadError,
    Member, Policy, Reply, ResponseHead, Run, StartCost, State,
};

use super::exchange::{Answer, Send};
use super::replies::{Recorded, Replies};
use super::stage::Stage;
pub use observed::{ClientAnswer, Failed, Observed, RequestHead};
use phases::Reached;

/// A policy that has started, with the state that it keeps from one exchange to the next.
pub struct Player {
    chain: Arc<Chain>,
    instances: Instances,
    state: Arc<State>,
    /// What services answer that the policy calls.
    replies: Replies,
    /// Names that the route declares; `None` for any.
    backends: Option<Vec<String>>,
    /// For guests that wait; made with the first.
    clockwork: Option<guest::Clockwork>,
}

/// What the phases of an exchange cost.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    pub request: Duration,
    /// Where the policy wanted it.
    pub response: Option<Duration>,
    pub decision: Option<DecisionKind>,
    /// Of its instance, after the request phases.
    pub footprint: Option<Footprint>,
}

impl Player {
    /// Loads the policy afresh, with no kept state.
    pub fn start(stage: &Stage, spec: &Arc<config::Policy>, backends: Option<Vec<String>>) -> Result<Self, LoadError> {
        let state = Arc::new(State::default());
        let loaded: Arc<Policy> = stage.engine.load(spec, &state, None)?;
        let member = Member { name: Arc::clone(&loaded.name), spec: Arc::clone(spec), loaded: Some(loaded) };
        let chain = Arc::new(Chain { members: Box::new([member]) });
        let (instances, replies) = (Instances::new(&stage.engine), Replies::default());
        Ok(Self { chain, instances, state, replies, backends, clockwork: None })
    }

    /// The same policy on a worker of its own, which has no instance of it yet.
    pub fn beside(&self, stage: &Stage) -> Self {
        let (chain, backends) = (Arc::clone(&self.chain), self.backends.clone());
        let (state, replies) = (Arc::clone(&self.state), self.replies.clone());
        Self { chain, instances: Instances::new(&stage.engine), state, replies, backends, clockwork: None }
    }

    /// Starts an instance, and throws it away.
    ///
    /// # Errors
    /// It does not start.
    pub fn time_start(&self) -> Result<StartCost, Failed> {
        let loaded = self.chain.members.iter().find_map(|member| member.loaded.as_ref());
        loaded.ok_or(Failure::NotLoaded).and_then(|policy| policy.time_start()).map_err(|failure| Failed::of(&failure))
    }

    /// Of its instance, after the last call.
    pub fn footprint(&self) -> Option<Footprint> {
        let loaded = self.chain.members.iter().find_map(|member| member.loaded.as_ref())?;
        self.instances.footprint(loaded)
    }

    pub fn reply_with(&mut self, replies: Replies) {
        self.replies = replies;
    }

    /// Gives the policy a value that it keeps; false if that is over a bound.
    pub fn keep(&self, key: &str, value: &str) -> bool {
        self.chain.members.iter().all(|member| self.state.keep(&member.name, key, value.as_bytes()))
    }

    /// What the policy keeps there.
    pub fn kept(&self, key: &str, now_ms: u64) -> Option<String> {
        let kept = self.chain.members.iter().find_map(|member| self.state.kept(&member.name, key, now_ms))?;
        Some(String::from_utf8_lossy(&kept).into_owned())
    }

    /// # Errors
    /// The request or the answer is not one: a sentence that names the key.
    pub fn play(&mut self, send: &Send, answer: &Answer) -> Result<Observed, String> {
        let mut exchange = send.exchange()?;
        let backend = Whole { head: answer.head()?, body: answer.body.clone().unwrap_or_default().into() };
        let body = send.body.clone().unwrap_or_default();
        exchange.ended = body.is_empty();
        let mut playing = Playing::new(self, &mut exchange);
        let reached = playing.request(&body.into(), &backend);
        let mut observed = playing.observe();
        let decided = playing.run.decided.len();
        let answer = observed.reach(reached, backend);
        observed.response = answer.and_then(|answer| playing.respond(answer));
        playing.observe_later(decided, &mut observed);
        playing.complete(&observed);
        Ok(observed)
    }

    /// Makes the phases of one exchange and nothing else, for a measurement. `answer` is the backend's, if the response
    /// phases are wanted.
    ///
    /// # Errors
    /// The policy failed.
    pub fn time(&mut self, exchange: &mut Box<Exchange>, body: &[u8], answer: ResponseHead) -> Result<Timed, Failed> {
        let (body, backend) = (Bytes::copy_from_slice(body), Whole { head: answer, body: Bytes::new() });
        let mut playing = Playing::new(self, exchange);
        let start = Instant::now();
        let reached = playing.request(&body, &backend);
        let request = start.elapsed();
        let footprint = playing.player.footprint();
        let answer = match reached {
            Reached::Failed(failed) => return Err(failed),
            Reached::Reply(reply) => Whole::of(&reply),
            Reached::Served(served) => served.answer,
            Reached::Backend => backend,
        };
        let decision = playing.run.decided.last().map(|decided| decided.kind);
        let response = playing.time_response(answer)?;
        Ok(Timed { request, response, decision, footprint })
    }

    /// What the service answers to the next call.
    fn next_reply(&mut self, upstream: &str) -> Result<CallReply, CallFailure> {
        let recorded = self.replies.0.iter_mut().find(|(name, _)| name == upstream);
        match recorded {
            Some((_, list)) if list.len() > 1 => list.remove(0).give(),
            Some((_, list)) => list.first().map_or(Err(CallFailure::Unreachable), Recorded::give),
            None => Err(CallFailure::Unreachable),
        }
    }
}

/// One exchange on its way.
struct Playing<'a> {
    player: &'a mut Player,
    exchange: &'a mut Box<Exchange>,
    run: Run,
    /// Of the body, if the policy wanted it.
    demand: Option<BodyDemand>,
    /// In the response phases.
    failed: Option<Failed>,
}

impl<'a> Playing<'a> {
    fn new(player: &'a mut Player, exchange: &'a mut Box<Exchange>) -> Self {
        let run = Run::new(Arc::clone(&player.chain));
        Self { player, exchange, run, demand: None, failed: None }
    }
}

/// An answer, with all of its body.
#[derive(Debug, Clone)]
struct Whole {
    head: ResponseHead,
    body: Bytes,
}

impl Whole {
    fn of(reply: &Reply) -> Self {
        let head = ResponseHead { status: reply.status, headers: reply.headers.clone(), ended: reply.body.is_empty() };
        Self { head, body: reply.body.clone() }
    }
}
