//! `clock`: coarse time, frozen within a call.

use wasmtime::StoreContextMut;

use crate::copied::Interface;
use crate::host::{Host, TooManyCalls};
use crate::reads::fixed;
use crate::source::Time;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("now-ms", |cx: StoreContextMut<'_, Host>, (): ()| Ok((read(cx.data())?.unix_ms,)))?;
    i.func_wrap("monotonic-us", |cx: StoreContextMut<'_, Host>, (): ()| Ok((read(cx.data())?.monotonic_us,)))
}

fn read(host: &Host) -> Result<Time, TooManyCalls> {
    host.enter()?;
    host.reads.mark(fixed::CLOCK);
    Ok(host.now())
}
