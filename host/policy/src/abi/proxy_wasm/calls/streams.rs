//! Host calls about the stream in hand: continue, close, reply.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use wasmtime::Linker;

use super::counted;
use crate::abi::Side;
use crate::abi::proxy_wasm::grpc;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::memory::{Cx, Span};
use crate::abi::proxy_wasm::pairs;
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::abi::proxy_wasm::stream::Stream;
use crate::fields;
use crate::outcome::Reply;

const REPLY_BODY_BYTES_MAX: usize = 1 << 20;
const REPLY_FIELDS_MAX: usize = 64;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_continue_stream", |cx: Cx<'_>, side: u32| {
        counted(cx, |cx| {
            let side = self::side(side)?;
            with_stream(cx, |stream| stream.go_on(side))
        })
    })?;
    for (name, side) in [("proxy_continue_request", Side::Request), ("proxy_continue_response", Side::Response)] {
        linker
            .func_wrap("env", name, move |cx: Cx<'_>| counted(cx, |cx| with_stream(cx, |stream| stream.go_on(side))))?;
    }
    linker.func_wrap("env", "proxy_close_stream", |cx: Cx<'_>, side: u32| {
        counted(cx, |cx| {
            let status = match self::side(side)? {
                Side::Request => StatusCode::SERVICE_UNAVAILABLE,
                Side::Response => StatusCode::BAD_GATEWAY,
            };
            let reply = Reply { status, headers: HeaderMap::new(), body: Bytes::new() };
            with_stream(cx, |stream| answer(stream, reply))
        })
    })?;
    // Where a request goes is chosen before policies run.
    linker.func_wrap("env", "proxy_clear_route_cache", |cx: Cx<'_>| counted(cx, |_| Ok(())))?;
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |cx: Cx<'_>,
         status: u32,
         _details: u32,
         _details_len: u32,
         body: u32,
         body_len: u32,
         headers: u32,
         headers_len: u32,
         grpc: i32| {
            counted(cx, |cx| {
                let reply = reply(cx, status, Span(body, body_len), Span(headers, headers_len))?;
                with_stream(cx, |stream| {
                    let is_grpc = stream.is_grpc;
                    answer(stream, if is_grpc { grpc::local_reply(reply, u32::try_from(grpc).ok()) } else { reply });
                })
            })
        },
    )?;
    Ok(())
}

/// HTTP's streams; there are no others here.
fn side(number: u32) -> Result<Side, Status> {
    match number {
        0 => Ok(Side::Request),
        1 => Ok(Side::Response),
        _ => Err(Status::BadArgument),
    }
}

fn with_stream(cx: &Cx<'_>, act: impl FnOnce(&mut Stream)) -> Done {
    let stream = cx.data().effective().ok_or(Status::BadArgument)?;
    act(&mut *stream.try_borrow_mut().map_err(|_| Status::InternalFailure)?);
    Ok(())
}

/// The first reply counts.
fn answer(stream: &mut Stream, reply: Reply) {
    stream.reply.get_or_insert_with(|| Box::new(reply));
    stream.wake();
}

fn reply(cx: &Cx<'_>, status: u32, body: Span, headers: Span) -> Result<Reply, Status> {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.filter(|status| (200..600).contains(&status.as_u16())).ok_or(Status::BadArgument)?;
    let body = Bytes::from(body.copy(cx, REPLY_BODY_BYTES_MAX)?);
    let headers = headers.copy(cx, pairs::BYTES_MAX)?;
    let headers = reply_headers(&headers)?;
    Ok(Reply { status, headers, body })
}

/// By the rules of all replies; the host frames the body itself.
fn reply_headers(bytes: &[u8]) -> Result<HeaderMap, Status> {
    let pairs = pairs::decode(bytes).map_err(|_| Status::BadArgument)?;
    if pairs.len() > REPLY_FIELDS_MAX {
        return Err(Status::BadArgument);
    }
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs.into_iter().filter(|(name, _)| *name != b":status") {
        let name =
            std::str::from_utf8(name).ok().and_then(|name| fields::name(name).ok()).ok_or(Status::BadArgument)?;
        if name == http::header::CONTENT_LENGTH {
            continue;
        }
        if fields::is_host_owned(&name) {
            return Err(Status::BadArgument);
        }
        headers.append(name, fields::value(value.to_vec()).map_err(|_| Status::BadArgument)?);
    }
    Ok(headers)
}
