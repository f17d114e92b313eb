//! The chain's part in sessions with modules of other ABIs: opening them, carrying heads and bodies through them, and what
//! their failures mean.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;

use super::phases;
use super::{BodyStep, Decided, DecisionKind, Kept, ResponseStep, Run, Step};
use crate::abi::{BodyFlow, Flow, Session, Side, Turn};
use crate::exchange::{Exchange, ResponseHead};
use crate::failure::Failure;
use crate::instances::{Called, Instances};
use crate::outcome::{HeaderEdits, Reply, Summary};
use crate::policy::Policy;

/// Outside of a request's head there is nothing to choose.
const NO_BACKEND: &dyn Fn(&str) -> bool = &|_| false;

impl Run {
    /// Opens a session, and shows it the request's head. `None` to go on with the next member.
    pub(super) fn open(
        &mut self,
        member: usize,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Option<Step> {
        let policy = self.policy(member)?;
        let mut session = None;
        let head = instances.visit(&policy, exchange, allowed, |turn, resident| {
            session.insert(resident.open(turn)?).on_head(turn, Side::Request)
        });
        let ended = exchange.ended;
        match head {
            Ok((flow, called)) => {
                let joins = !ended && session.as_ref().is_some_and(|session| session.wants_body(Side::Request));
                self.keep(Kept { session, ..Kept::of(member) });
                self.begun(member, flow, called, joins, instances)
            }
            Err(failure) => self.fail(member, failure, instances).map(|(name, failure)| Step::Fail(name, failure)),
        }
    }

    fn begun(
        &mut self,
        member: usize,
        flow: Flow,
        called: Called,
        joins: bool,
        instances: &mut Instances,
    ) -> Option<Step> {
        let (kind, detail) = match &flow {
            Flow::Continue | Flow::Pause => (DecisionKind::Next, Cow::Borrowed("")),
            Flow::Reply(_) => (DecisionKind::Respond, Cow::Borrowed("")),
            Flow::Route(target) => phases::describe_target(target),
        };
        self.decide(member, kind, detail, called, instances);
        if joins && !matches!(flow, Flow::Pause | Flow::Reply(_)) {
            self.joined.push(member);
        }
        match flow {
            Flow::Continue => None,
            Flow::Pause => {
                self.paused = Some(member);
                Some(Step::Pause)
            }
            Flow::Reply(reply) => {
                self.replied = Some(member);
                Some(Step::Reply(*reply))
            }
            Flow::Route(target) => {
                self.target = Some(target);
                None
            }
        }
    }

    /// Records a decision, or adds a later one of the same member and phase to it.
    pub(super) fn decide(
        &mut self,
        member: usize,
        kind: DecisionKind,
        detail: Cow<'static, str>,
        called: Called,
        instances: &mut Instances,
    ) {
        if let Some(tally) = self.policy(member).as_ref().and_then(|policy| instances.tally(policy)) {
            tally.decision(kind);
        }
        self.ended = Some(called.ended);
        let nanoseconds = u32::try_from(called.nanoseconds).unwrap_or(u32::MAX);
        self.decided.push(Decided {
            policy: called.name,
            member,
            kind,
            detail,
            reads: called.reads,
            nanoseconds,
            explained: None,
        });
    }

    /// Adds the time of a later call to the member's last decision.
    fn spend(&mut self, member: usize, called: &Called) {
        self.ended = Some(called.ended);
        if let Some(decided) = self.decided.iter_mut().rfind(|decided| decided.member == member) {
            let nanoseconds = u32::try_from(called.nanoseconds).unwrap_or(u32::MAX);
            decided.nanoseconds = decided.nanoseconds.saturating_add(nanoseconds);
            decided.reads.add(&called.reads);
        }
    }

    /// Members that hear of the body from here on, and were not told yet: the data plane takes it through [`Self::on_body`] of
    /// each, in this order.
    pub fn take_joined(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.joined)
    }

    /// The member that holds a head, and whether it wants the body.
    pub fn paused(&self, side: Side) -> Option<(usize, bool)> {
        let member = self.paused?;
        let wants = self.session(member).is_some_and(|session| session.wants_body(side));
        Some((member, wants))
    }

