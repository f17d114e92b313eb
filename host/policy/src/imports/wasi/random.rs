//! WASI's random numbers: the system's where `random` is granted, else one sequence that every instance begins with.
//!
//! Hash maps ask for their seeds here. Without the grant they are the same in every instance of every policy, so whoever
//! may choose the keys of a map may choose such that collide: such a policy wants the grant, and no other.

use wasmtime::component::LinkerInstance;

use super::Cx;
use crate::host::{Host, TooManyCalls};
use crate::imports::random;

/// Of one question; more ends the call.
const BYTES_MAX: u64 = 64 << 10;

pub(super) fn link(linked: &mut LinkerInstance<'_, Host>, function: &str, granted: bool) -> wasmtime::Result<bool> {
    match function {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            linked.func_wrap(function, move |cx: Cx<'_>, (len,): (u64,)| Ok((bytes(cx.data(), len, granted)?,)))?;
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            linked.func_wrap(function, move |cx: Cx<'_>, (): ()| {
                cx.data().enter()?;
                Ok((next(cx.data(), granted)?,))
            })?;
        }
        "insecure-seed" => linked.func_wrap(function, move |cx: Cx<'_>, (): ()| {
            cx.data().enter()?;
            Ok(((next(cx.data(), granted)?, next(cx.data(), granted)?),))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn bytes(host: &Host, len: u64, granted: bool) -> wasmtime::Result<Vec<u8>> {
    host.enter()?;
    if len > BYTES_MAX {
        return Err(TooManyCalls.into());
    }
    let len = len as usize;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&next(host, granted)?.to_le_bytes());
    }
    bytes.truncate(len);
    Ok(bytes)
}

fn next(host: &Host, granted: bool) -> wasmtime::Result<u64> {
    if granted { Ok(random::next(host)?) } else { Ok(host.next_fixed()) }
}
