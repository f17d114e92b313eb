//! The policies of a route around one exchange: before the backend, after it, and at the end.
//!
//! The request's head is the policies' while they run and goes back into the exchange afterwards; a copy stays only
//! where a later phase is wanted.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cardea_model::snapshot::{Action, BackendId, Route};
use cardea_policy::{
    Beside, BodyDemand, Exchange, Instances, Reply, ResponseHead, ResponseStep, Run, Side, Step, Summary, Target,
};
use http::{Request, Response, header};

use super::Asked;
use super::callout;
use super::filter::{self, Broken, Filter};
use super::forward::{self, Identity};
use super::normalize::Head;
use super::reply::{self, Payload};
use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Filtered, Outbound};
use crate::worker::{Pinned, Worker};

/// The chain of one exchange, and what it is told of it. The exchange's record has it, and bodies that a policy hears of.
#[derive(Debug)]
pub struct Policies {
    pub run: Run,
    pub exchange: Box<Exchange>,
    /// For how long a policy may hold a head, or what is here of a body.
    pub patience: Duration,
    /// What a policy made of the exchange while its request's body was on the way.
    pub instead: Option<Broken>,
}

/// Calls policies, and makes the calls that they ask for.
pub fn visit<R>(
    worker: &Rc<Worker>,
    policies: &mut Policies,
    call: impl FnOnce(&mut Policies, &mut Instances) -> R,
) -> R {
    let mut instances = worker.instances.borrow_mut();
    let result = call(policies, &mut instances);
    callout::start(worker, &mut instances);
    result
}

/// Runs the request phases, up to the first that is not the policies' own to decide.
pub fn on_request(
    client: &Client,
    pinned: &Pinned,
    route: &Route,
    head: &mut Head,
    body: &mut Outbound,
    record: &mut Record,
) -> Step {
    let Some(chain) = pinned.generation.chain(route) else { return Step::Forward };
    let identity = forward::identify(client, head);
    record.identify(&identity, head);
    let mut exchange = Box::new(lend(client, route, head, identity));
    exchange.ended = matches!(body, Outbound::Empty);
    let policies = Rc::new(RefCell::new(Policies {
        run: Run::new(Arc::clone(chain)),
        exchange,
        patience: route.options.request_timeout.unwrap_or(client.worker.settings().request_timeout),
        instead: None,
    }));
    let allowed = |name: &str| find_backend(pinned, route, name).is_some();
    let step = visit(&client.worker, &mut policies.borrow_mut(), |Policies { run, exchange, .. }, instances| {
        run.on_request(instances, exchange, &allowed)
    });
    join(&client.worker, &policies, body);
    record.policies = Some(policies);
    step
}

/// Sends the body through the policies that hear of it from here on.
pub fn join(worker: &Rc<Worker>, policies: &Rc<RefCell<Policies>>, body: &mut Outbound) {
    let joined = policies.borrow_mut().run.take_joined();
    for member in joined {
        let filter = Filter::new(member, Side::Request, policies, worker).of(body.upload());
        let inner = std::mem::replace(body, Outbound::Empty);
        *body = Outbound::Filtered(Box::new(Filtered { filter, body: inner }));
    }
}

/// The rest of the request phases, from where a policy waited.
pub fn go_on(
    client: &Client,
    asked: &mut Asked,
    record: &mut Record,
    go_on: impl FnOnce(&mut Policies, &mut Instances, &dyn Fn(&str) -> bool) -> Step,
) -> Result<Step, Failure> {
    let pinned = Rc::clone(&record.pinned);
    let route = pinned.generation.route(asked.route).ok_or(Failure::NoRoute)?;
    let Some(policies) = &record.policies else { return Ok(Step::Forward) };
    let allowed = |name: &str| find_backend(&pinned, route, name).is_some();
    let step =
        visit(&client.worker, &mut policies.borrow_mut(), |policies, instances| go_on(policies, instances, &allowed));
    join(&client.worker, policies, &mut asked.body);
    Ok(step)
}

/// What is answered when the request did not get through: a policy's reply, or the failure that it was, or `failure`.
pub fn instead(record: &Record, failure: Failure) -> Result<Reply, Failure> {
    let told = record.policies.as_ref().and_then(|policies| policies.borrow_mut().instead.take());
    match told {
        Some(Broken::Reply(reply)) => Ok(*reply),
        Some(Broken::Failed(told)) => Err(told),
        None => Err(failure),
    }
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
        ended: true,
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
    let buffered = buffer(client, &mut asked.body, demand).await;
    let (bytes, complete) = match buffered {
        Ok(buffered) => buffered,
        Err(failure) => return Ok((asked, Step::Reply(instead(record, failure)?))),
    };
    let step = go_on(client, &mut asked, record, |Policies { run, exchange, .. }, instances, allowed| {
        run.on_request_body(instances, exchange, allowed, &bytes, complete)
    })?;
    Ok((asked, step))
}

/// Ends the request phases: the head goes back, with whatever the policies made of it. Gives the target they chose.
pub fn give_back(head: &mut Head, record: &mut Record) -> Option<Target> {
    let mut policies = record.policies.as_ref()?.borrow_mut();
    policies.give_back(head);
    policies.run.target.take()
}

