//! Host calls about the plugin itself: log, clock, configuration, properties, ticks, contexts, foreign functions.

use std::time::Duration;

use wasmtime::Linker;

use super::counted;
use crate::abi::CallFailure;
use crate::abi::proxy_wasm::grpc::Unary;
use crate::abi::proxy_wasm::guest::{Guest, ROOT};
use crate::abi::proxy_wasm::memory::{Cx, Return, Span, put_u32, put_u64};
use crate::abi::proxy_wasm::property;
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::host::LOG_LINE_BYTES_MAX;
use crate::reads::fixed;
use crate::source::LogLevel;

/// Of a foreign function's name, and of what ours takes.
const FOREIGN_BYTES_MAX: usize = 256;
/// Our only foreign function: chooses a backend of the route by its name.
const ROUTE: &str = "cardea_route";
/// Ticks come no faster.
const TICK_MIN: Duration = Duration::from_millis(10);

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_log", |cx: Cx<'_>, level: u32, at: u32, len: u32| {
        counted(cx, |cx| write_log(cx, level, Span(at, len)))
    })?;
    linker.func_wrap("env", "proxy_get_log_level", |cx: Cx<'_>, out: u32| {
        counted(cx, |cx| Ok(put_u32(cx, out, log_level(cx.data()))?))
    })?;
    linker.func_wrap("env", "proxy_get_current_time_nanoseconds", |cx: Cx<'_>, out: u32| {
        counted(cx, |cx| {
            cx.data().base.reads.mark(fixed::CLOCK);
            let now = cx.data().base.now().unix_ms.saturating_mul(1_000_000);
            Ok(put_u64(cx, out, now)?)
        })
    })?;
    linker.func_wrap("env", "proxy_get_configuration", |cx: Cx<'_>, data: u32, size: u32| {
        counted(cx, |cx| {
            Return(data, size).give_with(cx, |guest, out| {
                out.extend_from_slice(&guest.config);
                Ok(())
            })
        })
    })?;
    link_properties(linker)?;
    link_contexts(linker)
}

fn link_properties(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_get_property", |cx: Cx<'_>, at: u32, len: u32, data: u32, size: u32| {
        counted(cx, |cx| {
            let path = Span(at, len).copy(cx, property::PATH_BYTES_MAX).or(Err(Status::NotFound))?;
            Return(data, size).give_with(cx, |guest, out| property::get(guest, &path, out))
        })
    })?;
    linker.func_wrap("env", "proxy_set_property", |cx: Cx<'_>, at: u32, len: u32, value: u32, size: u32| {
        counted(cx, |cx| {
            let path = Span(at, len).copy(cx, property::PATH_BYTES_MAX)?;
            let value = Span(value, size).copy(cx, property::VALUE_BYTES_MAX)?;
            Ok(property::set(cx.data_mut(), &path, &value)?)
        })
    })?;
    Ok(())
}

fn link_contexts(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_set_tick_period_milliseconds", |cx: Cx<'_>, period: u32| {
        counted(cx, |cx| {
            let root = &mut cx.data_mut().root;
            root.tick = (period > 0).then(|| Duration::from_millis(u64::from(period)).max(TICK_MIN));
            root.tick_changed = true;
            Ok(())
        })
    })?;
    linker.func_wrap("env", "proxy_set_effective_context", |cx: Cx<'_>, context: u32| {
        counted(cx, |cx| {
            if !cx.data().knows(context) {
                return Err(Status::BadArgument.into());
            }
            cx.data_mut().scene.effective = context;
            Ok(())
        })
    })?;
    linker.func_wrap("env", "proxy_done", |cx: Cx<'_>| counted(cx, done))?;
    linker.func_wrap("env", "proxy_get_status", |cx: Cx<'_>, code: u32, data: u32, size: u32| {
        counted(cx, |cx| {
            let (number, message) = call_status(cx.data());
            let message = message.to_owned();
            put_u32(cx, code, number)?;
            Return(data, size).give(cx, message.as_bytes())
        })
    })?;
    linker.func_wrap(
        "env",
        "proxy_call_foreign_function",
        |cx: Cx<'_>, name: u32, name_len: u32, at: u32, len: u32, data: u32, size: u32| {
            counted(cx, |cx| foreign(cx, Span(name, name_len), Span(at, len), Return(data, size)))
        },
    )?;
    Ok(())
}

/// 0 trace to 5 critical.
fn write_log(cx: &mut Cx<'_>, level: u32, text: Span) -> Done {
    let level = LEVELS.get(level as usize).copied().ok_or(Status::BadArgument)?;
    let bytes = text.bytes(cx)?;
    let bytes = bytes.get(..LOG_LINE_BYTES_MAX).unwrap_or(bytes);
    cx.data().base.log(level, &String::from_utf8_lossy(bytes));
    Ok(())
}

const LEVELS: [LogLevel; 6] =
    [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Error];

/// The lowest level whose lines are made at all.
fn log_level(guest: &Guest) -> u32 {
    let sink = &guest.base.shared.sources.log;
    LEVELS.iter().position(|level| sink.takes(*level)).map_or(5, |level| level as u32)
}

/// Ends a context that said in `proxy_on_done` that it was not done.
fn done(cx: &mut Cx<'_>) -> Done {
    let guest = cx.data_mut();
    let context = guest.scene.effective;
    match guest.root.closing.iter().position(|closing| *closing == context) {
        Some(at) => {
            guest.root.closing.remove(at);
            guest.root.done.push(context);
            Ok(())
        }
        None if context == ROOT => Ok(()),
        None => Err(Status::NotFound.into()),
    }
}

/// Of the call whose answer is at hand, in the numbers of gRPC.
fn call_status(guest: &Guest) -> (u32, &str) {
    if let Some(Unary::Closed { status, text }) = &guest.scene.grpc {
        return (*status, text);
    }
    match &guest.scene.reply {
        None | Some(Ok(_)) => (0, ""),
        Some(Err(CallFailure::Timeout)) => (4, "timeout"),
        Some(Err(CallFailure::TooLarge)) => (8, "the answer is too large"),
        Some(Err(CallFailure::Unreachable)) => (14, "unreachable"),
    }
}

fn foreign(cx: &mut Cx<'_>, name: Span, argument: Span, out: Return) -> Done {
    let name = name.text(cx, FOREIGN_BYTES_MAX)?;
    if name != ROUTE {
        return Err(Status::NotFound.into());
    }
    let backend = argument.text(cx, FOREIGN_BYTES_MAX)?;
    let stream = cx.data().effective().cloned().ok_or(Status::BadArgument)?;
    stream.try_borrow_mut().map_err(|_| Status::InternalFailure)?.route = Some(backend);
    if out.0 == 0 || out.1 == 0 { Ok(()) } else { out.give(cx, &[]) }
}
