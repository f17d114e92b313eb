//! What became of one exchange: its metrics and its line of the access log, written once, when it is over.
//!
//! A record that is dropped unwritten (the client went away before an answer) is written by the drop.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use cardea_model::snapshot::RouteId;
use cardea_policy::Summary;
use cardea_policy::fields::X_REQUEST_ID;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};

use crate::conn::Client;
use crate::exchange::forward::Identity;
use crate::exchange::normalize::Head;
use crate::exchange::policies::{self, Policies};
use crate::failure::Failure;
use crate::upstream::Trace;
use crate::upstream::body::Upload;
use crate::upstream::registry::Local;
use crate::worker::Pinned;

mod line;

pub struct Record {
    client: Rc<Client>,
    pub pinned: Rc<Pinned>,
    started: Instant,
    method: Method,
    uri: Uri,
    version: Version,
    host: Option<HeaderValue>,
    /// Who asked, after trusted proxies.
    asker: IpAddr,
    scheme: &'static str,
    request_id: Option<HeaderValue>,
    route: Option<RouteId>,
    backend: Option<Rc<Local>>,
    pub trace: Trace,
    pub upload: Option<Rc<Upload>>,
    pub policies: Option<Rc<RefCell<Policies>>>,
    /// The client may see, and asked for, timings and decisions.
    pub debug: bool,
    upstream: Option<(Instant, Duration)>,
    status: u16,
    pub bytes_out: u64,
    failure: Option<Failure>,
    written: bool,
}

impl Record {
    pub fn start<B>(client: &Rc<Client>, request: &Request<B>) -> Box<Self> {
        let started = Instant::now();
        client.worker.timers.advance(started);
        client.traffic.begin();
        let counters = &client.worker.counters;
        counters.requests_in_flight.add(1);
        Box::new(Self {
            client: Rc::clone(client),
            pinned: client.worker.pin(),
            started,
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            host: None,
            asker: client.peer.source.ip(),
            scheme: client.scheme,
            request_id: None,
            route: None,
            backend: None,
            trace: Trace::default(),
            upload: None,
            policies: None,
            debug: false,
            upstream: None,
            status: 0,
            bytes_out: 0,
            failure: None,
            written: false,
        })
    }

    pub fn host(&mut self, authority: &HeaderValue) {
        self.host = Some(authority.clone());
    }

    pub fn identify(&mut self, identity: &Identity, head: &Head) {
        self.asker = identity.client;
        self.scheme = identity.scheme;
        if self.client.worker.settings().access_log {
            let new = identity.beside.request_id.and_then(|id| HeaderValue::from_bytes(&id).ok());
            self.request_id = new.or_else(|| head.parts.headers.get(&X_REQUEST_ID).cloned());
        }
    }

    pub fn route(&mut self, id: RouteId) {
        self.route = Some(id);
    }

    /// The request goes to a backend now.
    pub fn backend(&mut self, backend: &Rc<Local>) {
        self.backend = Some(Rc::clone(backend));
        // Next to nothing has passed since the start, or since the last policy ended, and reading a clock is not free.
        let asked = match &self.policies {
            None => self.started,
            Some(policies) => policies.borrow().run.ended.unwrap_or_else(Instant::now),
        };
        self.upstream = Some((asked, Duration::ZERO));
    }

    /// The backend's head is here, or it is certain that none comes.
    pub fn answered(&mut self) {
        if let Some((asked, took)) = &mut self.upstream {
            *took = asked.elapsed();
        }
    }

    /// The first failure is the cause; later ones follow from it.
    pub fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// For a head that never became a request.
    pub fn refused(&mut self, status: http::StatusCode, failure: Failure) {
        self.status = status.as_u16();
        self.fail(failure);
    }

