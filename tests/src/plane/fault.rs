//! Stands between the ingress and the API server, and does what a real server does rarely: refuses, stalls, and breaks
//! watches. Requests that no fault names pass unchanged.

mod relay;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::pulse::Pulse;

/// Of requests that match, what is done to them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Part of the request line: `GET /apis/networking.k8s.io/v1/ingresses?watch`.
    pub on: String,
    /// To watches, or to all but watches; by default to both.
    pub watch: Option<bool>,
    /// How often; by default until other faults are set.
    pub times: Option<usize>,
    /// Answers with this status.
    pub status: Option<u16>,
    /// With it, this header.
    pub retry_after: Option<u32>,
    /// Answers 200 with a stream of this one event.
    pub event: Option<Value>,
    /// Answers nothing, until other faults are set; then the request passes.
    pub hold: bool,
    /// Ends the connection without an answer.
    pub reset: bool,
}

/// What becomes of watches that are open.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// Part of the request line.
    pub on: String,
    /// A last event; none ends the stream in its middle.
    #[serde(default)]
    pub event: Option<Value>,
    /// Ends it as a server does whose time for a watch is over.
    #[serde(default)]
    pub end: bool,
}

/// A request that came by, and its answer.
#[derive(Debug, Clone)]
pub struct Passed {
    /// `GET /api/v1/services?watch=1`.
    pub request: String,
    pub status: u16,
}

pub struct FaultProxy {
    pub address: SocketAddr,
    shared: Shared,
    accepting: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    server: Arc<str>,
    faults: watch::Sender<Vec<Fault>>,
    breaks: broadcast::Sender<Break>,
    passed: Arc<Mutex<Vec<Passed>>>,
    pulse: Pulse,
}

impl FaultProxy {
    /// In front of a server, `https://ADDRESS:PORT`.
    pub async fn start(server: &str, pulse: &Pulse) -> Result<Self> {
        let server = server.strip_prefix("https://").context("an API server without TLS")?.into();
        let shared = Shared {
            server,
            faults: watch::Sender::default(),
            breaks: broadcast::Sender::new(16),
            passed: Arc::default(),
            pulse: pulse.clone(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(relay::accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// For a kubeconfig: plain HTTP, so it goes with a token.
    pub fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    /// In place of those before.
    pub fn set(&self, faults: Vec<Fault>) {
        self.shared.faults.send_replace(faults);
    }

    /// Ends watches that are open now.
    pub fn break_watches(&self, how: Break) {
        // Without an open watch nobody listens.
        let _ = self.shared.breaks.send(how);
    }

    pub fn passed(&self) -> Vec<Passed> {
        self.shared.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` requests whose line contains `part` came after the first `from`.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub async fn saw(&self, from: usize, part: &str, count: usize) -> Result<()> {
        let pulse = &self.shared.pulse;
        pulse
            .until(|| {
                let passed = self.passed();
                let found = passed.iter().skip(from).filter(|one| one.request.contains(part)).count();
                if found >= count {
                    Ok(())
                } else {
                    Err(anyhow!("{found} requests with {part:?}, not {count}: {passed:?}"))
                }
            })
            .await
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// The first fault for this request, counted down.
    fn fault(&self, request: &str) -> Option<Fault> {
        let mut found = None;
        self.faults.send_if_modified(|faults| {
            let fault = faults.iter_mut().find(|fault| fault.names(request) && fault.times != Some(0));
            found = fault.map(|fault| {
                fault.times = fault.times.map(|times| times.saturating_sub(1));
                fault.clone()
            });
            false
        });
        found
    }

    fn record(&self, request: &str, status: u16) {
        let passed = Passed { request: request.to_owned(), status };
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).push(passed);
        self.pulse.beat();
    }
}

impl Fault {
    fn names(&self, request: &str) -> bool {
        request.contains(&self.on) && self.watch.is_none_or(|watch| watch == is_watch(request))
    }
}

fn is_watch(request: &str) -> bool {
    request.contains("watch=1") || request.contains("watch=true")
}

/// The body of a refusal, as the API server words it.
fn status_object(code: u16) -> Value {
    let reason = match code {
        403 => "Forbidden",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": format!("a fault of the test: {reason}"),
    })
}

/// The event that ends a watch with an error.
pub fn error_event(code: u16) -> Value {
    json!({"type": "ERROR", "object": status_object(code)})
}
