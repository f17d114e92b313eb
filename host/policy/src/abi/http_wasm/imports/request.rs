//! What only a request has: method, URI, protocol version and source address.

use http::{Method, Version};
use wasmtime::Linker;

use super::{Cx, MODULE, misuse, refused, split, text};
use crate::abi::http_wasm::guest::State;
use crate::abi::http_wasm::memory::{put, read};
use crate::abi::http_wasm::stage::Phase;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::outcome::edits;
use crate::reads::{Kind, fixed};

/// Longer than any registered method.
const METHOD_BYTES_MAX: usize = 32;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "get_method", get_method)?;
    linker.func_wrap(MODULE, "set_method", set_method)?;
    linker.func_wrap(MODULE, "get_uri", get_uri)?;
    linker.func_wrap(MODULE, "set_uri", set_uri)?;
    linker.func_wrap(MODULE, "get_protocol_version", get_protocol_version)?;
    linker.func_wrap(MODULE, "get_source_addr", get_source_addr)?;
    Ok(())
}

fn get_method(mut cx: Cx<'_>, at: u32, limit: u32) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut cx)?;
    let exchange = state.host.ask_fixed(fixed::METHOD)?;
    Ok(put(memory, &state.host.copied, (at, limit), exchange.request.method.as_str().as_bytes())?)
}

fn set_method(mut cx: Cx<'_>, at: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut cx)?;
    before_next(state, "set_method")?;
    let method = method(read(memory, &state.host.copied, at, length)?).map_err(refused)?;
    let old = std::mem::replace(&mut state.host.exchange.request.method, method);
    state.stage.undo.method.get_or_insert(old);
    Ok(())
}

/// Not those that make another thing of an exchange than a request and its answer.
fn method(bytes: &[u8]) -> Result<Method, Failure> {
    let method = Method::from_bytes(bytes).ok().filter(|_| bytes.len() <= METHOD_BYTES_MAX);
    match method {
        Some(method) if method != Method::CONNECT && method != Method::TRACE => Ok(method),
        _ => Err(edits::invalid(format!("the method {:?}", String::from_utf8_lossy(bytes)))),
    }
}

fn get_uri(mut cx: Cx<'_>, at: u32, limit: u32) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut cx)?;
    state.host.reads.mark(fixed::QUERY);
    let exchange = state.host.ask_fixed(fixed::PATH)?;
    let target = exchange.request.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    Ok(put(memory, &state.host.copied, (at, limit), target.as_bytes())?)
}

fn set_uri(mut cx: Cx<'_>, at: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut cx)?;
    before_next(state, "set_uri")?;
    let uri = edits::uri(text("the URI", read(memory, &state.host.copied, at, length)?)?).map_err(refused)?;
    let old = std::mem::replace(&mut state.host.exchange.request.uri, uri);
    state.stage.undo.uri.get_or_insert(old);
    Ok(())
}

fn get_protocol_version(mut cx: Cx<'_>, at: u32, limit: u32) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut cx)?;
    let version = state.host.ask()?.request.version;
    state.host.reads.mark_name(&state.host.shared.names, Kind::Attribute, "http.version");
    let name: &[u8] = match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    };
    Ok(put(memory, &state.host.copied, (at, limit), name)?)
}

fn get_source_addr(mut cx: Cx<'_>, at: u32, limit: u32) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut cx)?;
    let address = source(state.host.ask_fixed(fixed::CLIENT)?);
    Ok(put(memory, &state.host.copied, (at, limit), address.as_bytes())?)
}

/// The client behind trusted proxies, whose port nobody knows, or the peer itself.
fn source(exchange: &Exchange) -> String {
    let peer = exchange.peer.source;
    let port = if peer.ip() == exchange.client { peer.port() } else { 0 };
    std::net::SocketAddr::from((exchange.client, port)).to_string()
}

fn before_next(state: &State, function: &str) -> wasmtime::Result<()> {
    state.host.ask()?;
    match state.stage.phase {
        Phase::Request => Ok(()),
        _ => Err(misuse(format!("{function} in handle_response"))),
    }
}
