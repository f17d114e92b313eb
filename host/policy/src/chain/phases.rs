//! The phases of a policy: one guest call each, its outcome checked, its decision named.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use crate::bindings;
use crate::chain::explain::Before;
use crate::chain::{Decided, DecisionKind, Member, ResponseStep, Run, Step};
use crate::exchange::{Exchange, ReadSet, ResponseHead};
use crate::failure::Failure;
use crate::instances::{Called, Instances};
use crate::outcome::{self, Context, Decision, Reply, RequestOutcome, Summary, Target};
use crate::reads::fixed;

/// A member's checked answer to a request phase.
pub(super) struct Answer {
    pub outcome: RequestOutcome,
    /// With a member of 0: the chain knows which one.
    pub decided: Decided,
    pub ended: Instant,
}

/// What `on-request-body` is called with.
pub(super) struct Body<'a> {
    pub body: &'a [u8],
    pub complete: bool,
    pub carry: Vec<u8>,
}

pub(super) fn request(
    member: &Member,
    instances: &mut Instances,
    exchange: &mut Box<Exchange>,
    allowed: &dyn Fn(&str) -> bool,
) -> Result<Answer, Failure> {
    let policy = member.loaded.as_ref().ok_or(Failure::NotLoaded)?;
    let mut outcome = None;
    let called = instances.call(policy, exchange, |i| {
        outcome = Some(i.request.call(&mut i.store, ())?.0);
        Ok(())
    })?;
    let body = match policy.native().and_then(|native| native.exports.request_body) {
        Some(_) => Ok(policy.spec.limits.body_bytes_max),
        None => Err(NO_BODY_PHASE),
    };
    let Some(outcome) = outcome else { return Err(Failure::NotLoaded) };
    check(member, outcome, called, instances, exchange, Terms { allowed, body })
}

pub(super) fn request_body(
    member: &Member,
    instances: &mut Instances,
    exchange: &mut Box<Exchange>,
    allowed: &dyn Fn(&str) -> bool,
    Body { body, complete, carry }: Body<'_>,
) -> Result<Answer, Failure> {
    let policy = member.loaded.as_ref().ok_or(Failure::NotLoaded)?;
    let mut outcome = None;
    let mut called = instances.call(policy, exchange, |i| {
        let Some(function) = &i.request_body else { return Ok(()) };
        outcome = Some(function.call(&mut i.store, (body.to_vec(), complete, carry))?.0);
        Ok(())
    })?;
    called.reads.fixed |= 1 << fixed::BODY;
    let body = Err("it has the body already");
    match outcome {
        Some(outcome) => check(member, outcome, called, instances, exchange, Terms { allowed, body }),
        None => Err(Failure::BodyDemand(NO_BODY_PHASE)),
    }
}

const NO_BODY_PHASE: &str = "the module does not export on-request-body";

/// What the route and the policy's limits allow.
struct Terms<'a> {
    allowed: &'a dyn Fn(&str) -> bool,
    body: Result<u32, &'static str>,
}

fn check(
    member: &Member,
    outcome: bindings::RequestOutcome,
    called: Called,
    instances: &mut Instances,
    exchange: &Exchange,
    Terms { allowed, body }: Terms<'_>,
) -> Result<Answer, Failure> {
    let policy = member.loaded.as_ref().ok_or(Failure::NotLoaded)?;
    let mut draw = |sum| instances.draw(sum);
    let granted = &policy.spec.grants.headers;
    let outcome = outcome::request(outcome, &mut Context { exchange, allowed, granted, draw: &mut draw, body })?;
    let (kind, detail) = describe(&outcome.decision);
    if let Some(tally) = instances.tally(policy) {
        tally.decision(kind);
    }
    let decided = decided(called.name, kind, detail, called.reads, called.nanoseconds);
    Ok(Answer { outcome, decided, ended: called.ended })
}

fn decided(
    policy: Arc<str>,
    kind: DecisionKind,
    detail: Cow<'static, str>,
    reads: ReadSet,
    nanoseconds: u64,
) -> Decided {
    let nanoseconds = u32::try_from(nanoseconds).unwrap_or(u32::MAX);
    Decided { policy, member: 0, kind, detail, reads, nanoseconds, explained: None }
}

fn describe(decision: &Decision) -> (DecisionKind, Cow<'static, str>) {
    match decision {
        Decision::Next => (DecisionKind::Next, Cow::Borrowed("")),
        Decision::Route(target) => describe_target(target),
        Decision::Redirect(_) => (DecisionKind::Redirect, Cow::Borrowed("")),
        Decision::Respond(_) => (DecisionKind::Respond, Cow::Borrowed("")),
        Decision::Deny { reason, .. } => (DecisionKind::Deny, Cow::Owned(reason.clone())),
        Decision::WantBody(_) => (DecisionKind::WantBody, Cow::Borrowed("")),
    }
}

pub(super) fn describe_target(target: &Target) -> (DecisionKind, Cow<'static, str>) {
    match target {
        Target::Backend(name) => (DecisionKind::Route, Cow::Owned(String::from(&**name))),
        Target::Subset(_) => (DecisionKind::Route, Cow::Borrowed("subset")),
    }
}

