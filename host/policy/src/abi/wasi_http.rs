//! Components of wasi:http 0.2 (world `proxy`): each exchange is served by a fresh instance, which answers itself or forwards
//! to the rest of the chain.
//!
//! Unlike policies of the other ABIs, these wait: for bodies, for the backend, for time. So they run as futures, on fibers of
//! their own, on the thread of the worker; nothing of them is shared but the compiled module.

mod body;
mod burst;
mod clocks;
mod guest;
mod link;
mod looks;
pub(crate) mod outgoing;
mod service;
mod stdio;

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::config;
use http::Request;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use wasmtime::component::Component;
use wasmtime::{Error, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types;

pub use body::{Feed, Inflow, Outflow};
pub use outgoing::{Answer, Callout, Outgoing, Timeouts, Unanswered};
pub use service::{Event, Service};

use crate::engine::{Engine, Pulse, Share};
use crate::failure::Failure;
use crate::imports::wasi::Granted;
use crate::instance::{classify, one_line};
use crate::load::LoadError;
use crate::policy::{Policy, Shared};
use burst::{Burst, Timed};
use guest::{Guest, Terms};
use outgoing::Ways;
use service::Fate;

/// What a component of this ABI exports.
const HANDLER: &str = "wasi:http/incoming-handler@";
/// Making an instance may take this, whatever `limits.deadline` says.
const START_DEADLINE: Duration = Duration::from_millis(100);
const CROSSING_BYTES_MAX: usize = 1_280 << 10;
const HANDLES_MAX: usize = 1024;

/// A component that was compiled and linked. Shared by all workers.
pub(crate) struct WasiHttp {
    pre: ProxyPre<Guest>,
    granted: Granted,
    /// Of all instances' places, for its exchanges.
    share: Arc<Share>,
}

/// Whether a component is of this ABI, by its exports.
pub(crate) fn is_ours(component: &Component, engine: &wasmtime::Engine) -> bool {
    component.component_type().exports(engine).any(|(name, _)| name.starts_with(HANDLER))
}

impl WasiHttp {
    /// Links a component.
    pub fn load(engine: &Engine, component: &Component, config: &str, granted: Granted) -> Result<Self, LoadError> {
        let engine = engine.wasmtime();
        if let Some(name) = link::unknown(component, engine) {
            let expected = "http, cli, io, clocks, random, filesystem and sockets of WASI 0.2.x";
            let message = format!("the module imports `{name}`, and a component of wasi:http may import {expected}");
            return Err(LoadError::new("imports", "spec.module", message, "build it without that import"));
        }
        let linked = link::linker(engine, component, &environment(config)?);
        let pre = linked.and_then(|linker| ProxyPre::new(linker.instantiate_pre(component)?)).map_err(|error| {
            let message = format!("it is not a component of the world wasi:http/proxy@0.2: {}", one_line(&error));
            LoadError::new("imports", "spec.module", message, "build it for wasi:http 0.2")
        })?;
        Ok(Self { pre, granted, share: Arc::default() })
    }

    /// Makes one instance and throws it away: what fails here would fail on every exchange.
    pub fn probe(&self, engine: &Engine, spec: &Arc<config::Policy>, shared: &Arc<Shared>) -> Result<usize, Failure> {
        let (events, _heard) = unbounded_channel();
        let fate = Arc::new(Fate::new(Burst::new(START_DEADLINE)));
        let terms = Terms {
            shared: Arc::clone(shared),
            fate: Arc::clone(&fate),
            granted: self.granted,
            request_id: None,
            events,
            ways: Ways { spec: Arc::clone(spec), onward: false },
        };
        let mut store = store(engine, terms);
        let pulse = Rc::new(engine.pulse());
        let made = async {
            self.pre
                .instantiate_async(&mut store)
                .await
                .map_err(|error| failure(&error, store.data().limits.denied))?;
            Ok(store.data().limits.memory_bytes)
        };
        let mut made = std::pin::pin!(Timed { guest: Box::pin(made), burst: fate, pulse });
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        // Only the epoch makes it wait, and that is over at once.
        loop {
            if let std::task::Poll::Ready(result) = made.as_mut().poll(&mut cx) {
                return result;
            }
        }
    }

    /// Starts a guest for one exchange, which it may send `onward` or not. The future is the guest: it must be polled until it
    /// ends, or dropped.
    pub fn serve(
        &self,
        policy: &Arc<Policy>,
        pulse: Rc<Pulse>,
        request: Request<Inflow>,
        scheme: &'static str,
        onward: bool,
    ) -> Result<(Service, impl Future<Output = ()> + use<>), Failure> {
        let seat = policy.engine.take_seat_of(&self.share).ok_or(Failure::Overloaded)?;
        let (events, heard) = unbounded_channel();
        let fate = Arc::new(Fate::new(Burst::new(START_DEADLINE)));
        let request_id = request.headers().get("x-request-id").and_then(|id| Some(Arc::from(id.to_str().ok()?)));
        let request = request.map(|body| body.telling(events.clone(), &fate));
        let terms = Terms {
            shared: Arc::clone(&policy.shared),
            fate: Arc::clone(&fate),
            granted: self.granted,
            request_id,
            events: events.clone(),
            ways: Ways { spec: Arc::clone(&policy.spec), onward },
        };
        let store = store(&policy.engine, terms);
        let running = Running {
            pre: self.pre.clone(),
            store,
            limit: policy.spec.limits.deadline,
            fate: Arc::clone(&fate),
            events,
        };
        let guest = async move {
            let _seat = seat;
            running.run(request, scheme).await;
        };
        let timed = Timed { guest: Box::pin(guest), burst: Arc::clone(&fate), pulse };
        Ok((Service { events: heard, fate }, timed))
    }
}

fn store(engine: &Engine, terms: Terms) -> Store<Guest> {
    let mut store = Store::new(engine.wasmtime(), Guest::new(terms));
    store.limiter(|guest| &mut guest.limits);
    store.set_hostcall_fuel(CROSSING_BYTES_MAX);
    store.set_max_component_handles(HANDLES_MAX);
    store.epoch_deadline_callback(|context| Ok(context.data().fate.burst.reached()));
    store.set_epoch_deadline(1);
    store
}

/// A guest with its store.
struct Running {
    pre: ProxyPre<Guest>,
    store: Store<Guest>,
    limit: Duration,
    fate: Arc<Fate>,
    events: tokio::sync::mpsc::UnboundedSender<Event>,
}

impl Running {
    async fn run(mut self, request: Request<Inflow>, scheme: &'static str) {
        if let Err(error) = self.handle(request, scheme).await {
            self.fate.failed(failure(&error, self.store.data().limits.denied));
        }
    }

    async fn handle(&mut self, request: Request<Inflow>, scheme: &'static str) -> wasmtime::Result<()> {
        let proxy = self.pre.instantiate_async(&mut self.store).await?;
        self.fate.burst.limit(self.limit);
        let (answer, answered) = oneshot::channel();
        let scheme = if scheme == "https" { types::Scheme::Https } else { types::Scheme::Http };
        let request = self.store.data_mut().http().new_incoming_request(scheme, request)?;
        let out = self.store.data_mut().http().new_response_outparam(answer)?;
        let (fate, events) = (Arc::clone(&self.fate), self.events.clone());
        let mut handled = std::pin::pin!(proxy.wasi_http_incoming_handler().call_handle(&mut self.store, request, out));
        let mut answered = std::pin::pin!(answered);
        let mut is_answered = false;
        // The answer is passed on while the guest goes on.
        std::future::poll_fn(|cx| {
            let done = handled.as_mut().poll(cx);
            if !is_answered && let std::task::Poll::Ready(answer) = answered.as_mut().poll(cx) {
                is_answered = true;
                tell(answer.ok(), &fate, &events);
            }
            done
        })
        .await
    }
}

type Told = Result<http::Response<wasmtime_wasi_http::p2::body::HyperOutgoingBody>, types::ErrorCode>;

/// Passes the guest's answer on. Nothing, if it dropped its chance: it may still trap, and say why.
fn tell(answer: Option<Told>, fate: &Arc<Fate>, events: &tokio::sync::mpsc::UnboundedSender<Event>) {
    match answer {
        Some(Ok(response)) => {
            // Nobody hears it any more when the exchange is over.
            let _ = events.send(Event::Reply(guest::outflow(response, fate)));
        }
        Some(Err(code)) => fate.failed(Failure::NoAnswer(format!("answered with the error {code}"))),
        None => {}
    }
}

fn failure(error: &Error, denied: bool) -> Failure {
    classify(error, denied)
}

/// Top-level entries of the configuration, as environment variables.
fn environment(config: &str) -> Result<Vec<(String, String)>, LoadError> {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    match serde_json::from_str(config) {
        Ok(serde_json::Value::Null) => Ok(Vec::new()),
        Ok(serde_json::Value::Object(entries)) => {
            Ok(entries.into_iter().map(|(name, value)| (name, text(value))).collect())
        }
        _ => {
            let message = "a component of wasi:http has its configuration as environment variables";
            Err(LoadError::new("init", "spec.config", message, "write an object: names and values"))
        }
    }
}
