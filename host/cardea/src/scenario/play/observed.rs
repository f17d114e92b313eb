//! What became of one exchange, as a case may expect it and an author is shown it.

use bytes::Bytes;
use cardea_policy::{BodyDemand, Decided, DecisionKind, Failure, Reply, Run, Target};
use http::{HeaderMap, StatusCode};

use super::phases::Reached;
use super::{Playing, Whole};

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
    pub fn of(failure: &Failure) -> Self {
        Self { label: failure.label(), message: failure.to_string() }
    }

    /// A module holds a head, and nothing will come that would let it go.
    pub fn never() -> Self {
        let message = String::from("the policy holds the exchange, and never lets it go");
        Self { label: "policy_deadline", message }
    }

    /// What the data plane answers 413.
    pub fn too_large(demand: BodyDemand) -> Self {
        let message = format!("the body is longer than the {} bytes that the policy takes", demand.bytes_max);
        Self { label: "body_too_large", message }
    }
}

impl Observed {
    /// Takes in how the request phases ended. Gives the answer that the response phases have: the policy's, or the backend's.
    pub(super) fn reach(&mut self, reached: Reached, backend: Whole) -> Option<Whole> {
        match reached {
            Reached::Failed(failed) => {
                self.decision = None;
                self.failure = Some(failed);
                None
            }
            Reached::Backend => Some(backend),
            Reached::Served(served) if served.forwarded => Some(served.answer),
            Reached::Served(served) => {
                let Whole { head, body } = &served.answer;
                let (headers, body) = (head.headers.clone(), Bytes::clone(body));
                self.reply = Some(Reply { status: head.status, headers, body });
                Some(served.answer)
            }
            Reached::Reply(reply) => {
                let answer = Whole::of(&reply);
                self.reply = Some(reply);
                Some(answer)
            }
        }
    }
}

impl Playing<'_> {
    /// After the request phases.
    pub fn observe(&self) -> Observed {
        let (run, exchange) = (&self.run, &self.exchange);
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
            body_demand: self.demand,
        }
    }

    /// After the response phases: `decided` decisions are of before.
    pub fn observe_later(&mut self, decided: usize, observed: &mut Observed) {
        let later = self.run.decided.get(decided..).unwrap_or_default();
        (observed.response_reads, observed.nanoseconds.1) = (reads(&self.run, later), nanoseconds(later));
        if let Some(failed) = self.failed.take() {
            observed.failure = Some(failed);
        }
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
