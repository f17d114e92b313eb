//! The policies of a route around one exchange: before the backend, after it, and at the end.
//!
//! The request's head is the policies' while they run and goes back into the exchange afterwards; a copy stays only
//! where a later phase is wanted.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use cardea_model::snapshot::{Action, BackendId, Route};
use cardea_policy::{Beside, BodyDemand, Exchange, ResponseHead, ResponseStep, Run, Step, Summary, Target};
use http::{Request, Response};

use super::Asked;
use super::forward::{self, Identity};
use super::normalize::Head;
use super::reply::{self, Payload};
use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Inbound, Outbound};
use crate::worker::{Pinned, Worker};

/// The chain of one exchange, and what it is told of it.
#[derive(Debug)]
pub struct Policies {
    pub run: Run,
    exchange: Box<Exchange>,
}

/// Runs the request phases, up to the first that is not the policies' own to decide.
pub fn on_request(client: &Client, pinned: &Pinned, route: &Route, head: &mut Head, record: &mut Record) -> Step {
    let Some(chain) = pinned.generation.chain(route) else { return Step::Forward };
    let identity = forward::identify(client, head);
    record.identify(&identity, head);
    let mut policies = Box::new(Policies {
        run: Run::new(Arc::clone(chain)),
        exchange: Box::new(lend(client, route, head, identity)),
    });
    let allowed = |name: &str| find_backend(pinned, route, name).is_some();
    let Policies { run, exchange } = &mut *policies;
    let step = run.on_request(&mut client.worker.instances.borrow_mut(), exchange, &allowed);
    record.policies = Some(policies);
    step
}

/// The head, as the policies have it while they run, with what is known of the client.
fn lend(client: &Client, route: &Route, head: &mut Head, identity: Identity) -> Exchange {
    Exchange {
        request: std::mem::replace(&mut head.parts, Request::new(()).into_parts().0),
        beside: identity.beside,
        authority: head.authority.clone(),
        raw_path: head.raw_path.take(),
        client: identity.client,
        scheme: identity.scheme,
        peer: Arc::clone(&client.peer),
        route: Arc::clone(&route.name),
        backend: None,
        response: None,
        notes: Vec::new(),
    }
}

/// Reads the body that a policy wants to see, and goes on with it.
pub async fn with_body(
    client: &Rc<Client>,
    mut asked: Box<Asked>,
    demand: BodyDemand,
    record: &mut Record,
) -> Result<(Box<Asked>, Step), Failure> {
    let (bytes, complete) = buffer(client, &mut asked.body, demand).await?;
    let pinned = Rc::clone(&record.pinned);
    let route = pinned.generation.route(asked.route).ok_or(Failure::NoRoute)?;
    let Some(policies) = &mut record.policies else { return Ok((asked, Step::Forward)) };
    let allowed = |name: &str| find_backend(&pinned, route, name).is_some();
    let Policies { run, exchange } = &mut **policies;
    let step = run.on_request_body(&mut client.worker.instances.borrow_mut(), exchange, &allowed, &bytes, complete);
    Ok((asked, step))
}

/// Ends the request phases: the head goes back, with whatever the policies made of it. Gives the target they chose.
pub fn give_back(head: &mut Head, record: &mut Record) -> Option<Target> {
    let policies = record.policies.as_mut()?;
    policies.give_back(head);
    policies.run.target.take()
}

impl Policies {
    /// The fields beside the head; a copy stays if later phases want it.
    pub fn give_beside(&mut self) -> Beside {
        let beside = &mut self.exchange.beside;
        if self.run.wants_response() || self.run.wants_complete() { beside.clone() } else { std::mem::take(beside) }
    }

    /// Takes the head back, with whatever the policies made of it; a copy stays if later phases want it.
    fn give_back(&mut self, head: &mut Head) {
        if self.exchange.authority != head.authority {
            head.authority = self.exchange.authority.clone();
            head.host_stays = false;
            self.exchange.request.headers.remove(http::header::HOST);
        }
        if self.run.wants_response() || self.run.wants_complete() {
            head.parts = copy(&self.exchange.request);
        } else {
            std::mem::swap(&mut self.exchange.request, &mut head.parts);
        }
    }
}

fn copy(parts: &http::request::Parts) -> http::request::Parts {
    let mut copy = Request::new(()).into_parts().0;
    copy.method = parts.method.clone();
    copy.uri = parts.uri.clone();
    copy.version = parts.version;
    copy.headers = parts.headers.clone();
    copy
}

