//! From the moment that a pod's status says unready, to the last request that is sent to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::crowd;
use super::load::{Asker, Responder};
use crate::ingress::Ingress;
use crate::plane::room::{POD_PORT, PodState};
use crate::plane::{Plane, Room};
use crate::pulse::{DEADLINE, Pulse};

/// Between two requests.
const PACE: Duration = Duration::from_millis(1);
/// Without a request for so long, a pod has had its last.
const QUIET: Duration = Duration::from_millis(700);

/// When requests were sent, and to which pod.
type Sent = Rc<RefCell<Vec<(Instant, String)>>>;

/// Milliseconds from the change of the status, just before it is sent, to the last request; of each repetition.
///
/// # Errors
/// When a request fails, or a pod is asked for ever or never again.
pub async fn measure(plane: &Plane, room: &Room, ingress: &Ingress, samples: usize) -> Result<Vec<f64>> {
    let (steady, tested) = (plane.address(), plane.address());
    let mut pods = Vec::new();
    for (name, address) in [("steady", steady), ("tested", tested)] {
        pods.push(Responder::start((address, POD_PORT).into()).await?);
        room.pod(name, "drain", address).await?;
    }
    room.apply(&room.service("drain", None)).await?;
    room.apply(&crowd::ingress(room, "drain", "drain.test", "/", "drain")).await?;
    let (sent, stop): (Sent, _) = (Sent::default(), Rc::new(Cell::new(false)));
    let mut asker = Asker::connect(ingress.http).await?;
    until("the first answer", async || Ok(asker.ask("drain.test", "/").await?.status == 200)).await?;
    let load = tokio::task::spawn_local(keep_asking(asker, Rc::clone(&sent), Rc::clone(&stop)));
    let tested = tested.to_string();
    let mut ms = Vec::new();
    for _ in 0..samples {
        sent.borrow_mut().clear();
        until("a request", async || Ok(last(&sent, &tested).is_some())).await?;
        let begun = Instant::now();
        room.set("tested", PodState::Unready).await?;
        until("quiet", async || Ok(last(&sent, &tested).is_none_or(|last| last.elapsed() > QUIET))).await?;
        let last = last(&sent, &tested).unwrap_or(begun);
        ms.push(last.saturating_duration_since(begun).as_secs_f64() * 1000.0);
        room.set("tested", PodState::Ready).await?;
        ensure!(!load.is_finished(), "the load ended");
    }
    stop.set(true);
    load.await.context("the load")??;
    Ok(ms)
}

fn last(sent: &Sent, pod: &str) -> Option<Instant> {
    sent.borrow().iter().rev().find(|(_, to)| to == pod).map(|(at, _)| *at)
}

async fn keep_asking(mut asker: Asker, sent: Sent, stop: Rc<Cell<bool>>) -> Result<()> {
    while !stop.get() {
        let at = Instant::now();
        let answer = asker.ask("drain.test", "/").await?;
        ensure!(answer.status == 200, "answered {}", answer.status);
        sent.borrow_mut().push((at, answer.pod));
        sleep(PACE).await;
    }
    Ok(())
}

/// Looks again and again.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let (begun, moment) = (Instant::now(), Pulse::default());
    while !holds().await? {
        ensure!(begun.elapsed() < DEADLINE, "no {what} after {DEADLINE:?}");
        moment.soon().await;
    }
    Ok(())
}
