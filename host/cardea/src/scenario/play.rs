//! One exchange through the production engine, phase by phase as the data plane does it, and all that came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config;
use cardea_policy::{
    BodyDemand, BodyStep, CallFailure, Chain, Decided, DecisionKind, Exchange, Failure, Footprint, Instances,
    LoadError, Member, Policy, Reply, ResponseHead, ResponseStep, Run, Side, StartCost, State, Step, Summary, Target,
};
use http::{HeaderMap, StatusCode};

use super::exchange::{Answer, Send};
use super::replies::{Recorded, Replies};
use super::stage::Stage;

/// A policy that has started, with the state that it keeps from one exchange to the next.
pub struct Player {
    chain: Arc<Chain>,
    instances: Instances,
    state: Arc<State>,
    /// What services answer that the policy calls.
    replies: Replies,
    /// Names that the route declares; `None` for any.
    backends: Option<Vec<String>>,
}

/// Of calls that follow from answers to calls.
const ROUNDS_MAX: usize = 32;

/// What became of one exchange.
#[derive(Debug)]
pub struct Observed {
    /// Of the last request phase; `None` where a failure ended it.
    pub decision: Option<DecisionKind>,
    pub target: Option<Target>,
    /// Of a denial.
    pub reason: Option<String>,
    /// Answered by the policy in a request phase.
    pub reply: Option<Reply>,
    /// The request as the backend would get it.
    pub request: RequestHead,
    /// What the client gets.
    pub response: Option<ClientAnswer>,
    pub labels: Vec<(String, String)>,
    /// Of the request phases, sorted.
    pub reads: Vec<String>,
    /// Of the response phase, sorted.
    pub response_reads: Vec<String>,
    pub failure: Option<Failed>,
    /// Time in the policy: request phases, and response phases.
    pub nanoseconds: (u64, u64),
    pub body_demand: Option<BodyDemand>,
}

#[derive(Debug, Clone)]
pub struct RequestHead {
    pub path: String,
    pub query: Option<String>,
    pub host: String,
    pub headers: HeaderMap,
}

#[derive(Debug)]
pub struct ClientAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub label: &'static str,
    pub message: String,
}

