//! From the change of one Ingress to the first request that is answered by it, while others change too.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::crowd;
use super::load::Asker;
use crate::ingress::Ingress;
use crate::plane::Room;
use crate::pulse::DEADLINE;

/// Between two looks: what a figure may be off by.
const LOOK: Duration = Duration::from_millis(1);
/// Between two changes that are measured.
const REST: Duration = Duration::from_millis(150);

#[derive(Debug, Serialize)]
pub struct Changes {
    /// Of each measured change, from just before it is sent.
    pub ms: Vec<f64>,
    /// What the others came to.
    pub others_per_second: f64,
}

/// Changes the Ingress `probe` again and again, while `rate` Ingresses of a crowd of `count` change each second.
///
/// # Errors
/// When a change is refused, or not served in time.
pub async fn measure(room: &Room, ingress: &Ingress, count: usize, rate: u32, samples: usize) -> Result<Changes> {
    room.apply(&crowd::ingress(room, "probe", "probe.test", "/probe", "crowd-0")).await?;
    let mut asker = Asker::connect(ingress.http).await?;
    let (made, begun) = (Rc::new(Cell::new(0u32)), Instant::now());
    let others = change_others(room, count, rate, &made);
    let mut ms = Vec::new();
    for number in 0..samples {
        sleep(REST).await;
        ms.push(one(room, &mut asker, number).await?);
    }
    let others_per_second = f64::from(made.get()) / begun.elapsed().as_secs_f64();
    others.abort();
    Ok(Changes { ms, others_per_second })
}

/// `rate` times a second the next Ingress gets another path.
fn change_others(room: &Room, count: usize, rate: u32, made: &Rc<Cell<u32>>) -> JoinHandle<()> {
    let (room, made) = (room.clone(), Rc::clone(made));
    tokio::task::spawn_local(async move {
        let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0.. {
            ticks.tick().await;
            let (room, made) = (room.clone(), Rc::clone(&made));
            // The first is what the probe's path leads to.
            let name = format!("crowd-{}", 1 + number % (count - 1));
            tokio::task::spawn_local(async move {
                let changed = crowd::ingress(&room, &name, &format!("{name}.test"), &format!("/v{number}"), &name);
                if room.api.patch("Ingress", &room.name, &name, &changed).await.is_ok() {
                    made.set(made.get() + 1);
                }
            });
        }
    })
}

/// Milliseconds until the new path is served.
async fn one(room: &Room, asker: &mut Asker, number: usize) -> Result<f64> {
    let path = format!("/probe-{number}");
    let changed = crowd::ingress(room, "probe", "probe.test", &path, "crowd-0");
    let change = json!({"spec": changed.get("spec")});
    let begun = Instant::now();
    let served = async {
        loop {
            match asker.ask("probe.test", &path).await?.status {
                200 => return Ok(begun.elapsed().as_secs_f64() * 1000.0),
                404 => ensure!(begun.elapsed() < DEADLINE, "{path} is not served after {DEADLINE:?}"),
                other => bail!("{path} is answered {other}"),
            }
            sleep(LOOK).await;
        }
    };
    let (patched, served) = tokio::join!(room.api.patch("Ingress", &room.name, "probe", &change), served);
    patched?;
    served
}
