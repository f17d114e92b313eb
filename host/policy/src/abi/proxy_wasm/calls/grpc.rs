//! Host calls about gRPC: unary calls to granted upstreams. Streams cannot be opened, so there is none to send on or to close.
//!
//! SDKs know few statuses of these calls and panic on others: an unknown upstream is 4, and whatever else is in the way 10.

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wasmtime::Linker;

use super::counted;
use super::outside::{CALL_BODY_BYTES_MAX, ask, bounded, call_headers, granted};
use crate::abi::Request;
use crate::abi::proxy_wasm::grpc;
use crate::abi::proxy_wasm::guest::{Guest, Kind};
use crate::abi::proxy_wasm::maps;
use crate::abi::proxy_wasm::memory::{Cx, Span};
use crate::abi::proxy_wasm::pairs;
use crate::abi::proxy_wasm::status::{Done, Status};

/// Of a service's or method's name.
const NAME_BYTES_MAX: usize = 256;

/// Where a guest put a call, all but the message.
struct Called {
    upstream: Span,
    service: Span,
    method: Span,
    metadata: Span,
}

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    #[rustfmt::skip]
    linker.func_wrap("env", "proxy_grpc_call",
        |cx: Cx<'_>, upstream: u32, upstream_len: u32, service: u32, service_len: u32, method: u32, method_len: u32,
         metadata: u32, metadata_len: u32, message: u32, message_len: u32, timeout: u32, token: u32| {
            let called = Called {
                upstream: Span(upstream, upstream_len),
                service: Span(service, service_len),
                method: Span(method, method_len),
                metadata: Span(metadata, metadata_len),
            };
            counted(cx, |cx| Ok(call(cx, &called, Span(message, message_len), timeout, token)?))
        })?;
    #[rustfmt::skip]
    linker.func_wrap("env", "proxy_grpc_stream",
        |cx: Cx<'_>, upstream: u32, upstream_len: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            counted(cx, |cx| {
                granted(cx, Span(upstream, upstream_len))?.ok_or(Status::ParseFailure)?;
                Err(Status::InternalFailure.into())
            })
        })?;
    linker.func_wrap("env", "proxy_grpc_send", |cx: Cx<'_>, token: u32, _: u32, _: u32, _: u32| {
        counted(cx, |cx| Err(if is_open(cx, token) { Status::BadArgument } else { Status::NotFound }.into()))
    })?;
    for name in ["proxy_grpc_cancel", "proxy_grpc_close"] {
        linker.func_wrap("env", name, |cx: Cx<'_>, token: u32| counted(cx, |cx| cancel(cx, token)))?;
    }
    Ok(())
}

fn call(cx: &mut Cx<'_>, called: &Called, message: Span, timeout: u32, token: u32) -> Result<(), Status> {
    let upstream = granted(cx, called.upstream)?.ok_or(Status::ParseFailure)?;
    let (service, method) = (called.service.text(cx, NAME_BYTES_MAX)?, called.method.text(cx, NAME_BYTES_MAX)?);
    let metadata = called.metadata.copy(cx, pairs::BYTES_MAX)?;
    let message = grpc::frame(&message.copy(cx, CALL_BODY_BYTES_MAX)?);
    let mut request = Request::new((message, HeaderMap::new()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = maps::target(&path(&service, &method)?).map_err(|_| Status::InternalFailure)?;
    *request.headers_mut() = head(&metadata, &upstream.service, timeout).map_err(|_| Status::InternalFailure)?;
    ask(cx, Kind::Grpc, upstream.name, request, timeout, token)
}

/// Names are taken as they are: no part of a path, and nothing to normalise.
fn path(service: &str, method: &str) -> Result<String, Status> {
    let is_name = |name: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        name.bytes().all(good) && !name.is_empty() && !name.starts_with('.')
    };
    if is_name(service) && is_name(method) { Ok(format!("/{service}/{method}")) } else { Err(Status::InternalFailure) }
}

fn head(metadata: &[u8], authority: &str, timeout: u32) -> Result<HeaderMap, Status> {
    let pairs = pairs::decode(metadata).map_err(|_| Status::BadArgument)?;
    let mut headers = call_headers(&pairs)?;
    headers.insert(HOST, HeaderValue::try_from(authority).map_err(|_| Status::BadArgument)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let timeout = HeaderValue::try_from(format!("{}m", bounded(timeout).as_millis()));
    headers.insert(HeaderName::from_static("grpc-timeout"), timeout.map_err(|_| Status::BadArgument)?);
    Ok(headers)
}

fn is_open(cx: &Cx<'_>, token: u32) -> bool {
    cx.data().calls.open.get(&token).is_some_and(|open| open.kind == Kind::Grpc && !open.cancelled)
}

/// The guest hears no more of the call, and its stream does not wait for it.
fn cancel(cx: &mut Cx<'_>, token: u32) -> Done {
    let guest = cx.data_mut();
    let open = guest.calls.open.get_mut(&token).filter(|open| open.kind == Kind::Grpc && !open.cancelled);
    let open = open.ok_or(Status::NotFound)?;
    open.cancelled = true;
    let context = open.context;
    if let Some(Ok(mut stream)) = guest.stream(context).map(|stream| stream.try_borrow_mut()) {
        stream.calls = stream.calls.saturating_sub(1);
    }
    Ok(())
}
