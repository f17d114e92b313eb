//! Host calls that ask for something of the outside: HTTP calls to granted upstreams. There is no gRPC.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method};
use wasmtime::Linker;

use super::counted;
use crate::abi::proxy_wasm::guest::{Asked, CALLS_MAX, Guest};
use crate::abi::proxy_wasm::maps;
use crate::abi::proxy_wasm::memory::{Cx, Span, put_u32};
use crate::abi::proxy_wasm::pairs::{self, Pair};
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::fields;

const UPSTREAM_BYTES_MAX: usize = 1024;
const CALL_BODY_BYTES_MAX: usize = 1 << 20;
const CALL_FIELDS_MAX: usize = 128;
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |cx: Cx<'_>,
         upstream: u32,
         upstream_len: u32,
         headers: u32,
         headers_len: u32,
         body: u32,
         body_len: u32,
         _trailers: u32,
         _trailers_len: u32,
         timeout: u32,
         token: u32| {
            counted(cx, |cx| {
                let upstream = Span(upstream, upstream_len);
                call(cx, upstream, Span(headers, headers_len), Span(body, body_len), timeout, token)
            })
        },
    )?;
    link_grpc(linker)
}

/// gRPC calls cannot be opened, so there is none to send on or to close.
fn link_grpc(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let refuse = |cx: Cx<'_>, status: Status| counted(cx, |_| Err(status.into()));
    #[rustfmt::skip]
    linker.func_wrap("env", "proxy_grpc_call",
        move |cx: Cx<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            refuse(cx, Status::InternalFailure)
        })?;
    #[rustfmt::skip]
    linker.func_wrap("env", "proxy_grpc_stream",
        move |cx: Cx<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            refuse(cx, Status::InternalFailure)
        })?;
    linker.func_wrap("env", "proxy_grpc_send", move |cx: Cx<'_>, _: u32, _: u32, _: u32, _: u32| {
        refuse(cx, Status::NotFound)
    })?;
    for name in ["proxy_grpc_cancel", "proxy_grpc_close"] {
        linker.func_wrap("env", name, move |cx: Cx<'_>, _: u32| refuse(cx, Status::NotFound))?;
    }
    Ok(())
}

/// Notes a call; it is made when the guest has returned.
fn call(cx: &mut Cx<'_>, upstream: Span, headers: Span, body: Span, timeout: u32, token: u32) -> Done {
    let upstream = upstream.text(cx, UPSTREAM_BYTES_MAX)?;
    let granted = cx.data().spec.grants.upstreams.iter().find(|granted| *granted.name == *upstream);
    let upstream = Arc::clone(&granted.ok_or(Status::BadArgument)?.name);
    let headers = headers.copy(cx, pairs::BYTES_MAX)?;
    let mut request = request(&pairs::decode(&headers).map_err(|_| Status::BadArgument)?)?;
    *request.body_mut() = Bytes::from(body.copy(cx, CALL_BODY_BYTES_MAX)?);
    let guest = cx.data_mut();
    if guest.calls.open.len() >= CALLS_MAX {
        return Err(Status::InternalFailure.into());
    }
    let number = guest.calls.next.max(1);
    put_u32(cx, token, number)?;
    let guest = cx.data_mut();
    let context = guest.scene.effective;
    guest.calls.next = number.wrapping_add(1);
    guest.calls.open.insert(number, context);
    guest.calls.asked.push(Asked { token: number, upstream, request, timeout: bounded(timeout) });
    if let Some(Ok(mut stream)) = guest.stream(context).map(|stream| stream.try_borrow_mut()) {
        stream.calls += 1;
    }
    Ok(())
}

/// Every call ends: 0 does not mean for ever.
fn bounded(milliseconds: u32) -> Duration {
    match milliseconds {
        0 => TIMEOUT_MAX,
        _ => Duration::from_millis(u64::from(milliseconds)).min(TIMEOUT_MAX),
    }
}

/// `:method`, `:path` and `:authority` must be there; the rest are fields, by the rules of all requests.
fn request(pairs: &[Pair<'_>]) -> Result<http::Request<Bytes>, Status> {
    let find = |name: &[u8]| {
        let found = pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        found.and_then(|value| std::str::from_utf8(value).ok()).ok_or(Status::BadArgument)
    };
    let mut request = http::Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(find(b":method")?.as_bytes()).map_err(|_| Status::BadArgument)?;
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Status::BadArgument);
    }
    *request.uri_mut() = maps::target(find(b":path")?)?;
    let authority = fields::authority(find(b":authority")?).map_err(|_| Status::BadArgument)?;
    *request.headers_mut() = call_headers(pairs)?;
    let authority = HeaderValue::try_from(authority).map_err(|_| Status::BadArgument)?;
    request.headers_mut().insert(HOST, authority);
    Ok(request)
}

fn call_headers(pairs: &[Pair<'_>]) -> Result<HeaderMap, Status> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !name.starts_with(b":")) {
        let name =
            std::str::from_utf8(name).ok().and_then(|name| fields::name(name).ok()).ok_or(Status::BadArgument)?;
        if name == CONTENT_LENGTH || name == HOST {
            continue;
        }
        if fields::is_host_owned(&name) || headers.len() >= CALL_FIELDS_MAX {
            return Err(Status::BadArgument);
        }
        headers.append(name, fields::value(value.to_vec()).map_err(|_| Status::BadArgument)?);
    }
    Ok(headers)
}
