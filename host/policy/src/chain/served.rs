//! The chain's part in exchanges that a guest of wasi:http serves: what it sends on is checked like any policy's edits, and
//! so is its answer.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method, Request, Response, Uri, header, request, response};

use super::explain::{Before, Explained};
use super::{DecisionKind, Kept, Run, Step};
use crate::abi::wasi_http::outgoing::bounded;
use crate::abi::wasi_http::{Inflow, Service};
use crate::bindings::Edit;
use crate::exchange::{Exchange, ResponseHead};
use crate::failure::Failure;
use crate::fields;
use crate::instances::{Called, Instances};
use crate::outcome::{RequestEdits, invalid};
use crate::policy::Kind;

impl Run {
    /// Starts the guest of a member, with the exchange as it is; it may send that on unless it is the backend of the route. The
    /// future is the guest: poll it until it ends, or drop it.
    pub fn serve(
        &mut self,
        member: usize,
        instances: &mut Instances,
        exchange: &Exchange,
        body: Inflow,
        Given { length, onward }: Given,
    ) -> Result<(Service, impl Future<Output = ()> + use<>), Failure> {
        let policy = self.policy(member).ok_or(Failure::NotLoaded)?;
        let Kind::Server(server) = &policy.kind else { return Err(Failure::NotLoaded) };
        let pulse = instances.pulse();
        if let Some(tally) = instances.tally(&policy) {
            tally.created.add(1);
        }
        if instances.explains() {
            self.told.push(Told { member, before: Before::of(exchange), edits: Vec::new() });
        }
        server.serve(&policy, pulse, request_of(exchange, body, length)?, exchange.scheme, onward)
    }

    /// The guest sends its request on: it becomes the exchange's, within the rules.
    pub fn forwarded(
        &mut self,
        member: usize,
        parts: request::Parts,
        ended: bool,
        exchange: &mut Exchange,
    ) -> Result<(), Failure> {
        let policy = self.policy(member).ok_or(Failure::NotLoaded)?;
        if matches!(parts.method, Method::CONNECT | Method::TRACE) {
            return Err(invalid(format!("it sends {} on", parts.method)));
        }
        bounded(&parts.headers)?;
        target(&parts.uri, exchange)?;
        let granted = &policy.spec.grants.headers;
        replace_fields(parts.headers, granted, exchange);
        exchange.request.method = parts.method;
        exchange.ended = ended;
        self.kept.push(Kept { serves: true, ..Kept::of(member) });
        if let Some(told) = self.told.iter_mut().find(|told| told.member == member) {
            told.edits = told.before.edits(exchange);
        }
        Ok(())
    }

    /// The answer that the guest is about to hear.
    pub fn heard<B>(&mut self, member: usize, response: &Response<B>) {
        if let Some(told) = self.told.iter_mut().find(|told| told.member == member) {
            let (status, headers) = (response.status(), response.headers().clone());
            told.before.exchange.response = Some(ResponseHead { status, headers, ended: false });
        }
    }

