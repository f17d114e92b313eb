//! Backends within the test: what the ingress forwards to, and what it was seen to send.
//!
//! Each listens on a loopback port of its own. Without a script it echoes; with one it does to each connection exactly
//! what the script says, which is how a backend misbehaves.

mod echo;
pub(crate) mod h2c;
mod script;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::pulse::Pulse;
use crate::wire::{Body, Fields, Head, text};

pub use script::Action;

/// How a scenario file declares one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackendSpec {
    /// What it speaks: `http` (default) or `h2c`.
    pub protocol: Protocol,
    /// What it does to each connection, in place of echoing.
    pub script: Option<Vec<Action>>,
    /// A script for the first connection, the second, ...; the last goes on for those after it.
    pub connections: Option<Vec<Vec<Action>>>,
    /// The Service that it is an endpoint of; by default one of its own name.
    pub service: Option<String>,
    /// Declares no Service and no EndpointSlice: the file does so itself.
    pub bare: bool,
    /// The Service port's `appProtocol`.
    pub app_protocol: Option<String>,
    /// Listens nowhere: its address refuses connections.
    pub dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Http,
    H2c,
}

/// One request as a backend got it. Its body grows while it comes.
#[derive(Debug, Clone)]
pub struct Call {
    pub backend: String,
    pub connection: usize,
    pub version: String,
    pub method: String,
    /// The target as sent: for HTTP/2 `:path`.
    pub target: String,
    pub fields: Fields,
    pub body: Body,
    /// The body has ended.
    pub complete: bool,
}

impl Call {
    fn new(backend: &str, connection: usize, head: &Head) -> Self {
        let mut words = head.start.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target, version) = (word(), word(), word());
        let fields = head.fields.clone();
        Self {
            backend: backend.to_owned(),
            connection,
            version,
            method,
            target,
            fields,
            body: Body::default(),
            complete: false,
        }
    }

    /// As patterns see it, and as the echo answers it. Values of one name are joined by `, `.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.backend,
            "connection": self.connection,
            "version": self.version,
            "method": self.method,
            "path": self.target,
            "headers": fields_to_json(&self.fields),
            "body": text(&self.body.bytes),
            "body_bytes": self.body.bytes.len(),
            "trailers": fields_to_json(&self.body.trailers),
            "complete": self.complete,
        })
    }
}

/// Values of one name joined by `, `.
pub fn fields_to_json(fields: &Fields) -> Value {
    let mut map = Map::new();
    for (name, value) in fields {
        match map.get_mut(name) {
            Some(Value::String(values)) => *values = format!("{values}, {value}"),
            _ => drop(map.insert(name.clone(), Value::String(value.clone()))),
        }
    }
    Value::Object(map)
}

/// The calls of all backends of one scenario file, and the gates that its steps open.
#[derive(Clone, Default)]
pub struct Stage {
    calls: Arc<Mutex<Vec<Call>>>,
    gates: Arc<Mutex<BTreeSet<String>>>,
    pub pulse: Pulse,
}

impl Stage {
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    fn record(&self, call: Call) -> usize {
        let mut calls = lock(&self.calls);
        calls.push(call);
        let index = calls.len() - 1;
        drop(calls);
        self.pulse.beat();
        index
    }

    fn complete(&self, index: usize, body: Body) {
        if let Some(call) = lock(&self.calls).get_mut(index) {
            call.body = body;
            call.complete = true;
        }
        self.pulse.beat();
    }

    pub fn open(&self, gate: &str) {
        lock(&self.gates).insert(gate.to_owned());
        self.pulse.beat();
    }

    async fn pass(&self, gate: &str) -> Result<()> {
        let open = || if lock(&self.gates).contains(gate) { Ok(()) } else { Err(anyhow!("gate {gate} is shut")) };
        self.pulse.until(open).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops with all its connections when dropped.
pub struct Backend {
    pub name: String,
    pub spec: BackendSpec,
    pub address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

impl Backend {
    /// On a free port of loopback.
    pub async fn start(name: &str, spec: &BackendSpec, stage: &Stage) -> Result<Self> {
        Self::start_at(name, spec, stage, ([127, 0, 0, 1], 0).into()).await
    }

    pub async fn start_at(name: &str, spec: &BackendSpec, stage: &Stage, address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting =
            (!spec.dead).then(|| tokio::spawn(accept(listener, name.to_owned(), spec.clone(), stage.clone())));
        Ok(Self { name: name.to_owned(), spec: spec.clone(), address, accepting })
    }

    /// Closes the listener and every connection.
    pub fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, name: String, spec: BackendSpec, stage: Stage) {
    let mut connections = JoinSet::new();
    let mut count = 0;
    while let Ok((stream, _)) = listener.accept().await {
        // What comes of a connection shows in its calls; an error here is the peer's doing.
        let (name, spec, stage) = (name.clone(), spec.clone(), stage.clone());
        connections.spawn(async move { drop(serve(stream, &name, count, &spec, &stage).await) });
        count += 1;
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, name: &str, connection: usize, spec: &BackendSpec, stage: &Stage) -> Result<()> {
    stream.set_nodelay(true)?;
    let script = spec.connections.as_ref().and_then(|scripts| scripts.get(connection).or_else(|| scripts.last()));
    match (script.or(spec.script.as_ref()), spec.protocol) {
        (Some(script), _) => script::play(stream, name, connection, script, stage).await,
        (None, Protocol::Http) => echo::serve(stream, name, connection, stage).await,
        (None, Protocol::H2c) => h2c::serve(stream, name, connection, stage).await,
    }
}