/// Reads up to the demanded bytes, and leaves `body` to give the same bytes again.
async fn buffer(client: &Client, body: &mut Outbound, demand: BodyDemand) -> Result<(Bytes, bool), Failure> {
    let mut inbound = match std::mem::replace(body, Outbound::Empty) {
        Outbound::Empty => return Ok((Bytes::new(), true)),
        Outbound::Stream(inbound) => inbound,
        Outbound::Replayed(first, rest) => {
            // A second policy wants the body: it sees what was read for the first.
            let bytes = first.clone().unwrap_or_default();
            let complete = rest.is_none();
            *body = Outbound::Replayed(first, rest);
            return Ok((bytes, complete));
        }
    };
    let bytes_max = demand.bytes_max as usize;
    let (read, ended) = read(client, &mut inbound, bytes_max).await?;
    if !ended && demand.deny_on_overflow {
        return Err(Failure::BodyTooLarge(u64::from(demand.bytes_max)));
    }
    let seen = read.slice(..read.len().min(bytes_max));
    *body = Outbound::Replayed((!read.is_empty()).then_some(read), (!ended).then_some(inbound));
    Ok((seen, ended))
}

/// Reads until the body ends or more than `bytes_max` are here; each pause is bounded.
async fn read(client: &Client, inbound: &mut Inbound, bytes_max: usize) -> Result<(Bytes, bool), Failure> {
    let timer = Timer::new(&client.worker.timers);
    let mut read = BytesMut::new();
    loop {
        timer.set(client.worker.settings().body_timeout);
        let frame = poll_fn(|cx| match inbound.poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => timer.poll(cx).map(|()| Err(Failure::RequestTimeout)),
        });
        match frame.await? {
            None => return Ok((read.freeze(), true)),
            Some(Err(_)) => return Err(inbound.upload.fault().unwrap_or(Failure::ClientGone)),
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
        }
        if read.len() > bytes_max {
            return Ok((read.freeze(), false));
        }
    }
}

/// What a target means on this route: a backend, and the labels that its endpoint must carry.
pub fn resolve(
    pinned: &Pinned,
    route: &Route,
    target: Option<Target>,
) -> Result<(BackendId, Vec<(String, String)>), Failure> {
    match target {
        None => own_backend(route).map(|own| (own, Vec::new())),
        Some(Target::Subset(labels)) => own_backend(route).map(|own| (own, labels)),
        Some(Target::Backend(name)) => find_backend(pinned, route, &name).map(|backend| (backend, Vec::new())),
    }
    .ok_or(Failure::NoEndpoints)
}

fn own_backend(route: &Route) -> Option<BackendId> {
    match route.action {
        Action::Forward(backend) => Some(backend),
        Action::Unavailable(_) => None,
    }
}

/// A backend that the route declares by name, or its own by its Service's name.
fn find_backend(pinned: &Pinned, route: &Route, name: &str) -> Option<BackendId> {
    if let Ok(index) = route.named.binary_search_by(|(known, _)| (**known).cmp(name)) {
        return route.named.get(index).map(|(_, backend)| *backend);
    }
    own_backend(route)
        .filter(|own| pinned.generation.backend(*own).is_some_and(|backend| *backend.key.service == *name))
}

/// Runs the response phases, where any is wanted.
pub fn on_response(
    worker: &Worker,
    response: Response<Payload>,
    record: &mut Record,
) -> Result<Response<Payload>, Failure> {
    let Some(policies) = record.policies.as_mut().filter(|policies| policies.run.wants_response()) else {
        return Ok(response);
    };
    let Policies { run, exchange } = &mut **policies;
    let (mut parts, payload) = response.into_parts();
    exchange.response = Some(ResponseHead { status: parts.status, headers: std::mem::take(&mut parts.headers) });
    let step = run.on_response(&mut worker.instances.borrow_mut(), exchange);
    match step {
        ResponseStep::Fail(policy, failure) => Err(Failure::Policy(policy, failure)),
        ResponseStep::Replace(reply) => Ok(reply::from_policy(reply)),
        ResponseStep::Forward => {
            if let Some(head) = exchange.response.take() {
                parts.status = head.status;
                parts.headers = head.headers;
            }
            Ok(Response::from_parts(parts, payload))
        }
    }
}

/// Tells those who asked how it went.
pub fn on_complete(worker: &Rc<Worker>, policies: &mut Policies, summary: &Summary) {
    if policies.run.wants_complete() {
        policies.run.on_complete(&mut worker.instances.borrow_mut(), &mut policies.exchange, summary);
    }
}
