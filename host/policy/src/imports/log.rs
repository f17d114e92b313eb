//! `log`: lines to the host's log, bounded in number and length a call, and in bytes a second.

use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmStr};

use crate::bindings::Level;
use crate::host::{Host, LOG_LINE_BYTES_MAX};
use crate::source::{LogLevel, LogLine};

pub(super) fn link(i: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    i.func_wrap("enabled", |cx: StoreContextMut<'_, Host>, (level,): (Level,)| {
        let host = cx.data();
        host.enter()?;
        Ok((host.shared.sources.log.takes(level.into()),))
    })?;
    i.func_wrap("log", |cx: StoreContextMut<'_, Host>, (level, message): (Level, WasmStr)| {
        cx.data().enter()?;
        write(cx.data(), level.into(), &message.to_str(&cx)?);
        Ok(())
    })
}

/// A line too many is dropped and counted; a line too long is cut.
pub(super) fn write(host: &Host, level: LogLevel, message: &str) {
    let sink = &host.shared.sources.log;
    if !sink.takes(level) || !host.may_log() {
        return;
    }
    let message = message.get(..message.floor_char_boundary(LOG_LINE_BYTES_MAX)).unwrap_or_default();
    if !host.shared.state.log_budget.take(host.now().unix_ms, message.len()) {
        return host.drop_log();
    }
    let request_id = if host.in_phase { host.exchange.request_id() } else { None };
    sink.write(&LogLine { policy: &host.shared.name, level, message, request_id });
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}
