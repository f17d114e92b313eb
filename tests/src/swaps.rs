//! Policies that are swapped under load: clients that never stop asking, each of whose answers says which swap decided about it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::{self, Connection, Dial, Reply, Request, http1, http2};
use crate::ingress::Ingress;
use crate::wire::{Wire, text};

/// For one swap to be seen: an interpreter of 18 MB is compiled by an unoptimised host, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// That everybody asks.
pub const HOST: &str = "swap.test";
const CLIENTS: usize = 3;

/// The Policy `swapped`, and an Ingress on which it decides about each of these hosts, by backend.
pub fn manifest(spec: &Value, hosts: &[(&str, &str)]) -> String {
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "swapped", "namespace": "default"},
        "spec": spec,
    });
    let rule = |(host, backend): &(&str, &str)| {
        let service = json!({"service": {"name": backend, "port": {"number": 80}}});
        json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": service}]}})
    };
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "swap", "namespace": "default", "annotations": {"cardea.dev/policies": "swapped"}},
        "spec": {"ingressClassName": "cardea", "rules": hosts.iter().map(rule).collect::<Vec<_>>()},
    });
    format!("{policy}\n---\n{ingress}\n")
}

/// What the clients saw, until they are told to stop.
#[derive(Default)]
pub struct Load {
    stop: Cell<bool>,
    /// Whose module is swapped.
    pub subject: RefCell<String>,
    pub answers: Cell<u32>,
    pub swaps: RefCell<BTreeSet<u32>>,
}

impl Load {
    /// The swap that decided about an answer, by the field `x-policy` that the backend saw; 0 where that is no number.
    fn check(&self, reply: &Reply) -> Result<u32> {
        let body = text(&reply.body.bytes);
        ensure!(reply.status == 200, "{}: {} {body}", self.subject.borrow(), reply.status);
        let seen: Value = serde_json::from_str(&body)?;
        let mark = seen
            .pointer("/headers/x-policy")
            .and_then(Value::as_str)
            .with_context(|| format!("no mark on the request: {body}"))?;
        let mark = mark.parse().unwrap_or(0);
        self.swaps.borrow_mut().insert(mark);
        self.answers.set(self.answers.get() + 1);
        Ok(mark)
    }

    /// Clients over both versions of HTTP, each on the one connection that it has.
    ///
    /// # Errors
    /// When one of them cannot connect.
    pub async fn begin(self: &Rc<Self>, ingress: &Ingress) -> Result<Vec<JoinHandle<Result<()>>>> {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(tokio::task::spawn_local(keep_asking(Rc::clone(self), wire(ingress).await?)));
        }
        clients.push(tokio::task::spawn_local(keep_streaming(Rc::clone(self), streams(ingress).await?)));
        Ok(clients)
    }

    /// Stops the clients.
    ///
    /// # Errors
    /// When one of them lost a request.
    pub async fn end(&self, clients: Vec<JoinHandle<Result<()>>>) -> Result<()> {
        self.stop.set(true);
        for client in clients {
            client.await??;
        }
        Ok(())
    }

    /// Declares a swap, and asks until it decides. Its bound is on the whole, since a compiler is at work meanwhile.
    ///
    /// # Errors
    /// When it does not decide in time, or an answer is no answer.
    pub async fn swap(&self, ingress: &Ingress, probe: &mut Wire, manifest: &str, number: u32) -> Result<()> {
        ingress.manifests.write("swap.yaml", manifest.as_bytes())?;
        let started = Instant::now();
        while self.check(&get(probe, "/probe").await?)? != number {
            if started.elapsed() > PATIENCE {
                bail!("swap {number} is not live: {manifest} {:?}", ingress.config().await);
            }
        }
        Ok(())
    }
}

/// A connection of HTTP/1.1.
///
/// # Errors
/// When there is none.
pub async fn wire(ingress: &Ingress) -> Result<Wire> {
    match client::open(ingress.http, &Dial::default()).await?.connection {
        Connection::Http1(wire) => Ok(wire),
        Connection::Http2(_) => bail!("not asked for"),
    }
}

async fn streams(ingress: &Ingress) -> Result<http2::Client> {
    match client::open(ingress.http, &Dial { http2: true, ..Dial::default() }).await?.connection {
        Connection::Http2(client) => Ok(client),
        Connection::Http1(_) => bail!("asked for HTTP/2"),
    }
}

/// One exchange on a kept connection.
///
/// # Errors
/// When it is not answered.
pub async fn get(wire: &mut Wire, path: &str) -> Result<Reply> {
    wire.write(&http1::encode(&Request::get(HOST, path))).await?;
    http1::reply(wire, "GET").await.context("a kept connection answers")
}

/// A client that never sees an older swap after a newer one.
async fn keep_asking(load: Rc<Load>, mut wire: Wire) -> Result<()> {
    let mut last = 0;
    while !load.stop.get() {
        let mark = load.check(&get(&mut wire, "/cart").await?)?;
        ensure!(mark >= last, "swap {mark} after {last}");
        last = mark;
    }
    Ok(())
}

async fn keep_streaming(load: Rc<Load>, client: http2::Client) -> Result<()> {
    while !load.stop.get() {
        let request = Request::get(HOST, "/cart");
        load.check(&client.exchange(&request).await.context("a stream is answered")?)?;
    }
    Ok(())
}
