//! Many Ingresses, each with a Service of its own, and the start of an ingress that finds them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::StreamExt;
use futures_util::stream;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::ingress::{Cluster, Ingress, Launch, Mark};
use crate::plane::{Plane, Room};
use crate::pulse::Pulse;

/// Requests to the API server at the same time.
const LANES: usize = 16;
/// For all EndpointSlices of a crowd.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn host(number: usize) -> String {
    format!("crowd-{number}.test")
}

/// An Ingress of the room: everything below `path` on the host goes to the Service.
pub fn ingress(room: &Room, name: &str, host: &str, path: &str, service: &str) -> Value {
    let backend = json!({"service": {"name": service, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": room.name},
        "spec": {"ingressClassName": room.name,
            "rules": [{"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]},
    })
}

/// Creates `count` Ingresses and Services, all of the pods of `crowd`, and waits for their EndpointSlices.
///
/// # Errors
/// When the API server refuses one, or the controllers take too long.
pub async fn gather(room: &Room, count: usize) -> Result<()> {
    let service = |number| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": format!("crowd-{number}"), "namespace": room.name},
            "spec": {"selector": {"app": "crowd"}, "ports": [{"port": 80, "targetPort": "http"}]},
        })
    };
    let pair = |number| async move {
        let name = format!("crowd-{number}");
        room.api.create(&service(number)).await?;
        room.api.create(&ingress(room, &name, &host(number), "/", &name)).await.map(drop)
    };
    let mut made = stream::iter(0..count).map(pair).buffer_unordered(LANES);
    while let Some(one) = made.next().await {
        one?;
    }
    let (begun, moment) = (Instant::now(), Pulse::default());
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?limit=1", room.name);
    loop {
        let page = room.api.send(Method::GET, &path, "application/json", &Value::Null).await?;
        let more = page.pointer("/metadata/remainingItemCount").and_then(Value::as_u64).unwrap_or_default();
        if usize::try_from(more)? + 1 >= count {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{more} EndpointSlices of {count} after {PATIENCE:?}");
        moment.soon().await;
    }
}

/// What one start cost.
#[derive(Debug, Serialize)]
pub struct Start {
    pub ready_ms: f64,
    pub rss_kib: u64,
    pub pss_kib: u64,
}

/// Starts the ingress as the shipped account, and waits until it serves `routes` and says that it is ready.
///
/// # Errors
/// When it does not become ready.
pub async fn start(plane: &Plane, room: &Room, routes: usize, flags: &[&str]) -> Result<(Ingress, Start)> {
    let cluster = Cluster { kubeconfig: room.install(plane, None).await?, namespace: room.name.clone() };
    let mut all = vec!["--controller-name".to_owned(), room.controller(), "--access-log".to_owned(), "off".to_owned()];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let launch = Launch { flags: all, cluster: Some(cluster), ..Launch::default() };
    let begun = Instant::now();
    let ingress = Ingress::start(crate::ingress::Manifests::new()?, &launch, &Pulse::default()).await?;
    ingress.event(Mark::default(), &json!({"event": "generation", "routes": routes})).await?;
    ingress.ready().await?;
    let ready_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let (rss_kib, pss_kib) = memory(ingress.pid())?;
    Ok((ingress, Start { ready_ms, rss_kib, pss_kib }))
}

/// Rss and Pss of a process, KiB.
fn memory(pid: u32) -> Result<(u64, u64)> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").trim().parse().unwrap_or_default()
    };
    Ok((field("Rss:"), field("Pss:")))
}
