//! `counters`: numbers and rate limits that the policy keeps in this process, across workers and versions.

use wasmtime::StoreContextMut;
use wasmtime::component::WasmStr;

use crate::copied::Interface;
use crate::host::Host;
use crate::reads::fixed;

type Cx<'a> = StoreContextMut<'a, Host>;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("add", |cx: Cx<'_>, (key, delta, ttl_ms): (WasmStr, i64, u32)| {
        let host = cx.data();
        host.enter_kv(fixed::COUNTERS)?;
        Ok((host.shared.state.counters.add(&key.to_str(&cx)?, delta, ttl_ms, host.now().monotonic_us),))
    })?;
    i.func_wrap("get", |cx: Cx<'_>, (key,): (WasmStr,)| {
        let host = cx.data();
        host.enter_kv(fixed::COUNTERS)?;
        Ok((host.shared.state.counters.get(&key.to_str(&cx)?, host.now().monotonic_us),))
    })?;
    i.func_wrap("take", |cx: Cx<'_>, (key, cost, limit, window_ms): (WasmStr, u32, u32, u32)| {
        let host = cx.data();
        host.enter_kv(fixed::COUNTERS)?;
        let key = key.to_str(&cx)?;
        Ok((host.shared.state.counters.take(&key, cost, limit, window_ms, host.now().monotonic_us),))
    })
}
