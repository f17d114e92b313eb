//! What only a response has: its status.

use http::StatusCode;
use wasmtime::Linker;

use super::{Cx, MODULE, misuse, refused};
use crate::abi::http_wasm::guest::State;
use crate::abi::http_wasm::stage::{Features, Phase};
use crate::outcome::edits;
use crate::reads::fixed;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "get_status_code", get_status_code)?;
    linker.func_wrap(MODULE, "set_status_code", set_status_code)?;
    Ok(())
}

/// In `handle_request`, that of the reply in the making.
fn get_status_code(cx: Cx<'_>) -> wasmtime::Result<u32> {
    let state = cx.data();
    let exchange = state.host.ask_fixed(fixed::RESPONSE_STATUS)?;
    let head = exchange.response.as_ref().filter(|_| state.stage.phase == Phase::Response);
    let status = head.map_or(state.stage.draft.status, |head| head.status);
    Ok(u32::from(status.as_u16()))
}

fn set_status_code(mut cx: Cx<'_>, code: u32) -> wasmtime::Result<()> {
    let state = cx.data_mut();
    state.host.ask()?;
    let status = status(code).ok_or_else(|| refused(edits::invalid(format!("the status {code}"))))?;
    if state.stage.phase == Phase::Request {
        state.stage.draft.status = status;
        return Ok(());
    }
    if !state.stage.features.has(Features::BUFFER_RESPONSE) {
        return Err(misuse("set_status_code in handle_response without buffer_response"));
    }
    if let Some(head) = &mut state.host.exchange.response {
        let old = std::mem::replace(&mut head.status, status);
        state.stage.undo.status.get_or_insert(old);
    }
    Ok(())
}

/// Of a final response.
fn status(code: u32) -> Option<StatusCode> {
    let code = u16::try_from(code).ok().filter(|code| (200..=599).contains(code))?;
    StatusCode::from_u16(code).ok()
}