impl Policies {
    pub fn name(&self, member: usize) -> Arc<str> {
        self.run.chain.members.get(member).map_or_else(|| Arc::from(""), |member| Arc::clone(&member.name))
    }

    /// Most body that a member may hold.
    pub fn body_bytes_max(&self, member: usize) -> u64 {
        self.run.chain.members.get(member).map_or(0, |member| u64::from(member.spec.limits.body_bytes_max))
    }

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
        inbound @ (Outbound::Stream(_) | Outbound::Filtered(_) | Outbound::Served(_) | Outbound::Own(..)) => inbound,
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
    *body = Outbound::Replayed((!read.is_empty()).then_some(read), (!ended).then(|| Box::new(inbound)));
    Ok((seen, ended))
}

/// Reads until the body ends or more than `bytes_max` are here; each pause is bounded.
async fn read(client: &Client, inbound: &mut Outbound, bytes_max: usize) -> Result<(Bytes, bool), Failure> {
    let timer = Timer::new(&client.worker.timers);
    let mut read = BytesMut::new();
    loop {
        timer.set(client.worker.settings().body_timeout);
        let frame = poll_fn(|cx| match inbound.poll(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => timer.poll(cx).map(|()| Err(Failure::RequestTimeout)),
        });
        match frame.await? {
            None => return Ok((read.freeze(), true)),
            Some(Err(_)) => {
                return Err(inbound.upload().and_then(|upload| upload.fault()).unwrap_or(Failure::ClientGone));
            }
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
    .ok_or_else(|| unanswered(pinned, route))
}

/// A route without a backend of its own, whose last policy should have answered.
fn unanswered(pinned: &Pinned, route: &Route) -> Failure {
    let chain = pinned.generation.chain(route).filter(|_| route.action == Action::Answer);
    match chain.and_then(|chain| chain.members.last()) {
        Some(last) => Failure::Policy(Arc::clone(&last.name), cardea_policy::Failure::NoAnswer(String::from(GOES_ON))),
        None => Failure::NoEndpoints,
    }
}

const GOES_ON: &str = "is the backend of the route, and did not answer";

fn own_backend(route: &Route) -> Option<BackendId> {
    match route.action {
        Action::Forward(backend) => Some(backend),
        Action::Answer | Action::Unavailable(_) => None,
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
pub fn on_response(worker: &Rc<Worker>, response: Response<Payload>, record: &Record) -> Result<Answered, Failure> {
    let Some(policies) = record.policies.as_ref().filter(|policies| policies.borrow().run.wants_response()) else {
        return Ok(Answered::Whole(response));
    };
    let (mut parts, payload) = response.into_parts();
    let headers = std::mem::take(&mut parts.headers);
    let head = ResponseHead { status: parts.status, headers, ended: filter::Body::is_end_stream(&payload) };
    policies.borrow_mut().exchange.response = Some(head);
    let step = visit(worker, &mut policies.borrow_mut(), |Policies { run, exchange, .. }, instances| {
        run.on_response(instances, exchange)
    });
    answered(worker, policies, step, Response::from_parts(parts, payload))
}

/// An answer after the response phases, or as far as they came.
pub enum Answered {
    Whole(Response<Payload>),
    /// A policy holds the head.
    Held(Box<Response<Payload>>),
}

/// What a step of the response phases makes of the answer. Its head is the exchange's until it is whole.
pub fn answered(
    worker: &Rc<Worker>,
    policies: &Rc<RefCell<Policies>>,
    step: ResponseStep,
    response: Response<Payload>,
) -> Result<Answered, Failure> {
    let (mut parts, mut payload) = response.into_parts();
    let mut held = false;
    match step {
        ResponseStep::Fail(policy, failure) => return Err(Failure::Policy(policy, failure)),
        ResponseStep::Replace(reply) => (parts, payload) = reply::from_policy(reply).into_parts(),
        ResponseStep::Pause(replaced) => {
            held = true;
            payload = replaced.map_or(payload, Payload::Whole);
        }
        ResponseStep::Forward => {
            if let Some(head) = policies.borrow_mut().exchange.response.take() {
                parts.status = head.status;
                parts.headers = head.headers;
            }
        }
    }
    let joined = policies.borrow_mut().run.take_joined();
    for member in joined {
        let filter = Filter::new(member, Side::Response, policies, worker);
        payload = Payload::Filtered(Box::new(reply::Filtered { filter, payload }));
    }
    if matches!(payload, Payload::Filtered(_)) {
        // The policy may change the body.
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let response = Response::from_parts(parts, payload);
    Ok(if held { Answered::Held(Box::new(response)) } else { Answered::Whole(response) })
}

/// Tells those who asked how it went.
pub fn on_complete(worker: &Rc<Worker>, policies: &mut Policies, summary: &Summary) {
    if policies.run.wants_complete() {
        visit(worker, policies, |Policies { run, exchange, .. }, instances| {
            run.on_complete(instances, exchange, summary)
        });
    }
}
