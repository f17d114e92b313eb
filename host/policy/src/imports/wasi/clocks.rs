//! WASI's clocks: the time of the interface `clock`, as coarse, and frozen within a call.

use wasmtime::component::{ComponentType, LinkerInstance, Lower};

use super::Cx;
use crate::host::{Host, TooManyCalls};
use crate::reads::fixed;
use crate::source::{MONOTONIC_STEP_US, Time};

#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(crate) struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

impl Datetime {
    pub const fn of_ms(ms: u64) -> Self {
        Self { seconds: ms / 1000, nanoseconds: (ms % 1000) as u32 * 1_000_000 }
    }
}

pub(super) fn link(linked: &mut LinkerInstance<'_, Host>, interface: &str, function: &str) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("clocks/wall-clock", "now") => {
            linked.func_wrap(function, |cx: Cx<'_>, (): ()| Ok((Datetime::of_ms(read(&cx)?.unix_ms),)))?;
        }
        ("clocks/wall-clock", "resolution") => {
            linked.func_wrap(function, |_: Cx<'_>, (): ()| Ok((Datetime::of_ms(1),)))?;
        }
        // Not 0: Go takes that for a broken clock.
        ("clocks/monotonic-clock", "now") => linked
            .func_wrap(function, |cx: Cx<'_>, (): ()| Ok((read(&cx)?.monotonic_us.saturating_mul(1000).max(1),)))?,
        ("clocks/monotonic-clock", "resolution") => {
            linked.func_wrap(function, |_: Cx<'_>, (): ()| Ok((MONOTONIC_STEP_US * 1000,)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn read(cx: &Cx<'_>) -> Result<Time, TooManyCalls> {
    let host = cx.data();
    host.enter()?;
    host.reads.mark(fixed::CLOCK);
    Ok(host.now())
}
