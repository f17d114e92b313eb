//! One request's life, from its head to the head of its answer. Read this first.
//!
//! Infallible: every [`Failure`] becomes an answer in [`answer`] and nowhere else. A request sees one generation, which its
//! [`Record`] pins; the record travels with the answer's body and is written when that ends.
//!
//! Everything up to the backend's socket is plain calls on one stack ([`ask`], [`forward`]); only waiting is async. That keeps
//! the future of a request small, and a request without policies or body waits exactly once.

pub mod callout;
pub mod filter;
pub mod forward;
pub mod held;
pub mod normalize;
pub mod policies;
pub mod reply;
pub mod served;
pub mod upgrade;

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use cardea_model::snapshot::{Action, Route, RouteId};
use cardea_policy::{BodyDemand, Reply, Step};
use http::header::HeaderValue;
use http::{Request, Response};
use hyper::body::{Body, Incoming};

use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Inbound, Outbound};
use crate::upstream::{self, Call, Started};
use crate::worker::Pinned;
use normalize::Head;
use policies::Answered;
use reply::{Payload, ReplyBody};
use served::Served;

/// Answers one request.
pub async fn answer(client: Rc<Client>, request: Request<Incoming>) -> Result<Response<ReplyBody>, Infallible> {
    let mut record = Record::start(&client, &request);
    let response = match serve(&client, request, &mut record).await {
        Ok(response) => response,
        Err(failure) => reply::failed(failure, &mut record),
    };
    Ok(reply::with_record(response, record))
}

/// Asks, then waits for what must be waited for: a body that a policy wants, the backend; and hears the policies again.
fn serve<'a>(
    client: &'a Rc<Client>,
    request: Request<Incoming>,
    record: &'a mut Record,
) -> impl Future<Output = Result<Response<Payload>, Failure>> + use<'a> {
    let asked = ask(client, request, record).and_then(|(asked, step)| follow(client, asked, step, record));
    // From here on, so that the request is not part of what waits.
    settle(client, asked, record)
}

/// Waits for what comes after a verdict, up to an answer that the policies have heard of.
async fn settle(
    client: &Rc<Client>,
    next: Result<Next, Failure>,
    record: &mut Record,
) -> Result<Response<Payload>, Failure> {
    let mut next = next?;
    let response = loop {
        next = match next {
            Next::Reply(reply) => break reply::from_policy(reply),
            Next::Body(asked, demand) => {
                let (asked, step) = Box::pin(policies::with_body(client, asked, demand, record)).await?;
                follow(client, *asked, step, record)?
            }
            Next::Held(asked) => {
                let (asked, step) = Box::pin(held::request(client, asked, record)).await?;
                follow(client, *asked, step, record)?
            }
            Next::Served(asked, member) => match Box::pin(served::serve(client, asked, member, record)).await? {
                Served::Answer(response) => break response,
                Served::Skipped(asked, step) => follow(client, *asked, step, record)?,
            },
            Next::Sent(Sent { call, started, upgrade }) => {
                let answer = started.finish(&call, &mut record.trace).await;
                record.answered();
                match answer {
                    Ok(answer) => break forward::response(upgrade::admit(client, upgrade, answer, call.timer)?),
                    Err(failure) => Next::Reply(policies::instead(record, failure)?),
                }
            }
        };
    };
    match policies::on_response(&client.worker, response, record)? {
        Answered::Whole(response) => Ok(response),
        Answered::Held(response) => Box::pin(held::answer(client, *response, record)).await,
    }
}

/// A request that was understood, on its way through the policies.
pub struct Asked {
    pub head: Head,
    pub body: Outbound,
    pub route: RouteId,
}

/// What comes after a verdict of the policies.
pub enum Next {
    /// A policy wants to see the body first.
    Body(Box<Asked>, BodyDemand),
    Reply(Reply),
    /// A policy holds the head.
    Held(Box<Asked>),
    /// A guest serves the exchange, as that member of the chain.
    Served(Box<Asked>, usize),
    /// On its way to the backend.
    Sent(Sent),
}

