//! Features, configuration, and the log.

use wasmtime::Linker;

use super::{Cx, MODULE, split};
use crate::abi::http_wasm::guest::State;
use crate::abi::http_wasm::memory::{put, read};
use crate::abi::http_wasm::stage::Phase;
use crate::source::LogLevel;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "enable_features", enable_features)?;
    linker.func_wrap(MODULE, "get_config", get_config)?;
    linker.func_wrap(MODULE, "log", log)?;
    linker.func_wrap(MODULE, "log_enabled", log_enabled)?;
    Ok(())
}

/// Too late in `handle_response`: then it only tells what is enabled.
fn enable_features(mut cx: Cx<'_>, features: u32) -> wasmtime::Result<u32> {
    let state = cx.data_mut();
    state.host.enter()?;
    if state.stage.phase != Phase::Response {
        state.stage.features.enable(features);
    }
    Ok(state.stage.features.flags())
}

fn get_config(mut cx: Cx<'_>, at: u32, limit: u32) -> wasmtime::Result<u32> {
    let (memory, state) = split(&mut cx)?;
    state.host.enter()?;
    Ok(put(memory, &state.host.copied, (at, limit), state.config.as_bytes())?)
}

fn log(mut cx: Cx<'_>, level: i32, at: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut cx)?;
    state.host.enter()?;
    let (Some(level), Ok(message)) = (log_level(level), read(memory, &state.host.copied, at, length)) else {
        return Ok(());
    };
    let bounded = message.get(..message.len().min(crate::host::LOG_LINE_BYTES_MAX)).unwrap_or_default();
    state.host.log(level, &String::from_utf8_lossy(bounded));
    Ok(())
}

fn log_enabled(cx: Cx<'_>, level: i32) -> wasmtime::Result<u32> {
    let host = &cx.data().host;
    host.enter()?;
    Ok(u32::from(log_level(level).is_some_and(|level| host.shared.sources.log.takes(level))))
}

/// `None` for `log_level_none` and above.
fn log_level(level: i32) -> Option<LogLevel> {
    match level {
        ..=-1 => Some(LogLevel::Debug),
        0 => Some(LogLevel::Info),
        1 => Some(LogLevel::Warn),
        2 => Some(LogLevel::Error),
        _ => None,
    }
}
