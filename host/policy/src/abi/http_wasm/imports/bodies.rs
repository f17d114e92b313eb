//! Bodies: read in pieces, and overwritten.

use wasmtime::Linker;

use super::{Cx, MODULE, misuse, refused, split};
use crate::abi::Side;
use crate::abi::http_wasm::guest::State;
use crate::abi::http_wasm::memory::{read, space};
use crate::abi::http_wasm::stage::{Features, Phase, Stage};
use crate::failure::Failure;
use crate::reads::fixed;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "read_body", read_body)?;
    linker.func_wrap(MODULE, "write_body", write_body)?;
    Ok(())
}

/// Counts as a host call only at the end: what a body costs is bounded by its length.
fn read_body(mut cx: Cx<'_>, kind: u32, at: u32, limit: u32) -> wasmtime::Result<u64> {
    let (memory, state) = split(&mut cx)?;
    if limit == 0 {
        return Err(misuse("read_body with a buf_limit of 0"));
    }
    let side = side(kind)?;
    state.host.check_phase()?;
    state.host.reads.mark(fixed::BODY);
    let (length, end) =
        state.stage.body(side).read(space(memory, at, limit)?).map_err(|_| refused(Failure::BodyOverflow))?;
    state.host.copied.gave(length);
    if length == 0 {
        state.host.enter()?;
    }
    Ok(u64::from(end) << 32 | length as u64)
}

fn write_body(mut cx: Cx<'_>, kind: u32, at: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut cx)?;
    let side = side(kind)?;
    state.host.check_phase()?;
    may_write(&state.stage, side)?;
    let bytes = read(memory, &state.host.copied, at, length)?;
    if bytes.is_empty() {
        state.host.enter()?;
    }
    let too_large = |_| refused(Failure::OutcomeTooLarge("a body of more than 1 MiB and limits.body"));
    state.stage.body(side).write(bytes, state.body_bytes_max).map_err(too_large)
}

fn may_write(stage: &Stage, side: Side) -> wasmtime::Result<()> {
    match (stage.phase, side) {
        (Phase::Request, _) => Ok(()),
        (_, Side::Response) if stage.features.has(Features::BUFFER_RESPONSE) => Ok(()),
        (_, Side::Response) => Err(misuse("write_body of the response in handle_response without buffer_response")),
        (_, Side::Request) => Err(misuse("write_body of the request in handle_response")),
    }
}

fn side(kind: u32) -> wasmtime::Result<Side> {
    match kind {
        0 => Ok(Side::Request),
        1 => Ok(Side::Response),
        _ => Err(misuse(format!("the body kind {kind}"))),
    }
}