    /// The rest of the request phases, after [`Self::forwarded`] or a guest that is skipped.
    pub fn serve_on(
        &mut self,
        member: usize,
        instances: &mut Instances,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Step {
        self.request_from(member + 1, instances, exchange, allowed)
    }

    /// The guest's answer; its fields are checked. The response phases go on with the members before it.
    pub fn replied(
        &mut self,
        member: usize,
        parts: &mut response::Parts,
        service: &Service,
        instances: &mut Instances,
    ) -> Result<(), Failure> {
        bounded(&parts.headers)?;
        if parts.status.is_informational() {
            return Err(invalid(format!("it answers {}", parts.status)));
        }
        let owned: Vec<_> = parts.headers.keys().filter(|name| fields::is_host_owned(name)).cloned().collect();
        for name in owned {
            parts.headers.remove(name);
        }
        let forwarded = self.kept.iter().position(|kept| kept.member == member && kept.serves);
        if forwarded.is_some() {
            self.response.left = forwarded;
        }
        self.response.body = None;
        let kind = if forwarded.is_some() { DecisionKind::Next } else { DecisionKind::Respond };
        self.account(member, kind, service, instances);
        Ok(())
    }

    /// What the guest has done since it answered.
    pub fn went_on(&mut self, member: usize, service: &Service) {
        let (nanoseconds, reads) = service.spent();
        let Some(index) = self.decided.iter().rposition(|decided| decided.member == member) else { return };
        let Some(decided) = self.decided.get_mut(index) else { return };
        decided.nanoseconds = u32::try_from(nanoseconds).unwrap_or(u32::MAX);
        if decided.reads != reads {
            decided.reads = reads;
            self.explain_served(index);
        }
    }

    /// The guest failed. Gives the failure back, with the policy's name, unless the policy may be skipped and `whole` says that
    /// nothing of the exchange is lost yet.
    pub fn unserved(
        &mut self,
        member: usize,
        failure: Failure,
        whole: bool,
        instances: &mut Instances,
    ) -> Option<(Arc<str>, Failure)> {
        let failed = self.fail(member, failure.clone(), instances);
        if whole {
            return failed;
        }
        let name = self.chain.members.get(member).map(|member| Arc::clone(&member.name));
        failed.or_else(|| name.map(|name| (name, failure)))
    }

    /// Whether the guest has sent the exchange on.
    pub fn has_forwarded(&self, member: usize) -> bool {
        self.kept.iter().any(|kept| kept.member == member && kept.serves)
    }

    fn account(&mut self, member: usize, kind: DecisionKind, service: &Service, instances: &mut Instances) {
        let Some(policy) = self.policy(member) else { return };
        let (nanoseconds, reads) = service.spent();
        if let Some(tally) = instances.tally(&policy) {
            tally.call(nanoseconds);
            tally.logs_dropped.add(u64::from(service.lines_dropped()));
        }
        let Some(name) = instances.name(&policy) else { return };
        let called = Called { name, reads, nanoseconds, ended: Instant::now() };
        self.decide(member, kind, Cow::Borrowed(""), called, instances);
        self.explain_served(self.decided.len().saturating_sub(1));
    }

    fn explain_served(&mut self, index: usize) {
        let Some(decided) = self.decided.get(index) else { return };
        let Some(told) = self.told.iter().find(|told| told.member == decided.member) else { return };
        let explained = Explained { values: told.before.values(&self.reads(decided)), edits: told.edits.clone() };
        if let Some(decided) = self.decided.get_mut(index) {
            decided.explained = Some(Box::new(explained));
        }
    }
}

/// What a guest is given beside the exchange.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// Of the body, where it is known.
    pub length: Option<u64>,
    /// Whether there is a way on: not from the backend of a route.
    pub onward: bool,
}

/// What a guest found, and what it changed of the request.
pub(super) struct Told {
    member: usize,
    before: Before,
    edits: Vec<String>,
}

/// The exchange as the guest's request: fields as policies see them, and the authority in the URI.
fn request_of(exchange: &Exchange, body: Inflow, length: Option<u64>) -> Result<Request<Inflow>, Failure> {
    let uri = Uri::builder()
        .scheme(exchange.scheme)
        .authority(exchange.authority())
        .path_and_query(exchange.request.uri.path_and_query().map_or("/", |target| target.as_str()))
        .build();
    let mut request = Request::new(body);
    *request.uri_mut() = uri.map_err(|error| invalid(error.to_string()))?;
    *request.method_mut() = exchange.request.method.clone();
    for (name, bytes) in exchange.fields() {
        if let Ok(value) = http::HeaderValue::from_bytes(bytes) {
            request.headers_mut().append(name.clone(), value);
        }
    }
    if let Some(length) = length.filter(|length| *length > 0) {
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(request)
}

/// The path and query, as an edit of them; left alone where they are the same.
fn target(uri: &Uri, exchange: &mut Exchange) -> Result<(), Failure> {
    let (path, query) = (if uri.path().is_empty() { "/" } else { uri.path() }, uri.query());
    let old = &exchange.request.uri;
    if (path, query) == (old.path(), old.query()) {
        return Ok(());
    }
    let edits = vec![Edit::SetPath(path.to_owned()), Edit::SetQuery(query.map(str::to_owned))];
    RequestEdits::new(edits, exchange, &[])?.apply(exchange);
    Ok(())
}

/// The guest's fields, but those that belong to the host, and those by which backends know the client, unless granted.
fn replace_fields(headers: HeaderMap, granted: &[String], exchange: &mut Exchange) {
    let may = |name: &http::HeaderName| {
        !fields::is_host_owned(name)
            && (!fields::is_identity(name) || granted.iter().any(|known| *name == *known.as_str()))
    };
    let old = std::mem::take(&mut exchange.request.headers);
    let stays = |name: &http::HeaderName| *name == header::HOST || (fields::is_identity(name) && !may(name));
    let fresh = &mut exchange.request.headers;
    for (name, value) in old.iter().filter(|(name, _)| stays(name)) {
        fresh.append(name.clone(), value.clone());
    }
    for (name, value) in headers.iter().filter(|(name, _)| may(name)) {
        fresh.append(name.clone(), value.clone());
    }
    exchange.beside.yield_to(&exchange.request.headers);
}
