//! The data plane's part: an exchange through the chain, its bodies in pieces, and what came out.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cardea_model::config;
use cardea_policy::{BodyStep, Exchange, Failure, Policy, Reply, ResponseHead, ResponseStep, Run, Side, Step, Summary};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::guest::Handler;
use crate::support::{self, Worker};

pub struct Play {
    pub worker: Worker,
    pub policy: Arc<Policy>,
}

/// What became of a side.
#[derive(Debug)]
pub enum Outcome {
    /// To the backend, or the client, with this body.
    Forward(String),
    Reply(Reply),
    Fail(Failure),
}

impl Outcome {
    pub fn forwarded(self) -> String {
        match self {
            Self::Forward(body) => body,
            other => panic!("not forwarded: {other:?}"),
        }
    }

    pub fn reply(self) -> Reply {
        match self {
            Self::Reply(reply) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    pub fn failure(self) -> Failure {
        match self {
            Self::Fail(failure) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }
}

/// An exchange under way.
pub struct Played {
    pub run: Run,
    pub exchange: Box<Exchange>,
    pub outcome: Outcome,
    pub trailers: Option<HeaderMap>,
}

/// A body as it arrives.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    pub pieces: &'a [&'a str],
    pub trailers: &'a [(&'static str, &'static str)],
}

pub fn given<'a>(pieces: &'a [&'a str]) -> Given<'a> {
    Given { pieces, trailers: &[] }
}

impl Play {
    pub fn new(handler: &Handler) -> Self {
        Self::with(handler, |_| {})
    }

    pub fn with(handler: &Handler, change: impl FnOnce(&mut config::Policy)) -> Self {
        let mut spec = support::spec("handler", &handler.build());
        change(&mut spec);
        let worker = Worker::default();
        let policy = worker.try_load(spec).unwrap();
        Self { worker, policy }
    }

    /// Loads another policy on the same worker and goes on with it; gives the one before.
    pub fn turn_to(&mut self, name: &str, handler: &Handler) -> Arc<Policy> {
        let policy = self.worker.try_load(support::spec(name, &handler.build())).unwrap();
        std::mem::replace(&mut self.policy, policy)
    }

    /// A request without a body.
    pub fn get(&mut self) -> Played {
        self.send(support::exchange(), Given::default())
    }

    /// One with a body.
    pub fn post(&mut self, pieces: &[&str]) -> Played {
        self.send(support::exchange(), given(pieces))
    }

    pub fn send(&mut self, mut exchange: Box<Exchange>, body: Given<'_>) -> Played {
        exchange.ended = body.pieces.is_empty() && body.trailers.is_empty();
        let mut run = Run::new(support::chain(std::slice::from_ref(&self.policy)));
        let step = run.on_request(&mut self.worker.instances, &mut exchange, &|_| true);
        let mut played = Played { run, exchange, outcome: Outcome::Forward(String::new()), trailers: None };
        match step {
            Step::Forward => self.carry(&mut played, Side::Request, body),
            Step::Pause => {
                self.carry(&mut played, Side::Request, body);
                let Played { run, exchange, outcome, .. } = &mut played;
                if matches!(outcome, Outcome::Forward(_)) {
                    let after = run.go_on(&mut self.worker.instances, exchange, &|_| true);
                    assert!(matches!(after, Step::Forward), "{after:?}");
                }
            }
            Step::Reply(reply) => played.outcome = Outcome::Reply(reply),
            Step::Fail(_, failure) => played.outcome = Outcome::Fail(failure),
            Step::WantBody(_) | Step::Serve(_) => panic!("handlers do not ask so"),
        }
        played
    }

    /// The backend's answer: 200 with `server: backend` and two cookies.
    pub fn answer(&mut self, played: &mut Played, body: Given<'_>) {
        let mut headers = HeaderMap::new();
        headers.append("server", HeaderValue::from_static("backend"));
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        let ended = body.pieces.is_empty() && body.trailers.is_empty();
        played.exchange.response = Some(ResponseHead { status: StatusCode::OK, headers, ended });
        played.outcome = Outcome::Forward(String::new());
        let step = played.run.on_response(&mut self.worker.instances, &mut played.exchange);
        match step {
            ResponseStep::Forward => self.carry(played, Side::Response, body),
            ResponseStep::Pause(_) => {
                self.carry(played, Side::Response, body);
                if matches!(played.outcome, Outcome::Forward(_)) {
                    let after = played.run.respond_on(&mut self.worker.instances, &mut played.exchange);
                    assert!(matches!(after, ResponseStep::Forward), "{after:?}");
                }
            }
            ResponseStep::Replace(reply) => played.outcome = Outcome::Reply(reply),
            ResponseStep::Fail(_, failure) => played.outcome = Outcome::Fail(failure),
        }
    }

    pub fn complete(&mut self, played: &mut Played, status: u16) {
        let summary = Summary {
            status,
            duration_us: 0,
            upstream_us: 0,
            bytes_in: 0,
            bytes_out: 0,
            backend: None,
            retries: 0,
            error: None,
        };
        played.run.on_complete(&mut self.worker.instances, &mut played.exchange, &summary);
    }

    /// A request, an answer with this body, and the end.
    pub fn exchange(&mut self, request: &[&str], response: &[&str]) -> Played {
        let mut played = self.post(request);
        assert!(matches!(played.outcome, Outcome::Forward(_)), "{:?}", played.outcome);
        self.answer(&mut played, given(response));
        self.complete(&mut played, 200);
        played
    }

    /// Gives the body to the session, if it wants that, and collects what comes out.
    fn carry(&mut self, played: &mut Played, side: Side, body: Given<'_>) {
        let mut out = String::new();
        let mut trailers: HeaderMap =
            body.trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let paused = played.run.paused(side);
        let hears = paused.map_or_else(|| !played.run.take_joined().is_empty(), |(_, hears)| hears);
        let mut holds = paused.is_some();
        let instances = &mut self.worker.instances;
        if holds && played.run.poll_resumed(0, side, &mut Context::from_waker(Waker::noop())) == Poll::Ready(()) {
            let step = played.run.resume(0, side, instances, &mut played.exchange);
            take(step, played, &mut out, &mut holds);
        }
        if !hears {
            assert!(!holds, "a head is held, and nothing can let it go");
            out.push_str(&body.pieces.concat());
        }
        for (index, piece) in body.pieces.iter().enumerate().filter(|_| hears) {
            let end = index + 1 == body.pieces.len() && body.trailers.is_empty();
            let bytes = Bytes::copy_from_slice(piece.as_bytes());
            let step = played.run.on_body(0, side, instances, &mut played.exchange, bytes, end);
            if let Some(added) = played.run.take_trailers(0, side).filter(|_| end) {
                trailers = added;
            }
            take(step, played, &mut out, &mut holds);
        }
        if !body.trailers.is_empty() && hears {
            let step = played.run.on_trailers(0, side, instances, &mut played.exchange, &mut trailers);
            take(step, played, &mut out, &mut holds);
        }
        played.trailers = Some(trailers).filter(|fields| !fields.is_empty());
        if let Outcome::Forward(body) = &mut played.outcome {
            assert!(!holds, "bytes are held at the end");
            *body = out;
        }
    }
}

fn take(step: BodyStep, played: &mut Played, out: &mut String, holds: &mut bool) {
    match step {
        BodyStep::Send(bytes) => {
            *holds = false;
            out.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        BodyStep::Hold => *holds = true,
        BodyStep::Reply(reply) => played.outcome = Outcome::Reply(reply),
        BodyStep::Fail(_, failure) => played.outcome = Outcome::Fail(failure),
    }
}
