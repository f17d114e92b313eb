//! Everything changes under load, and no request fails: pods are replaced, Ingresses rewritten, a policy swapped.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::crowd;
use super::load::{Asker, Responder};
use crate::guest;
use crate::ingress::Ingress;
use crate::plane::room::{POD_PORT, PodState};
use crate::plane::{Plane, Room};
use crate::pulse::{DEADLINE, Pulse};

const SITES: usize = 4;
/// Pods of each site at rest.
const PODS: usize = 2;
/// How long a pod that terminates goes on serving, as an application does that waits in a preStop hook.
const GRACE: Duration = Duration::from_secs(1);
/// A client opens a new connection after so many requests.
const PER_CONNECTION: u64 = 50;

#[derive(Debug, Default, Serialize)]
pub struct Churned {
    pub seconds: f64,
    pub requests: u64,
    pub failed: u64,
    /// What the first failures were.
    pub failures: Vec<String>,
    pub pods_replaced: u64,
    pub ingress_changes: u64,
    pub policy_swaps: u64,
}

impl Churned {
    fn note(&mut self, failure: Option<String>) {
        self.requests += 1;
        if let Some(failure) = failure {
            self.failed += 1;
            if self.failures.len() < 10 {
                self.failures.push(failure);
            }
        }
    }
}

#[derive(Default)]
struct State {
    churned: RefCell<Churned>,
    stop: Cell<bool>,
    /// Pods that serve until the load has ended.
    last: RefCell<VecDeque<Pod>>,
}

/// Of which site, by which name.
struct Pod {
    site: usize,
    name: String,
    responder: Responder,
}

/// Churns for so long.
///
/// # Errors
/// When something cannot be set up or changed; failed requests are counted, not an error.
pub async fn churn(plane: &Arc<Plane>, room: &Room, ingress: &Ingress, time: Duration) -> Result<Churned> {
    let state = Rc::new(State::default());
    swap(room, 0).await?;
    room.apply(&policy(room)).await?;
    let mut pods = VecDeque::new();
    for site in 0..SITES {
        room.apply(&room.service(&format!("site-{site}"), None)).await?;
        room.apply(&site_ingress(room, site, 0)).await?;
        for _ in 0..PODS {
            pods.push_back(pod(plane, room, site, pods.len()).await?);
        }
    }
    let mut tasks = Vec::new();
    for site in 0..SITES {
        let asker = Asker::connect(ingress.http).await?;
        tasks.push(tokio::task::spawn_local(keep_asking(asker, site, Rc::clone(&state))));
    }
    tasks.push(tokio::task::spawn_local(replace_pods(Arc::clone(plane), room.clone(), pods, Rc::clone(&state))));
    tasks.push(tokio::task::spawn_local(change_ingresses(room.clone(), Rc::clone(&state))));
    tasks.push(tokio::task::spawn_local(swap_policy(room.clone(), Rc::clone(&state))));
    let begun = Instant::now();
    sleep(time).await;
    state.stop.set(true);
    for task in tasks {
        task.await.context("churn")??;
    }
    let mut churned = state.churned.take();
    churned.seconds = begun.elapsed().as_secs_f64();
    Ok(churned)
}

fn policy(room: &Room) -> Value {
    json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "churn", "namespace": room.name},
        "spec": {"module": {"configMap": {"name": "churn", "key": "module"}}, "limits": {"deadline": "500ms"},
            "grants": {"interfaces": ["counters"]}},
    })
}

/// Each has other bytes than the one before.
async fn swap(room: &Room, number: u64) -> Result<()> {
    let module = guest::component(if number.is_multiple_of(2) { "mark" } else { "count" })?;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "churn", "namespace": room.name},
        "binaryData": {"module": STANDARD.encode(module)},
    });
    room.apply(&map).await.map(drop)
}

