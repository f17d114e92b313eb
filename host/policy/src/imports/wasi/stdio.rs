//! WASI's standard output and error: whole lines to the policy's log, as `info` and `error`, where `log` is granted.
//!
//! Lines have the bounds of `log`. What has no newline yet is a line when the call ends, so that no request's words are
//! found in another's line. Without the grant all of it is dropped, but for the first words of standard error: a guest that
//! panics says there why, and the trap that follows repeats them.

use wasmtime::component::{ComponentType, LinkerInstance, Lower, WasmList};

use super::{Cx, Handle};
use crate::host::{Host, LOG_LINE_BYTES_MAX};
use crate::source::LogLevel;

/// The numbers of the handles.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;
/// What a stream says that it takes, always: more than one line.
const WRITE_BYTES_MAX: u64 = 8 << 10;
/// Of standard error, kept for the text of a trap.
const WORDS_BYTES_MAX: usize = 300;

/// What a guest has written in the call in hand and is no line yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The first words on standard error.
    words: Vec<u8>,
}

#[derive(Debug, ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "a case of WASI's type; nothing fails here")]
    LastOperationFailed(Handle),
    #[component(name = "closed")]
    Closed,
}

type Written = (Result<(), StreamError>,);

pub(super) fn link(linked: &mut LinkerInstance<'_, Host>, function: &str, to_log: bool) -> wasmtime::Result<bool> {
    match function {
        "get-stdout" => linked.func_wrap(function, |cx: Cx<'_>, (): ()| open(&cx, STDOUT))?,
        "get-stderr" => linked.func_wrap(function, |cx: Cx<'_>, (): ()| open(&cx, STDERR))?,
        "[method]output-stream.check-write" => linked.func_wrap(function, |cx: Cx<'_>, (stream,): (Handle,)| {
            cx.data().enter()?;
            Ok((level(&stream).map(|_| WRITE_BYTES_MAX).ok_or(StreamError::Closed),))
        })?,
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            linked.func_wrap(function, move |mut cx: Cx<'_>, (stream, bytes): (Handle, WasmList<u8>)| {
                write(&mut cx, &stream, &bytes, to_log)
            })?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            linked.func_wrap(function, |cx: Cx<'_>, (stream,): (Handle,)| {
                cx.data().enter()?;
                Ok((level(&stream).map(|_| ()).ok_or(StreamError::Closed),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn open(cx: &Cx<'_>, number: u32) -> wasmtime::Result<(Handle,)> {
    cx.data().enter()?;
    Ok((Handle::new_own(number),))
}

fn level(stream: &Handle) -> Option<LogLevel> {
    match stream.rep() {
        STDOUT => Some(LogLevel::Info),
        STDERR => Some(LogLevel::Error),
        _ => None,
    }
}

fn write(cx: &mut Cx<'_>, stream: &Handle, bytes: &WasmList<u8>, to_log: bool) -> wasmtime::Result<Written> {
    cx.data().enter()?;
    let Some(level) = level(stream) else { return Ok((Err(StreamError::Closed),)) };
    let mut output = std::mem::take(&mut cx.data_mut().output);
    let bytes = bytes.as_le_slice(&*cx);
    if level == LogLevel::Error {
        let room = WORDS_BYTES_MAX.saturating_sub(output.words.len());
        output.words.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
    if to_log {
        output.add(level, bytes, cx.data());
    }
    cx.data_mut().output = output;
    Ok((Ok(()),))
}

impl Output {
    fn pending(&mut self, level: LogLevel) -> &mut Vec<u8> {
        if level == LogLevel::Error { &mut self.stderr } else { &mut self.stdout }
    }

    /// Logs the lines that end in `bytes`, and keeps the rest.
    fn add(&mut self, level: LogLevel, bytes: &[u8], host: &Host) {
        let pending = self.pending(level);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // What is over the bound of a line would be cut anyway.
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            // What is over the bound of a line would be cut anyway.
            let room = LOG_LINE_BYTES_MAX.saturating_sub(pending.len());
            pending.extend_from_slice(text.get(..room).unwrap_or(text));
            if piece.ends_with(b"\n") {
                emit(level, pending, host);
            }
        }
    }

    /// The call is over.
    pub fn end(&mut self, host: &Host) {
        for level in [LogLevel::Info, LogLevel::Error] {
            emit(level, self.pending(level), host);
        }
        self.words.clear();
    }

    /// Whether the call in hand has written nothing.
    pub fn is_empty(&self) -> bool {
        self.stdout.is_empty() && self.stderr.is_empty() && self.words.is_empty()
    }

    /// The first words on standard error, on one line.
    pub fn words(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.words);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then_some(words)
    }
}

fn emit(level: LogLevel, pending: &mut Vec<u8>, host: &Host) {
    let line = pending.trim_ascii_end();
    if !line.is_empty() {
        host.log(level, &String::from_utf8_lossy(line));
    }
    pending.clear();
}
