//! Exchanges that a guest of wasi:http serves: its requests go on to the rest of the chain and the backend, its answer to the
//! members before it.
//!
//! The guest runs in a task of the worker, beside whatever the exchange waits for; so do the bodies on their way to it. All of
//! them end with the exchange.

mod asking;
mod flowing;
mod guest;

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use cardea_policy::{Answer, Event, Outflow, Outgoing, Step};
use http::Response;

use asking::{give, unanswered};
pub use flowing::Flowing;
use guest::{Guest, begin};

use super::policies::{self, Policies};
use super::reply::{Pause, Payload};
use super::{Asked, follow, settle};
use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::Outbound;

/// What came of it.
pub enum Served {
    Answer(Response<Payload>),
    /// The guest failed and is skipped: the rest of the chain has the exchange as it was.
    Skipped(Box<Asked>, Step),
}

/// Serves the exchange from a member on.
pub async fn serve(
    client: &Rc<Client>,
    mut asked: Box<Asked>,
    member: usize,
    record: &mut Record,
) -> Result<Served, Failure> {
    // A guest can neither switch protocols nor hear of it.
    asked.head.upgrade = None;
    let mut guest = match begin(client, &mut asked, member, record) {
        Ok(guest) => guest,
        Err(failure) => return skip(client, asked, member, failure, record),
    };
    match guest.next().await {
        Ok(Event::Forward(outgoing)) => forwarded(client, guest, asked, outgoing, record).await,
        Err(failure) => {
            let Some((body, _)) = guest.body.take() else {
                return Err(guest.fault().unwrap_or_else(|| lost(client, member, failure, record)));
            };
            drop(guest);
            asked.body = body;
            skip(client, asked, member, failure, record)
        }
        event => last(client, guest, event, record),
    }
}

/// The guest sends the exchange on: the rest is another exchange within this one, whose answer the guest hears. It may also
/// answer before.
async fn forwarded(
    client: &Rc<Client>,
    mut guest: Guest,
    mut asked: Box<Asked>,
    outgoing: Outgoing,
    record: &mut Record,
) -> Result<Served, Failure> {
    let member = guest.member;
    let (request, waits) = outgoing.take();
    let (parts, body) = request.into_parts();
    asked.body = if body.is_ended() { Outbound::Empty } else { Outbound::Served(body) };
    let ended = matches!(asked.body, Outbound::Empty);
    let taken = match &record.policies {
        Some(policies) => {
            let Policies { run, exchange, .. } = &mut *policies.borrow_mut();
            run.forwarded(member, parts, ended, exchange)
        }
        None => Err(cardea_policy::Failure::NotLoaded),
    };
    if let Err(failure) = taken {
        return Err(lost(client, member, failure, record));
    }
    let raced = {
        let rest = rest(client, asked, member, record)?;
        race(&mut guest, rest).await
    };
    match raced {
        Raced::Rest(answered) => hand_over(&mut guest, waits, answered, record),
        Raced::Guest(event) => return last(client, guest, event, record),
    }
    guest.timer.set(guest.timeout);
    let event = guest.next().await;
    last(client, guest, event, record)
}

type Rest<'a> = Pin<Box<dyn Future<Output = Result<Response<Payload>, Failure>> + 'a>>;

/// The way through the members after the guest, to the backend, and back to the guest.
fn rest<'a>(
    client: &'a Rc<Client>,
    mut asked: Box<Asked>,
    member: usize,
    record: &'a mut Record,
) -> Result<Rest<'a>, Failure> {
    let step = policies::go_on(client, &mut asked, record, |Policies { run, exchange, .. }, instances, allowed| {
        run.serve_on(member, instances, exchange, allowed)
    })?;
    let next = follow(client, *asked, step, record);
    Ok(Box::pin(settle(client, next, record)))
}

enum Raced {
    Rest(Result<Response<Payload>, Failure>),
    Guest(Result<Event, cardea_policy::Failure>),
}

