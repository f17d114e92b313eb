//! `log`: lines to the host's log, bounded in number and length a call, and in bytes a second.

use wasmtime::StoreContextMut;
use wasmtime::component::WasmStr;

use crate::bindings::Level;
use crate::copied::Interface;
use crate::host::{Host, LOG_LINE_BYTES_MAX};
use crate::source::{LogLevel, LogLine};

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("enabled", |cx: StoreContextMut<'_, Host>, (level,): (Level,)| {
        let host = cx.data();
        host.enter()?;
        Ok((host.shared.sources.log.takes(level.into()),))
    })?;
    i.func_wrap("log", |cx: StoreContextMut<'_, Host>, (level, message): (Level, WasmStr)| {
        cx.data().enter()?;
        cx.data().log(level.into(), &message.to_str(&cx)?);
        Ok(())
    })
}

impl Host {
    /// A line too many is dropped and counted; a line too long is cut.
    pub(crate) fn log(&self, level: LogLevel, message: &str) {
        let sink = &self.shared.sources.log;
        if !sink.takes(level) || !self.may_log() {
            return;
        }
        let message = message.get(..message.floor_char_boundary(LOG_LINE_BYTES_MAX)).unwrap_or_default();
        if !self.shared.state.log_budget.take(self.now().unix_ms, message.len()) {
            return self.drop_log();
        }
        let request_id = if self.in_phase { self.exchange.request_id() } else { None };
        sink.write(&LogLine { policy: &self.shared.name, level, message, request_id });
    }
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
