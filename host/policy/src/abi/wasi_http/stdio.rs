//! Standard output and error of a guest of wasi:http: lines of the policy's log, where `log` is granted.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError};

use super::guest::Guest;
use super::service::Fate;
use crate::host::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
use crate::policy::Shared;
use crate::source::{LogLevel, LogLine};

type Cx<'a> = StoreContextMut<'a, Guest>;
type Done = Result<(), StreamError>;

const WRITE_BYTES_MAX: usize = 8 << 10;

/// Links the standard streams. False if there is no function of that name.
pub(super) fn link(linked: &mut LinkerInstance<'_, Guest>, function: &str) -> wasmtime::Result<bool> {
    match function {
        "get-stdin" => linked.func_wrap(function, |mut cx: Cx<'_>, (): ()| {
            let stream: DynInputStream = Box::new(Closed);
            Ok((cx.data_mut().table.push(stream)?,))
        })?,
        "get-stdout" => linked.func_wrap(function, |mut cx: Cx<'_>, (): ()| open(&mut cx, LogLevel::Info))?,
        "get-stderr" => linked.func_wrap(function, |mut cx: Cx<'_>, (): ()| open(&mut cx, LogLevel::Error))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn open(cx: &mut Cx<'_>, level: LogLevel) -> wasmtime::Result<(Resource<DynOutputStream>,)> {
    let guest = cx.data_mut();
    let stream = Lines {
        level,
        pending: Vec::new(),
        shared: Arc::clone(&guest.shared),
        fate: Arc::clone(&guest.fate),
        request_id: guest.request_id.clone(),
        to_log: guest.granted.log,
    };
    Ok((guest.table.push(Box::new(stream) as DynOutputStream)?,))
}

/// Standard input.
struct Closed;

#[async_trait]
impl Pollable for Closed {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for Closed {
    fn read(&mut self, _: usize) -> Result<Bytes, StreamError> {
        Err(StreamError::Closed)
    }
}

struct Lines {
    level: LogLevel,
    /// Written, and no line yet.
    pending: Vec<u8>,
    shared: Arc<Shared>,
    fate: Arc<Fate>,
    request_id: Option<Arc<str>>,
    to_log: bool,
}

impl Lines {
    fn emit(&mut self) {
        let text = String::from_utf8_lossy(self.pending.trim_ascii_end()).into_owned();
        self.pending.clear();
        let message = text.get(..text.floor_char_boundary(LOG_LINE_BYTES_MAX)).unwrap_or_default();
        let sink = &self.shared.sources.log;
        if message.is_empty() || !sink.takes(self.level) {
            return;
        }
        let now = self.shared.sources.clock.read().unix_ms;
        if self.fate.count_line() > LOG_LINES_MAX || !self.shared.state.log_budget.take(now, message.len()) {
            return self.fate.drop_line();
        }
        let request_id = self.request_id.as_deref();
        sink.write(&LogLine { policy: &self.shared.name, level: self.level, message, request_id });
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> Done {
        if self.level == LogLevel::Error {
            self.fate.said(&bytes);
        }
        let bytes: &[u8] = if self.to_log { &bytes } else { &[] };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            // What is over the bound of a line would be cut anyway.
            let room = LOG_LINE_BYTES_MAX.saturating_sub(self.pending.len());
            self.pending.extend_from_slice(text.get(..room).unwrap_or(text));
            if piece.ends_with(b"\n") {
                self.emit();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Done {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl Drop for Lines {
    /// What has no newline is a line when the stream is closed.
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.emit();
        }
    }
}
