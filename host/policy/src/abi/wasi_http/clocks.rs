//! Clocks of a guest that may wait: as coarse as everywhere, but not frozen, since it may sleep.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::guest::Guest;
use crate::imports::wasi::clocks::Datetime;
use crate::reads::fixed;
use crate::source::MONOTONIC_STEP_US;

type Cx<'a> = StoreContextMut<'a, Guest>;

/// A point in time to wait for; too far away to name: never.
struct Sleep(Option<Instant>);

#[async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match self.0 {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

/// Links a function of the clocks. False if there is none of that name.
pub(super) fn link(linked: &mut LinkerInstance<'_, Guest>, interface: &str, function: &str) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("clocks/wall-clock", "now") => {
            linked.func_wrap(function, |cx: Cx<'_>, (): ()| {
                cx.data().mark(fixed::CLOCK);
                Ok((Datetime::of_ms(cx.data().shared.sources.clock.read().unix_ms),))
            })?;
        }
        ("clocks/wall-clock", "resolution") => {
            linked.func_wrap(function, |_: Cx<'_>, (): ()| Ok((Datetime::of_ms(1),)))?;
        }
        ("clocks/monotonic-clock", "now") => {
            linked.func_wrap(function, |cx: Cx<'_>, (): ()| Ok((now(&cx),)))?;
        }
        ("clocks/monotonic-clock", "resolution") => {
            linked.func_wrap(function, |_: Cx<'_>, (): ()| Ok((MONOTONIC_STEP_US * 1000,)))?;
        }
        ("clocks/monotonic-clock", "subscribe-duration") => {
            linked.func_wrap(function, |mut cx: Cx<'_>, (time,): (u64,)| sleep(&mut cx, time))?;
        }
        ("clocks/monotonic-clock", "subscribe-instant") => {
            linked.func_wrap(function, |mut cx: Cx<'_>, (when,): (u64,)| {
                let time = when.saturating_sub(now(&cx));
                sleep(&mut cx, time)
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Nanoseconds; not 0, which Go takes for a broken clock.
fn now(cx: &Cx<'_>) -> u64 {
    cx.data().mark(fixed::CLOCK);
    cx.data().shared.sources.clock.read().monotonic_us.saturating_mul(1000).max(1)
}

/// At least a step of the clock, so that a guest that waits for no time lets others run.
fn sleep(cx: &mut Cx<'_>, nanoseconds: u64) -> wasmtime::Result<(Resource<DynPollable>,)> {
    let time = Duration::from_nanos(nanoseconds).max(Duration::from_micros(MONOTONIC_STEP_US));
    let table = &mut cx.data_mut().table;
    let sleep = table.push(Sleep(Instant::now().checked_add(time)))?;
    Ok((subscribe(table, sleep)?,))
}
