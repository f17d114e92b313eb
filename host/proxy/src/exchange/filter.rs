//! A body on its way through one policy that hears of it: each piece goes in, and what the policy lets go comes out.
//!
//! Bodies are nested in the order of the policies. While a head is held, what comes out first is its release.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cardea_policy::{BodyStep, Reply, Side};
use http::HeaderMap;
use http_body::Frame;

use super::policies::{Policies, visit};
use crate::failure::Failure;
use crate::upstream::body::BodyError;
use crate::worker::Worker;

/// One policy's place in the way of a body.
pub struct Filter {
    pub member: usize,
    pub side: Side,
    pub policies: Rc<RefCell<Policies>>,
    pub worker: Rc<Worker>,
    /// The policy has something: a head, or bytes.
    holds: bool,
    /// It has heard of the body's end.
    ended: bool,
    /// Ready to go on.
    out: VecDeque<Bytes>,
    /// After all data.
    trailers: Option<HeaderMap>,
}

/// Why a body does not go on.
#[derive(Debug)]
pub enum Broken {
    /// The policy answers itself.
    Reply(Box<Reply>),
    Failed(Failure),
}

/// What may go on: a piece of the body; and with the first, a head that was held.
type Polled = Poll<Option<Result<Frame<Bytes>, Broken>>>;

impl Filter {
    pub fn new(member: usize, side: Side, policies: &Rc<RefCell<Policies>>, worker: &Rc<Worker>) -> Self {
        Self {
            member,
            side,
            policies: Rc::clone(policies),
            worker: Rc::clone(worker),
            holds: false,
            ended: false,
            out: VecDeque::new(),
            trailers: None,
        }
    }

    /// For a policy that holds the head. `hears`: it wants the body, and there is one.
    pub fn holding(mut self, hears: bool) -> Self {
        self.holds = true;
        self.ended = !hears;
        self
    }

    /// Whether the policy has heard all of the body.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// What is still to come out, once that is certain.
    pub fn rest(&self) -> Option<u64> {
        let is_certain = self.ended && !self.holds && self.trailers.is_none();
        is_certain.then(|| self.out.iter().map(|bytes| bytes.len() as u64).sum())
    }

    /// Whether nothing more comes out.
    pub fn is_done(&self) -> bool {
        self.rest() == Some(0)
    }

    /// Ready once the policy lets go of what it holds.
    pub fn poll_release(&mut self, cx: &mut Context<'_>, body: &mut dyn Body) -> Poll<Result<(), Broken>> {
        while self.holds {
            match std::task::ready!(self.poll_step(cx, body)) {
                Some(Ok(())) => {}
                Some(Err(broken)) => return Poll::Ready(Err(broken)),
                None => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    pub fn poll_frame(&mut self, cx: &mut Context<'_>, body: &mut dyn Body) -> Polled {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if let Some(trailers) = self.trailers.take_if(|_| !self.holds) {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            match std::task::ready!(self.poll_step(cx, body)) {
                Some(Ok(())) => {}
                Some(Err(broken)) => return Poll::Ready(Some(Err(broken))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Hears what is next: that the policy goes on, or a piece of the body. `None` when nothing more can come.
    fn poll_step(&mut self, cx: &mut Context<'_>, body: &mut dyn Body) -> Poll<Option<Result<(), Broken>>> {
        if self.holds && self.policies.borrow_mut().run.poll_resumed(self.member, self.side, cx).is_ready() {
            let step = visit(&self.worker, &mut self.policies.borrow_mut(), |policies, instances| {
                policies.run.resume(self.member, self.side, instances, &mut policies.exchange)
            });
            return Poll::Ready(Some(self.take(step)));
        }
        if self.ended {
            return if self.holds { Poll::Pending } else { Poll::Ready(None) };
        }
        if self.holds && !self.policies.borrow().run.takes_body(self.member, self.side) {
            return Poll::Pending;
        }
        Poll::Ready(match std::task::ready!(body.poll_frame(cx)) {
            None => Some(self.give(Bytes::new(), true)),
            Some(Err(failure)) => Some(Err(Broken::Failed(failure))),
            Some(Ok(frame)) => Some(self.hear(frame, body.is_end_stream())),
        })
    }

    fn hear(&mut self, frame: Frame<Bytes>, end: bool) -> Result<(), Broken> {
        match frame.into_data() {
            Ok(data) => self.give(data, end),
            Err(frame) => match frame.into_trailers() {
                Ok(fields) => self.give_trailers(fields),
                Err(_) => Ok(()),
            },
        }
    }

    fn give(&mut self, data: Bytes, end: bool) -> Result<(), Broken> {
        self.ended |= end;
        let step = visit(&self.worker, &mut self.policies.borrow_mut(), |policies, instances| {
            policies.run.on_body(self.member, self.side, instances, &mut policies.exchange, data, end)
        });
        self.take(step)
    }

    fn give_trailers(&mut self, mut fields: HeaderMap) -> Result<(), Broken> {
        self.ended = true;
        let step = visit(&self.worker, &mut self.policies.borrow_mut(), |policies, instances| {
            policies.run.on_trailers(self.member, self.side, instances, &mut policies.exchange, &mut fields)
        });
        self.trailers = Some(fields);
        self.take(step)
    }

    fn take(&mut self, step: BodyStep) -> Result<(), Broken> {
        match step {
            BodyStep::Send(bytes) => {
                self.holds = false;
                if !bytes.is_empty() {
                    self.out.push_back(bytes);
                }
                Ok(())
            }
            BodyStep::Hold => {
                self.holds = true;
                Ok(())
            }
            BodyStep::Reply(reply) => Err(Broken::Reply(Box::new(reply))),
            BodyStep::Fail(policy, failure) => Err(Broken::Failed(self.failure(policy, failure))),
        }
    }

    /// Leaves word of why a request's body broke off, for whoever answers.
    pub fn tell(&self, broken: Broken) -> BodyError {
        self.policies.borrow_mut().instead.get_or_insert(broken);
        BodyError("a policy ended the exchange")
    }

    /// An answer that has begun cannot be replaced.
    pub fn too_late(&self, broken: Broken) -> Failure {
        match broken {
            Broken::Failed(failure) => failure,
            Broken::Reply(_) => {
                let fault = String::from("it replied when the answer had begun");
                Failure::Policy(self.policies.borrow().name(self.member), cardea_policy::Failure::OutcomeInvalid(fault))
            }
        }
    }

    /// The time of the exchange is up, and the policy still holds its head.
    pub fn overdue(&self) -> Failure {
        match (self.side, self.ended) {
            (Side::Request, false) => Failure::RequestTimeout,
            (Side::Response, false) => Failure::UpstreamTimeout,
            (_, true) => Failure::Policy(self.policies.borrow().name(self.member), cardea_policy::Failure::Deadline),
        }
    }

    /// What is too long for a policy is too long for us (RFC 9110, 15.5.14).
    fn failure(&self, policy: Arc<str>, failure: cardea_policy::Failure) -> Failure {
        match (failure, self.side) {
            (cardea_policy::Failure::BodyOverflow, Side::Request) => {
                Failure::BodyTooLarge(self.policies.borrow().body_bytes_max(self.member))
            }
            (failure, _) => Failure::Policy(policy, failure),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("member", &self.member).field("side", &self.side).finish_non_exhaustive()
    }
}

/// Where a filter takes its pieces from.
pub trait Body {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>>;
    fn is_end_stream(&self) -> bool;
}