    /// The answer's head goes out.
    pub fn head(&mut self, parts: &mut http::response::Parts) {
        self.status = parts.status.as_u16();
        // HTTP/2 has no such field, and hyper drops it there: GOAWAY follows when draining begins.
        if self.client.worker.is_leaving() && parts.status != http::StatusCode::SWITCHING_PROTOCOLS {
            parts.headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.debug {
            self.show(parts);
        }
    }

    /// Timings and decisions, for a client that may see them (Server-Timing, W3C).
    fn show(&self, parts: &mut http::response::Parts) {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let mut timing = format!("total;dur={:.3}", ms(self.started.elapsed()));
        if let Some((_, took)) = self.upstream {
            timing += &format!(", upstream;dur={:.3}", ms(took));
        }
        if let Some(policies) = &self.policies {
            for decided in &policies.borrow().run.decided {
                let name = decided.policy.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
                let ms = f64::from(decided.nanoseconds) / 1e6;
                timing += &format!(", {name};dur={ms:.4};desc=\"{:?}\"", decided.kind);
            }
        }
        let route = self.route_name().unwrap_or("-").to_owned();
        for (name, value) in [("server-timing", timing), ("x-cardea-route", route)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                parts.headers.append(HeaderName::from_static(name), value);
            }
        }
    }

    fn route_name(&self) -> Option<&str> {
        self.route.and_then(|id| self.pinned.generation.route(id)).map(|route| &*route.name)
    }

    pub fn end(mut self: Box<Self>) {
        self.write();
    }

    fn write(&mut self) {
        if std::mem::replace(&mut self.written, true) {
            return;
        }
        let duration = self.started.elapsed();
        self.client.traffic.end();
        self.count(duration);
        self.complete(duration);
        if self.client.worker.settings().access_log {
            let worker = Rc::clone(&self.client.worker);
            line::write(self, duration, worker.log.borrow_mut().buffer());
        }
    }

    fn count(&self, duration: Duration) {
        let worker = &self.client.worker;
        let in_flight = &worker.counters.requests_in_flight;
        in_flight.set(in_flight.get().saturating_sub(1));
        if let Some(failure) = &self.failure {
            worker.counters.fail(failure.label());
        }
        if self.trace.retries > 0 {
            worker.counters.retries.add(u64::from(self.trace.retries));
        }
        let stats = self.route.and_then(|id| self.pinned.generation.route_stats.get(id.0 as usize));
        if let Some(shard) = stats.and_then(|stats| stats.shard(worker.id)) {
            shard.observe(self.status, duration);
        }
        if let (Some(backend), Some((_, took))) = (&self.backend, self.upstream)
            && let Some(shard) = backend.state.stats.shard(worker.id)
        {
            shard.observe(self.status, took);
        }
    }

    fn bytes_in(&self) -> u64 {
        self.upload.as_ref().map_or(0, |upload| upload.bytes.get())
    }

    fn complete(&mut self, duration: Duration) {
        let Some(policies) = &self.policies else { return };
        if policies.borrow().run.wants_complete() {
            let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            let summary = Summary {
                status: self.status,
                duration_us: us(duration),
                upstream_us: self.upstream.map_or(0, |(_, took)| us(took)),
                bytes_in: self.bytes_in(),
                bytes_out: self.bytes_out,
                backend: self.backend.as_ref().map(|backend| std::sync::Arc::clone(&backend.state.name)),
                retries: self.trace.retries,
                error: self.failure.as_ref().map(Failure::label),
            };
            policies::on_complete(&self.client.worker, &mut policies.borrow_mut(), &summary);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.written {
            self.status = 499;
            self.fail(Failure::ClientGone);
            self.write();
        }
    }
}

/// One worker's part of the access log: lines gathered, then handed over whole to the thread that writes them.
#[derive(Debug)]
pub struct AccessLog {
    lines: Vec<u8>,
    writer: Option<SyncSender<Vec<u8>>>,
}

/// Handed over early when this full.
const GATHERED_BYTES: usize = 32 << 10;

impl AccessLog {
    pub const fn new(writer: Option<SyncSender<Vec<u8>>>) -> Self {
        Self { lines: Vec::new(), writer }
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        if self.lines.len() > GATHERED_BYTES {
            self.flush();
        }
        &mut self.lines
    }

    /// A reader that is too slow loses lines, and they are counted; it never makes a request wait.
    pub fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let Some(writer) = &self.writer else { return };
        if let Err(TrySendError::Full(lines) | TrySendError::Disconnected(lines)) = writer.try_send(lines) {
            let lost = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            crate::worker::with(|worker| worker.counters.log_lines_dropped.add(lost));
        }
    }
}