/// What a decision means for the exchange; `None` to go on with the next policy.
pub(super) fn step(decision: Decision, target: &mut Option<Target>, exchange: &mut Exchange) -> Option<Step> {
    match decision {
        Decision::Next => None,
        Decision::Route(chosen) => {
            if let Target::Backend(name) = &chosen {
                exchange.backend = Some(name.clone());
            }
            *target = Some(chosen);
            None
        }
        Decision::Redirect(reply) | Decision::Respond(reply) | Decision::Deny { reply, .. } => {
            Some(Step::Reply(*reply))
        }
        Decision::WantBody(demand) => Some(Step::WantBody(demand)),
    }
}

/// The response phase of every policy that left something for it, from the last; from where it was held, if it was.
pub(super) fn respond(run: &mut Run, instances: &mut Instances, exchange: &mut Box<Exchange>) -> ResponseStep {
    let mut left = run.response.left.unwrap_or(run.kept.len());
    while let Some(position) = left.checked_sub(1) {
        left = position;
        run.response.left = Some(left);
        let Some(member) = run.kept.get(position).filter(|kept| !kept.serves).map(|kept| kept.member) else { break };
        let (before, decided) = (instances.explains().then(|| Before::of(exchange)), run.decided.len());
        let done = respond_one(run, position, instances, exchange)
            .and_then(|()| run.respond_session(position, instances, exchange));
        if run.decided.len() > decided {
            run.explain(member, before, exchange);
        }
        match done {
            Ok(true) => {}
            Ok(false) => return ResponseStep::Pause(run.response.body.take()),
            Err(failure) => {
                if let Some((name, failure)) = run.fail(member, failure, instances) {
                    return ResponseStep::Fail(name, failure);
                }
            }
        }
    }
    match (run.response.body.take(), exchange.response.as_mut()) {
        (Some(body), Some(head)) => {
            ResponseStep::Replace(Reply { status: head.status, headers: std::mem::take(&mut head.headers), body })
        }
        _ => ResponseStep::Forward,
    }
}

/// The edits that a member left, then its call.
fn respond_one(
    run: &mut Run,
    position: usize,
    instances: &mut Instances,
    exchange: &mut Box<Exchange>,
) -> Result<(), Failure> {
    let (Some(kept), Some(head)) = (run.kept.get_mut(position), exchange.response.as_mut()) else { return Ok(()) };
    kept.response_edits.fit(&head.headers)?;
    std::mem::take(&mut kept.response_edits).apply(&mut head.headers);
    let Some(policy) = run.chain.members.get(kept.member).and_then(|member| member.loaded.as_ref()) else {
        return Ok(());
    };
    if !kept.follow_response || policy.native().is_none_or(|native| native.exports.response.is_none()) {
        return Ok(());
    }
    let carry = std::mem::take(&mut kept.carry);
    let mut outcome = None;
    let called = instances.call(policy, exchange, |i| {
        let Some(function) = &i.response else { return Ok(()) };
        outcome = Some(function.call(&mut i.store, (carry,))?.0);
        Ok(())
    })?;
    let (Some(head), Some(outcome)) = (exchange.response.as_mut(), outcome) else { return Ok(()) };
    let outcome = outcome::response(outcome, &head.headers)?;
    kept.carry = outcome.carry;
    let kind = if outcome.replace.is_some() { DecisionKind::Replace } else { DecisionKind::Next };
    if let Some(reply) = outcome.replace {
        *head = ResponseHead { status: reply.status, headers: reply.headers, ended: reply.body.is_empty() };
        run.response.body = Some(reply.body);
        run.joined.clear();
    }
    outcome.edits.apply(&mut head.headers);
    if let Some(tally) = instances.tally(policy) {
        tally.decision(kind);
    }
    let decided = decided(called.name, kind, Cow::Borrowed(""), called.reads, called.nanoseconds);
    run.decided.push(Decided { member: kept.member, ..decided });
    Ok(())
}

/// The last phase: its failures are counted and change nothing.
pub(super) fn complete(run: &mut Run, instances: &mut Instances, exchange: &mut Box<Exchange>, summary: &Summary) {
    run.complete_sessions(instances, exchange, summary);
    for kept in run.kept.iter_mut().rev().filter(|kept| kept.follow_complete) {
        let Some(policy) = run.chain.members.get(kept.member).and_then(|member| member.loaded.as_ref()) else {
            continue;
        };
        if policy.native().is_none_or(|native| native.exports.complete.is_none()) {
            continue;
        }
        let (summary, carry) = (lower(summary), std::mem::take(&mut kept.carry));
        let called = instances.call(policy, exchange, |i| match &i.complete {
            Some(function) => function.call(&mut i.store, (summary, carry)),
            None => Ok(()),
        });
        if let (Err(failure), Some(tally)) = (called, instances.tally(policy)) {
            tally.failure(&failure);
        }
    }
}

fn lower(summary: &Summary) -> bindings::Summary {
    bindings::Summary {
        status: summary.status,
        duration_us: summary.duration_us,
        upstream_us: summary.upstream_us,
        bytes_in: summary.bytes_in,
        bytes_out: summary.bytes_out,
        backend: summary.backend.as_deref().map(str::to_owned),
        retries: summary.retries,
        error: summary.error.map(str::to_owned),
    }
}
