//! The harness itself, without an ingress: pods become endpoints, faults are what a client sees, the plane comes and goes.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail, ensure};
use cardea_tests::pattern;
use cardea_tests::plane::api::{Api, code};
use cardea_tests::plane::fault::{Break, Fault, FaultProxy, error_event};
use cardea_tests::plane::room::PodState;
use cardea_tests::plane::{Plane, Room};
use cardea_tests::pulse::{Pulse, within};
use futures_util::{StreamExt, pin_mut};
use http::Method;
use serde_json::{Value, json};

use super::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("harness: a pod's state is its endpoint's", pods_are_endpoints),
        case("harness: requests are refused, held and reset as told", requests_have_faults),
        case("harness: watches are refused and broken as told", watches_have_faults),
        case("harness: a paused plane answers again when it is resumed", pause).on_ours(),
        case("harness: a plane that was killed has kept what it stored", kill).on_ours(),
    ]
}

async fn endpoint(room: &Room, conditions: Value) -> Result<()> {
    let wanted = json!({"has": [{"conditions": conditions}]});
    let label = [("labelSelector", "kubernetes.io/service-name=shop")];
    let check = |slices: &[Value]| {
        let endpoints = slices.first().and_then(|slice| slice.get("endpoints"));
        pattern::matches(&wanted, endpoints).map_err(|refusal| anyhow!("{refusal}"))
    };
    room.api.until_list("EndpointSlice", &room.name, &label, check).await
}

async fn pods_are_endpoints(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    room.apply(&room.service("shop", None)).await?;
    let address = plane.address();
    room.pod("shop", "shop", address).await?;
    endpoint(&room, json!({"ready": true, "serving": true, "terminating": false})).await?;
    let listener = std::net::TcpListener::bind((address, 0))?;
    std::net::TcpStream::connect(listener.local_addr()?)?;
    room.set("shop", PodState::Unready).await?;
    endpoint(&room, json!({"ready": false, "serving": false})).await?;
    room.set("shop", PodState::Ready).await?;
    endpoint(&room, json!({"ready": true})).await?;
    room.set("shop", PodState::Terminating).await?;
    endpoint(&room, json!({"ready": false, "serving": true, "terminating": true})).await?;
    room.set("shop", PodState::Gone).await?;
    room.api.until("Pod", &room.name, "shop", |pod| pod.map_or(Ok(()), |_| bail!("the pod is there"))).await?;
    room.close().await
}

/// A client of an account with the shipped roles, by way of a proxy.
async fn proxied(plane: &Plane, room: &Room) -> Result<(FaultProxy, Api)> {
    let proxy = FaultProxy::start(&plane.server, &Pulse::default()).await?;
    let kubeconfig = room.install(plane, Some(&proxy.server())).await?;
    Ok((proxy, Api::connect(&kubeconfig).await?))
}

fn on(part: &str) -> Fault {
    Fault { on: part.to_owned(), ..Fault::default() }
}

async fn requests_have_faults(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    let (proxy, api) = proxied(&plane, &room).await?;
    api.list("Ingress", "").await?;
    proxy.set(vec![Fault { status: Some(403), times: Some(1), ..on("/ingresses") }]);
    let refused = api.list("Ingress", "").await.unwrap_err();
    ensure!(code(&refused) == Some(403), "{refused:#}");
    api.list("Ingress", "").await?;
    proxy.set(vec![Fault { reset: true, ..on("/ingresses") }]);
    ensure!(api.list("Ingress", "").await.is_err(), "answered");
    api.list("Service", "").await?;
    proxy.set(vec![Fault { hold: true, ..on("/services") }]);
    let release = async {
        api.list("Ingress", "").await?;
        proxy.set(Vec::new());
        Ok(())
    };
    let (held, released) = tokio::join!(api.list("Service", ""), release);
    released.and(held.map(drop))?;
    let statuses: Vec<u16> = proxy.passed().iter().map(|one| one.status).collect();
    ensure!(statuses == [200, 403, 200, 0, 200, 200, 200], "{statuses:?}");
    room.close().await
}

async fn watches_have_faults(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    let (proxy, api) = proxied(&plane, &room).await?;
    proxy.set(vec![Fault { event: Some(error_event(410)), watch: Some(true), times: Some(1), ..on("/services") }]);
    ensure!(last_event(&api, || ()).await? == Some(410), "no 410 at the start");
    let expire =
        || proxy.break_watches(Break { on: "/services".to_owned(), event: Some(error_event(410)), end: false });
    ensure!(last_event(&api, expire).await? == Some(410), "no 410 in the stream");
    let end = || proxy.break_watches(Break { on: "/services".to_owned(), event: None, end: true });
    ensure!(last_event(&api, end).await?.is_none(), "an event at the end");
    let cut = || proxy.break_watches(Break { on: "/services".to_owned(), event: None, end: false });
    ensure!(last_event(&api, cut).await?.is_none(), "an event at the cut");
    room.close().await
}

/// Watches Services until the watch ends, does `then` after the first event, and tells the code of an error event.
async fn last_event(api: &Api, then: impl Fn()) -> Result<Option<u16>> {
    let events = api.watch("Service", "").await?;
    pin_mut!(events);
    within("the end of a watch", async {
        let mut last = None;
        while let Some(event) = events.next().await {
            match event {
                Ok(kube::core::WatchEvent::Error(status)) => last = Some(status.code),
                Ok(_) => then(),
                Err(_) => break,
            }
        }
        Ok(last)
    })
    .await
}

async fn pause(plane: Arc<Plane>) -> Result<()> {
    let api = plane.api().await?;
    plane.pause()?;
    let asking = api.send(Method::GET, "/version", "application/json", &Value::Null);
    tokio::pin!(asking);
    let moment = Pulse::default();
    let silent = tokio::select! {
        biased;
        answer = &mut asking => Err(anyhow!("answered: {answer:?}")),
        // It has been sent, and nothing can come.
        () = moment.soon() => Ok(()),
    };
    plane.resume()?;
    silent?;
    within("an answer", asking).await.map(drop)
}

async fn kill(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    let kubeconfig = plane.kubeconfig_of(&room.name, "default", None);
    let note = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"a": "b"}});
    room.api.until("ServiceAccount", &room.name, "default", |one| one.map(drop).ok_or_else(|| anyhow!("none"))).await?;
    let account = Api::connect(&kubeconfig.await?).await?;
    room.apply(&note).await?;
    plane.kill()?;
    ensure!(room.api.get("ConfigMap", &room.name, "note").await.is_err(), "answered");
    plane.restart()?;
    let found = room.api.get("ConfigMap", &room.name, "note").await?;
    ensure!(found.is_some_and(|note| note["data"]["a"] == "b"), "it is lost");
    let refused = account.list("Secret", "").await.unwrap_err();
    ensure!(code(&refused) == Some(403), "the token is not known again: {refused:#}");
    Ok(())
}