pub struct Sent {
    call: Call,
    started: Started,
    upgrade: Option<HeaderValue>,
}

/// What the request means, and the first verdict of its policies.
#[inline(always)]
fn ask(client: &Rc<Client>, request: Request<Incoming>, record: &mut Record) -> Result<(Asked, Step), Failure> {
    let pinned = Rc::clone(&record.pinned);
    let (parts, incoming) = request.into_parts();
    let mut head = normalize::head(client, parts, record)?;
    let (id, route) = find(&pinned, &head, record)?;
    let mut body = outbound(client, route, incoming, record)?;
    let step = policies::on_request(client, &pinned, route, &mut head, &mut body, record);
    Ok((Asked { head, body, route: id }, step))
}

/// What comes of a verdict.
fn follow(client: &Rc<Client>, asked: Asked, step: Step, record: &mut Record) -> Result<Next, Failure> {
    match step {
        Step::Forward => forward(client, asked, record).map(Next::Sent),
        Step::Reply(reply) => Ok(Next::Reply(reply)),
        Step::WantBody(demand) => Ok(Next::Body(Box::new(asked), demand)),
        Step::Pause => Ok(Next::Held(Box::new(asked))),
        Step::Serve(member) => Ok(Next::Served(Box::new(asked), member)),
        Step::Fail(policy, failure) => Err(Failure::Policy(policy, failure)),
    }
}

/// Chooses the backend and starts the request towards it.
#[inline(always)]
fn forward(client: &Rc<Client>, asked: Asked, record: &mut Record) -> Result<Sent, Failure> {
    let pinned = Rc::clone(&record.pinned);
    let Asked { mut head, body, route } = asked;
    let route = pinned.generation.route(route).ok_or(Failure::NoRoute)?;
    let target = policies::give_back(&mut head, record);
    let (backend, subset) = policies::resolve(&pinned, route, target)?;
    let (backend, spec) = pinned.backend(&client.worker, backend).ok_or(Failure::NoEndpoints)?;
    record.backend(backend);
    let call = Call {
        worker: Rc::clone(&client.worker),
        backend: Rc::clone(backend),
        subset,
        connect_timeout: client.worker.settings().connect_timeout,
        request_timeout: route.options.request_timeout.unwrap_or(client.worker.settings().request_timeout),
        timer: Timer::new(&client.worker.timers),
    };
    let upgrade = head.upgrade.take();
    let outgoing = forward::request(client, head, upgrade.as_ref(), spec.protocol, body, record);
    let started = upstream::start(&call, outgoing, &mut record.trace)?;
    Ok(Sent { call, started, upgrade })
}

/// The route of a request; one that cannot be served says why.
fn find<'a>(pinned: &'a Pinned, head: &Head, record: &mut Record) -> Result<(RouteId, &'a Route), Failure> {
    let generation = &pinned.generation;
    let id = generation.snapshot.index.find(head.host(), head.parts.uri.path()).ok_or(Failure::NoRoute)?;
    let route = generation.route(id).ok_or(Failure::NoRoute)?;
    record.route(id);
    match &route.action {
        Action::Forward(_) | Action::Answer => Ok((id, route)),
        Action::Unavailable(why) => Err(Failure::Unavailable(Arc::clone(why))),
    }
}

/// The request's body, bounded; a declared length above the bound is refused before a byte of it is read.
fn outbound(client: &Client, route: &Route, incoming: Incoming, record: &mut Record) -> Result<Outbound, Failure> {
    if incoming.is_end_stream() {
        return Ok(Outbound::Empty);
    }
    let bytes_max = route.options.body_bytes_max.or(client.worker.settings().body_bytes_max).unwrap_or(u64::MAX);
    if incoming.size_hint().lower() > bytes_max {
        return Err(Failure::BodyTooLarge(bytes_max));
    }
    let upload = Rc::default();
    record.upload = Some(Rc::clone(&upload));
    Ok(Outbound::Stream(Inbound { incoming, upload, bytes_max }))
}
