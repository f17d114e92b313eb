//! The functions that a guest imports from `http_handler`: all of the ABI's, in the order of its text.

mod admin;
mod bodies;
mod fields;
mod request;
mod response;

use wasmtime::{Caller, Extern, Linker, Memory};

use super::guest::State;
use super::memory::Outside;
use crate::failure::Failure;

pub(super) const MODULE: &str = "http_handler";

/// All of them.
pub(super) const NAMES: [&str; 19] = [
    "enable_features",
    "get_config",
    "log",
    "log_enabled",
    "get_header_names",
    "get_header_values",
    "set_header_value",
    "add_header_value",
    "remove_header",
    "read_body",
    "write_body",
    "get_method",
    "set_method",
    "get_uri",
    "set_uri",
    "get_protocol_version",
    "get_source_addr",
    "get_status_code",
    "set_status_code",
];

type Cx<'a> = Caller<'a, State>;

/// Ends a call in which the host must refuse: the ABI's "host error", which is a trap.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub Failure);

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    admin::link(linker)?;
    fields::link(linker)?;
    bodies::link(linker)?;
    request::link(linker)?;
    response::link(linker)
}

/// Against the ABI: what the guest does has no place here.
fn misuse(text: impl Into<String>) -> wasmtime::Error {
    Refused(Failure::Trap(text.into())).into()
}

/// Against the rules of what a policy may write.
fn refused(failure: Failure) -> wasmtime::Error {
    Refused(failure).into()
}

/// The guest's memory and the store's data, side by side.
fn split<'a>(cx: &'a mut Cx<'_>) -> wasmtime::Result<(&'a mut [u8], &'a mut State)> {
    let memory = memory(cx)?;
    Ok(memory.data_and_store_mut(cx))
}

fn memory(cx: &mut Cx<'_>) -> wasmtime::Result<Memory> {
    if let Some(memory) = cx.data().memory {
        return Ok(memory);
    }
    let Some(Extern::Memory(memory)) = cx.get_export("memory") else { return Err(Outside.into()) };
    cx.data_mut().memory = Some(memory);
    Ok(memory)
}

/// A name, a method or a URI, which are all ASCII where they are right.
fn text<'a>(what: &str, bytes: &'a [u8]) -> wasmtime::Result<&'a str> {
    std::str::from_utf8(bytes)
        .map_err(|_| refused(Failure::OutcomeInvalid(format!("{what} has bytes that are not UTF-8"))))
}
