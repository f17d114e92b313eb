//! `metrics`: series of the policy's own.

use wasmtime::StoreContextMut;
use wasmtime::component::WasmStr;

use crate::copied::Interface;
use crate::host::Host;
use crate::state::Series;

type Cx<'a> = StoreContextMut<'a, Host>;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("counter", |cx: Cx<'_>, (name,): (WasmStr,)| id(&cx, Series::Counter, &name))?;
    i.func_wrap("gauge", |cx: Cx<'_>, (name,): (WasmStr,)| id(&cx, Series::Gauge, &name))?;
    i.func_wrap("histogram", |cx: Cx<'_>, (name,): (WasmStr,)| id(&cx, Series::Histogram, &name))?;
    i.func_wrap("add", |cx: Cx<'_>, (id, delta): (u32, i64)| {
        cx.data().enter()?;
        cx.data().shared.state.metrics.add(id, delta);
        Ok(())
    })?;
    i.func_wrap("set", |cx: Cx<'_>, (id, value): (u32, i64)| {
        cx.data().enter()?;
        cx.data().shared.state.metrics.set(id, value);
        Ok(())
    })?;
    i.func_wrap("observe", |cx: Cx<'_>, (id, value): (u32, u64)| {
        cx.data().enter()?;
        cx.data().shared.state.metrics.observe(id, value);
        Ok(())
    })
}

fn id(cx: &Cx<'_>, kind: Series, name: &WasmStr) -> wasmtime::Result<(u32,)> {
    cx.data().enter()?;
    Ok((cx.data().shared.state.metrics.id(kind, &name.to_str(cx)?),))
}