/// With a path that nobody asks, a timeout and an order of paths that change with `number`.
fn site_ingress(room: &Room, site: usize, number: u64) -> Value {
    let name = format!("site-{site}");
    let mut object = crowd::ingress(room, &name, &format!("{name}.test"), "/", &name);
    let timeout = format!("{}s", 5 + number % 20);
    let annotations = json!({"cardea.dev/policies": "churn", "cardea.dev/request-timeout": timeout});
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("annotations".to_owned(), annotations);
    }
    let paths = object.pointer_mut("/spec/rules/0/http/paths").and_then(Value::as_array_mut);
    if let Some(paths) = paths
        && let Some(mut other) = paths.first().cloned()
    {
        if let Some(path) = other.get_mut("path") {
            *path = json!(format!("/other-{number}"));
        }
        paths.insert(usize::from(number.is_multiple_of(2)), other);
    }
    object
}

async fn pod(plane: &Plane, room: &Room, site: usize, number: usize) -> Result<Pod> {
    let (name, app, address) = (format!("pod-{number}"), format!("site-{site}"), plane.address());
    let responder = Responder::start((address, POD_PORT).into()).await?;
    room.pod(&name, &app, address).await?;
    Ok(Pod { site, name, responder })
}

/// From the first good answer on, every answer must be good.
async fn keep_asking(mut asker: Asker, site: usize, state: Rc<State>) -> Result<()> {
    let host = format!("site-{site}.test");
    let (begun, moment) = (Instant::now(), Pulse::default());
    while asker.ask(&host, "/").await?.status != 200 {
        ensure!(begun.elapsed() < DEADLINE, "{host} is not served after {DEADLINE:?}");
        moment.soon().await;
    }
    let mut count = 0;
    while !state.stop.get() {
        count += 1;
        let failure = match asker.ask(&host, "/").await {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(format!("{host}: {} from {:?}", answer.status, answer.pod)),
            Err(error) => Some(format!("{host}: {error:#}")),
        };
        let failed = failure.is_some();
        state.churned.borrow_mut().note(failure);
        if failed || count % PER_CONNECTION == 0 {
            asker.reconnect().await?;
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// One after the other: a new pod, and when it is ready the end of an old one.
async fn replace_pods(plane: Arc<Plane>, room: Room, mut pods: VecDeque<Pod>, state: Rc<State>) -> Result<()> {
    for number in pods.len().. {
        if state.stop.get() {
            break;
        }
        let Some(old) = pods.pop_front() else { break };
        let new = pod(&plane, &room, old.site, number).await?;
        published(&room, new.site, &new.responder.address.ip().to_string()).await?;
        room.set(&old.name, if number.is_multiple_of(3) { PodState::Unready } else { PodState::Terminating }).await?;
        let room = room.clone();
        tokio::task::spawn_local(async move {
            sleep(GRACE).await;
            drop(old.responder);
            // The room may be closed by now.
            drop(room.set(&old.name, PodState::Gone).await);
        });
        pods.push_back(new);
        state.churned.borrow_mut().pods_replaced += 1;
    }
    state.last.replace(pods);
    Ok(())
}

async fn published(room: &Room, site: usize, address: &str) -> Result<()> {
    let label = format!("kubernetes.io/service-name=site-{site}");
    let check = |slices: &[Value]| {
        let text = json!(slices).to_string();
        ensure!(text.contains(&format!("\"{address}\"")), "{address} is not in {text}");
        Ok(())
    };
    room.api.until_list("EndpointSlice", &room.name, &[("labelSelector", &label)], check).await
}

async fn change_ingresses(room: Room, state: Rc<State>) -> Result<()> {
    for number in 1.. {
        if state.stop.get() {
            break;
        }
        let site = usize::try_from(number)? % SITES;
        room.apply(&site_ingress(&room, site, number)).await?;
        let passing = format!("passing-{}", number % 10);
        if number % 20 < 10 {
            room.apply(&crowd::ingress(&room, &passing, &format!("{passing}.test"), "/", "site-0")).await?;
        } else if room.api.get("Ingress", &room.name, &passing).await?.is_some() {
            room.api.delete("Ingress", &room.name, &passing).await?;
        }
        state.churned.borrow_mut().ingress_changes += 2;
        sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}

async fn swap_policy(room: Room, state: Rc<State>) -> Result<()> {
    for number in 1.. {
        if state.stop.get() {
            break;
        }
        swap(&room, number).await?;
        state.churned.borrow_mut().policy_swaps += 1;
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
