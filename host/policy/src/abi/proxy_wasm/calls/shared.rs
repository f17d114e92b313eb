//! Host calls about shared data and queues: the policy's own, shared by its VMs on all workers.
//!
//! Shared data are the policy's kept values, with the same bounds. A queue of another policy cannot be resolved.

use wasmtime::Linker;

use super::counted;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::memory::{Cx, Return, Span, put_u32};
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::bindings::KvError;
use crate::reads::fixed;
use crate::state::QueueError;

/// Of keys, values and names: their tables have bounds of their own, below this.
const BYTES_MAX: usize = 64 << 10;
const NAME_BYTES_MAX: usize = 256;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |cx: Cx<'_>, at: u32, len: u32, data: u32, size: u32, cas: u32| {
            counted(cx, |cx| get(cx, Span(at, len), Return(data, size), cas))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |cx: Cx<'_>, at: u32, len: u32, value: u32, size: u32, cas: u32| {
            counted(cx, |cx| set(cx, Span(at, len), Span(value, size), cas))
        },
    )?;
    linker.func_wrap("env", "proxy_register_shared_queue", |cx: Cx<'_>, at: u32, len: u32, out: u32| {
        counted(cx, |cx| register(cx, Span(at, len), out))
    })?;
    linker.func_wrap(
        "env",
        "proxy_resolve_shared_queue",
        |cx: Cx<'_>, vm: u32, vm_len: u32, at: u32, len: u32, out: u32| {
            counted(cx, |cx| resolve(cx, Span(vm, vm_len), Span(at, len), out))
        },
    )?;
    linker.func_wrap("env", "proxy_dequeue_shared_queue", |cx: Cx<'_>, id: u32, data: u32, size: u32| {
        counted(cx, |cx| {
            cx.data().base.enter_kv(fixed::KV)?;
            let entry = cx.data().base.shared.state.queues.take(id).map_err(|_| Status::NotFound)?;
            Return(data, size).give(cx, &entry.ok_or(Status::Empty)?)
        })
    })?;
    linker.func_wrap("env", "proxy_enqueue_shared_queue", |cx: Cx<'_>, id: u32, at: u32, len: u32| {
        counted(cx, |cx| {
            cx.data().base.enter_kv(fixed::KV)?;
            let entry = Span(at, len).copy(cx, BYTES_MAX)?;
            cx.data().base.shared.state.queues.add(id, &entry).map_err(|error| match error {
                QueueError::Unknown => Status::NotFound,
                QueueError::Full => Status::InternalFailure,
            })?;
            Ok(())
        })
    })?;
    Ok(())
}

fn get(cx: &mut Cx<'_>, key: Span, out: Return, cas: u32) -> Done {
    cx.data().base.enter_kv(fixed::KV)?;
    let key = key.text(cx, NAME_BYTES_MAX)?;
    let base = &cx.data().base;
    let (value, version) = base.shared.state.kv.get(&key, base.now().unix_ms).ok_or(Status::NotFound)?;
    put_u32(cx, cas, short(version))?;
    out.give(cx, &value)
}

/// With a number other than 0, only if the value still is the one that had it. An absent value is set in any case.
fn set(cx: &mut Cx<'_>, key: Span, value: Span, cas: u32) -> Done {
    cx.data().base.enter_kv(fixed::KV)?;
    let key = key.text(cx, NAME_BYTES_MAX)?;
    let value = value.copy(cx, BYTES_MAX)?;
    let base = &cx.data().base;
    let (kv, now) = (&base.shared.state.kv, base.now().unix_ms);
    let expected = match cas {
        0 => None,
        _ => match kv.get(&key, now) {
            Some((_, version)) if short(version) != cas => return Err(Status::CasMismatch.into()),
            present => Some(present.map_or(0, |(_, version)| version)),
        },
    };
    kv.set(&key, &value, 0, expected, now).map_err(|error| match error {
        KvError::Conflict => Status::CasMismatch,
        KvError::Quota => Status::InternalFailure,
        KvError::Invalid | KvError::TooLarge | KvError::Denied => Status::BadArgument,
    })?;
    Ok(())
}

/// The number by which a guest knows a version: 32 bits, and not 0.
fn short(version: u64) -> u32 {
    (version % u64::from(u32::MAX)) as u32 + 1
}

fn register(cx: &mut Cx<'_>, name: Span, out: u32) -> Done {
    cx.data().base.enter_kv(fixed::KV)?;
    let name = name.text(cx, NAME_BYTES_MAX)?;
    let id = cx.data().base.shared.state.queues.register(&name).ok_or(Status::InternalFailure)?;
    put_u32(cx, out, id)?;
    let queues = &mut cx.data_mut().root.queues;
    if !queues.iter().any(|(known, _)| *known == id) {
        queues.push((id, 0));
    }
    Ok(())
}

fn resolve(cx: &mut Cx<'_>, vm: Span, name: Span, out: u32) -> Done {
    cx.data().base.enter_kv(fixed::KV)?;
    let (vm, name) = (vm.text(cx, NAME_BYTES_MAX)?, name.text(cx, NAME_BYTES_MAX)?);
    let base = &cx.data().base;
    if !vm.is_empty() && *vm != *base.shared.name {
        return Err(Status::NotFound.into());
    }
    let id = base.shared.state.queues.resolve(&name).ok_or(Status::NotFound)?;
    Ok(put_u32(cx, out, id)?)
}
