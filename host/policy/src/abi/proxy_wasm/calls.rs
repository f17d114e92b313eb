//! The host calls of the ABI: every name that some version of it has, linked under the module `env`.
//!
//! All versions get all names, since a module imports only those of its own. Each call is counted, and answers a status.

mod buffers;
mod grpc;
mod headers;
mod metrics;
mod outside;
mod plugin;
mod shared;
mod streams;

use wasmtime::{Engine, Linker};

use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::memory::Cx;
use crate::abi::proxy_wasm::status::{Done, number};
use crate::abi::wasi_p1;

pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    plugin::link(&mut linker)?;
    headers::link(&mut linker)?;
    buffers::link(&mut linker)?;
    streams::link(&mut linker)?;
    shared::link(&mut linker)?;
    metrics::link(&mut linker)?;
    outside::link(&mut linker)?;
    grpc::link(&mut linker)?;
    wasi_p1::link(&mut linker)?;
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| u32::from(left == right))?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_: u32| {})?;
    Ok(linker)
}

/// Counts a host call, and names what became of it.
fn counted(mut cx: Cx<'_>, call: impl FnOnce(&mut Cx<'_>) -> Done) -> wasmtime::Result<u32> {
    cx.data().base.enter()?;
    number(call(&mut cx))
}
