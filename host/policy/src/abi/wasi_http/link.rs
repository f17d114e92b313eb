//! What a guest of wasi:http may import: `http` and `io` in full, clocks, random numbers and standard streams within its
//! grants, its configuration as its environment; the rest of WASI is void, as for every policy.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Val};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi_io::poll::DynPollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::clocks;
use super::guest::Guest;
use super::looks;
use super::outgoing;
use super::stdio;
use crate::imports::wasi::{self, Exit, Void, void};
use crate::reads::fixed;

type Cx<'a> = StoreContextMut<'a, Guest>;

/// As wasmtime-wasi-http names what it links; a component may import any that is compatible.
pub(super) const TYPES: &str = "wasi:http/types@0.2.12";

/// Of one question; more ends the exchange.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Ends a guest that asks for what it cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(&'static str);

/// The first import that is not there.
pub(super) fn unknown(component: &Component, engine: &Engine) -> Option<String> {
    let kind = component.component_type();
    let mut names = kind.imports(engine).map(|(name, _)| name.to_owned());
    names.find(|name| !is_http(name) && !wasi::is_known(name))
}

fn is_http(name: &str) -> bool {
    ["wasi:http/types@0.2.", "wasi:http/outgoing-handler@0.2."].iter().any(|known| name.starts_with(known))
}

/// A linker with what the component imports. `environment`: its configuration, by name.
pub(super) fn linker(
    engine: &Engine,
    component: &Component,
    environment: &[(String, String)],
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    looks::link(&mut linker)?;
    outgoing::link(&mut linker)?;
    for (name, import) in component.component_type().imports(engine) {
        let (Some(interface), ComponentItem::ComponentInstance(instance)) = (wasi::interface(name), &import.ty) else {
            continue;
        };
        if interface.starts_with("io/") {
            continue;
        }
        let mut linked = linker.instance(name)?;
        for (function, export) in instance.exports(engine) {
            match &export.ty {
                ComponentItem::ComponentFunc(_) if named(&mut linked, interface, function, environment)? => {}
                ComponentItem::ComponentFunc(_) => linked.func_new(function, void::answer::<Guest>)?,
                ComponentItem::Resource(_) => linked.resource(function, resource(function), |_, _| Ok(()))?,
                _ => {}
            }
        }
    }
    Ok(linker)
}

/// Resources of `io` have other names of it elsewhere.
fn resource(name: &str) -> ResourceType {
    match name {
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "error" => ResourceType::host::<wasmtime::Error>(),
        _ => ResourceType::host::<Void>(),
    }
}

/// Links a function that does more than its type says. False if there is none of that name.
fn named(
    linked: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
    environment: &[(String, String)],
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("cli/stdin" | "cli/stdout" | "cli/stderr", _) => stdio::link(linked, function),
        ("clocks/monotonic-clock" | "clocks/wall-clock", _) => clocks::link(linked, interface, function),
        ("random/random" | "random/insecure" | "random/insecure-seed", _) => random(linked, function),
        ("cli/exit", _) => linked.func_new(function, |_, _, _, _| Err(Exit.into())).map(|()| true),
        ("cli/environment", "get-environment") => {
            let pair = |(name, value): &(String, String)| {
                Val::Tuple(vec![Val::String(name.clone()), Val::String(value.clone())])
            };
            let all: Vec<Val> = environment.iter().map(pair).collect();
            linked.func_new(function, move |_, _, _, results| {
                results.iter_mut().for_each(|result| *result = Val::List(all.clone()));
                Ok(())
            })?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn random(linked: &mut LinkerInstance<'_, Guest>, function: &str) -> wasmtime::Result<bool> {
    match function {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            linked.func_wrap(function, |cx: Cx<'_>, (len,): (u64,)| Ok((bytes(cx.data(), len)?,)))?;
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            linked.func_wrap(function, |cx: Cx<'_>, (): ()| Ok((next(cx.data())?,)))?;
        }
        "insecure-seed" => {
            linked.func_wrap(function, |cx: Cx<'_>, (): ()| Ok(((next(cx.data())?, next(cx.data())?),)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn bytes(guest: &Guest, len: u64) -> Result<Vec<u8>, Refused> {
    if len > RANDOM_BYTES_MAX {
        return Err(Refused("more than 64 KiB of random numbers at once"));
    }
    let len = len as usize;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&next(guest)?.to_le_bytes());
    }
    bytes.truncate(len);
    Ok(bytes)
}

fn next(guest: &Guest) -> Result<u64, Refused> {
    guest.mark(fixed::RANDOM);
    guest.random().ok_or(Refused("the system has no random bytes"))
}
