//! What a change costs the ingress: a burst settles into few generations, and endpoints change without building routes.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cardea_tests::figures::crowd;
use cardea_tests::figures::load::{Asker, Responder};
use cardea_tests::pattern;
use cardea_tests::plane::Plane;
use cardea_tests::plane::room::{POD_PORT, PodState};
use serde_json::json;

use super::{Case, case};

/// By themselves: each ingress sees what other tests change, and a busy API server makes no burst.
pub fn cases() -> Vec<Case> {
    vec![
        case("source: a burst of changes settles into few generations", burst).alone(),
        case("source: endpoints change, and routes are not built again", endpoints).alone(),
    ]
}

const BURST: usize = 150;

async fn burst(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    room.apply(&room.class()).await?;
    let (ingress, _) = crowd::start(&plane, &room, 0, &[]).await?;
    let mark = ingress.mark();
    let create = |number| {
        let name = format!("burst-{number}");
        let object = crowd::ingress(&room, &name, &format!("{name}.test"), "/", "none");
        let api = room.api.clone();
        async move { api.create(&object).await }
    };
    let created = futures_util::future::try_join_all((0..BURST).map(create)).await?;
    ensure!(created.len() == BURST);
    ingress.event(mark, &json!({"event": "generation", "routes": BURST})).await?;
    let generations = ingress.events(mark).iter().filter(|event| event["event"] == "generation").count();
    ensure!(generations <= BURST / 5, "{generations} generations for {BURST} Ingresses");
    room.close().await
}

async fn endpoints(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    let pods = [plane.address(), plane.address()];
    let mut responders = Vec::new();
    for (name, address) in ["one", "two"].into_iter().zip(pods) {
        responders.push(Responder::start((address, POD_PORT).into()).await?);
        room.pod(name, "shop", address).await?;
    }
    for object in [room.class(), room.service("shop", None)] {
        room.apply(&object).await?;
    }
    room.apply(&crowd::ingress(&room, "shop", "shop.test", "/", "shop")).await?;
    let (ingress, _) = crowd::start(&plane, &room, 1, &[]).await?;
    let mut asker = Asker::connect(ingress.http).await?;
    await_pods(&mut asker, &[&pods[0].to_string(), &pods[1].to_string()]).await?;
    let mark = ingress.mark();
    room.set("one", PodState::Unready).await?;
    await_pods(&mut asker, &[&pods[1].to_string()]).await?;
    room.set("one", PodState::Ready).await?;
    room.set("two", PodState::Terminating).await?;
    await_pods(&mut asker, &[&pods[0].to_string()]).await?;
    let rebuilt = json!({"event": "generation", "endpoints_only": false});
    let made: Vec<_> =
        ingress.events(mark).into_iter().filter(|event| pattern::matches(&rebuilt, Some(event)).is_ok()).collect();
    ensure!(made.is_empty(), "{made:?}");
    room.close().await
}

/// Asks until twenty requests in a row went to just these pods.
async fn await_pods(asker: &mut Asker, wanted: &[&str]) -> Result<()> {
    let (begun, moment) = (std::time::Instant::now(), cardea_tests::pulse::Pulse::default());
    loop {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            seen.insert(asker.ask("shop.test", "/").await?.pod);
        }
        if seen.iter().map(String::as_str).eq(wanted.iter().copied()) {
            return Ok(());
        }
        ensure!(begun.elapsed() < cardea_tests::pulse::DEADLINE, "{seen:?}, not {wanted:?}");
        moment.soon().await;
    }
}
