//! proxy-wasm modules through the chain, as the data plane drives it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod calls;
mod guest;
mod headers;
mod hostile;
mod life;
mod plugin;
mod random;
mod reference;
mod script;
mod table;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cardea_model::config::{self, FailureMode};
use cardea_policy::{BodyStep, Exchange, Failure, Policy, ResponseHead, Run, Side, Step};
use http::{HeaderMap, StatusCode};

use guest::Guest;
use support::{SUMMARY, Worker, chain, exchange, spec};

pub struct Bench {
    pub worker: Worker,
    pub policy: Arc<Policy>,
}

impl Bench {
    pub fn new(guest: &Guest) -> Self {
        Self::with(guest, |_| {})
    }

    pub fn with(guest: &Guest, change: impl FnOnce(&mut config::Policy)) -> Self {
        let worker = Worker::default();
        let mut spec = spec("plugin", &guest.build());
        change(&mut spec);
        let policy = worker.try_load(spec).unwrap();
        Self { worker, policy }
    }

    pub fn skipping(guest: &Guest) -> Self {
        Self::with(guest, |spec| spec.failure_mode = FailureMode::Skip)
    }

    pub fn head(&mut self, exchange: &mut Box<Exchange>) -> (Run, Step) {
        self.worker.chain(&chain(std::slice::from_ref(&self.policy)), exchange)
    }

    /// A request without a body that must go on.
    pub fn forward(&mut self, exchange: &mut Box<Exchange>) -> Run {
        match self.head(exchange) {
            (run, Step::Forward) => run,
            (_, other) => panic!("not forwarded: {other:?}"),
        }
    }

    pub fn failure(&mut self) -> Failure {
        match self.head(&mut exchange()).1 {
            Step::Fail(_, failure) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }

    pub fn body(&mut self, run: &mut Run, exchange: &mut Box<Exchange>, bytes: &'static str, end: bool) -> BodyStep {
        run.on_body(0, Side::Request, &mut self.worker.instances, exchange, Bytes::from_static(bytes.as_bytes()), end)
    }

    pub fn is_resumed(&self, run: &mut Run) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(run.poll_resumed(0, Side::Request, &mut cx), Poll::Ready(()))
    }

    pub fn resume(&mut self, run: &mut Run, exchange: &mut Box<Exchange>) -> BodyStep {
        assert!(self.is_resumed(run), "it has nothing to say");
        run.resume(0, Side::Request, &mut self.worker.instances, exchange)
    }

    pub fn complete(&mut self, run: &mut Run, exchange: &mut Box<Exchange>) {
        run.on_complete(&mut self.worker.instances, exchange, &SUMMARY);
    }

    /// What the guest logged, without the policy's name.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.worker.lines.lock().unwrap();
        lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }
}

/// A request whose body follows.
pub fn post() -> Box<Exchange> {
    let mut exchange = exchange();
    exchange.request.method = http::Method::POST;
    exchange.ended = false;
    exchange
}

pub fn answered(exchange: &mut Exchange) {
    let mut headers = HeaderMap::new();
    headers.insert("server", "test".parse().unwrap());
    exchange.response = Some(ResponseHead { status: StatusCode::OK, headers, ended: true });
}

pub fn sent(step: BodyStep) -> Bytes {
    match step {
        BodyStep::Send(bytes) => bytes,
        other => panic!("not sent: {other:?}"),
    }
}
