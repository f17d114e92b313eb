//! One request's life, from its head to the head of its answer. Read this first.
//!
//! Infallible: every [`Failure`] becomes an answer in [`answer`] and nowhere else. A request sees one generation, which it
//! pins here. Its [`Record`] travels with the answer's body and is written when that ends.

pub mod forward;
pub mod normalize;
pub mod policies;
pub mod reply;
pub mod upgrade;

use std::convert::Infallible;
use std::rc::Rc;

use cardea_model::snapshot::{Action, Route};
use http::{Request, Response};
use hyper::body::{Body, Incoming};

use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Inbound, Outbound};
use crate::upstream::{self, Call};
use crate::worker::Pinned;
use normalize::Head;
use policies::{Policies, Verdict};
use reply::{Payload, ReplyBody};

/// Answers one request.
pub async fn answer(client: Rc<Client>, request: Request<Incoming>) -> Result<Response<ReplyBody>, Infallible> {
    let mut record = Record::start(&client, &request);
    let response = match serve(&client, request, &mut record).await {
        Ok(response) => response,
        Err(failure) => reply::failed(failure, &mut record),
    };
    Ok(reply::with_record(response, record))
}

async fn serve(
    client: &Rc<Client>,
    request: Request<Incoming>,
    record: &mut Record,
) -> Result<Response<Payload>, Failure> {
    let pinned = Rc::clone(&record.pinned);
    let worker = &client.worker;
    let (parts, incoming) = request.into_parts();
    let mut head = normalize::head(client, parts, record)?;
    let route = find(&pinned, &head, record)?;
    let mut body = outbound(client, route, incoming, record)?;
    let timer = Timer::new(&worker.timers);

    record.policies = Policies::of(&pinned, route);
    let target = match policies::on_request(client, &pinned, route, &mut head, &mut body, &timer, record).await? {
        Verdict::Forward(target) => target,
        Verdict::Reply(reply) => return policies::on_response(worker, reply::from_policy(reply), record),
    };

    let chosen = policies::resolve(&pinned, route, target.as_ref())?;
    let (backend, spec) = pinned.backend(worker, chosen.backend).ok_or(Failure::NoEndpoints)?;
    record.backend(backend);
    let call = Call {
        backend,
        protocol: spec.protocol,
        subset: chosen.subset,
        settings: worker.settings(),
        request_timeout: route.options.request_timeout.unwrap_or(worker.settings().request_timeout),
        timer: &timer,
    };
    let upgrade = head.upgrade.clone();
    let outgoing = forward::request(client, head, spec.protocol, body, record);
    let sent = upstream::send(&call, outgoing, &mut record.trace).await;
    record.answered();
    let response = upgrade::admit(client, upgrade.as_ref(), sent?, timer).await?;
    policies::on_response(worker, forward::response(response), record)
}

/// The route of a request; one that cannot be served says why.
fn find<'a>(pinned: &'a Pinned, head: &Head, record: &mut Record) -> Result<&'a Route, Failure> {
    let generation = &pinned.generation;
    let id = generation.snapshot.index.find(head.host(), head.parts.uri.path()).ok_or(Failure::NoRoute)?;
    let route = generation.route(id).ok_or(Failure::NoRoute)?;
    record.route(id);
    match &route.action {
        Action::Forward(_) => Ok(route),
        Action::Unavailable(why) => Err(Failure::Unavailable(std::sync::Arc::clone(why))),
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