/// Waits for the rest, while the guest goes on. Dropping the rest ends its request.
async fn race(guest: &mut Guest, mut rest: Rest<'_>) -> Raced {
    poll_fn(|cx| {
        if let Poll::Ready(answered) = rest.as_mut().poll(cx) {
            return Poll::Ready(Raced::Rest(answered));
        }
        guest.poll(cx).map(Raced::Guest)
    })
    .await
}

/// Gives the guest the answer that it waits for. What went wrong is the guest's to answer for.
fn hand_over(guest: &mut Guest, waits: Answer, answered: Result<Response<Payload>, Failure>, record: &Record) {
    let response = match answered {
        Ok(response) => response,
        Err(failure) => return waits.fail(unanswered(&failure)),
    };
    if let Some(policies) = &record.policies {
        policies.borrow_mut().run.heard(guest.member, &response);
    }
    if let Some(body) = give(response, waits) {
        guest.tasks.add(body);
    }
}

/// What a guest may do in the end: answer, or fail.
fn last(
    client: &Rc<Client>,
    guest: Guest,
    event: Result<Event, cardea_policy::Failure>,
    record: &mut Record,
) -> Result<Served, Failure> {
    if let Some(fault) = guest.fault() {
        return Err(fault);
    }
    match event {
        Ok(Event::Reply(reply)) => answer(client, guest, reply, record).map(Served::Answer),
        Ok(_) => Err(lost(client, guest.member, cardea_policy::Failure::HostCalls, record)),
        Err(failure) => Err(lost(client, guest.member, failure, record)),
    }
}

/// The guest's answer, as the members before it hear of it.
fn answer(
    client: &Rc<Client>,
    guest: Guest,
    reply: Response<Outflow>,
    record: &mut Record,
) -> Result<Response<Payload>, Failure> {
    let member = guest.member;
    let (mut parts, body) = reply.into_parts();
    let accepted = match &record.policies {
        Some(policies) => policies::visit(&client.worker, &mut policies.borrow_mut(), |policies, instances| {
            policies.run.replied(member, &mut parts, &guest.service, instances)
        }),
        None => Err(cardea_policy::Failure::NotLoaded),
    };
    match accepted {
        Ok(()) => Ok(Response::from_parts(parts, payload(client, guest, body, record))),
        Err(failure) => Err(lost(client, member, failure, record)),
    }
}

fn payload(client: &Client, guest: Guest, body: Outflow, record: &Record) -> Payload {
    let Some(policies) = record.policies.as_ref().filter(|_| !body.is_ended()) else { return Payload::Empty };
    let pause = Pause::new(Timer::new(&client.worker.timers), client.worker.settings().body_timeout);
    Payload::Served(Box::new(Flowing { body, pause, guest, policies: Rc::clone(policies) }))
}

/// A failure with which nothing of the exchange is lost: the policy may be skipped.
fn skip(
    client: &Rc<Client>,
    mut asked: Box<Asked>,
    member: usize,
    failure: cardea_policy::Failure,
    record: &mut Record,
) -> Result<Served, Failure> {
    if let Some(failure) = unserved(client, member, failure, true, record) {
        return Err(failure);
    }
    let step = policies::go_on(client, &mut asked, record, |Policies { run, exchange, .. }, instances, allowed| {
        run.serve_on(member, instances, exchange, allowed)
    })?;
    Ok(Served::Skipped(asked, step))
}

/// A failure that costs the exchange, whatever the failure mode.
fn lost(client: &Rc<Client>, member: usize, failure: cardea_policy::Failure, record: &Record) -> Failure {
    unserved(client, member, failure, false, record).unwrap_or(Failure::ClientGone)
}

fn unserved(
    client: &Rc<Client>,
    member: usize,
    failure: cardea_policy::Failure,
    whole: bool,
    record: &Record,
) -> Option<Failure> {
    let policies = record.policies.as_ref()?;
    let failed = policies::visit(&client.worker, &mut policies.borrow_mut(), |policies, instances| {
        policies.run.unserved(member, failure, whole, instances)
    });
    failed.map(|(name, failure)| Failure::Policy(name, failure))
}