    /// The rest of the request phases, after a held head was let go.
    pub fn go_on(
        &mut self,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Step {
        let Some(member) = self.paused.take() else { return Step::Forward };
        self.request_from(member + 1, instances, exchange, allowed)
    }

    /// The rest of the response phases, likewise.
    pub fn respond_on(&mut self, instances: &mut Instances, exchange: &mut Box<Exchange>) -> ResponseStep {
        self.paused = None;
        phases::respond(self, instances, exchange)
    }

    /// Whether the member takes more of a body just now.
    pub fn takes_body(&self, member: usize, side: Side) -> bool {
        self.session(member).is_none_or(|session| session.takes_body(side))
    }

    /// Ready when [`Self::resume`] has something to say.
    pub fn poll_resumed(&mut self, member: usize, side: Side, cx: &mut Context<'_>) -> Poll<()> {
        match self.session_mut(member) {
            Some(session) => session.poll_resumed(cx, side),
            None => Poll::Pending,
        }
    }

    pub fn resume(
        &mut self,
        member: usize,
        side: Side,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
    ) -> BodyStep {
        self.with_session(member, side, Bytes::new(), instances, exchange, |session, turn| session.resume(turn, side))
    }

    /// A piece of the body, on its way through one member.
    pub fn on_body(
        &mut self,
        member: usize,
        side: Side,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        bytes: Bytes,
        end: bool,
    ) -> BodyStep {
        let given = bytes.clone();
        self.with_session(member, side, given, instances, exchange, |session, turn| {
            session.on_body(turn, side, bytes, end)
        })
    }

    pub fn on_trailers(
        &mut self,
        member: usize,
        side: Side,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        fields: &mut HeaderMap,
    ) -> BodyStep {
        self.with_session(member, side, Bytes::new(), instances, exchange, |session, turn| {
            session.on_trailers(turn, side, fields)
        })
    }

    /// The member has held a head or bytes for longer than an exchange may take: its session has failed. What it holds goes
    /// on if that is skipped.
    pub fn overdue(&mut self, member: usize, side: Side, instances: &mut Instances) -> BodyStep {
        let held = self.take_session(member).map(|mut session| session.take_held(side)).unwrap_or_default();
        match self.fail(member, Failure::Deadline, instances) {
            Some((name, failure)) => BodyStep::Fail(name, failure),
            None => BodyStep::Send(held),
        }
    }

    /// Trailers that the member puts after a body that had none.
    pub fn take_trailers(&mut self, member: usize, side: Side) -> Option<HeaderMap> {
        self.session_mut(member)?.take_trailers(side)
    }

    /// `given` goes on as it is if the member has no session any more, or loses it by a failure that is skipped.
    fn with_session(
        &mut self,
        member: usize,
        side: Side,
        given: Bytes,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        call: impl FnOnce(&mut dyn Session, &mut Turn<'_>) -> Result<BodyFlow, Failure>,
    ) -> BodyStep {
        let (Some(policy), Some(mut session)) = (self.policy(member), self.take_session(member)) else {
            return BodyStep::Send(given);
        };
        let result = instances.visit(&policy, exchange, NO_BACKEND, |turn, _| call(&mut *session, turn));
        match result {
            Ok((flow, called)) => {
                self.spend(member, &called);
                self.put_session(member, session);
                self.body_step(member, flow, called, instances)
            }
            Err(failure) => match self.fail(member, failure, instances) {
                Some((name, failure)) => BodyStep::Fail(name, failure),
                None => BodyStep::Send(join(session.take_held(side), given)),
            },
        }
    }

    fn body_step(&mut self, member: usize, flow: BodyFlow, called: Called, instances: &mut Instances) -> BodyStep {
        match flow {
            BodyFlow::Send(bytes) => BodyStep::Send(bytes),
            BodyFlow::Hold => BodyStep::Hold,
            BodyFlow::Reply(reply) => {
                self.paused = None;
                self.replied = Some(member);
                let called = Called { nanoseconds: 0, ..called };
                self.decide(member, DecisionKind::Respond, Cow::Borrowed(""), called, instances);
                BodyStep::Reply(*reply)
            }
        }
    }

    /// The response head's way through a session; false if that holds it.
    pub(super) fn respond_session(
        &mut self,
        position: usize,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
    ) -> Result<bool, Failure> {
        let Some(member) = self.kept.get(position).map(|kept| kept.member) else { return Ok(true) };
        // Its own answer is no news to it.
        if self.replied == Some(member) {
            return Ok(true);
        }
        let (Some(policy), Some(mut session)) = (self.policy(member), self.take_session(member)) else {
            return Ok(true);
        };
        let ended = exchange.response.as_ref().is_none_or(|head| head.ended);
        let (flow, called) =
            instances.visit(&policy, exchange, NO_BACKEND, |turn, _| session.on_head(turn, Side::Response))?;
        let joins = !ended && session.wants_body(Side::Response);
        self.put_session(member, session);
        let kind = if matches!(flow, Flow::Reply(_)) { DecisionKind::Replace } else { DecisionKind::Next };
        self.decide(member, kind, Cow::Borrowed(""), called, instances);
        match flow {
            Flow::Pause => {
                self.paused = Some(member);
                return Ok(false);
            }
            Flow::Reply(reply) => self.replace(*reply, exchange),
            Flow::Continue | Flow::Route(_) if joins => self.joined.push(member),
            Flow::Continue | Flow::Route(_) => {}
        }
        Ok(true)
    }

    /// Puts a reply in place of the answer, for the members that come after: also one that a session gave while it held that.
    pub fn replace(&mut self, reply: Reply, exchange: &mut Exchange) {
        exchange.response =
            Some(ResponseHead { status: reply.status, headers: reply.headers, ended: reply.body.is_empty() });
        self.response.body = Some(reply.body);
        self.joined.clear();
    }

    /// Tells every session that the exchange is over.
    pub(super) fn complete_sessions(
        &mut self,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        summary: &Summary,
    ) {
        for position in (0..self.kept.len()).rev() {
            let Some(kept) = self.kept.get_mut(position) else { break };
            let (member, Some(mut session)) = (kept.member, kept.session.take()) else { continue };
            let Some(policy) = self.policy(member) else { continue };
            let done = instances.visit(&policy, exchange, NO_BACKEND, |turn, _| session.on_complete(turn, summary));
            if let (Err(failure), Some(tally)) = (done, instances.tally(&policy)) {
                tally.failure(&failure);
            }
        }
    }

    pub(super) fn policy(&self, member: usize) -> Option<Arc<Policy>> {
        self.chain.members.get(member).and_then(|member| member.loaded.clone())
    }

    fn session(&self, member: usize) -> Option<&dyn Session> {
        self.kept.iter().find(|kept| kept.member == member)?.session.as_deref()
    }

    fn session_mut(&mut self, member: usize) -> Option<&mut Box<dyn Session>> {
        self.kept.iter_mut().find(|kept| kept.member == member)?.session.as_mut()
    }

    fn take_session(&mut self, member: usize) -> Option<Box<dyn Session>> {
        self.kept.iter_mut().find(|kept| kept.member == member)?.session.take()
    }

    fn put_session(&mut self, member: usize, session: Box<dyn Session>) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.member == member) {
            kept.session = Some(session);
        }
    }
}

impl Kept {
    /// A member that left nothing but its session.
    pub(super) fn of(member: usize) -> Self {
        Self {
            member,
            response_edits: HeaderEdits::default(),
            follow_response: false,
            follow_complete: false,
            carry: Vec::new(),
            session: None,
            serves: false,
        }
    }

    pub(super) fn is_something(&self) -> bool {
        self.follow_response || self.follow_complete || !self.response_edits.is_empty() || self.session.is_some()
    }
}

fn join(first: Bytes, second: Bytes) -> Bytes {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second,
        (_, true) => first,
        _ => [first, second].concat().into(),
    }
}
