//! The phases of an exchange, in their order: request, answer, completion.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_policy::{BodyDemand, BodyStep, Reply, ResponseStep, Side, Step, Summary};

use super::guest::Served;
use super::{ClientAnswer, Failed, Observed, Playing, Whole};

/// How the request phases ended.
pub(super) enum Reached {
    Backend,
    Reply(Reply),
    /// By a guest of wasi:http, which has heard the backend's answer, if it sent the request on.
    Served(Served),
    Failed(Failed),
}

impl Playing<'_> {
    /// Runs the request phases, with `body` where they want it; `backend` is what a guest hears that sends the request on.
    pub fn request(&mut self, body: &Bytes, backend: &Whole) -> Reached {
        let backends = self.player.backends.clone();
        let allowed = |name: &str| backends.as_ref().is_none_or(|known| known.iter().any(|known| known == name));
        let mut step = self.run.on_request(&mut self.player.instances, self.exchange, &allowed);
        loop {
            step = match step {
                Step::Forward => return Reached::Backend,
                Step::Reply(reply) => return Reached::Reply(reply),
                Step::Fail(_, failure) => return Reached::Failed(Failed::of(&failure)),
                Step::Serve(member) => match self.serve(member, body, backend) {
                    Some(reached) => return reached,
                    None => self.run.serve_on(member, &mut self.player.instances, self.exchange, &allowed),
                },
                Step::WantBody(demand) => match self.demanded(demand, body) {
                    Ok((seen, complete)) => {
                        self.run.on_request_body(&mut self.player.instances, self.exchange, &allowed, &seen, complete)
                    }
                    Err(failed) => return Reached::Failed(failed),
                },
                Step::Pause => match self.hold(Side::Request, body) {
                    BodyStep::Send(_) => self.run.go_on(&mut self.player.instances, self.exchange, &allowed),
                    BodyStep::Hold => return Reached::Failed(Failed::never()),
                    BodyStep::Reply(reply) => Step::Reply(reply),
                    BodyStep::Fail(name, failure) => Step::Fail(name, failure),
                },
            };
        }
    }

    /// As much of the body as the policy asked for, and whether that is all of it.
    fn demanded(&mut self, demand: BodyDemand, body: &Bytes) -> Result<(Bytes, bool), Failed> {
        self.demand = Some(demand);
        let seen = body.slice(..body.len().min(demand.bytes_max as usize));
        let complete = seen.len() == body.len();
        if !complete && demand.deny_on_overflow { Err(Failed::too_large(demand)) } else { Ok((seen, complete)) }
    }

    /// The response phases, over an answer of the backend or of the policy itself.
    pub fn respond(&mut self, answer: Whole) -> Option<ClientAnswer> {
        let Whole { head, mut body } = answer;
        self.exchange.response = Some(head);
        let mut step = self.first_response_step();
        while let ResponseStep::Pause(replaced) = step {
            body = self.let_go(replaced.unwrap_or(body))?;
            step = self.run.respond_on(&mut self.player.instances, self.exchange);
        }
        match step {
            ResponseStep::Replace(reply) => self.reach_client(Whole::of(&reply)),
            ResponseStep::Fail(_, failure) => self.fail(Failed::of(&failure)),
            ResponseStep::Forward | ResponseStep::Pause(_) => {
                let head = self.exchange.response.clone()?;
                self.reach_client(Whole { head, body })
            }
        }
    }

    fn first_response_step(&mut self) -> ResponseStep {
        match self.run.wants_response() {
            true => self.run.on_response(&mut self.player.instances, self.exchange),
            false => ResponseStep::Forward,
        }
    }

    /// The body of an answer whose head was held; `None` if that is the end of it.
    fn let_go(&mut self, body: Bytes) -> Option<Bytes> {
        match self.hold(Side::Response, &body) {
            BodyStep::Send(bytes) => Some(bytes),
            BodyStep::Hold => self.fail(Failed::never()),
            BodyStep::Fail(_, failure) => self.fail(Failed::of(&failure)),
            BodyStep::Reply(reply) => {
                let body = reply.body.clone();
                self.run.replace(reply, self.exchange);
                Some(body)
            }
        }
    }

    /// The answer, after the modules that hear of its body.
    fn reach_client(&mut self, answer: Whole) -> Option<ClientAnswer> {
        let Whole { head, mut body } = answer;
        for member in self.run.take_joined() {
            let instances = &mut self.player.instances;
            match self.run.on_body(member, Side::Response, instances, self.exchange, body.clone(), true) {
                BodyStep::Send(bytes) => body = bytes,
                BodyStep::Hold => self.failed = Some(Failed::never()),
                BodyStep::Fail(_, failure) => self.failed = Some(Failed::of(&failure)),
                // Too late: the head has gone.
                BodyStep::Reply(_) => {}
            }
        }
        Some(ClientAnswer { status: head.status, headers: head.headers, body: body.to_vec() })
    }

    fn fail<T>(&mut self, failed: Failed) -> Option<T> {
        self.failed = Some(failed);
        None
    }

    /// How long the response phases take, if any is wanted.
    pub fn time_response(&mut self, answer: Whole) -> Result<Option<Duration>, Failed> {
        if !self.run.wants_response() {
            return Ok(None);
        }
        self.exchange.response = Some(answer.head);
        let start = Instant::now();
        match self.run.on_response(&mut self.player.instances, self.exchange) {
            ResponseStep::Fail(_, failure) => Err(Failed::of(&failure)),
            _ => Ok(Some(start.elapsed())),
        }
    }

    /// The last phase, and what services answer to calls that nothing waited for.
    pub fn complete(&mut self, observed: &Observed) {
        let summary = Summary {
            status: observed.response.as_ref().map_or(503, |answer| answer.status.as_u16()),
            duration_us: 1000,
            upstream_us: if observed.reply.is_none() { 800 } else { 0 },
            bytes_in: 0,
            bytes_out: observed.response.as_ref().map_or(0, |answer| answer.body.len() as u64),
            backend: self.exchange.backend.clone(),
            retries: 0,
            error: observed.failure.as_ref().map(|failed| failed.label),
        };
        self.run.on_complete(&mut self.player.instances, self.exchange, &summary);
        self.answer_all_calls();
    }
}
