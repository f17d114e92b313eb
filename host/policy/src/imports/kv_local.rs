//! `kv-local`: values that the policy keeps in this process, across workers and versions.

use wasmtime::StoreContextMut;
use wasmtime::component::{WasmList, WasmStr};

use crate::bindings::KvError;
use crate::copied::Interface;
use crate::host::Host;
use crate::reads::fixed;

type Cx<'a> = StoreContextMut<'a, Host>;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("get", |cx: Cx<'_>, (key,): (WasmStr,)| {
        let host = cx.data();
        host.enter_kv(fixed::KV)?;
        Ok((host.shared.state.kv.get(&key.to_str(&cx)?, host.now().unix_ms),))
    })?;
    i.func_wrap("set", |cx: Cx<'_>, (key, value, ttl_ms): (WasmStr, WasmList<u8>, u32)| {
        set(&cx, &key, &value, ttl_ms, None)
    })?;
    i.func_wrap("compare-and-set", |cx: Cx<'_>, (key, version, value, ttl_ms): (WasmStr, u64, WasmList<u8>, u32)| {
        set(&cx, &key, &value, ttl_ms, Some(version))
    })?;
    i.func_wrap("delete", |cx: Cx<'_>, (key,): (WasmStr,)| {
        let host = cx.data();
        host.enter_kv(fixed::KV)?;
        host.shared.state.kv.delete(&key.to_str(&cx)?);
        Ok(())
    })
}

type Set = (Result<u64, KvError>,);

fn set(cx: &Cx<'_>, key: &WasmStr, value: &WasmList<u8>, ttl_ms: u32, expected: Option<u64>) -> wasmtime::Result<Set> {
    let host = cx.data();
    host.enter_kv(fixed::KV)?;
    let (key, value) = (key.to_str(cx)?, value.as_le_slice(cx));
    Ok((host.shared.state.kv.set(&key, value, ttl_ms, expected, host.now().unix_ms),))
}