impl Failed {
    fn of(failure: &Failure) -> Self {
        Self { label: failure.label(), message: failure.to_string() }
    }
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
        Ok(Self { chain, instances: Instances::new(&stage.engine), state, replies: Replies::default(), backends })
    }

    /// The same policy on a worker of its own, which has no instance of it yet.
    pub fn beside(&self, stage: &Stage) -> Self {
        let (chain, backends) = (Arc::clone(&self.chain), self.backends.clone());
        let (state, replies) = (Arc::clone(&self.state), self.replies.clone());
        Self { chain, instances: Instances::new(&stage.engine), state, replies, backends }
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

    /// Answers the calls that the policy made; false if it made none.
    fn answer_calls(&mut self) -> bool {
        let calls = self.instances.take_calls();
        let made = !calls.is_empty();
        for call in calls {
            let recorded = self.replies.0.iter_mut().find(|(name, _)| **name == *call.upstream);
            let reply = match recorded {
                Some((_, list)) if list.len() > 1 => list.remove(0).give(),
                Some((_, list)) => list.first().map_or(Err(CallFailure::Unreachable), Recorded::give),
                None => Err(CallFailure::Unreachable),
            };
            self.instances.called(&call.policy, call.id, reply);
        }
        made
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

    /// Makes the phases of one exchange and nothing else, for a measurement. `answer` is the backend's, if the response
    /// phases are wanted.
    ///
    /// # Errors
    /// The policy failed.
    pub fn time(&mut self, exchange: &mut Box<Exchange>, body: &[u8], answer: ResponseHead) -> Result<Timed, Failed> {
        let start = Instant::now();
        let mut run = Run::new(Arc::clone(&self.chain));
        let (reached, _) = self.request(&mut run, exchange, body);
        let (request, footprint) = (start.elapsed(), self.footprint());
        let head = match reached {
            Reached::Failed(failed) => return Err(failed),
            Reached::Reply(reply) => head_of(&reply),
            Reached::Backend => answer,
        };
        let decision = run.decided.last().map(|decided| decided.kind);
        if !run.wants_response() {
            return Ok(Timed { request, response: None, decision, footprint });
        }
        exchange.response = Some(head);
        let start = Instant::now();
        match run.on_response(&mut self.instances, exchange) {
            ResponseStep::Fail(_, failure) => Err(Failed::of(&failure)),
            _ => Ok(Timed { request, response: Some(start.elapsed()), decision, footprint }),
        }
    }

    /// # Errors
    /// The request or the answer is not one: a sentence that names the key.
    pub fn play(&mut self, send: &Send, answer: &Answer) -> Result<Observed, String> {
        let mut exchange = send.exchange()?;
        exchange.ended = send.body.as_ref().is_none_or(String::is_empty);
        let body = send.body.as_deref().unwrap_or_default().as_bytes();
        let mut run = Run::new(Arc::clone(&self.chain));
        let (reached, body_demand) = self.request(&mut run, &mut exchange, body);
        let mut observed = observe(&mut run, &exchange, body_demand);
        let decided = run.decided.len();
        match reached {
            Reached::Failed(failed) => {
                observed.decision = None;
                observed.failure = Some(failed);
            }
            Reached::Reply(reply) => {
                let (head, body) = (head_of(&reply), reply.body.to_vec());
                observed.reply = Some(reply);
                self.respond(&mut run, &mut exchange, head, body, &mut observed);
            }
            Reached::Backend => {
                let body = answer.body.clone().unwrap_or_default().into_bytes();
                self.respond(&mut run, &mut exchange, answer.head()?, body, &mut observed);
            }
        }
        let later = run.decided.get(decided..).unwrap_or_default();
        (observed.response_reads, observed.nanoseconds.1) = (reads(&run, later), nanoseconds(later));
        self.complete(&mut run, &mut exchange, &observed);
        // Those that nothing waited for.
        let mut rounds = 0..ROUNDS_MAX;
        while rounds.next().is_some() && self.answer_calls() {}
        Ok(observed)
    }

    fn request(&mut self, run: &mut Run, exchange: &mut Box<Exchange>, body: &[u8]) -> (Reached, Option<BodyDemand>) {
        let backends = self.backends.clone();
        let allowed = |name: &str| backends.as_ref().is_none_or(|known| known.iter().any(|known| known == name));
        let mut asked = None;
        let mut step = run.on_request(&mut self.instances, exchange, &allowed);
        loop {
            step = match step {
                Step::Forward => return (Reached::Backend, asked),
                Step::Reply(reply) => return (Reached::Reply(reply), asked),
                Step::Fail(_, failure) => {
                    return (Reached::Failed(Failed::of(&failure)), asked);
                }
                Step::Serve(_) => return (Reached::Failed(elsewhere()), asked),
                Step::WantBody(demand) => {
                    asked = Some(demand);
                    let seen = body.get(..demand.bytes_max as usize).unwrap_or(body);
                    let complete = seen.len() == body.len();
                    if !complete && demand.deny_on_overflow {
                        return (Reached::Failed(too_large(demand)), asked);
                    }
                    run.on_request_body(&mut self.instances, exchange, &allowed, seen, complete)
                }
                Step::Pause => match self.hold(run, Side::Request, exchange, body) {
                    BodyStep::Send(_) => run.go_on(&mut self.instances, exchange, &allowed),
                    BodyStep::Hold => return (Reached::Failed(never()), asked),
                    BodyStep::Reply(reply) => Step::Reply(reply),
                    BodyStep::Fail(name, failure) => Step::Fail(name, failure),
                },
            };
        }
    }

    /// The response phases, over an answer of the backend or of the policy itself.
    fn respond(
        &mut self,
        run: &mut Run,
        exchange: &mut Box<Exchange>,
        head: ResponseHead,
        body: Vec<u8>,
        observed: &mut Observed,
    ) {
        exchange.response = Some(head);
        let mut body = body;
        let mut step =
            if run.wants_response() { run.on_response(&mut self.instances, exchange) } else { ResponseStep::Forward };
        while let ResponseStep::Pause(replaced) = step {
            body = replaced.map_or(body, Vec::from);
            match self.hold(run, Side::Response, exchange, &body) {
                BodyStep::Send(bytes) => body = bytes.to_vec(),
                BodyStep::Hold => {
                    observed.failure = Some(never());
                    return;
                }
                BodyStep::Reply(reply) => {
                    body = reply.body.to_vec();
                    run.replace(reply, exchange);
                }
                BodyStep::Fail(_, failure) => {
                    observed.failure = Some(Failed { label: failure.label(), message: failure.to_string() });
                    return;
                }
            }
            step = run.respond_on(&mut self.instances, exchange);
        }
        for member in run.take_joined() {
            match run.on_body(member, Side::Response, &mut self.instances, exchange, body.clone().into(), true) {
                BodyStep::Send(bytes) => body = bytes.to_vec(),
                BodyStep::Hold => observed.failure = Some(never()),
                BodyStep::Reply(_) => {}
                BodyStep::Fail(_, failure) => {
                    observed.failure = Some(Failed { label: failure.label(), message: failure.to_string() });
                }
            }
        }
        observed.response = match step {
            ResponseStep::Pause(_) => None,
            ResponseStep::Forward => exchange.response.as_ref().map(|head| ClientAnswer {
                status: head.status,
                headers: head.headers.clone(),
                body,
            }),
            ResponseStep::Replace(reply) => {
                Some(ClientAnswer { status: reply.status, headers: reply.headers, body: reply.body.to_vec() })
            }
            ResponseStep::Fail(_, failure) => {
                observed.failure = Some(Failed::of(&failure));
                None
            }
        };
    }

    /// Gives the member that holds a head the whole body, and the answers that it waits for.
    fn hold(&mut self, run: &mut Run, side: Side, exchange: &mut Box<Exchange>, body: &[u8]) -> BodyStep {
        let (mut step, mut given) = (BodyStep::Hold, false);
        for _ in 0..ROUNDS_MAX {
            let Some((member, _)) = run.paused(side) else { return BodyStep::Send(Bytes::new()) };
            step = if self.answer_calls() {
                run.resume(member, side, &mut self.instances, exchange)
            } else if !std::mem::replace(&mut given, true) {
                self.give_body(run, side, exchange, body)
            } else {
                return BodyStep::Hold;
            };
            if !matches!(step, BodyStep::Hold) {
                break;
            }
        }
        step
    }

    fn give_body(&mut self, run: &mut Run, side: Side, exchange: &mut Box<Exchange>, body: &[u8]) -> BodyStep {
        match run.paused(side) {
            Some((member, true)) if !body.is_empty() => {
                let body = Bytes::copy_from_slice(body);
                run.on_body(member, side, &mut self.instances, exchange, body, true)
            }
            Some((member, _)) => run.resume(member, side, &mut self.instances, exchange),
            None => BodyStep::Send(Bytes::new()),
        }
    }

    fn complete(&mut self, run: &mut Run, exchange: &mut Box<Exchange>, observed: &Observed) {
        let summary = Summary {
            status: observed.response.as_ref().map_or(503, |answer| answer.status.as_u16()),
            duration_us: 1000,
            upstream_us: if observed.reply.is_none() { 800 } else { 0 },
            bytes_in: 0,
            bytes_out: observed.response.as_ref().map_or(0, |answer| answer.body.len() as u64),
            backend: exchange.backend.clone(),
            retries: 0,
            error: observed.failure.as_ref().map(|failed| failed.label),
        };
        run.on_complete(&mut self.instances, exchange, &summary);
    }
}

/// How the request phases ended.
enum Reached {
    Backend,
    Reply(Reply),
    Failed(Failed),
}

/// A module holds a head, and nothing will come that would let it go.
/// Guests of wasi:http wait for sockets and time, which only a worker of the ingress has.
fn elsewhere() -> Failed {
    Failed {
        label: "policy_no_answer",
        message: String::from("a component of wasi:http is served by `cardea serve` alone"),
    }
}

fn never() -> Failed {
    Failed { label: "policy_deadline", message: String::from("the policy holds the exchange, and never lets it go") }
}

/// What the data plane answers 413.
fn too_large(demand: BodyDemand) -> Failed {
    let message = format!("the body is longer than the {} bytes that the policy takes", demand.bytes_max);
    Failed { label: "body_too_large", message }
}

fn head_of(reply: &Reply) -> ResponseHead {
    ResponseHead { status: reply.status, headers: reply.headers.clone(), ended: reply.body.is_empty() }
}

/// After the request phases.
fn observe(run: &mut Run, exchange: &Exchange, body_demand: Option<BodyDemand>) -> Observed {
    let last = run.decided.last();
    let uri = &exchange.request.uri;
    Observed {
        decision: last.map(|decided| decided.kind),
        target: run.target.clone(),
        reason: last.filter(|decided| decided.kind == DecisionKind::Deny).map(|decided| decided.detail.to_string()),
        reply: None,
        request: RequestHead {
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            host: exchange.authority().to_owned(),
            headers: exchange.request.headers.clone(),
        },
        response: None,
        labels: run.labels.clone(),
        reads: reads(run, &run.decided),
        response_reads: Vec::new(),
        failure: None,
        nanoseconds: (nanoseconds(&run.decided), 0),
        body_demand,
    }
}

fn reads(run: &Run, decided: &[Decided]) -> Vec<String> {
    let mut reads: Vec<String> = decided.iter().flat_map(|decided| run.reads(decided)).collect();
    reads.sort();
    reads.dedup();
    reads
}

fn nanoseconds(decided: &[Decided]) -> u64 {
    decided.iter().map(|decided| u64::from(decided.nanoseconds)).sum()
}
