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
use crate::timer::Timer;
use crate::upstream::body::{BodyError, Upload};
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
    /// It holds the head too.
    heads: bool,
    /// Of a request's body.
    upload: Option<Rc<Upload>>,
    /// How long it may hold what it holds: a head from the first, of a body since the last piece.
    patience: Timer,
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
            heads: false,
            upload: None,
            patience: Timer::new(&worker.timers),
        }
    }

    /// For a body that comes by this upload.
    pub fn of(mut self, upload: Option<Rc<Upload>>) -> Self {
        self.upload = upload;
        self
    }

    /// For a policy that holds the head. `hears`: it wants the body, and there is one.
    pub fn holding(mut self, hears: bool) -> Self {
        self.holds = true;
        self.heads = true;
        self.ended = !hears;
        self.patience.set(self.policies.borrow().patience);
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
            return if self.holds { self.poll_overdue(cx) } else { Poll::Ready(None) };
        }
        if self.holds && !self.takes_body() {
            return self.poll_overdue(cx);
        }
        match body.poll_frame(cx) {
            Poll::Pending if self.holds => self.poll_overdue(cx),
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Some(self.give(Bytes::new(), true))),
            Poll::Ready(Some(Err(failure))) => Poll::Ready(Some(Err(Broken::Failed(failure)))),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.hear(frame, body.is_end_stream()))),
        }
    }

    fn takes_body(&self) -> bool {
        self.policies.borrow().run.takes_body(self.member, self.side)
    }

    /// Ready when the policy has held something for too long. That is its failure, unless it waits for the body's sender.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Broken>>> {
        std::task::ready!(self.patience.poll(cx));
        if !self.ended && self.takes_body() {
            let failure = if self.side == Side::Request { Failure::RequestTimeout } else { Failure::UpstreamTimeout };
            return Poll::Ready(Some(Err(Broken::Failed(failure))));
        }
        let step = visit(&self.worker, &mut self.policies.borrow_mut(), |policies, instances| {
            policies.run.overdue(self.member, self.side, instances)
        });
        Poll::Ready(Some(self.take(step)))
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
        if end {
            self.trailers = self.policies.borrow_mut().run.take_trailers(self.member, self.side);
        }
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
                self.hold(false);
                self.heads = false;
                if !bytes.is_empty() {
                    self.out.push_back(bytes);
                }
                Ok(())
            }
            BodyStep::Hold => {
                self.hold(true);
                if !self.heads {
                    self.patience.set(self.policies.borrow().patience);
                }
                Ok(())
            }
            BodyStep::Reply(reply) => Err(Broken::Reply(Box::new(reply))),
            BodyStep::Fail(policy, failure) => Err(Broken::Failed(self.failure(policy, failure))),
        }
    }

    fn hold(&mut self, holds: bool) {
        let before = std::mem::replace(&mut self.holds, holds);
        if let Some(upload) = self.upload.as_ref().filter(|_| before != holds && !self.heads) {
            let held = upload.held.get();
            upload.held.set(if holds { held + 1 } else { held.saturating_sub(1) });
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
